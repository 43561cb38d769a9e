package jsonscan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func chunk(content string) []byte {
	return fmt.Appendf(nil, `{"id":"c-1","choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":null}],"usage":null}`, content)
}

func TestAPatternKnowsTextsThatDifferInOneStringAndNoOthers(t *testing.T) {
	var p Pattern
	require.False(t, p.Matches(chunk("Hello")), "nothing has been learnt")
	require.False(t, p.Matches(nil))
	p.Learn(chunk("Hello"), `"content":"`)
	for _, like := range []string{"Hello", "x", " world", "你好", "a very much longer piece of text than the one that was learnt", "}", "\xff"} {
		require.True(t, p.Matches(chunk(like)), like)
	}
	for _, other := range []string{"", `\n`, `a\"b`, `a"b`, "a\nb", `","role":"x`, `\`} {
		require.False(t, p.Matches(chunk(other)), other)
	}
	whole := chunk("Hello")
	for i := range whole {
		require.False(t, p.Matches(whole[:i]), "cut at %d", i)
	}
	require.False(t, p.Matches(append(bytes.Clone(whole), ' ')))
	require.False(t, p.Matches(bytes.Replace(whole, []byte("c-1"), []byte("c-2"), 1)))
	require.False(t, p.Matches(bytes.Replace(whole, []byte("null}]"), []byte(`"stop"}]`), 1)))
}

func TestAPatternLearnsNothingFromATextWithoutSuchAString(t *testing.T) {
	for _, text := range []string{`{}`, `{"content":""}`, `{"content":"a\nb"}`, `{"content": "a"}`, `{"content":null}`, `{"x":"\"content\":\"a"}`, `{"content":"` + string(bytes.Repeat([]byte("x"), longestPattern)) + `"}`} {
		var p Pattern
		p.Learn([]byte(text), `"content":"`)
		require.False(t, p.Matches([]byte(text)), text)
	}
}

func TestAPatternSaysWhatDiffers(t *testing.T) {
	padded := func(content, padding string) []byte {
		return fmt.Appendf(nil, `{"choices":[{"delta":{"content":"%s"}}],"padding":"%s"}`, content, padding)
	}
	var p Pattern
	p.LearnText(padded("Hello", "abc"), `"content":"`, "Hello", `"padding":"`)
	for _, like := range [][3]string{
		{" world", " world", "x"}, {"a", "a", ""}, {"你好", "你好", "a long padding, behind a short text"},
		{`a\nb`, "a\nb", "x"}, {`\"`, `"`, "x"}, {`\ud83d\ude00`, "😀", ""}, {"\xff", "\uFFFD", "x"},
	} {
		said, ok := p.Text(padded(like[0], like[2]))
		require.True(t, ok, like)
		require.Equal(t, like[1], said)
		require.Equal(t, !bytes.ContainsRune([]byte(like[0]), '\\'), p.Matches(padded(like[0], like[2])), "which knows no escapes")
	}
	for _, other := range [][2]string{{"", "x"}, {`\x`, "x"}, {"a\nb", "x"}, {"a", `\n`}, {"a", `x","y":"`}, {`a"},"x":{"y":"`, ""}, {`a\`, "x"}} {
		_, ok := p.Text(padded(other[0], other[1]))
		require.False(t, ok, "%q", other)
	}
	whole := padded("Hello", "abc")
	for i := range whole {
		require.False(t, p.Matches(whole[:i]), "cut at %d", i)
	}
	p.Forget()
	require.False(t, p.Matches(whole))

	for _, text := range []string{`{"content":"Hello!"}`, `{"content":"Hell"}`, `{"x":{"content":"Hello"},"content":"Hello"}`, `{"content":"\u0048ello"}`, `{"content":null}`} {
		p = Pattern{}
		p.LearnText([]byte(text), `"content":"`, "Hello", "")
		require.False(t, p.Matches([]byte(text)), text)
	}
	p = Pattern{}
	p.LearnText(chunk("Hello"), `"content":"`, "Hello", `"padding":"`)
	said, ok := p.Text(chunk(" world"))
	require.True(t, ok, "there is nothing beside it")
	require.Equal(t, " world", said)
}

func TestAPatternThatNothingMatchesIsGivenUp(t *testing.T) {
	var p Pattern
	text := func(i int) []byte { return fmt.Appendf(nil, `{"id":%d,"content":"a"}`, i) }
	for i := range 20 {
		require.False(t, p.Matches(text(i)))
		p.Learn(text(i), `"content":"`)
	}
	require.True(t, p.Matches(text(mostMisses-1)), "the last one that was learnt")
	p.Learn(text(99), `"content":"`)
	require.True(t, p.Matches(text(99)), "one that was recognized after all begins the count anew")
}

func TestAChunkThatMatchesAllocatesNothing(t *testing.T) {
	var p Pattern
	learnt, like := chunk("Hello"), chunk(" world")
	p.Learn(learnt, `"content":"`)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		p.Matches(like)
		p.Learn(learnt, `"content":"`)
	}))
}

