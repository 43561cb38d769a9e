package telemetry

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"one-api/testbed/harness"
)

// TestASpanSaysWhatTheAnswerSaysOfItself is over all formats, streamed and whole, passed on and converted.
func TestASpanSaysWhatTheAnswerSaysOfItself(t *testing.T) {
	const (
		chunk   = `{"id":"chatcmpl-7","object":"chat.completion.chunk","model":"gpt-x-2026-01-01","choices":[%s]}`
		usage   = `{"id":"chatcmpl-7","object":"chat.completion.chunk","model":"gpt-x-2026-01-01","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,"prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":2}}}`
		whole   = `{"id":"chatcmpl-7","object":"chat.completion","model":"gpt-x-2026-01-01","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}%s],"usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14}}`
		message = `{"id":"msg_7","type":"message","role":"assistant","model":"claude-real","content":[%s],"stop_reason":%s,"usage":{"input_tokens":3,"cache_creation_input_tokens":2,"cache_read_input_tokens":4,"output_tokens":5}}`
	)
	event := func(data string) string { return "data: " + data + "\n\n" }
	named := func(name, data string) string { return "event: " + name + "\ndata: " + data + "\n\n" }
	chatStream := event(fmt.Sprintf(chunk, `{"index":0,"delta":{"role":"assistant","content":"a"},"finish_reason":null}`)) +
		event(fmt.Sprintf(chunk, `{"index":0,"delta":{"content":"b"},"finish_reason":null}`)) +
		event(fmt.Sprintf(chunk, `{"index":0,"delta":{},"finish_reason":"length"}`)) + event(usage) + event("[DONE]")
	twoChoices := event(fmt.Sprintf(chunk, `{"index":0,"delta":{"content":"a"},"finish_reason":null},{"index":1,"delta":{"content":"a"},"finish_reason":null}`)) +
		event(fmt.Sprintf(chunk, `{"index":1,"delta":{},"finish_reason": "tool_calls"}`)) +
		event(fmt.Sprintf(chunk, `{"index":0,"delta":{},"finish_reason": "stop"}`)) + event("[DONE]")
	messagesStream := named("message_start", `{"type":"message_start","message":`+fmt.Sprintf(message, "", "null")+`}`) +
		named("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`) +
		named("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}`) +
		named("content_block_stop", `{"type":"content_block_stop","index":0}`) +
		named("message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}`) +
		named("message_stop", `{"type":"message_stop"}`)
	for name, c := range map[string]struct {
		kind, path, answer     string
		stream                 bool
		model, id, ends, wrote string
	}{
		"chat, streamed":             {"openai", "chat/completions", chatStream, true, "gpt-x-2026-01-01", "chatcmpl-7", `["length"]`, "2"},
		"chat, two choices":          {"openai", "chat/completions", twoChoices, true, "gpt-x-2026-01-01", "chatcmpl-7", `["stop","tool_calls"]`, ""},
		"chat, whole":                {"openai", "chat/completions", fmt.Sprintf(whole, ""), false, "gpt-x-2026-01-01", "chatcmpl-7", `["stop"]`, ""},
		"messages, streamed":         {"anthropic", "messages", messagesStream, true, "claude-real", "msg_7", `["end_turn"]`, "2"},
		"messages, whole":            {"anthropic", "messages", fmt.Sprintf(message, `{"type":"text","text":"a"}`, `"max_tokens"`), false, "claude-real", "msg_7", `["max_tokens"]`, "2"},
		"messages of chat, streamed": {"openai", "messages", chatStream, true, "gpt-x-2026-01-01", "chatcmpl-7", `["length"]`, "2"},
		"chat of messages, whole":    {"anthropic", "chat/completions", fmt.Sprintf(message, `{"type":"text","text":"a"}`, `"end_turn"`), false, "claude-real", "msg_7", `["end_turn"]`, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			u := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
				if c.stream {
					streams(w)
				} else {
					w.Header().Set("Content-Type", "application/json")
				}
				harness.Say(w, c.answer)
			})
			r := startTraced(t, sdktrace.AlwaysSample(), "channels:\n"+strings.Replace(gptX(u, "a", ""), "type: openai", "type: "+c.kind, 1))
			ask := askWhole
			if c.stream {
				ask = askStream
			}
			status, body, _ := r.Ask("/v1/"+c.path, strings.Replace(ask, `"messages"`, `"max_tokens":9,"messages"`, 1))
			require.Equal(t, http.StatusOK, status, body)
			_, clients := r.ended(1)
			require.Len(t, clients, 1)
			got := said(clients[0])
			require.Equal(t, c.model, got["gen_ai.response.model"])
			require.Equal(t, c.id, got["gen_ai.response.id"])
			require.Equal(t, c.ends, got["gen_ai.response.finish_reasons"])
			require.Equal(t, c.wrote, got["gen_ai.usage.cache_creation.input_tokens"])
			require.NotContains(t, got, "gen_ai.usage.cache_write.input_tokens", "its name in the latest conventions")
			require.Equal(t, "5", got["gen_ai.usage.output_tokens"]+strings.Repeat("5", strings.Count(name, "two choices")))
		})
	}
}
