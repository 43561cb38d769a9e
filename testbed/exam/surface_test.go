package exam

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
)

// What is shown: a picture and a document, in base64.
const (
	picture  = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	document = "JVBERi0xLjQK"
)

// The tool that there is, and the form of an answer.
const (
	weatherSchema = `{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}`
	verdictSchema = `{"type":"object","properties":{"verdict":{"type":"string"}},"required":["verdict"],"additionalProperties":false}`
)

// question is what a client asks.
type question struct {
	turns  []string // in the surface's own words
	tools  bool     // get_weather may be called
	must   bool     // and has to be
	schema bool     // the answer has to be a verdict
	thinks bool
	stream bool
	stops  bool // it is to stop at END
}

// called is a call of the tool.
type called struct{ id, name, arguments string }

// answer is what a client has read of an answer, without its words.
type answer struct {
	text, thought                    string
	calls                            []called
	end                              string // in the surface's word
	input, cached, output, reasoning int64
	failed                           *failure
	keeps                            []string // turns that the client adds to the conversation
}

// failure is an error as a client is told it: instead of an answer, or in the midst of one.
type failure struct {
	status              int // 0: in the midst
	kind, code, message string
}

// surface is a way to ask.
type surface struct {
	name                 string
	streams, onlyStreams bool
	// ask asks; what comes is read by its rules.
	ask func(t *testing.T, s *scene, q question) answer
	// begins asks for a stream, and leaves once the first piece of text has come.
	begins func(t *testing.T, s *scene, q question)
	// says, shows and results are turns.
	says    func(text string) string
	shows   func() string
	results func(calls []called, text string) []string
	// ends are its words for an answer that ends by itself, with calls, by its length, and by a filter.
	ends [4]string
}

var surfaces = []surface{chatSurface, messagesSurface, responsesSurface, websocketSurface, geminiSurface}

// quoted is v as JSON.
func quoted(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func textIn(v any, path ...any) string {
	s, _ := sdktest.At(v, path...).(string)
	return s
}

func numberIn(v any, path ...any) int64 {
	n, _ := sdktest.At(v, path...).(float64)
	return int64(n)
}

func listIn(v any, path ...any) []any {
	l, _ := sdktest.At(v, path...).([]any)
	return l
}

// decoded is a JSON object.
func decoded(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	require.NoError(t, d.Decode(&v), text)
	return v
}

// posts sends a body and reads the answer.
func posts(t *testing.T, r *harness.Relay, path, body string) (status int, header http.Header, text string) {
	t.Helper()
	require.True(t, json.Valid([]byte(body)), body)
	status, text, header = r.Ask(path, body)
	if status == http.StatusOK {
		require.NotEmpty(t, header.Get("X-Oneapi-Request-Id"))
	}
	return status, header, text
}

// event is an event of a stream.
type event struct {
	name, data string
}

// eventsOf is a stream's events. Comments are none.
func eventsOf(t *testing.T, header http.Header, text string) (all []event) {
	t.Helper()
	require.Contains(t, header.Get("Content-Type"), "text/event-stream")
	require.True(t, strings.HasSuffix(text, "\n\n"), "an event is not whole: %q", text)
	for one := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		var e event
		for line := range strings.SplitSeq(one, "\n") {
			name, value, _ := strings.Cut(line, ":")
			value = strings.TrimPrefix(value, " ")
			switch name {
			case "event":
				e.name = value
			case "data":
				require.Empty(t, e.data, "data in two lines: %q", one)
				e.data = value
			case "":
			default:
				t.Fatalf("a line that is nothing: %q", line)
			}
		}
		if e.data != "" {
			all = append(all, e)
		}
	}
	return all
}

// until reads a stream until some text has come, and leaves then.
func until(t *testing.T, s *scene, path, body, text string) {
	t.Helper()
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	response, err := s.Post(ctx, path, body)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	var so bytes.Buffer
	piece := make([]byte, 512)
	for !strings.Contains(so.String(), text) {
		n, err := response.Body.Read(piece)
		so.Write(piece[:n])
		if err == io.EOF {
			t.Fatalf("the stream has ended: %s", so.String())
		}
		require.NoError(t, err)
	}
}
