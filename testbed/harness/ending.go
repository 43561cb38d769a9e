package harness

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// Ending is what a fault leads to.
type Ending struct {
	Outcome outcome.Outcome // of the attempt that fails; Completed: it does not, and the client gets its answer
	Status  int             // what the client is told where no other channel answers
	Code    string          // the error's code, for OpenAI's clients; empty: any
	Message string          // a part of the error's message
	Header  map[string]string
	Unsent  bool // nothing was sent to the upstream
	Final   bool // no other channel is asked
	Shaped  bool // the answer is no clean text: it is passed on with the liberties that its upstream took
	Silent  bool // the answer has no text
	Cut     bool // a stream has begun by then: it ends with an error, and is not taken up by another channel
}

// RequireAnswer is for an answer that is complete in the client's format.
func (w Way) RequireAnswer(t *testing.T, v Variant, h Heard, text string) {
	t.Helper()
	require.Equal(t, 1, strings.Count(h.Text, text), h.Text)
	w.RequireEnd(t, v, h)
}

// RequireEnd is for an answer that has come to its end, whatever it says.
func (w Way) RequireEnd(t *testing.T, v Variant, h Heard) {
	t.Helper()
	require.Equal(t, http.StatusOK, h.Status, h.Text)
	require.NotContains(t, h.Text, "error")
	if !v.Stream {
		var object map[string]any
		require.NoError(t, json.Unmarshal([]byte(h.Text), &object), h.Text)
		return
	}
	require.Contains(t, h.Header.Get("Content-Type"), "text/event-stream")
	require.True(t, strings.HasSuffix(h.Text, w.Terminator()), h.Text)
	require.Equal(t, 1, strings.Count(h.Text, w.Terminator()), h.Text)
}

func (w Way) Terminator() string { return Voice{Anthropic: w.Client == wire.Anthropic}.Terminator() }

// RequireError is for an error that is the whole answer.
func (w Way) RequireError(t *testing.T, h Heard, want Ending) {
	t.Helper()
	require.Equal(t, want.Status, h.Status, h.Text)
	require.Contains(t, h.Header.Get("Content-Type"), "application/json")
	for name, value := range want.Header {
		require.Equal(t, value, h.Header.Get(name), name)
	}
	w.RequireErrorObject(t, h, h.Text, want)
}

func (w Way) RequireErrorObject(t *testing.T, h Heard, text string, want Ending) {
	t.Helper()
	var object struct {
		Type  string
		Error struct {
			Type, Message string
			Code          *string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(text), &object), text)
	require.NotEmpty(t, object.Error.Type, text)
	require.Contains(t, object.Error.Message, want.Message)
	require.True(t, strings.HasSuffix(object.Error.Message, " (request id: "+h.Header.Get("X-Oneapi-Request-Id")+")"), text)
	if w.Client == wire.Anthropic {
		require.Equal(t, "error", object.Type, text)
		return
	}
	if want.Code != "" {
		require.NotNil(t, object.Error.Code, text)
		require.Equal(t, want.Code, *object.Error.Code)
	}
}
