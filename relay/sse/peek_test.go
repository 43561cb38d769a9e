package sse

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPeekSeesWhatTheStreamBeginsWith(t *testing.T) {
	for text, want := range map[string]struct {
		first byte
		rest  string // what is left for who takes over
	}{
		"data: x\n\n":               {'d', "data: x\n\n"},
		"event: e\ndata: x\n\n":     {'e', "event: e\ndata: x\n\n"},
		`{"error":"x"}`:             {'{', `{"error":"x"}`},
		"{\n \"error\": \"x\"}\n\n": {'{', "{\n \"error\": \"x\"}\n\n"},
		"\uFEFF{}":                  {'{', "{}"},
		" \r\n\t {}":                {'{', " \r\n\t {}"},
		"\r\n\r\n\n[1]\n\n":         {'[', "[1]\n\n"},
		": OPENROUTER PROCESSING\n\n{\"a\":1}\n\n":  {'{', "{\"a\":1}\n\n"},
		": a\r\n: b\r\rdata: x\n\n":                 {'d', "data: x\n\n"},
		"<!doctype html>":                           {'<', "<!doctype html>"},
		strings.Repeat(" ", longestIndent+1) + "{}": {'{', strings.Repeat(" ", longestIndent+1) + "{}"},
	} {
		for _, source := range []io.Reader{strings.NewReader(text), iotest.DataErrReader(strings.NewReader(text)), iotest.OneByteReader(strings.NewReader(text))} {
			reader := NewReader(source, bound)
			first, err := reader.Peek()
			require.NoError(t, err, "%q", text)
			if first == 0 { // so much white space that it is no use to wait
				continue
			}
			assert.Equal(t, string(want.first), string(first), "%q", text)
			again, err := reader.Peek()
			require.NoError(t, err)
			assert.Equal(t, first, again)
			rest, err := io.ReadAll(source)
			require.NoError(t, err)
			assert.Equal(t, want.rest, string(reader.Rest())+string(rest), "%q", text)
			reader.Close()
		}
	}
}

func TestPeekEndsWithTheStream(t *testing.T) {
	for _, text := range []string{"", "\n\n", ": ping\n\n", ": pi", " ", "\xEF\xBB"} {
		reader := NewReader(strings.NewReader(text), bound)
		_, err := reader.Peek()
		if text == "\xEF\xBB" {
			assert.Error(t, err)
		} else {
			assert.Equal(t, io.EOF, err, "%q", text)
		}
		_, err = reader.Next()
		assert.Equal(t, io.EOF, err, "%q", text)
		reader.Close()
		assert.Empty(t, reader.Rest())
	}
	reader := NewReader(iotest.ErrReader(io.ErrUnexpectedEOF), bound)
	defer reader.Close()
	_, err := reader.Peek()
	assert.Equal(t, io.ErrUnexpectedEOF, err)
}

func TestPeekIsBounded(t *testing.T) {
	for _, text := range []string{":" + strings.Repeat("x", 70), ":" + strings.Repeat("x", 70) + "\n\ndata: x\n\n"} {
		reader := NewReader(strings.NewReader(text), 64)
		_, err := reader.Peek()
		assert.Equal(t, ErrTooLarge, err)
		_, err = reader.Next()
		assert.Equal(t, ErrTooLarge, err)
		reader.Close()
	}
	source := &endless{text: " "}
	reader := NewReader(source, bound)
	defer reader.Close()
	first, err := reader.Peek()
	require.NoError(t, err)
	assert.Zero(t, first)
	assert.Less(t, source.taken, 64<<10)
}

// Who waits for a stream sees by the count whether it is alive. What has come in part is no sign of that, nor are blank lines:
// an upstream could send them for ever.
func TestOnlyWhatIsWholeIsHeard(t *testing.T) {
	var parts []string
	var reader *Reader
	var heard []int
	source := readFunc(func(p []byte) (int, error) {
		heard = append(heard, reader.Heard())
		if len(parts) == 0 {
			return 0, io.EOF
		}
		n := copy(p, parts[0])
		parts = parts[1:]
		return n, nil
	})
	for _, peek := range []bool{false, true} {
		parts, heard = []string{"\n", "\r\n", "\r", ":", " pin", "g", "\n", "\n", "data: x", "\n", "\n", "id: 7\n", "\n", "data: y\n: inside\n", "\n"}, nil
		reader = NewReader(source, bound)
		if peek {
			_, err := reader.Peek()
			require.NoError(t, err)
		}
		for {
			if _, err := reader.Next(); err != nil {
				break
			}
		}
		assert.Equal(t, []int{0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4}, heard)
		reader.Close()
	}
}
