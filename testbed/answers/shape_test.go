package answers

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/relay/wire"
	"one-api/testbed/harness"
)

// An answer is what its bytes say, and loses nothing for how it is labelled, marked or framed.

const goodStream = `data: {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "up", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null}]}` + "\n\n" +
	`data: {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "up", "choices": [{"index": 0, "delta": {"content": "` + harness.FromFaulty + `"}, "finish_reason": null}]}` + "\n\n" +
	`data: {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "up", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}` + "\n\n" +
	`data: {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "up", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}` + "\n\n"

var goodMessages = messageBegins + textBegins + pinged + saying(harness.FromFaulty) + blockEnds + messageEnds(`"end_turn"`) + messageStops

func TestAnAnswerIsWhatItsBytesSayAndNotItsLabel(t *testing.T) {
	chat, message, said := harness.Voice{}.Whole(harness.FromFaulty), harness.Voice{Anthropic: true}.Whole(harness.FromFaulty), []string{harness.FromFaulty}
	var all []oddAnswer
	for _, kind := range []string{"application/json", "text/html; charset=utf-8", "text/plain", "application/octet-stream", "application/problem+json", "x"} {
		all = append(all,
			oddAnswer{name: "a stream labelled " + kind, kind: kind, body: goodStream + done, says: said, saysToo: said},
			oddAnswer{name: "a stream behind a comment labelled " + kind, kind: kind, body: ": hi\r\n\r\n" + goodStream + done, says: said, saysToo: said},
			oddAnswer{name: "Anthropic's stream labelled " + kind, anthropic: true, kind: kind, body: goodMessages, says: said, saysToo: said},
			oddAnswer{name: "a web page instead of a stream labelled " + kind, kind: kind, body: "\n<!doctype html><title>502</title>", outcome: outcome.UpstreamMalformed},
			oddAnswer{name: "an answer labelled " + kind, kind: kind, whole: true, body: chat, says: said, saysToo: said},
		)
	}
	all = append(all,
		oddAnswer{name: "an answer framed as an event", kind: "text/event-stream", whole: true, body: harness.Event("", chat) + done, says: said, saysToo: said},
		oddAnswer{name: "a message framed as an event", anthropic: true, kind: "text/event-stream", whole: true, body: ": hi\n\n" + harness.Event("message", message), says: said, saysToo: said},
		oddAnswer{name: "a stream instead of an answer", kind: "text/event-stream", whole: true, body: goodStream + done, outcome: outcome.UpstreamMalformed},
		oddAnswer{name: "an answer instead of a stream", body: chat, outcome: outcome.UpstreamMalformed},
		oddAnswer{name: "a message instead of a stream", anthropic: true, body: message, outcome: outcome.UpstreamMalformed},
		oddAnswer{name: "half an object instead of a stream", body: chat[:len(chat)-9], outcome: outcome.UpstreamTruncated},

		oddAnswer{name: "a mark before an answer", whole: true, body: "\uFEFF" + chat, says: said, saysToo: said},
		oddAnswer{name: "a mark before a message", anthropic: true, whole: true, body: "\uFEFF" + message, says: said, saysToo: said},
		oddAnswer{name: "a mark before a stream", body: "\uFEFF" + goodStream + done, says: said, saysToo: said},
		oddAnswer{name: "a mark before Anthropic's stream", anthropic: true, body: "\uFEFF" + goodMessages, says: said, saysToo: said},
		oddAnswer{name: "a mark before each event", body: strings.ReplaceAll(goodStream+done, "data: ", "data: \uFEFF"), says: said, saysToo: said},
	)
	playAnswers(t, all)
}

func TestOneFieldOfAnotherTypeDoesNotCostTheAnswer(t *testing.T) {
	const arguments = `{"city": "Paris", "n": 9007199254740993}`
	call := func(member string) string {
		return `"` + member + `": {"role": "assistant", "content": null, "tool_calls": [{"index": 0, "id": "t1", "type": "function", "function": {"name": "get", "arguments": ` + arguments + `}}]}`
	}
	playAnswers(t, []oddAnswer{
		{name: "arguments as an object", whole: true, body: `{"id": "c1", "model": "up", "choices": [{"index": 0, ` + call("message") + `, "finish_reason": "tool_calls"}]}`,
			says: []string{arguments}, saysToo: []string{`"input":{"city":"Paris","n":9007199254740993}`}},
		{name: "arguments as an object in a stream", body: harness.Event("", `{"id": "c1", "model": "up", "choices": [{"index": 0, `+call("delta")+`, "finish_reason": null}]}`) + chunk(`{}`, `"tool_calls"`) + done,
			says: []string{arguments}, saysToo: []string{`"partial_json":"{\"city\":\"Paris\",\"n\":9007199254740993}"`, `"stop_reason":"tool_use"`}},
		{name: "thoughts as an object", body: chunk(`{"reasoning_content":{"text":"hm"},"refusal":7,"content":"`+harness.FromFaulty+`"}`, `"stop"`) + done, says: []string{harness.FromFaulty}, saysToo: []string{harness.FromFaulty}},
		{name: "a finish reason as an object", body: chunk(`{"content":"`+harness.FromFaulty+`"}`, `{"type":"stop"}`), says: []string{harness.FromFaulty}, saysToo: []string{harness.FromFaulty, `"end_turn"`}},
	})
}

