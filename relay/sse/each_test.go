package sse

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type eventTexts struct{ name, data string }

func eachOf(t *testing.T, text []byte, most int) (all []eventTexts, err error) {
	t.Helper()
	err = Each(text, most, func(e Event) error {
		require.LessOrEqual(t, len(e.Raw), most)
		all = append(all, eventTexts{string(e.Name), string(e.Data)})
		return nil
	})
	return all, err
}

func TestEachEventOfATextIsVisitedWithoutACopy(t *testing.T) {
	var text []byte
	text = Append(text, []byte("a"), []byte("1"))
	text = Append(text, nil, []byte("two\nlines"))
	text = Append(text, []byte("b"), nil)
	all, err := eachOf(t, text, 100)
	require.NoError(t, err)
	require.Equal(t, []eventTexts{{"a", "1"}, {"", "two\nlines"}, {"b", ""}}, all)

	one := Append(nil, []byte("name"), bytes.Repeat([]byte("x"), 1<<20))
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	require.Zero(t, testing.AllocsPerRun(10, func() {
		require.NoError(t, Each(one, 2<<20, func(e Event) error {
			if len(e.Data) != 1<<20 {
				t.Error("not all of it")
			}
			return nil
		}))
	}))
}

func TestEachStopsAtAnErrorAndAtWhatIsTooLarge(t *testing.T) {
	text := Append(Append(nil, nil, []byte("small")), nil, bytes.Repeat([]byte("x\n"), 100))
	all, err := eachOf(t, text, 100)
	require.ErrorIs(t, err, ErrTooLarge)
	require.Len(t, all, 1)
	mine := errors.New("mine")
	require.ErrorIs(t, Each(text, 1000, func(Event) error { return mine }), mine)
}

// FuzzEach holds Each against the Reader.
func FuzzEach(f *testing.F) {
	for _, text := range []string{"data: a\n\n", "event: x\ndata: 1\r\ndata\r\n\r\n:c\n\ndata: z", "data: a\r\rdata:b\n\n\n", "id: 1\n\nevent: e\n\nevent: f"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.HasPrefix(text, "\xef") { // a byte order mark is looked for in what comes from outside only
			t.Skip()
		}
		var want []eventTexts
		r := NewReader(strings.NewReader(text), len(text)+1)
		defer r.Close()
		for {
			e, err := r.Next()
			if err != nil {
				require.ErrorIs(t, err, io.EOF)
				break
			}
			want = append(want, eventTexts{string(e.Name), string(e.Data)})
		}
		got, err := eachOf(t, []byte(text), len(text))
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}
