package chat_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"one-api/relay/format"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

func FuzzMessagesToChat(f *testing.F) {
	for _, seed := range []string{
		`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"a"}]}`,
		`{"max_tokens":1,"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"a/b","data":"QQ=="}},{"type":"document","source":{"type":"text","data":"d"}}]}]}`,
		`{"max_tokens":1,"tools":[{"name":"f","input_schema":{}}],"tool_choice":{"type":"tool","name":"f"},"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","is_error":true,"content":[{"type":"text","text":"a"}]}]}]}`,
		`{"max_tokens":1,"stream":true,"stop_sequences":["a"],"metadata":{"user_id":"u"},"output_config":{"format":{"type":"json_schema","schema":{}}},"messages":[{"role":"user","content":""}]}`,
		`{"max_tokens":"x"}`, `[]`, `{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := lanes.Request(&lane.Call{Endpoint: wire.Messages, Body: body}, lane.Destination{Model: "m"})
		if err != nil {
			e, ok := err.(*wire.Error)
			if !ok || e.Status != http.StatusBadRequest || e.Message == "" {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		var chat wire.ChatRequest
		if err := json.Unmarshal(r.Body, &chat); err != nil {
			t.Fatalf("%v in %s", err, r.Body)
		}
		if len(chat.Messages) == 0 {
			t.Fatalf("no messages in %s", r.Body)
		}
	})
}

// FuzzStream takes a stream as lines of data.
func FuzzStream(f *testing.F) {
	for _, seed := range [][]string{
		{delta(`"content":"a"`), finish("stop"), "[DONE]"},
		{delta(`"reasoning_content":"t"`), toolCalls(`{"index":0,"id":"1","function":{"name":"f","arguments":"{}"}}`), toolCalls(`{"id":"2","function":{"name":"g"}}`), finish("tool_calls"), "[DONE]"},
		{delta(`"content":[{"type":"thinking","thinking":[{"type":"text","text":"t"}]},{"type":"text","text":"a"}]`), "", "[DONE]"},
		{`{"choices":[],"usage":{"prompt_tokens":1}}`, `{"error":"m"}`},
		{completion(`{"content":"a","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}`, `"length"`)},
	} {
		f.Add([]byte(strings.Join(seed, "\n")))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		for _, endpoint := range []wire.Endpoint{wire.ChatCompletions, wire.Messages} {
			tr := lanes.Answer(&lane.Call{Endpoint: endpoint, Stream: true})
			for _, data := range bytes.Split(stream, []byte("\n")) {
				step, err := tr.Event(sse.Event{Data: data})
				if err != nil {
					mustBeFailure(t, err)
					break
				}
				mustBeSSE(t, step.Out, endpoint)
				if step.Done {
					break
				}
			}
			tr.Usage()
		}
		out, err := converted().Whole(stream)
		if err != nil {
			mustBeFailure(t, err)
		} else if !json.Valid(out) {
			t.Fatalf("not JSON: %s", out)
		}
	})
}

func mustBeFailure(t *testing.T, err error) {
	t.Helper()
	if fault, ok := err.(*format.Fault); !ok || fault == nil || outcome.FailureOf(err).Err.Message == "" {
		t.Fatalf("%T %v", err, err)
	}
}

func mustBeSSE(t *testing.T, out []byte, endpoint wire.Endpoint) {
	t.Helper()
	if len(out) > 0 && !bytes.HasSuffix(out, []byte("\n\n")) {
		t.Fatalf("an event that does not end: %q", out)
	}
	for event := range bytes.SplitSeq(bytes.TrimSuffix(out, []byte("\n\n")), []byte("\n\n")) {
		if len(event) == 0 {
			continue
		}
		name, data, _ := bytes.Cut(event, []byte("\n"))
		if endpoint == wire.ChatCompletions {
			name, data = nil, event
		}
		var content []byte
		for line := range bytes.SplitSeq(data, []byte("\n")) {
			if value, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
				content = append(content, value...)
			} else {
				t.Fatalf("a line that is no data: %q", event)
			}
		}
		if endpoint == wire.ChatCompletions {
			if !json.Valid(content) && string(bytes.TrimSpace(content)) != "[DONE]" {
				t.Fatalf("not JSON: %q", event)
			}
			continue
		}
		var typed struct{ Type string }
		if err := json.Unmarshal(content, &typed); err != nil || "event: "+typed.Type != string(name) {
			t.Fatalf("%v in %q", err, event)
		}
	}
}

func FuzzFailure(f *testing.F) {
	for _, seed := range []string{
		`{"error":{"message":"m","type":"t","param":"p","code":"c"}}`, `{"error":"m","code":7}`, `{"detail":[{"loc":["a",0],"msg":"m"}]}`,
		`[{"error":{"code":429}}]`, `<html>`, `plain`, `{"message":{"detail":"m"}}`, "\xff", `{"err`,
	} {
		f.Add(400, []byte(seed))
		f.Add(503, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		failure := outcome.StatusFailure(status, http.Header{}, body)
		e := failure.Err
		if e == nil || e.Message == "" || e.Status < 400 || e.Status > 599 {
			t.Fatalf("%+v", failure)
		}
		if !utf8.ValidString(e.Message) || strings.Contains(strings.ToLower(e.Message), "<html") || len(e.Message) > 2100 {
			t.Fatalf("unfit for a client: %q", e.Message)
		}
	})
}
