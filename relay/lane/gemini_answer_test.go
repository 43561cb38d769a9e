package lane_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// said is an answer of Gemini's, or an event of one, with such parts; members stand beside the content.
func said(parts, members string) string {
	return `{"candidates":[{"content":{"role":"model","parts":[` + parts + `]},"index":0` + members + `}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":15},"modelVersion":"gemini-x-001","responseId":"r1"}`
}

// stops is how the last event goes on.
const stops = `,"finishReason":"STOP"`

// afterCall is the turn behind an answer with calls of f, whose ids are these.
func afterCall(ids ...string) string {
	var calls, results []string
	for _, id := range ids {
		calls = append(calls, `{"type":"tool_use","id":"`+id+`","name":"f","input":{"a":1}}`)
		results = append(results, `{"type":"tool_result","tool_use_id":"`+id+`","content":"42"}`)
	}
	return `"tools":[{"name":"f"}],"messages":[{"role":"user","content":"go"},{"role":"assistant","content":[` + strings.Join(calls, ",") + `]},{"role":"user","content":[` + strings.Join(results, ",") + `]}]`
}

// TestAThoughtSignatureComesBackToItsMakerThroughEveryClient inside the id of the call, whenever it came.
func TestAThoughtSignatureComesBackToItsMakerThroughEveryClient(t *testing.T) {
	const f = `{"functionCall":{"name":"f","args":{"a": 1},"id":"own/1"}`
	for name, events := range map[string][]string{
		"with the call":                 {said(f+`,"thoughtSignature":"U0lH+/=="}`, stops)},
		"in a part of its own":          {said(f+`},{"text":"","thoughtSignature":"U0lH+/=="}`, stops)},
		"in an event of its own":        {said(f+`}`, ""), said(`{"text":"","thoughtSignature":"U0lH+/=="}`, stops)},
		"in the event behind all calls": {said(f+`},{"functionCall":{"name":"f"}}`, ""), said(`{"text":"","thoughtSignature":"U0lH+/=="}`, ""), said("", stops)},
	} {
		t.Run(name, func(t *testing.T) {
			s := to(t, "gemini", "gemini-3-pro-preview", true, wire.Messages)
			s.saw(`"stream":true,"tools":[{"name":"f"}]`)
			got, failed := s.heard(events...)
			require.NoError(t, failed)
			all, stop := s.blocks(got)
			require.Equal(t, "tool_use", stop)
			require.Equal(t, `{"a":1}`, all[0].text)
			require.Regexp(t, `^[a-zA-Z0-9_-]+$`, all[0].id)
			saw := s.saw(afterCall(all[0].id))
			require.Equal(t, map[string]any{"functionCall": map[string]any{"id": "own/1", "name": "f", "args": map[string]any{"a": 1.0}}, "thoughtSignature": "U0lH+/=="}, at(t, saw, "contents", 1, "parts", 0))
			require.Equal(t, map[string]any{"functionResponse": map[string]any{"id": "own/1", "name": "f", "response": map[string]any{"output": "42"}}}, at(t, saw, "contents", 2, "parts", 0))

			for kind, model := range map[string]string{"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5"} {
				other := to(t, kind, model, true, wire.Messages)
				other.saw(afterCall(all[0].id))
				require.NotContains(t, string(other.sent.Body), "sealed", kind)
				require.NotContains(t, string(other.sent.Body), "U0lH", kind)
				require.Equal(t, 2, strings.Count(string(other.sent.Body), `"own_1"`), kind)
			}
		})
	}
}

// TestACallThatGeminiHasNotMadeHasTheDocumentedSignature and none but the first of its answer, and only for models that want one.
func TestACallThatGeminiHasNotMadeHasTheDocumentedSignature(t *testing.T) {
	saw := to(t, "gemini", "gemini-3-flash-preview", true, wire.Messages).saw(afterCall("toolu_1", "toolu_2"))
	require.Equal(t, "skip_thought_signature_validator", at(t, saw, "contents", 1, "parts", 0, "thoughtSignature"))
	require.Equal(t, map[string]any{"functionCall": map[string]any{"name": "f", "args": map[string]any{"a": 1.0}}}, at(t, saw, "contents", 1, "parts", 1), "nor has it the id")
	require.Len(t, at(t, saw, "contents", 2, "parts"), 2, "the results are in one content")
	saw = to(t, "gemini", "gemini-2.5-pro", true, wire.Messages).saw(afterCall("toolu_1"))
	require.NotContains(t, at(t, saw, "contents", 1, "parts", 0), "thoughtSignature")
}

