package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func ignore(Member) {}

// nested is a valid object of the given depth, made of objects and arrays in turn.
func nested(depth int) string {
	text := `1`
	for level := depth; level > 1; level-- {
		if level%2 == 0 {
			text = `[` + text + `]`
		} else {
			text = `{"k":` + text + `}`
		}
	}
	return `{"k":` + text + `}`
}

func TestMembersComeInOrderWithDecodedKeysAndRawValues(t *testing.T) {
	const text = ` { "model" : "gpt-4o" , "n":-1.5e+3,"tools":[ {"a":[]}, {} ],` + "\n\t" + `"m\u006fdel":null,"é\n":{"x": "}"},"":true} `
	type pair struct{ key, value string }
	var got []pair
	require.NoError(t, Object([]byte(text), func(m Member) {
		got = append(got, pair{string(m.Key), string(m.Value)})
		assert.Equal(t, text[m.Start:m.End], string(m.Value))
	}))
	assert.Equal(t, []pair{
		{"model", `"gpt-4o"`},
		{"n", `-1.5e+3`},
		{"tools", `[ {"a":[]}, {} ]`},
		{"model", `null`},
		{"é\n", `{"x": "}"}`},
		{"", `true`},
	}, got)
}

func TestAKeyWithoutEscapesSharesTheMemoryOfTheText(t *testing.T) {
	text := []byte(`{"model":1}`)
	require.NoError(t, Object(text, func(m Member) {
		assert.Same(t, &text[2], &m.Key[0])
		assert.Same(t, &text[9], &m.Value[0])
		assert.Equal(t, len(m.Key), cap(m.Key), "an append to a key must not write into the text")
		assert.Equal(t, len(m.Value), cap(m.Value), "an append to a value must not write into the text")
	}))
}

func TestAKeyIsTheSameWhereverItsOddByteStands(t *testing.T) {
	for length := range 40 {
		for at := range length {
			for odd, want := range map[string]string{"é": "é", "\xff": "\uFFFD", `\n`: "\n", `\"`: `"`} {
				before, behind := strings.Repeat("a", at), strings.Repeat("b", length-at-1)
				for _, rest := range []string{`":1}`, `" : 1 ,"` + strings.Repeat("c", 20) + `":[]}`} {
					var first []byte
					require.NoError(t, Object([]byte(`{"`+before+odd+behind+rest), func(m Member) {
						if first == nil {
							first = m.Key
						}
					}))
					require.Equal(t, before+want+behind, string(first))
				}
			}
		}
	}
}

func TestAKeyThatIsNotUTF8IsDecodedAsEncodingJSONDoes(t *testing.T) {
	require.NoError(t, Object([]byte("{\"a\xffb\":1}"), func(m Member) {
		assert.Equal(t, "a\uFFFDb", string(m.Key))
	}))
}

func TestAKeyThatNobodyCanKnowIsNotCopied(t *testing.T) {
	for _, key := range []string{strings.Repeat(`\u0061`, 1<<18), strings.Repeat("\xff", 1<<20)} {
		text := []byte(`{"` + key + `":1,"m\u006fdel":2}`)
		var keys []string
		require.NoError(t, Object(text, func(m Member) { keys = append(keys, string(m.Key)) }))
		require.Equal(t, []string{key, "model"}, keys)
		if !raceEnabled {
			require.LessOrEqual(t, testing.AllocsPerRun(10, func() { _ = Object(text, ignore) }), 2.0, "for the name that is decoded")
		}
	}
}

func TestANumberIsReadHoweverLongItsTextIs(t *testing.T) {
	for text, want := range map[string]int64{"-9223372036854775808": math.MinInt64, "9223372036854775807": math.MaxInt64, "-0": 0} {
		n, ok := Int([]byte(text))
		assert.True(t, ok, text)
		assert.Equal(t, want, n)
	}
	for _, text := range []string{"-9223372036854775809", "9223372036854775808", "9999999999999999999", "99999999999999999999", "-", "", "+1", "1.0", "1e3", "1_0", "--1"} {
		_, ok := Int([]byte(text))
		assert.False(t, ok, text)
	}
	long := bytes.Repeat([]byte("1"), 1<<20)
	_, ok := Int(long)
	assert.False(t, ok)
	if !raceEnabled {
		assert.Zero(t, testing.AllocsPerRun(10, func() { Int(long) }), "what is no int64 is not copied into an error")
	}
}

func TestAMemberIsNotVisitedBeforeItsEndIsCertain(t *testing.T) {
	for _, text := range []string{`{"a":1`, `{"a":1x}`, `{"a":"x"`, `{"a":"x" "b"`, `{"a":[1}`} {
		_ = Object([]byte(text), func(m Member) { assert.Fail(t, "visited", "%q of %q", m.Value, text) })
	}
}

