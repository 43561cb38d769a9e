package anthropic

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/relay/channel/lanetest"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

const created = 1700000000

var target = channel.Target{Model: "claude-test"}

// call makes a client's call. body has to have the member "model":"claude-test" for the mapping of models to find it.
func call(endpoint wire.Endpoint, body string) *channel.Call {
	c := &channel.Call{
		Endpoint: endpoint, Model: "claude-test", Body: []byte(body), Header: http.Header{},
		Stream: strings.Contains(body, `"stream":true`),
	}
	if at := strings.Index(body, `"claude-test"`); at >= 0 {
		c.ModelFrom, c.ModelTo = at, at+len(`"claude-test"`)
	}
	return c
}

// convert is the Anthropic body of a chat request with these members beside the model.
func convert(t *testing.T, members string) string {
	t.Helper()
	request, err := lanetest.Of(Lanes).Request(call(wire.ChatCompletions, `{"model":"claude-test",`+members+`}`), target)
	require.NoError(t, err)
	return string(request.Body)
}

// refused is the error that a chat request with these members gets.
func refused(t *testing.T, members string) *wire.Error {
	t.Helper()
	_, err := lanetest.Of(Lanes).Request(call(wire.ChatCompletions, `{"model":"claude-test",`+members+`}`), target)
	var e *wire.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, http.StatusBadRequest, e.Status)
	return e
}

func chatTranslator(body string) *chatAnswer {
	t := newChatAnswer(call(wire.ChatCompletions, body))
	t.created = created
	return t
}

// event is what the reader makes of an event whose data is this.
func event(data string) sse.Event {
	name, _, _ := strings.Cut(strings.TrimPrefix(data, `{"type":"`), `"`)
	return sse.Event{Raw: []byte("event: " + name + "\ndata: " + data + "\n\n"), Name: []byte(name), Data: []byte(data), Clean: true}
}

// chunks are the data of the events in out, which has to be well-formed.
func chunks(t *testing.T, out []byte) []string {
	t.Helper()
	var all []string
	for len(out) > 0 {
		one, rest, ok := bytes.Cut(out, []byte("\n\n"))
		require.True(t, ok, "an event has no end: %q", out)
		var data []string
		for line := range strings.SplitSeq(string(one), "\n") {
			line, ok := strings.CutPrefix(line, "data: ")
			require.True(t, ok, "an event has a line that is no data: %q", one)
			data = append(data, line)
		}
		all, out = append(all, strings.Join(data, "\n")), rest
	}
	return all
}

func failureOf(t *testing.T, err error) *channel.Failure {
	t.Helper()
	var f *channel.Failure
	require.True(t, errors.As(err, &f), "not a failure: %v", err)
	return f
}
