package chat_test

import (
	"encoding/json"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/wire"
)

func converted() lane.Translator {
	return lanes.Answer(&lane.Call{Endpoint: wire.Messages})
}

// completion is a chat completion with one choice.
func completion(message, finish string) string {
	return `{"id":"chatcmpl-1","object":"chat.completion","created":1.5,"model":"real-1","choices":[{"index":0,"message":` + message +
		`,"finish_reason":` + finish + `}],"usage":{"prompt_tokens":10,"completion_tokens":4,"total_tokens":14,"prompt_tokens_details":{"cached_tokens":3}}}`
}

func TestACompletionBecomesAMessage(t *testing.T) {
	for name, tc := range map[string]struct{ message, finish, content, stop string }{
		"text":             {`{"role":"assistant","content":"<hi>"}`, `"stop"`, `{"type":"text","text":"<hi>"}`, "end_turn"},
		"text in parts":    {`{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"},{"type":"audio"}]}`, `"stop"`, `{"type":"text","text":"ab"}`, "end_turn"},
		"nothing":          {`{"content":""}`, `"stop"`, ``, "end_turn"},
		"null":             {`{"content":null,"refusal":null,"tool_calls":null}`, `"stop"`, ``, "end_turn"},
		"a refusal":        {`{"content":null,"refusal":"no"}`, `"stop"`, `{"type":"text","text":"no"}`, "end_turn"},
		"a refusal part":   {`{"content":[{"type":"refusal","refusal":"no"}]}`, `"stop"`, `{"type":"text","text":"no"}`, "end_turn"},
		"a limit":          {`{"content":"a"}`, `"length"`, `{"type":"text","text":"a"}`, "max_tokens"},
		"a filter":         {`{"content":""}`, `"content_filter"`, ``, "refusal"},
		"an unknown end":   {`{"content":"a"}`, `"weary"`, `{"type":"text","text":"a"}`, "end_turn"},
		"no finish_reason": {`{"content":"a"}`, `null`, `{"type":"text","text":"a"}`, "end_turn"},
		"reasoning": {
			`{"content":"a","reasoning_content":"t"}`, `"stop"`,
			`{"type":"thinking","thinking":"t","signature":""},{"type":"text","text":"a"}`, "end_turn",
		},
		"reasoning by another name": {
			`{"content":"a","reasoning":"t","reasoning_details":[{}]}`, `"stop"`,
			`{"type":"thinking","thinking":"t","signature":""},{"type":"text","text":"a"}`, "end_turn",
		},
		"Mistral's reasoning": {
			`{"content":[{"type":"thinking","thinking":[{"type":"text","text":"t"}]},{"type":"text","text":"a"}]}`, `"stop"`,
			`{"type":"thinking","thinking":"t","signature":""},{"type":"text","text":"a"}`, "end_turn",
		},
		"reasoning of unknown forms": {
			`{"content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"a"}],"reasoning":{"x":1}}`, `"stop"`,
			`{"type":"thinking","thinking":"t","signature":""},{"type":"text","text":"a"}`, "end_turn",
		},
		"tool calls": {
			`{"content":"a","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"x\": 1}"}},{"id":"2","function":{"name":"g","arguments":""}}]}`, `"tool_calls"`,
			`{"type":"text","text":"a"},{"type":"tool_use","id":"1","name":"f","input":{"x":1}},{"type":"tool_use","id":"2","name":"g","input":{}}`, "tool_use",
		},
		"tool calls that end with stop": {
			`{"content":null,"tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}"}}]}`, `"stop"`,
			`{"type":"tool_use","id":"1","name":"f","input":{}}`, "tool_use",
		},
		"tool calls without ids": {
			`{"tool_calls":[{"function":{"name":"f","arguments":"{}"}},{"id":"","function":{"name":"f","arguments":"{}"}},{"id":"x","function":{"name":"f","arguments":"{}"}},{"id":"x","function":{"name":"f","arguments":"{}"}}]}`, `"function_call"`,
			`{"type":"tool_use","id":"toolu_chatcmpl-1_0","name":"f","input":{}},{"type":"tool_use","id":"toolu_chatcmpl-1_1","name":"f","input":{}},{"type":"tool_use","id":"x","name":"f","input":{}},{"type":"tool_use","id":"toolu_chatcmpl-1_3","name":"f","input":{}}`, "tool_use",
		},
		"arguments as an object": {
			`{"tool_calls":[{"id":"1","function":{"name":"f","arguments":{"city": "Paris", "n":9007199254740993}}},{"id":"2","function":{"name":"g","arguments":null}}]}`, `"tool_calls"`,
			`{"type":"tool_use","id":"1","name":"f","input":{"city":"Paris","n":9007199254740993}},{"type":"tool_use","id":"2","name":"g","input":{}}`, "tool_use",
		},
		"fields of other types": {
			`{"content":"a","refusal":7,"reasoning_content":{"text":"t"},"reasoning":["u"],"tool_calls":{}}`, `"stop"`,
			`{"type":"thinking","thinking":"t","signature":""},{"type":"text","text":"a"},{"type":"text","text":"7"}`, "end_turn",
		},
		"content of another type":         {`{"content":7}`, `"stop"`, `{"type":"text","text":"7"}`, "end_turn"},
		"parts that are texts":            {`{"content":["a",{"text":"b"}]}`, `"stop"`, `{"type":"text","text":"ab"}`, "end_turn"},
		"a finish_reason of another type": {`{"content":"a"}`, `{"type":"length","length":4}`, `{"type":"text","text":"a"}`, "max_tokens"},
		"tool calls and an unknown end": {
			`{"tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}"}}]}`, `"weary"`, `{"type":"tool_use","id":"1","name":"f","input":{}}`, "tool_use",
		},
		"tool calls and no end": {
			`{"tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}"}}]}`, `null`, `{"type":"tool_use","id":"1","name":"f","input":{}}`, "tool_use",
		},
		"a tool call that the limit cut": {
			`{"content":"a","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{\"x\": "}}]}`, `"length"`,
			`{"type":"text","text":"a"}`, "max_tokens",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tr := converted()
			out, err := tr.Whole([]byte(completion(tc.message, tc.finish)))
			require.NoError(t, err)
			assert.JSONEq(t, `{"id":"chatcmpl-1","type":"message","role":"assistant","model":"real-1","content":[`+tc.content+`],
				"stop_reason":"`+tc.stop+`","stop_sequence":null,
				"usage":{"input_tokens":7,"cache_creation_input_tokens":0,"cache_read_input_tokens":3,"output_tokens":4}}`, string(out))
			assert.Equal(t, wire.Usage{Uncached: 7, CacheRead: 3, Text: 4}, tr.Usage())

			var sdk anthropic.Message
			require.NoError(t, json.Unmarshal(out, &sdk))
			assert.Equal(t, tc.stop, string(sdk.StopReason))
		})
	}
}

