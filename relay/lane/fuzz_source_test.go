package lane_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"one-api/relay/lane"
	"one-api/relay/lane/lanetest"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// source makes something valid out of a fuzzer's bytes: each choice takes one. Once they are used up every choice is the first.
type source struct{ b []byte }

// n is a choice of n.
func (s *source) n(n int) int {
	if len(s.b) == 0 {
		return 0
	}
	c := int(s.b[0]) % n
	s.b = s.b[1:]
	return c
}

func (s *source) yes() bool { return s.n(2) == 1 }

// number grows with the bytes that it takes, up to what no provider has ever counted.
func (s *source) number() int64 {
	var v int64
	for range s.n(6) {
		v = v<<8 | int64(s.n(256))
	}
	return v
}

// difficult are texts that something between two formats has tripped over, here or elsewhere.
var difficult = []string{
	"a", "Hello, world!", "<b>&amp;</b>", "\u2028.\u2029", "data: [DONE]\n\n", "event: error\ndata: {}\n\n", `"}]}`, `\u0000\`, "\x00\x1f\x7f", "\uFEFFx",
	"👩‍👩‍👧", "é\u0301", "\r\n.\r", "Error: no", "{\"a\":1}", "\uFFFD", "  padded  ", "0", "null", strings.Repeat("long ", 60),
}

// text is valid UTF-8 and not blank, since neither API takes what is.
func (s *source) text() string {
	i := s.n(len(difficult) * 2)
	if i < len(difficult) {
		return difficult[i]
	}
	n := min(i, len(s.b))
	text := strings.ToValidUTF8(string(s.b[:n]), "·")
	s.b = s.b[n:]
	if strings.TrimSpace(text) == "" {
		return "a" + text
	}
	return text
}

// name is what both APIs take for a function.
func (s *source) name() string {
	return []string{"f", "get_weather", "a-b", "Read", strings.Repeat("n", 64)}[s.n(5)]
}

// id is the nth one of a conversation: never the same twice.
func (s *source) id(n int) string {
	return fmt.Sprintf([]string{"call_%d", "toolu_01%dA", "%d", "functions.get_weather:%d"}[s.n(4)], n)
}

// object is the text of a JSON object, spaced as some models do.
func (s *source) object(depth int) string {
	var b strings.Builder
	b.WriteString(s.space() + "{")
	for i := range s.n(4) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(s.space() + quoted(s.text()) + s.space() + ":" + s.space() + s.value(depth))
	}
	b.WriteString("}" + s.space())
	return b.String()
}

func (s *source) value(depth int) string {
	switch k := s.n(8); {
	case k == 0 && depth > 0:
		return s.object(depth - 1)
	case k == 1 && depth > 0:
		return "[" + s.value(depth-1) + s.space() + "," + s.value(depth-1) + "]"
	case k < 4:
		return quoted(s.text())
	default:
		return []string{"null", "true", "-0.5e-7", "12345678901234567890123"}[s.n(4)]
	}
}

func (s *source) space() string { return []string{"", "", "", " ", "\n\t"}[s.n(5)] }

// pieces cuts a text where the bytes say, never inside a rune.
func (s *source) pieces(text string) []string {
	var out []string
	for text != "" {
		end := 0
		for range 1 + s.n(64) {
			for end++; end < len(text) && text[end]&0xC0 == 0x80; end++ {
			}
			if end >= len(text) {
				break
			}
		}
		if len(s.b) == 0 {
			end = len(text)
		}
		out = append(out, text[:end])
		text = text[end:]
	}
	return out
}

func quoted(s string) string { return unescapedJSON(s) }

// mustEncode leaves <, > and & as they are.
func unescapedJSON(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// compact is how both converters are allowed to change arguments. Bytes that are not UTF-8, which no JSON has, become U+FFFD as
// soon as an object turns into the text that OpenAI's form has for it.
func compact(t *testing.T, object string) string {
	t.Helper()
	if strings.TrimSpace(object) == "" {
		return "{}"
	}
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(object)); err != nil {
		t.Fatalf("not JSON: %q", object)
	}
	return string([]rune(b.String()))
}

// splitReader hands a stream out in pieces of a size that the bytes choose.
type splitReader struct {
	text []byte
	size *source
}

func (r *splitReader) Read(p []byte) (int, error) {
	if len(r.text) == 0 {
		return 0, io.EOF
	}
	n := len(r.text)
	if len(r.size.b) > 0 {
		n = 1 + r.size.n(100)
	}
	n = copy(p, r.text[:min(n, len(r.text))])
	r.text = r.text[n:]
	return n, nil
}

// through relays a stream as an exchange does, and returns what the client gets. Bytes after the terminator are an error.
func through(t *testing.T, a lanetest.Lanes, call *lane.Call, stream []byte, s *source) (out []byte, usage wire.Usage) {
	t.Helper()
	events := sse.NewReader(&splitReader{stream, s}, 1<<20)
	defer events.Close()
	translator := a.Answer(call)
	done := false
	for {
		event, err := events.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in %q", err, stream)
		}
		step, err := translator.Event(event)
		if err != nil {
			t.Fatalf("%#v at %q of %q", err, event.Data, stream)
		}
		if done && len(step.Out) > 0 {
			t.Fatalf("%q follows the terminator", step.Out)
		}
		done = done || step.Done
		out = append(out, step.Out...)
	}
	if !done {
		t.Fatalf("no terminator in %q", stream)
	}
	return out, translator.Usage()
}
