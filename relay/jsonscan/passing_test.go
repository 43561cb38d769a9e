package jsonscan

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// seen is an object that passed by in pieces of so many bytes.
func seen(text []byte, size int, names ...string) *Passing {
	p := NewPassing(names...)
	for len(text) > 0 {
		n := min(size, len(text))
		p.See(text[:n])
		text = text[n:]
	}
	return p
}

func TestWhatAnObjectSaysIsFoundWhileItPassesByInPieces(t *testing.T) {
	image := strings.Repeat(`QUJD\/\"}],{[`, 100_000)
	text := []byte(` { "created" : 1, "data":[{"b64_json":"` + image + `","usage":{"no":1}}], "usage" : {"input_tokens": 5, "x":["]","}"]} ,"size":"1024"}` + "\n")
	for _, size := range []int{1, 3, 7, 64 << 10, len(text)} {
		p := seen(text, size, "usage", "error", "data", "size")
		require.True(t, p.Ended(), size)
		require.Equal(t, `{"input_tokens": 5, "x":["]","}"]}`, string(p.Value(0)))
		require.False(t, p.Has(1))
		require.Nil(t, p.Value(1))
		require.True(t, p.Has(2))
		require.Nil(t, p.Value(2), "it is too long to be kept")
		require.Equal(t, `"1024"`, string(p.Value(3)))
		for _, kept := range p.values {
			require.LessOrEqual(t, cap(kept), 2*longestKept)
		}
	}
	for _, cut := range []int{1, 20, 1000, len(text) - 2} {
		p := seen(text[:cut], 100, "usage")
		require.False(t, p.Ended(), cut)
		require.True(t, p.Begun(), cut)
	}
	for _, none := range []string{`[1]`, `{"a":1}}`, `{"a":1} x`, `x`, `{a:1}`} {
		require.False(t, seen([]byte(none), 2).Begun(), none)
	}
}

func TestAnObjectThatPassesByAllocatesNothing(t *testing.T) {
	piece := []byte(strings.Repeat("QUJD", 16<<10))
	p := NewPassing("usage")
	p.See([]byte(`{"data":[{"b64_json":"`))
	require.Zero(t, testing.AllocsPerRun(100, func() { p.See(piece) }))
}

// FuzzPassing holds it against Object, which sees the whole.
func FuzzPassing(f *testing.F) {
	for _, text := range []string{`{}`, `{"usage":{"a":1},"b":"\"usage\":1"}`, ` {"error" : null , "usage":"}" }`, `{"a":[[],{}],"usage":7,"usage":8}`, `{"usag\u0065":1}`} {
		f.Add([]byte(text), 3)
	}
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		want := map[string][]byte{}
		err := Object(text, func(m Member) {
			if bytes.Contains(text[:m.Start], []byte(`\`)) {
				return // a name is taken as it stands
			}
			want[string(m.Key)] = m.Value
		})
		p := seen(text, max(1, size), "usage", "error")
		if err != nil {
			if len(text) > 0 && !p.Begun() {
				return
			}
			require.False(t, err == ErrTruncated && p.Ended(), "%q", text)
			return
		}
		require.True(t, p.Ended(), "%q", text)
		if bytes.Contains(text, []byte(`\`)) {
			return
		}
		for i, name := range p.names {
			require.Equal(t, want[name] != nil, p.Has(i))
			if len(want[name]) <= longestKept {
				require.Equal(t, string(want[name]), string(p.Value(i)))
			}
		}
	})
}