// TestALateSignatureOfAChatCompletionIsKept that comes in a later piece than the call's name: what OpenAI's clients are given of a call
// is its id, which is told once.
func TestALateSignatureOfAChatCompletionIsKept(t *testing.T) {
	const signs = `"extra_content":{"google":{"thought_signature":"U0lH"}}`
	begins := pieces(`{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}`)
	for name, chunks := range map[string][]string{
		"with the arguments":          {begins, pieces(`{"index":0,"function":{"arguments":"{\"a\":1}"},` + signs + `}`)},
		"between the arguments":       {begins, pieces(`{"index":0,"function":{"arguments":"{\"a\""}}`), pieces(`{"index":0,` + signs + `}`), pieces(`{"index":0,"function":{"arguments":":1}"}}`)},
		"behind the arguments":        {begins, pieces(`{"index":0,"function":{"arguments":"{\"a\":1}"}}`), pieces(`{"index":0,` + signs + `}`)},
		"behind a call that is whole": {pieces(`{"index":0,"id":"call_1","function":{"name":"f","arguments":"{\"a\":1}"}}`), pieces(`{"index":0,"id":"call_1",` + signs + `}`)},
	} {
		t.Run(name, func(t *testing.T) {
			s := to(t, "openai", "gemini-3-pro", false, wire.Messages)
			s.saw(`"stream":true,"tools":[{"name":"f"}]`)
			got, failed := s.heard(append(append([]string{chunk(`{"role":"assistant"}`)}, chunks...), pieces(`{"index":1,"id":"call_2","function":{"name":"f","arguments":"{}"}}`), ends(`"tool_calls"`))...)
			require.NoError(t, failed)
			all, _ := s.blocks(got)
			require.Len(t, all, 2)
			require.Equal(t, `{"a":1}`, all[0].text)
			saw := s.saw(afterCall(all[0].id, all[1].id))
			require.Equal(t, "U0lH", at(t, saw, "messages", 1, "tool_calls", 0, "extra_content", "google", "thought_signature"))
			require.Equal(t, "call_1", at(t, saw, "messages", 1, "tool_calls", 0, "id"))
		})
	}
	s := to(t, "openai", "gemini-3-pro", false, wire.Messages)
	s.saw(`"stream":true,"tools":[{"name":"f"}]`)
	got, failed := s.heard(begins, pieces(`{"index":0,"function":{"arguments":"{}"}}`), ends(`"tool_calls"`))
	require.NoError(t, failed)
	all, _ := s.blocks(got)
	require.Equal(t, []block{{"tool_use", "call_1", "f", "{}"}}, all, "one that is never signed is told all the same")
}

// TestAnAnswerOfGeminisIsTold whole and in events, with its thoughts apart from what it says.
func TestAnAnswerOfGeminisIsTold(t *testing.T) {
	s := to(t, "gemini", "gemini-2.5-flash", true, wire.ChatCompletions)
	s.saw("")
	const parts = `{"text":"hm","thought":true},{"text":"Hello"},{"functionCall":{"name":"f","args":{}}},{"functionCall":{"name":"f","args":{"b":[1, 2]}}}`
	whole := s.got(said(parts, stops))
	message := at(t, whole, "choices", 0, "message")
	require.Equal(t, "Hello", at(t, message, "content"))
	require.Equal(t, "hm", at(t, message, "reasoning_content"))
	require.Equal(t, "tool_calls", at(t, whole, "choices", 0, "finish_reason"))
	require.Equal(t, "gemini-x-001", at(t, whole, "model"))
	require.Equal(t, `{"b":[1,2]}`, at(t, message, "tool_calls", 1, "function", "arguments"))
	require.NotEqual(t, at(t, message, "tool_calls", 0, "id"), at(t, message, "tool_calls", 1, "id"), "two calls of one name")

	s.saw(`"stream":true`)
	require.Equal(t, "/v1/models/gemini-2.5-flash:streamGenerateContent", s.sent.Path)
	require.Equal(t, "alt=sse", s.sent.Query)
	got, failed := s.heard(said(`{"text":"Hel"}`, ""), said(`{"text":"lo"}`, stops), `{"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":7,"totalTokenCount":17}}`)
	require.NoError(t, failed)
	require.Equal(t, "stop", at(t, got[len(got)-1], "choices", 0, "finish_reason"))
	_, failed = s.heard(said(`{"text":"Hel"}`, ""))
	require.Equal(t, outcome.UpstreamTruncated, outcome.FailureOf(failed).Outcome, "no finishReason has come")
	_, failed = s.heard(said(`{"text":"Hel"}`, ""), `{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}`)
	require.Equal(t, outcome.UpstreamErrorEvent, outcome.FailureOf(failed).Outcome)
	require.Equal(t, outcome.ClassServer, outcome.FailureOf(failed).Class)
}