// TestAZeroAtTheEndErasesNoUsage has usage that grows, is corrected downwards, and is forgotten by its server.
func TestAZeroAtTheEndErasesNoUsage(t *testing.T) {
	zero := `{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0,"prompt_tokens_details":{"cached_tokens":0}}`
	usage := func(u string) string { return harness.Event("", `{"id":"c1","choices":[],"usage":`+u+`}`) }
	text := chunk(`{"content":"x"}`, `"stop"`)
	corrected := harness.Event("message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":9,"cache_read_input_tokens":1,"cache_creation_input_tokens":0,"output_tokens":16}}`)
	forgotten := harness.Event("message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":0,"output_tokens":0}}`)
	start := strings.Replace(messageBegins, `"input_tokens":7,"output_tokens":1`, `"input_tokens":9,"cache_read_input_tokens":5,"cache_creation_input_tokens":2,"output_tokens":3`, 1)
	for name, c := range map[string]struct {
		anthropic bool
		body      string
		want      wire.Usage
	}{
		"zeros":                     {false, text + usage(`{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10,"prompt_tokens_details":{"cached_tokens":2}}`) + usage(zero) + done, wire.Usage{Uncached: 5, CacheRead: 2, Text: 3}},
		"null":                      {false, text + usage(`{"prompt_tokens":7,"completion_tokens":3}`) + usage("null") + done, wire.Usage{Uncached: 7, Text: 3}},
		"no output":                 {false, text + usage(`{"prompt_tokens":7,"completion_tokens":3}`) + usage(`{"prompt_tokens":8,"completion_tokens":0}`) + done, wire.Usage{Uncached: 8, Text: 3}},
		"corrected downwards":       {false, text + usage(`{"prompt_tokens":7,"completion_tokens":9}`) + usage(`{"prompt_tokens":7,"completion_tokens":3}`) + done, wire.Usage{Uncached: 7, Text: 3}},
		"Anthropic's zeros":         {true, start + textBegins + saying("x") + blockEnds + forgotten + messageStops, wire.Usage{Uncached: 9, CacheRead: 5, CacheWrite5m: 2, Text: 3}},
		"Anthropic's final figures": {true, start + textBegins + saying("x") + blockEnds + corrected + messageStops, wire.Usage{Uncached: 9, CacheRead: 1, Text: 16}},
		"Anthropic's output alone":  {true, start + textBegins + saying("x") + blockEnds + messageEnds(`"end_turn"`) + messageStops, wire.Usage{Uncached: 9, CacheRead: 5, CacheWrite5m: 2, Text: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			u := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				harness.Say(w, c.body)
			})
			yaml := harness.OpenAIChannel("a", u, "")
			if c.anthropic {
				yaml = strings.Replace(yaml, "type: openai", "type: anthropic", 1)
			}
			r := harness.StartRelay(t, yaml)
			for i, path := range []string{wire.ChatCompletions.Path(), wire.Messages.Path()} {
				status, answer, _ := r.Ask(path, strings.Replace(harness.Stream, "{", `{"max_tokens":9,"stream_options":{"include_usage":true},`, 1))
				require.Equal(t, 200, status, answer)
				r.Outcomes(i + 1)
				require.Equal(t, c.want, r.Attempt(i).Usage, path)
			}
		})
	}
}

// TestACleanStreamArrivesByteForByte is for the native ways; what is missing is all that is added.
func TestACleanStreamArrivesByteForByte(t *testing.T) {
	unnamed := strings.NewReplacer("event: message_start\n", "", "event: content_block_start\n", "", "event: content_block_delta\n", "",
		"event: content_block_stop\n", "", "event: message_delta\n", "", "event: message_stop\n", "", "event: ping\n", "").Replace(goodMessages)
	for name, c := range map[string]struct {
		anthropic  bool
		sent, want string
	}{
		"a chat":                         {false, goodStream + done, goodStream + done},
		"a chat without its terminator":  {false, goodStream, goodStream + done},
		"a message":                      {true, goodMessages, goodMessages},
		"a message without message_stop": {true, strings.TrimSuffix(goodMessages, messageStops), goodMessages},
		"a message without its names":    {true, unnamed, goodMessages},
	} {
		t.Run(name, func(t *testing.T) {
			u := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				harness.Say(w, c.sent)
			})
			yaml, path := harness.OpenAIChannel("a", u, ""), wire.ChatCompletions.Path()
			if c.anthropic {
				yaml, path = strings.Replace(yaml, "type: openai", "type: anthropic", 1), wire.Messages.Path()
			}
			r := harness.StartRelay(t, yaml)
			_, answer, _ := r.Ask(path, strings.Replace(harness.Stream, "{", `{"max_tokens":9,"stream_options":{"include_usage":true},`, 1))
			require.Equal(t, c.want, answer)
			require.Equal(t, []string{"completed"}, r.Outcomes(1))
			require.Equal(t, "identity", u.LastHeader().Get("Accept-Encoding"))
		})
	}
}
