package messages_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

func FuzzChatToMessages(f *testing.F) {
	for _, members := range []string{
		hello,
		hello + oneTool + `,"tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false`,
		hello + `,"response_format":{"type":"json_schema","json_schema":{"schema":{}}},"stop":["a"],"temperature":2,"max_tokens":1`,
		`"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}},{"type":"file","file":{"file_data":"data:text/plain,%41"}}]},` +
			`{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"x"}]}]`,
	} {
		f.Add([]byte(`{"model":"claude-test",` + members + `}`))
	}
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, body []byte) {
		request, err := lanes.Request(&lane.Call{Endpoint: wire.ChatCompletions, Model: "m", Body: body}, target)
		if err != nil {
			var e *wire.Error
			if !errors.As(err, &e) || e.Status != 400 || e.Message == "" || strings.Contains(e.Message, "Go struct") {
				t.Fatalf("not an error for a client: %#v", err)
			}
			return
		}
		var out wire.MessagesRequest
		if err := json.Unmarshal(request.Body, &out); err != nil {
			t.Fatalf("not a valid request: %v: %s", err, request.Body)
		}
		for i, m := range out.Messages {
			if i > 0 && m.Role == out.Messages[i-1].Role {
				t.Fatalf("roles do not alternate: %s", request.Body)
			}
		}
	})
}

func FuzzStream(f *testing.F) {
	var recorded []string
	for _, e := range nativeStream {
		recorded = append(recorded, e.data)
	}
	f.Add(strings.Join(recorded, "\n"))
	f.Add(start + "\n" + `{"type":"content_block_start","index":-1,"content_block":{"type":"tool_use","input":{"a":1}}}` + "\n" + stop)
	f.Add(start + "\n" + `{"type":"error","error":{"type":"overloaded_error","message":"x"}}`)
	f.Add(`{"type":"message_start","message":{"usage":{"input_tokens":9223372036854775807,"output_tokens":-1}}}` + "\n" + stop)
	f.Fuzz(func(t *testing.T, stream string) {
		chat := chatTranslator(`{"stream":true,"stream_options":{"include_usage":true}}`)
		native := native()
		done := false
		for data := range strings.SplitSeq(stream, "\n") {
			in := sse.Event{Data: []byte(data)}
			if step, err := native.Event(in); err == nil && len(step.Out) > 0 {
				_, unnamed, _ := bytes.Cut(step.Out, []byte("data: ")) // it has a name, if it is of a type that is known
				assertEvents(t, append([]byte("data: "), unnamed...))
			}
			step, err := chat.Event(in)
			if err != nil {
				failureOf(t, err)
				break
			}
			if done && len(step.Out) > 0 {
				t.Fatalf("something follows the terminator: %q", step.Out)
			}
			done = done || step.Done
			if step.Done != bytes.HasSuffix(step.Out, []byte("data: [DONE]\n\n")) {
				t.Fatalf("the terminator and Done disagree: %q", step.Out)
			}
			assertEvents(t, step.Out)
		}
		_, _ = chatTranslator(`{}`).Whole([]byte(stream))
		_ = outcome.StatusFailure(500, nil, []byte(stream))
	})
}

func assertEvents(t *testing.T, out []byte) {
	t.Helper()
	for _, data := range chunks(t, out) {
		if data != "[DONE]" && !json.Valid([]byte(data)) {
			t.Fatalf("not JSON: %q", data)
		}
	}
}
