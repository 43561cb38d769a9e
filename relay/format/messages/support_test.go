package messages_test

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/lane"
	"one-api/relay/lane/lanetest"
	"one-api/relay/outcome"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// lanes is the ways to a channel of the type.
var lanes = lanetest.Of(lane.Anthropic.Lanes)

var target = lane.Destination{Model: "claude-test"}

// call makes a client's call. body has to have the member "model":"claude-test" for the mapping of models to find it.
func call(endpoint wire.Endpoint, body string) *lane.Call {
	c := &lane.Call{
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
	request, err := lanes.Request(call(wire.ChatCompletions, `{"model":"claude-test",`+members+`}`), target)
	require.NoError(t, err)
	return string(request.Body)
}

// refused is the error that a chat request with these members gets.
func refused(t *testing.T, members string) *wire.Error {
	t.Helper()
	_, err := lanes.Request(call(wire.ChatCompletions, `{"model":"claude-test",`+members+`}`), target)
	var e *wire.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, http.StatusBadRequest, e.Status)
	return e
}

// native is what reads an answer that is passed on.
func native() lane.Translator { return lanes.Answer(call(wire.Messages, `{"stream":true}`)) }

// chatTranslator is what turns the answer to a chat request with these members into one for its client, whose time it fixes.
func chatTranslator(body string) lane.Translator {
	members := `"model":"claude-test",` + hello
	if body != `{}` {
		members += "," + strings.TrimSuffix(strings.TrimPrefix(body, "{"), "}")
	}
	return dated{lanes.Answer(call(wire.ChatCompletions, "{"+members+"}"))}
}

type dated struct{ lane.Translator }

var createdNow = regexp.MustCompile(`"created":\d+`)

func (d dated) Whole(body []byte) ([]byte, error) {
	out, err := d.Translator.Whole(body)
	return createdNow.ReplaceAll(out, []byte(`"created":1700000000`)), err
}

func (d dated) Event(event sse.Event) (lane.Chunk, error) {
	step, err := d.Translator.Event(event)
	if step.Out != nil {
		step.Out = createdNow.ReplaceAll(step.Out, []byte(`"created":1700000000`))
	}
	return step, err
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

func failureOf(t *testing.T, err error) *outcome.Failure {
	t.Helper()
	require.Error(t, err)
	return outcome.FailureOf(err)
}
