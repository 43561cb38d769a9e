package sse

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const chunk = `{"id":"chatcmpl-A1b2C3d4E5f6","object":"chat.completion.chunk","created":1730000000,"model":"gpt-4o-mini-2024-07-18",` +
	`"choices":[{"index":0,"delta":{"content":" sky"},"finish_reason":null}]}`

func TestAnEventAllocatesNothingInSteadyState(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector a pool drops what it is given at random")
	}
	for _, text := range []string{
		"data: " + chunk + "\n\n",
		"event: delta\r\ndata: " + chunk + "\r\n\r\n",
		": ping\n\ndata: a\ndata: b\n\n",
		"data: " + strings.Repeat("x", 50_000) + "\n\n",
	} {
		reader := NewReader(&endless{text: text}, bound)
		var failed error
		allocs := testing.AllocsPerRun(1000, func() {
			if _, err := reader.Next(); err != nil {
				failed = err
			}
		})
		reader.Close()
		require.NoError(t, failed)
		assert.Zero(t, allocs, "%.40q", text)
	}
}

func BenchmarkNext(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"data of 200 bytes", "data: " + chunk + "\n\n"},
		{"name and data of 200 bytes", "event: delta\ndata: " + chunk + "\n\n"},
		{"CR LF", "data: " + chunk + "\r\n\r\n"},
		{"five lines of data", strings.Repeat("data: "+chunk[:40]+"\n", 5) + "\n"},
		{"data of 5 KB", "data: " + strings.Repeat(chunk, 27) + "\n\n"},
		{"data of 1 MB", "data: " + strings.Repeat(chunk, 5400) + "\n\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			reader := NewReader(&endless{text: c.text}, bound)
			defer reader.Close()
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := reader.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkStream is the whole life of a stream of 100 events that come one by one.
func BenchmarkStream(b *testing.B) {
	event := []byte("data: " + chunk + "\n\n")
	text := bytes.Repeat(event, 100)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		rest := text
		reader := NewReader(readFunc(func(p []byte) (int, error) {
			n := copy(p, rest[:len(event)])
			rest = rest[n:]
			return n, nil
		}), bound)
		for range 100 {
			if event, err := reader.Next(); err != nil || !event.Clean {
				b.Fatal(err)
			}
		}
		reader.Close()
	}
}

func BenchmarkAppend(b *testing.B) {
	dst, name, data := make([]byte, 0, 1024), []byte("delta"), []byte(chunk)
	b.ReportAllocs()
	for b.Loop() {
		dst = Append(dst[:0], name, data)
	}
}