func TestWhatIsNoObjectIsASyntaxErrorAtItsFirstWrongByte(t *testing.T) {
	for _, c := range []struct {
		text   string
		offset int
	}{
		{`[]`, 0},
		{`null`, 0},
		{`  "x"`, 2},
		{"\xef\xbb\xbf{}", 0},
		{`{} {}`, 3},
		{`{},`, 2},
		{`{,}`, 1},
		{`{"a"}`, 4},
		{`{"a":}`, 5},
		{`{"a":1,}`, 7},
		{`{"a":1 "b":2}`, 7},
		{`{a:1}`, 1},
		{`{'a':1}`, 1},
		{`{"a":[1,]}`, 8},
		{`{"a":[,]}`, 6},
		{`{"a":[}`, 6},
		{`{"a":{]}`, 6},
		{`{"a":[1}`, 7},
		{`{"a":{"b":1]`, 11},
		{`{"a":{"b":1,}}`, 12},
		{`{"a":{"b"1}}`, 9},
		{`{"a":01}`, 6},
		{`{"a":-}`, 6},
		{`{"a":+1}`, 5},
		{`{"a":.5}`, 5},
		{`{"a":1.}`, 7},
		{`{"a":1.e1}`, 7},
		{`{"a":1e}`, 7},
		{`{"a":1e+}`, 8},
		{`{"a":0x1}`, 6},
		{`{"a":NaN}`, 5},
		{`{"a":trUe}`, 7},
		{`{"a":nul}`, 8},
		{`{"a":falsey}`, 10},
		{"{\"a\":\"\n\"}", 6},
		{"{\"a\":\"0123456789012345678901234567890123456789\x1f\"}", 46},
		{`{"a":"\x"}`, 7},
		{`{"a":"\u12G4"}`, 10},
		{`{"a":"\'"}`, 7},
		{"{\"a\":\u00a01}", 5},
		{"{\"a\":1\x00}", 6},
	} {
		var syntax *SyntaxError
		require.ErrorAs(t, Object([]byte(c.text), ignore), &syntax, "%q", c.text)
		assert.Equal(t, c.offset, syntax.Offset, "%q: %v", c.text, syntax)
		assert.NotEmpty(t, syntax.Reason)
	}
}

func TestEveryBeginningOfAnObjectIsTruncatedAndNotWrong(t *testing.T) {
	for _, text := range []string{
		``, `{}`, `{"a":-0.25E-17}`, `{"a":true,"b":false,"c":null}`, `{"a":"\u00e9\\\"","é€😀":[]}`,
		`{"a":[[],{},[{"b":[1,2,{"c":"d"}]}]] , "e" : { "f" : -1 } }`,
		string(chatRequest()), string(streamChunk()), nested(40),
	} {
		for stop := range len(text) {
			require.ErrorIs(t, Object([]byte(text[:stop]), ignore), ErrTruncated, "%q", text[:stop])
		}
		for _, space := range []string{"", " ", " \t\r\n"} {
			if text != "" {
				require.NoError(t, Object([]byte(space+text+space), ignore), "%q", text)
			}
			require.ErrorIs(t, Object([]byte(space), ignore), ErrTruncated)
		}
	}
}

func TestTheDepthLimitIsNamedAndExact(t *testing.T) {
	for depth := MaxDepth - 3; depth <= MaxDepth; depth++ {
		require.True(t, json.Valid([]byte(nested(depth))))
		require.NoError(t, Object([]byte(nested(depth)), ignore), "depth %d", depth)
	}
	var syntax *SyntaxError
	require.ErrorAs(t, Object([]byte(nested(MaxDepth+1)), ignore), &syntax)
	assert.Contains(t, syntax.Error(), "512")

	arrays := `{"k":` + strings.Repeat("[", MaxDepth-1)
	require.ErrorIs(t, Object([]byte(arrays), ignore), ErrTruncated)
	require.ErrorAs(t, Object([]byte(arrays+"["), ignore), &syntax)
	assert.Equal(t, len(arrays), syntax.Offset)
	require.ErrorAs(t, Object([]byte(strings.Repeat(`{"a":`, 1_000_000)), ignore), &syntax)
}

func TestAClosedBracketGivesItsDepthBack(t *testing.T) {
	text := `{"k":[` + strings.Repeat(`[[{}],{"a":[]}],`, 2*MaxDepth) + `0]}`
	require.NoError(t, Object([]byte(text), ignore))
}

func TestElementsAreVisitedInOrder(t *testing.T) {
	for _, c := range []struct {
		value string
		want  []string
	}{
		{`[]`, nil},
		{"[ \n]", nil},
		{`[1]`, []string{`1`}},
		{`[ {"a":[1,2]} , "x,]" ,[ ],null]`, []string{`{"a":[1,2]}`, `"x,]"`, `[ ]`, `null`}},
	} {
		var got []string
		require.True(t, Elements([]byte(c.value), func(element []byte) { got = append(got, string(element)) }), c.value)
		assert.Equal(t, c.want, got)
	}
}

func TestWhatIsNoArrayHasNoElements(t *testing.T) {
	for _, value := range []string{``, `null`, `{}`, `"[]"`, `[`, `[1`, `[1,`, `[1}`} {
		assert.False(t, Elements([]byte(value), func([]byte) {}), value)
	}
}

func TestOnlyNullIsNull(t *testing.T) {
	assert.True(t, IsNull([]byte(`null`)))
	for _, value := range []string{``, `"null"`, `nul`, `0`, `{}`} {
		assert.False(t, IsNull([]byte(value)), value)
	}
}

func TestObjectAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, text := range [][]byte{chatRequest(), streamChunk(), []byte(nested(MaxDepth))} {
		var model, elements int
		var failed error
		allocs := testing.AllocsPerRun(100, func() {
			err := Object(text, func(m Member) {
				if string(m.Key) == "model" {
					model = m.Start
				}
				Elements(m.Value, func([]byte) { elements++ })
			})
			failed = errors.Join(failed, err)
		})
		require.NoError(t, failed)
		assert.Zero(t, allocs)
		assert.NotZero(t, model+elements)
	}
}
