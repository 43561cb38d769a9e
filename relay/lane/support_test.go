package lane_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/config"
	"one-api/relay/lane"
	"one-api/relay/provider"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// scene is a client of one format in front of a channel of some type.
type scene struct {
	t      *testing.T
	lane   lane.Lane
	target lane.Destination
	call   *lane.Call
	sent   lane.Outgoing
}

// channelOf is a channel of a type, as a configuration has it.
func channelOf(kind string) *config.Channel {
	return &config.Channel{Name: "the-" + kind, Type: kind, Keys: []string{"sk-first", "sk-second"}}
}

// to is a scene with a channel at its provider's own address, or at another one.
func to(t *testing.T, kind, model string, own bool, client wire.Endpoint) *scene {
	t.Helper()
	kind, responses := strings.CutSuffix(kind, "/responses")
	for _, p := range provider.All() {
		if p.Type == kind {
			family := map[provider.Format]*lane.Family{provider.Chat: lane.OpenAI, provider.Messages: lane.Anthropic, provider.Gemini: lane.Gemini}[p.Speaks[0].Format]
			if responses {
				family = lane.Responses
			}
			return &scene{t: t, lane: family.Lanes(channelOf(kind))[client], target: lane.Destination{Model: model, Official: own, Quirks: p.QuirksAt(own), AskUsage: true},
				call: &lane.Call{Endpoint: client, Model: model, Header: http.Header{}}}
		}
	}
	t.Fatalf("no provider of type %s", kind)
	return nil
}

// ask sends a request with these members, and with those that it needs beside them; the result is the error, if there is one.
func (s *scene) ask(members string) error {
	s.t.Helper()
	body := `{"model":"` + s.call.Model + `"`
	switch {
	case s.call.Endpoint.Format() == wire.Gemini && !strings.Contains(members, `"contents"`):
		body += `,"contents":[{"parts":[{"text":"go"}]}]`
	case s.call.Endpoint.Format() == wire.Gemini:
	case s.call.Endpoint == wire.ResponsesCreate && !strings.Contains(members, `"input"`):
		body += `,"input":"go"`
	case s.call.Endpoint != wire.ResponsesCreate && !strings.Contains(members, `"messages"`):
		body += `,"messages":[{"role":"user","content":"go"}]`
	}
	if s.call.Endpoint == wire.Messages && !strings.Contains(members, `"max_tokens"`) {
		body += `,"max_tokens":50`
	}
	if members != "" {
		body += "," + members
	}
	s.call.Body = []byte(body + "}")
	require.True(s.t, json.Valid(s.call.Body), string(s.call.Body))
	s.call.ModelFrom, s.call.ModelTo = len(`{"model":`), len(`{"model":""`)+len(s.call.Model)
	s.call.Stream = strings.Contains(members, `"stream":true`) || s.call.Endpoint == wire.GeminiStream
	if s.call.Endpoint == wire.GeminiStream {
		s.call.Query = "alt=sse"
	}
	var err error
	s.sent, err = s.lane.Request(s.call, s.target)
	return err
}

// saw is what the upstream sees of a request with these members.
func (s *scene) saw(members string) map[string]any {
	s.t.Helper()
	require.NoError(s.t, s.ask(members))
	var body map[string]any
	require.NoError(s.t, json.Unmarshal(s.sent.Body, &body), string(s.sent.Body))
	return body
}

// got is what the client gets of a whole answer.
func (s *scene) got(answer string) map[string]any {
	s.t.Helper()
	out, err := s.lane.Answer(s.call, s.sent.Converted).Whole([]byte(answer))
	require.NoError(s.t, err, answer)
	var body map[string]any
	require.NoError(s.t, json.Unmarshal(out, &body), string(out))
	return body
}

// heard is what the client gets of a stream of such events, and why it ended; nil means in good order.
func (s *scene) heard(events ...string) (got []map[string]any, failed error) {
	s.t.Helper()
	translator := s.lane.Answer(s.call, s.sent.Converted)
	take := func(out []byte) {
		for one := range strings.SplitSeq(string(out), "\n\n") {
			if _, data, ok := strings.Cut(one, "data: "); ok && data != "[DONE]" {
				var v map[string]any
				require.NoError(s.t, json.Unmarshal([]byte(data), &v), data)
				got = append(got, v)
			}
		}
	}
	for _, data := range events {
		step, err := translator.Event(sse.Event{Raw: []byte("data: " + data + "\n\n"), Data: []byte(data), Clean: true})
		if err != nil {
			return got, err
		}
		take(step.Out)
		if step.Done {
			return got, nil
		}
	}
	step, err := translator.End()
	take(step.Out)
	return got, err
}

// block is a content block of a streamed message, put together from its events.
type block struct{ kind, id, name, text string }

// blocks puts a stream of Anthropic's together as its Go client does: one block is open at a time, and what comes belongs to the last.
func (s *scene) blocks(events []map[string]any) (all []block, stop string) {
	s.t.Helper()
	open := false
	for _, e := range events {
		switch e["type"] {
		case "content_block_start":
			require.False(s.t, open, "a block begins inside of another: %v", events)
			b := e["content_block"].(map[string]any)
			id, _ := b["id"].(string)
			name, _ := b["name"].(string)
			all, open = append(all, block{kind: b["type"].(string), id: id, name: name}), true
			require.EqualValues(s.t, len(all)-1, e["index"])
		case "content_block_delta":
			require.True(s.t, open)
			require.EqualValues(s.t, len(all)-1, e["index"])
			d := e["delta"].(map[string]any)
			for _, of := range []string{"text", "thinking", "partial_json"} {
				if text, ok := d[of].(string); ok {
					all[len(all)-1].text += text
				}
			}
		case "content_block_stop":
			open = false
		case "message_delta":
			stop, _ = e["delta"].(map[string]any)["stop_reason"].(string)
		}
	}
	require.False(s.t, open)
	return all, stop
}

// chunk is a chunk of a chat completion with this delta.
func chunk(delta string) string {
	return `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":` + delta + `,"finish_reason":null}]}`
}

// pieces is a chunk with these pieces of tool calls.
func pieces(calls string) string { return chunk(`{"tool_calls":[` + calls + `]}`) }

func ends(reason string) string {
	return `{"id":"c1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":` + reason + `}]}`
}

// completion is a whole chat completion.
func completion(message, reason string) string {
	return `{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":` + message + `,"finish_reason":` + reason +
		`}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}`
}

// message is a whole message.
func message(content, reason string) string {
	return `{"id":"m1","type":"message","role":"assistant","model":"m","content":[` + content + `],"stop_reason":` + reason + `,"usage":{"input_tokens":1,"output_tokens":1}}`
}

// at is a value inside of what JSON became: names and indexes lead to it.
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			of, ok := v.(map[string]any)
			require.True(t, ok, "%v is no object, so there is no %q in it", v, step)
			v = of[step]
		case int:
			of, ok := v.([]any)
			require.True(t, ok && step < len(of), "%v has no element %d", v, step)
			v = of[step]
		}
	}
	return v
}

func mustEncode(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