// TestWhyGeminiEndsIsSaidInTheClientsWords prompts that are blocked and answers that the model has spoilt included.
func TestWhyGeminiEndsIsSaidInTheClientsWords(t *testing.T) {
	for name, tc := range map[string]struct{ answer, chat, messages, text string }{
		"itself":                   {said(`{"text":"a"}`, stops), "stop", "end_turn", "a"},
		"by its limit":             {said(`{"text":"a"}`, `,"finishReason":"MAX_TOKENS"`), "length", "max_tokens", "a"},
		"by its limit, in thought": {`{"candidates":[{"finishReason":"MAX_TOKENS","index":0}],"usageMetadata":{"promptTokenCount":4,"thoughtsTokenCount":9}}`, "length", "max_tokens", ""},
		"by a filter":              {`{"candidates":[{"finishReason":"SAFETY","index":0,"safetyRatings":[]}]}`, "content_filter", "refusal", ""},
		"because it recites":       {said(`{"text":"a"}`, `,"finishReason":"RECITATION"`), "content_filter", "refusal", "a"},
		"before it began":          {`{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":4},"modelVersion":"m"}`, "content_filter", "refusal", ""},
		"with a call that is none": {`{"candidates":[{"content":{},"finishReason":"MALFORMED_FUNCTION_CALL","finishMessage":"Malformed function call: f(","index":0}]}`, "content_filter", "refusal", "The model gave no answer (MALFORMED_FUNCTION_CALL): Malformed function call: f("},
		"with a word of its own":   {said(`{"text":"a"}`, `,"finishReason":"BRAND_NEW"`), "stop", "end_turn", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			inChat, inMessages := to(t, "gemini", "gemini-2.5-flash", true, wire.ChatCompletions), to(t, "gemini", "gemini-2.5-flash", true, wire.Messages)
			inChat.saw("")
			inMessages.saw("")
			whole := inChat.got(tc.answer)
			require.Equal(t, tc.chat, at(t, whole, "choices", 0, "finish_reason"))
			require.Equal(t, tc.text, at(t, whole, "choices", 0, "message", "content"))
			require.Equal(t, tc.messages, at(t, inMessages.got(tc.answer), "stop_reason"))
			got, failed := inMessages.heard(tc.answer)
			require.NoError(t, failed)
			_, stop := inMessages.blocks(got)
			require.Equal(t, tc.messages, stop)
		})
	}
	s := to(t, "gemini", "gemini-2.5-flash", true, wire.ChatCompletions)
	for _, empty := range []string{`{}`, `{"candidates":[]}`, `{"candidates":[{"content":{"parts":[]},"index":0}]}`, `{"promptFeedback":{}}`} {
		_, err := s.lane.Answer(s.call, nil).Whole([]byte(empty))
		require.Equal(t, outcome.UpstreamMalformed, outcome.FailureOf(err).Outcome, empty)
	}
}

// TestWhatGeminiCostsIsCountedInClassesThatDoNotOverlap the last word of a stream counting, and thoughts being output.
func TestWhatGeminiCostsIsCountedInClassesThatDoNotOverlap(t *testing.T) {
	const first, last = `{"candidates":[{"content":{"parts":[{"text":"a"}]}}],"usageMetadata":{"promptTokenCount":100,"totalTokenCount":100}}`,
		`{"candidates":[{"content":{"parts":[{"text":"b"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":100,"cachedContentTokenCount":40,"candidatesTokenCount":20,"thoughtsTokenCount":30,"toolUsePromptTokenCount":5,
			"totalTokenCount":155,"promptTokensDetails":[{"modality":"TEXT","tokenCount":60},{"modality":"IMAGE","tokenCount":25},{"modality":"AUDIO","tokenCount":15}],"cacheTokensDetails":[{"modality":"AUDIO","tokenCount":5}],
			"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":12}]}}`
	want := wire.Usage{Uncached: 30, CacheRead: 40, AudioIn: 10, ImageIn: 25, Text: 38, ImageOut: 12, Reasoning: 30}
	s := to(t, "gemini", "gemini-2.5-flash", true, wire.ChatCompletions)
	s.saw(`"stream":true,"stream_options":{"include_usage":true}`)
	got, failed := s.heard(first, last)
	require.NoError(t, failed)
	usage := at(t, got[len(got)-1], "usage")
	require.Equal(t, map[string]any{"prompt_tokens": 105.0, "completion_tokens": 50.0, "total_tokens": 155.0, "prompt_tokens_details": map[string]any{"cached_tokens": 40.0}, "completion_tokens_details": map[string]any{"reasoning_tokens": 30.0}}, usage)
	whole := s.lane.Answer(s.call, nil)
	_, err := whole.Whole([]byte(strings.ReplaceAll(last, "\n", "")))
	require.NoError(t, err)
	require.Equal(t, want, whole.Usage())
}