func TestACompletionWithoutUsageCostsZero(t *testing.T) {
	out, err := converted().Whole([]byte(`{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}`))
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":"","type":"message","role":"assistant","model":"","content":[{"type":"text","text":"a"}],"stop_reason":"end_turn",
		"stop_sequence":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}`, string(out))
}

func TestWhatIsNoCompletionFails(t *testing.T) {
	call := func(function string) string {
		return completion(`{"tool_calls":[{"id":"1","function":`+function+`}]}`, `"tool_calls"`)
	}
	for name, tc := range map[string]struct {
		body    string
		outcome outcome.Outcome
	}{
		"empty":                  {``, outcome.UpstreamTruncated},
		"cut":                    {completion(`{"content":"a"}`, `"stop"`)[:90], outcome.UpstreamTruncated},
		"HTML":                   {`<html>`, outcome.UpstreamMalformed},
		"an error":               {`{"error":{"message":"m"}}`, outcome.UpstreamErrorEvent},
		"no choices":             {`{"id":"1"}`, outcome.UpstreamMalformed},
		"null choices":           {`{"choices":null}`, outcome.UpstreamMalformed},
		"empty choices":          {`{"choices":[]}`, outcome.UpstreamMalformed},
		"another choice":         {`{"choices":[{"index":1,"message":{"content":"a"}}]}`, outcome.UpstreamMalformed},
		"choices of no array":    {`{"choices":{}}`, outcome.UpstreamMalformed},
		"a nameless call":        {call(`{"arguments":"{}"}`), outcome.UpstreamMalformed},
		"arguments of no object": {call(`{"name":"f","arguments":"[]"}`), outcome.UpstreamMalformed},
		"arguments of no JSON":   {call(`{"name":"f","arguments":"{\"x\":"}`), outcome.UpstreamMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := converted().Whole([]byte(tc.body))
			assert.Empty(t, out)
			assert.Equal(t, tc.outcome, failure(t, err).Outcome)
		})
	}
}
