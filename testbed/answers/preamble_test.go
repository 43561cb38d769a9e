package answers

import (
	"strings"
	"testing"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// F18: nothing is promised before the first content.

// chunk is a chunk of a chat completion with one choice.
func chunk(delta, finish string) string {
	return harness.Event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":`+delta+`,"finish_reason":`+finish+`}]}`)
}

const (
	roleDelta = `{"role":"assistant","content":""}`
	done      = "data: [DONE]\n\n"

	messageBegins = "event: message_start\n" + `data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"up","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":7,"output_tokens":1}}}` + "\n\n"
	textBegins    = "event: content_block_start\n" + `data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}` + "\n\n"
	pinged        = "event: ping\n" + `data: {"type":"ping"}` + "\n\n"
	overloaded    = "event: error\n" + `data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}` + "\n\n"
	blockEnds     = "event: content_block_stop\n" + `data: {"type":"content_block_stop","index":0}` + "\n\n"
	messageStops  = "event: message_stop\n" + `data: {"type":"message_stop"}` + "\n\n"
)

// blockBegins is the start of a content block.
func blockBegins(block string) string {
	return harness.Event("content_block_start", `{"type":"content_block_start","index":0,"content_block":`+block+`}`)
}

func messageEnds(reason string) string {
	return harness.Event("message_delta", `{"type":"message_delta","delta":{"stop_reason":`+reason+`,"stop_sequence":null},"usage":{"output_tokens":3}}`)
}

func saying(text string) string {
	return harness.Event("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"`+text+`"}}`)
}

func TestAFailureBehindAPreambleMovesOn(t *testing.T) {
	const failed = `data: {"error":{"message":"Provider returned error","code":502}}` + "\n\n"
	role, event502 := chunk(roleDelta, "null"), outcome.UpstreamErrorEvent
	empties := chunk(`{"role":"assistant","content":"","reasoning_content":"","refusal":null,"tool_calls":[],"function_call":null}`, "null")
	var preambles strings.Builder
	for range 10 {
		preambles.WriteString(chunk(`{}`, "null"))
	}
	playAnswers(t, []oddAnswer{
		{name: "a role chunk and an error", body: role + failed, outcome: event502},
		{name: "a role chunk and an error as text", body: role + harness.Event("", `{"error":"boom"}`), outcome: event502},
		{name: "a role chunk and an error as finish reason", body: role + chunk(`{}`, `"error"`) + done, outcome: event502},
		{name: "a role chunk that is an error", body: chunk(roleDelta, `"error"`) + done, outcome: event502},
		{name: "a role chunk and nothing", body: role, outcome: outcome.UpstreamTruncated},
		{name: "a role chunk and half an event", body: role + `data: {"choi`, outcome: outcome.UpstreamTruncated},
		{name: "a role chunk and no JSON", body: role + harness.Event("", "oops"), outcome: outcome.UpstreamMalformed},
		{name: "a role chunk and silence", body: role, again: " ", timeouts: "idle: 1s", outcome: outcome.IdleTimeout, status: 504},
		{name: "everything empty and an error", body: empties + failed, outcome: event502},
		{name: "many empty chunks and an error", body: preambles.String() + failed, outcome: event502},
		{name: "a filter's word on the prompt and an error", outcome: event502,
			body: harness.Event("", `{"id":"","object":"","created":0,"model":"","prompt_filter_results":[{"prompt_index":0}],"choices":[]}`) + failed},
		{name: "null choices and an error", body: harness.Event("", `{"id":"c1","model":"up","choices":null}`) + failed, outcome: event502},
		{name: "usage and an error", body: harness.Event("", `{"id":"c1","choices":[],"usage":{"prompt_tokens":5}}`) + failed, outcome: event502},
		{name: "comments and an error", body: ": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n" + failed, outcome: event502},
		{name: "comments and an object that is no event", body: ": OPENROUTER PROCESSING\n\n" + `{"error":{"message":"m","code":502}}`, outcome: event502},

		{name: "a start a ping and an error", anthropic: true, body: messageBegins + pinged + overloaded, outcome: event502},
		{name: "a start a block and an error", anthropic: true, body: messageBegins + textBegins + overloaded, outcome: event502},
		{name: "a ping and an error", anthropic: true, body: pinged + overloaded, outcome: event502},
		{name: "a start an empty thought and an error", anthropic: true, body: messageBegins + blockBegins(`{"type":"thinking","thinking":"","signature":""}`) + overloaded, outcome: event502},
		{name: "a thought that is not even empty and an error", anthropic: true, body: messageBegins + blockBegins(`{"type":"thinking"}`) + overloaded, outcome: event502},
		{name: "a thought that is hidden and empty and an error", anthropic: true, body: messageBegins + blockBegins(`{"type":"redacted_thinking","data":""}`) + overloaded, outcome: event502},
		{name: "an empty thought that ends and an error", anthropic: true, body: messageBegins + blockBegins(`{"type":"thinking","thinking":""}`) + blockEnds + overloaded, outcome: event502},
		{name: "an empty block that ends and an error", anthropic: true, body: messageBegins + textBegins + blockEnds + overloaded, outcome: event502},
		{name: "a piece of text that is empty and an error", anthropic: true, body: messageBegins + textBegins + saying("") + overloaded, outcome: event502},
		{name: "a piece of a thought that is empty and an error", anthropic: true, outcome: event502,
			body: messageBegins + blockBegins(`{"type":"thinking","thinking":""}`) + harness.Event("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":""}}`) + overloaded},
		{name: "an empty thought and silence", anthropic: true, body: messageBegins + blockBegins(`{"type":"thinking","thinking":""}`), again: "\n", timeouts: "idle: 1s", outcome: outcome.IdleTimeout, status: 504},
		{name: "a start and nothing", anthropic: true, body: messageBegins, outcome: outcome.UpstreamTruncated},
		{name: "a start a block and nothing", anthropic: true, body: messageBegins + textBegins + pinged, outcome: outcome.UpstreamTruncated},
		{name: "a start and silence", anthropic: true, body: messageBegins + pinged, again: "\n", timeouts: "idle: 1s", outcome: outcome.IdleTimeout, status: 504},
		{name: "a start and an error as stop reason", anthropic: true, body: messageBegins + messageEnds(`"model_overloaded"`) + messageStops, outcome: event502},
		{name: "a start and a stop", anthropic: true, body: messageBegins + messageStops, outcome: outcome.UpstreamMalformed},
	}, harness.WithEnv("KEEPALIVE_INTERVAL", "0"))
}

func TestAFailureBehindContentIsToldAndMovesNobody(t *testing.T) {
	const failed = `data: {"error":{"message":"Provider returned error","code":502}}` + "\n\n"
	role, text := chunk(roleDelta, "null"), chunk(`{"content":"`+harness.FromFaulty+`"}`, "null")
	call := chunk(`{"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"get","arguments":""}}]}`, "null")
	both := []string{harness.FromFaulty}
	playAnswers(t, []oddAnswer{
		{name: "text and an error", body: role + text + failed, outcome: outcome.UpstreamErrorEvent, committed: true, says: both, saysToo: both},
		{name: "text and an error as finish reason", committed: true, says: both, saysToo: both, outcome: outcome.UpstreamErrorEvent,
			body: text + harness.Event("", `{"id":"c1","choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","error":{"code":502,"message":"provider disconnected"}}]}`) + done},
		{name: "text and an abort", body: text + chunk(`{}`, `"abort"`) + done, outcome: outcome.UpstreamErrorEvent, committed: true, says: both, saysToo: both},
		{name: "text and nothing", body: role + text, outcome: outcome.UpstreamTruncated, committed: true, says: both, saysToo: both},
		{name: "text in the role chunk and an error", body: chunk(`{"role":"assistant","content":"`+harness.FromFaulty+`"}`, "null") + failed,
			outcome: outcome.UpstreamErrorEvent, committed: true, says: both, saysToo: both},
		{name: "a piece of a call and an error", body: role + call + failed, outcome: outcome.UpstreamErrorEvent, committed: true,
			says: []string{`"name":"get"`}, saysToo: []string{`"name":"get"`}},
		{name: "a thought and an error", body: role + chunk(`{"reasoning":"`+harness.FromFaulty+`"}`, "null") + failed,
			outcome: outcome.UpstreamErrorEvent, committed: true, says: both, saysToo: both},
		// Clients of the other format get nothing of what nobody knows.
		{name: "an unknown event and an error", body: harness.Event("", `{"type":"queue.position","position":3}`) + failed, outcome: outcome.UpstreamErrorEvent,
			committed: true, converted: outcome.UpstreamErrorEvent, says: []string{"queue.position"}},
		{name: "too long a preamble and an error", body: strings.Repeat(role, 64<<10/len(role)+1) + failed, outcome: outcome.UpstreamErrorEvent,
			committed: true, converted: outcome.UpstreamErrorEvent, says: []string{`"role":"assistant"`}},

		// A chat client gets nothing of what is hidden, and hears of a call before its arguments.
		{name: "Anthropic's hidden thought and an error", anthropic: true, body: messageBegins + blockBegins(`{"type":"redacted_thinking","data":"`+harness.FromFaulty+`"}`) + overloaded,
			outcome: outcome.UpstreamErrorEvent, committed: true, converted: outcome.UpstreamErrorEvent, says: both},
		{name: "Anthropic's call and an error", anthropic: true, body: messageBegins + blockBegins(`{"type":"tool_use","id":"t1","name":"get","input":{}}`) + overloaded,
			outcome: outcome.UpstreamErrorEvent, committed: true, says: []string{`"name":"get"`}, saysToo: []string{`"name":"get"`}},
		{name: "Anthropic's thought and an error", anthropic: true, body: messageBegins + blockBegins(`{"type":"thinking","thinking":"`+harness.FromFaulty+`"}`) + overloaded,
			outcome: outcome.UpstreamErrorEvent, committed: true, says: both, saysToo: both},
		{name: "Anthropic's text and an error", anthropic: true, body: messageBegins + textBegins + saying(harness.FromFaulty) + overloaded,
			outcome: outcome.UpstreamErrorEvent, committed: true, says: both, saysToo: both},
		{name: "Anthropic's text and nothing", anthropic: true, body: messageBegins + textBegins + saying(harness.FromFaulty) + blockEnds,
			outcome: outcome.UpstreamTruncated, committed: true, says: both, saysToo: both},
		{name: "Anthropic's text and an error as stop reason", anthropic: true, body: messageBegins + textBegins + saying(harness.FromFaulty) + messageEnds(`"error"`) + messageStops,
			outcome: outcome.UpstreamErrorEvent, committed: true, says: both, saysToo: both},
	}, harness.WithEnv("KEEPALIVE_INTERVAL", "0"))
}
