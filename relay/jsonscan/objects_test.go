package jsonscan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// byElements is Objects in two passes.
func byElements(value []byte) (said []string, isArray bool) {
	isArray = Elements(value, func(element []byte) {
		var of []string
		if Object(element, func(m Member) { of = append(of, fmt.Sprintf("%s=%s", m.Key, m.Value)) }) == nil {
			said = append(append(said, of...), string(element))
		}
	})
	return said, isArray
}

func TestObjectsAreWhatElementsAndObjectSayOfThem(t *testing.T) {
	elements := []string{`{}`, `{ }`, `{"a":1}`, ` {"a" : [{"b":2}] , "c":"}]"} `, `7`, `null`, `[{"a":1}]`, `"{\"a\":1}"`, `{"\u0061":{"x":{}}}`, "\n{\"a\":\"\\\"\"}\t"}
	values := []string{``, `null`, `{}`, `"[]"`, `[]`, `[ ]`, `7`}
	for _, a := range elements {
		values = append(values, "["+a+"]")
		for _, b := range elements {
			values = append(values, "["+a+","+b+"]", "[ "+strings.Join([]string{b, a, b}, " , ")+" ]")
		}
	}
	for _, value := range values {
		want, isArray := byElements([]byte(value))
		var got []string
		require.Equal(t, isArray, Objects([]byte(value), func(m Member) {
			require.Equal(t, string(m.Value), value[m.Start:m.End])
			got = append(got, fmt.Sprintf("%s=%s", m.Key, m.Value))
		}, func(object []byte) { got = append(got, string(object)) }), value)
		require.Equal(t, want, got, value)
	}
}

func TestObjectsOfWhatIsNoArrayAreNone(t *testing.T) {
	for _, broken := range []string{`[`, `[ `, `[{`, `[{"a":1}`, `[{"a":1},`, `[{"a":1}}`, `[1 2]`} {
		require.False(t, Objects([]byte(broken), func(Member) {}, func([]byte) {}), broken)
	}
}

// requireTheSameInside reads a text with ObjectInside, and with Object and Objects.
func requireTheSameInside(t *testing.T, text []byte) {
	t.Helper()
	say := func(to *[]string) func(Member) {
		return func(m Member) { *to = append(*to, fmt.Sprintf("%s=%s", m.Key, m.Value)) }
	}
	var want, got, wantInside, gotInside []string
	last, arrays := -1, 0
	wantErr := Object(text, func(m Member) {
		say(&want)(m)
		if string(m.Key) == "a" && m.Value[0] == '[' {
			last, arrays = m.Start, arrays+1
			Objects(m.Value, say(&wantInside), func(object []byte) { wantInside = append(wantInside, string(object)) })
		}
	})
	inside := Inside{Key: "a", Visit: func(m Member) {
		require.Equal(t, string(text[m.Start:m.End]), string(m.Value))
		say(&gotInside)(m)
	}, Done: func(object []byte) { gotInside = append(gotInside, string(object)) }}
	err := ObjectInside(text, say(&got), &inside)
	require.Equal(t, wantErr, err, "%q", text)
	require.Equal(t, want, got, "%q", text)
	if err == nil && !strings.Contains(string(text), `\u0061`) {
		require.Equal(t, wantInside, gotInside, "%q", text)
		require.Equal(t, arrays, inside.Arrays, "%q", text)
		if arrays > 0 {
			require.Equal(t, last, inside.Last)
		}
	}
}

func TestAnArrayIsReadInsideAsItIsByItself(t *testing.T) {
	for _, value := range []string{
		`[]`, `[ ]`, `[{}]`, `[{"b":1}, {"b":[{"c":2}]} , 7, null, [{"d":1}]]`, `{"b":1}`, `"[{}]"`, `null`, `[`, `[{`, `[{"b"`, `[{"b":1`, `[{"b":1}`, `[{"b":1},`, `[{"b":1},]`,
		`[1 2]`, `[{"b":1}}`, `[{"b":01}]`, "[{\"\xff\":\"\\u00e9\"}]",
	} {
		for _, text := range []string{`{"a":%s}`, ` { "a" : %s , "z":1 } `, `{"z":%s}`, `{"a":[{"y":1}],"a":%s}`, `{"a":%s,"b":[{"c":1}],"a":null}`, `{"\u0061":%s}`} {
			requireTheSameInside(t, fmt.Appendf(nil, text, value))
		}
	}
	for depth := MaxDepth - 4; depth < MaxDepth+2; depth++ {
		for _, inside := range []string{`[%s]`, `[{"b":%s}]`, `[0,{"c":[],"b":{"d":%s}}]`} {
			requireTheSameInside(t, fmt.Appendf(nil, `{"a":`+inside+`}`, strings.Repeat("[", depth)+strings.Repeat("]", depth)))
		}
	}
}

func FuzzObjectInside(f *testing.F) {
	for _, text := range []string{`{"a":[{"b":1},{}]}`, `{"a":[1,[{"b":{}}]],"a":[{`, `{"a": [ { "a":[{}] } ] }`, `{"z":0,"a":[{"b":"\u0061"}],"a":{}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { requireTheSameInside(t, text) })
}
