package sse

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestAnObjectInTheMidstOfAStreamIsFoundHoweverItCameIn(t *testing.T) {
	for text, want := range map[string][]string{ // data or name, and what was astray
		"data: a\n\n{\"error\":1}\n\ndata: b\n\n":     {"a|", `|{"error":1}`, "b|"},
		"data: a\n\n{\"error\":1}":                    {"a|", `|{"error":1}`},
		"data: a\r\n{\"error\":1}\r\n\r\n":            {`a|{"error":1}`},
		"{\"error\":1}\ndata: b\n\n":                  {`b|{"error":1}`},
		"data: a\n\n{\n  \"error\": 1\n}\n":           {"a|", "|{\n  \"error\": 1\n}"},
		"{\n\"a\":1}\ndata: b\n}\n\n":                 {"b|{\n\"a\":1}"},
		"[{\"a\":1}]\n: c\n]\n{}\n\n":                 {`|[{"a":1}]`},
		"error: {\"code\":1}\n\n":                     {`|{"code":1} named`},
		"error: no object\n\ndata: a\n\n":             {"a|"},
		"errors: {}\n\nevent: error\n{\"a\":1}\n\n":   {`error|{"a":1}`},
		"data: {\"a\":1}\nid: 1\nretry: {\n\nfoo\n\n": {`{"a":1}|`},
	} {
		for _, source := range []io.Reader{strings.NewReader(text), iotest.DataErrReader(strings.NewReader(text)), iotest.OneByteReader(strings.NewReader(text))} {
			reader := NewReader(source, bound)
			reader.Strays = true
			var got []string
			for {
				event, err := reader.Next()
				if err != nil {
					require.ErrorIs(t, err, io.EOF)
					break
				}
				stray, named := reader.Stray()
				one := string(event.Name) + string(event.Data) + "|" + string(stray)
				if named {
					one += " named"
				}
				got = append(got, one)
			}
			reader.Close()
			require.Equal(t, want, got, "%q", text)
		}
	}
}

func TestWhoeverDoesNotAskForStraysGetsEventsOnly(t *testing.T) {
	got, err := readAll(strings.NewReader("data: a\n\n{\"error\":1}\n\nerror: {}\n\n{}"), bound)
	require.ErrorIs(t, err, io.EOF)
	require.Len(t, got, 1)
}
