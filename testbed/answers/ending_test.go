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

// F14, the other half: what is complete, and what is not.

func TestAnAnswerThatIsCompleteIsNotLostForItsEnd(t *testing.T) {
	role, text := chunk(roleDelta, "null"), chunk(`{"content":"`+harness.FromFaulty+`"}`, "null")
	usage := harness.Event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}`)
	call := chunk(`{"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"get","arguments":"{}"}}]}`, "null")
	said := []string{harness.FromFaulty}
	whole := func(finish string) string {
		return `{"id":"c1","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"` + harness.FromFaulty + `"},"finish_reason":` + finish + `}]}`
	}
	second := strings.NewReplacer(`"index":0`, `"index":1`)
	playAnswers(t, []oddAnswer{
		{name: "no DONE", body: role + text + chunk(`{}`, `"stop"`), says: said, saysToo: []string{harness.FromFaulty, `"stop_reason":"end_turn"`}},
		{name: "no DONE behind the usage", body: role + text + chunk(`{}`, `"length"`) + usage, says: said, saysToo: []string{`"stop_reason":"max_tokens"`, `"input_tokens":7`}},
		{name: "no DONE and no last line end", body: strings.TrimRight(role+text+chunk(`{}`, `"stop"`), "\n"), says: said, saysToo: said},
		{name: "no DONE behind two choices", members: `,"n":2`, body: role + second.Replace(role) + text + second.Replace(text) + chunk(`{}`, `"stop"`) + second.Replace(chunk(`{}`, `"stop"`)),
			says: said, saysToo: said},
		{name: "DONE and no finish reason", body: role + text + done, says: said, saysToo: []string{harness.FromFaulty, `"stop_reason":"end_turn"`}},
		{name: "DONE behind a role alone", body: role + done, says: []string{`"assistant"`}, saysToo: []string{`"stop_reason":"end_turn"`}},
		{name: "a limit and no text", body: role + chunk(`{}`, `"length"`) + done, says: []string{`"length"`}, saysToo: []string{`"stop_reason":"max_tokens"`}},
		{name: "a filter and no text", body: role + chunk(`{}`, `"content_filter"`), says: []string{`"content_filter"`}, saysToo: []string{`"stop_reason":"refusal"`}},
		{name: "an end and nothing else", body: chunk(`{}`, `"stop"`) + done, says: []string{`"stop"`}, saysToo: []string{`"stop_reason":"end_turn"`}},
		{name: "a word that nobody knows", body: text + chunk(`{}`, `"weary"`) + done, says: []string{`"finish_reason":"weary"`}, saysToo: []string{`"stop_reason":"end_turn"`}},
		{name: "a call and a word that nobody knows", body: call + chunk(`{}`, `"weary"`) + done, says: []string{`"finish_reason":"weary"`}, saysToo: []string{`"stop_reason":"tool_use"`}},
		{name: "a call and another's word", body: call + chunk(`{}`, `"tool_use"`), says: []string{`"tool_use"`}, saysToo: []string{`"stop_reason":"tool_use"`}},
		{name: "Gemini's words", body: text + chunk(`{}`, `"MAX_TOKENS"`) + done, says: []string{`"MAX_TOKENS"`}, saysToo: []string{`"stop_reason":"max_tokens"`}},
		{name: "incomplete", whole: true, body: whole(`"incomplete"`), says: []string{`"incomplete"`}, saysToo: []string{`"stop_reason":"max_tokens"`}},
		{name: "no finish reason at all", whole: true, body: whole(`null`), says: said, saysToo: []string{`"stop_reason":"end_turn"`}},
		{name: "a finish reason that is an object", whole: true, body: whole(`{"type":"length","length":3}`), says: said, saysToo: []string{`"stop_reason":"max_tokens"`}},

		{name: "no message_stop", anthropic: true, body: messageBegins + textBegins + saying(harness.FromFaulty) + blockEnds + messageEnds(`"end_turn"`),
			says: said, saysToo: []string{harness.FromFaulty, `"finish_reason":"stop"`}},
		{name: "no message_stop behind a limit", anthropic: true, body: messageBegins + messageEnds(`"max_tokens"`) + pinged,
			says: []string{`"max_tokens"`}, saysToo: []string{`"finish_reason":"length"`}},
		{name: "DONE instead of message_stop", anthropic: true, body: messageBegins + textBegins + saying(harness.FromFaulty) + blockEnds + messageEnds(`"end_turn"`) + done,
			says: said, saysToo: []string{`"finish_reason":"stop"`}},
		{name: "nothing to say", anthropic: true, body: messageBegins + messageEnds(`"end_turn"`) + messageStops, says: []string{`"end_turn"`}, saysToo: []string{`"finish_reason":"stop"`}},
		{name: "a refusal", anthropic: true, body: messageBegins + messageEnds(`"refusal"`) + messageStops, says: []string{`"refusal"`}, saysToo: []string{`"finish_reason":"content_filter"`}},
		{name: "Anthropic's new word", anthropic: true, body: messageBegins + textBegins + saying(harness.FromFaulty) + blockEnds + messageEnds(`"weary"`) + messageStops,
			says: []string{`"weary"`}, saysToo: []string{`"finish_reason":"stop"`}},
		{name: "nothing to say whole", anthropic: true, whole: true, body: `{"id":"m","type":"message","role":"assistant","model":"up","content":[],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":0}}`,
			says: []string{`"end_turn"`}, saysToo: []string{`"finish_reason":"stop"`}},
	})
}