// FuzzWhatMatchesAPatternIsValidAndDiffersInTheStringOnly lets encoding/json say whether the promise holds.
func FuzzWhatMatchesAPatternIsValidAndDiffersInTheStringOnly(f *testing.F) {
	f.Add(chunk("a"), chunk("b"))
	f.Add([]byte(`{"content":"a","content":"b"}`), []byte(`{"content":"c","content":"b"}`))
	f.Add([]byte(`{"x\"content":"a"}`), []byte(`{"x\"content":"b"}`))
	f.Add([]byte(`[{"content":"a"},"content\":\"a"]`), []byte(`[{"content":"]"},"content\":\"a"]`))
	f.Fuzz(func(t *testing.T, learnt, text []byte) {
		var p Pattern
		if Object(learnt, func(Member) {}) != nil {
			return
		}
		p.Learn(learnt, `"content":"`)
		requireTextOfEncodingJSON(t, learnt, text)
		// What the fuzzer finds seldom matches; a text that is made to match must keep the promise too.
		texts := [][]byte{text}
		if len(p.text) > 0 {
			texts = append(texts, bytes.Join([][]byte{learnt[:p.from], text, learnt[p.to:]}, nil))
		}
		for _, text := range texts {
			if !p.Matches(text) {
				continue
			}
			require.NoError(t, Object(text, func(Member) {}))
			want, got := withoutContent(t, learnt, int(p.from), int(p.to)), withoutContent(t, text, int(p.from), len(text)-(len(learnt)-int(p.to)))
			require.Equal(t, want, got)
		}
	})
}

// requireTextOfEncodingJSON has a pattern with two strings say what differs, and encoding/json what that is.
func requireTextOfEncodingJSON(t *testing.T, first, content []byte) {
	t.Helper()
	type object struct{ Content, Padding string }
	padded := func(content []byte) []byte {
		return fmt.Appendf(nil, `{"id":%d,"content":"%s","padding":"%s"}`, len(first), content, content)
	}
	var p Pattern
	p.LearnText(padded([]byte("x")), `"content":"`, "x", `"padding":"`)
	said, ok := p.Text(padded(content))
	if !ok {
		return
	}
	require.NoError(t, Object(padded(content), func(Member) {}))
	var want object
	require.NoError(t, json.Unmarshal(padded(content), &want))
	require.Equal(t, want.Content, said)
}

// withoutContent decodes a text in which what is between two places, which has to be within a string, has been replaced.
func withoutContent(t *testing.T, text []byte, from, to int) (v any) {
	t.Helper()
	require.NotEqual(t, from, to)
	text = bytes.Join([][]byte{text[:from], []byte(`\u0000`), text[to:]}, nil)
	if err := json.Unmarshal(bytes.ToValidUTF8(text, []byte("?")), &v); err != nil {
		t.Skip("nested deeper than encoding/json goes")
	}
	return v
}