func TestAnAnswerThatIsNotCompleteIsNotDressedAsOne(t *testing.T) {
	text := chunk(`{"content":"`+harness.FromFaulty+`"}`, "null")
	second := strings.NewReplacer(`"index":0`, `"index":1`)
	usage := harness.Event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}`)
	whole := func(finish string) string {
		return `{"id":"c1","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"` + harness.FromFaulty + `"},"finish_reason":` + finish + `}]}`
	}
	malformed, failed, said := outcome.UpstreamMalformed, outcome.UpstreamErrorEvent, []string{harness.FromFaulty}
	playAnswers(t, []oddAnswer{
		{name: "one of two choices has no end", members: `,"n":2`, body: text + second.Replace(text) + chunk(`{}`, `"stop"`), outcome: outcome.UpstreamTruncated, committed: true, says: said,
			nativeFor: "a message is one choice, and that one is complete"},
		{name: "one of two choices never came", members: `,"n":2`, body: text + chunk(`{}`, `"stop"`), outcome: outcome.UpstreamTruncated, committed: true, says: said,
			nativeFor: "a message is one choice, and that one is complete"},
		{name: "DONE alone", body: done, outcome: malformed},
		{name: "usage alone", body: usage + done, outcome: malformed},
		{name: "null choices", body: harness.Event("", `{"id":null,"choices":null,"created":null,"model":null}`) + done, outcome: malformed},
		{name: "choices of nothing", body: harness.Event("", `{"id":"c1","choices":[null]}`) + done, outcome: malformed},
		{name: "usage alone and no DONE", body: usage, outcome: outcome.UpstreamTruncated},
		{name: "whole and no choice", whole: true, body: `{"id":"c1","object":"chat.completion","choices":[],"usage":{"prompt_tokens":5}}`, outcome: malformed},
		{name: "whole and null", whole: true, body: `{"id":null,"choices":null,"created":null,"model":null}`, outcome: malformed},
		{name: "whole and an error", whole: true, body: whole(`"error","error":{"code":502,"message":"provider disconnected"}`), outcome: failed},
		{name: "whole and a word for one", whole: true, body: whole(`"insufficient_system_resource"`), outcome: failed},
		{name: "whole and a timeout", whole: true, body: whole(`"upstream_timeout"`), outcome: failed},

		{name: "a start and a stop", anthropic: true, body: messageBegins + messageStops, outcome: malformed},
		{name: "a stop alone", anthropic: true, body: messageStops, outcome: malformed},
		{name: "no block and no reason", anthropic: true, whole: true, body: `{"id":"m","type":"message","role":"assistant","model":"up","content":[],"stop_reason":null,"usage":{"input_tokens":1,"output_tokens":0}}`, outcome: malformed},
		{name: "Anthropic's whole and a failure", anthropic: true, whole: true, body: `{"id":"m","type":"message","role":"assistant","model":"up","content":[{"type":"text","text":"` + harness.FromFaulty + `"}],"stop_reason":"server_failure"}`, outcome: failed},
	})
}

// TestAnUnknownEndReasonIsLoggedOnce counts each, too: the test of all instruments sees to that.
func TestAnUnknownEndReasonIsLoggedOnce(t *testing.T) {
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
		harness.Say(w, strings.Replace(harness.Voice{}.Whole("hi"), `"stop"`, `"weary of sk-up"`, 1))
	})
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	for range 3 {
		status, _, _ := r.Ask(wire.ChatCompletions.Path(), harness.Chat)
		require.Equal(t, 200, status)
	}
	require.Equal(t, []string{"completed", "completed", "completed"}, r.Outcomes(3))
	require.Equal(t, 1, strings.Count(r.Log.String(), "weary of"), r.Log.String())
}
