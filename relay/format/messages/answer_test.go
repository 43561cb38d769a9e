package messages_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/wire"
)

func TestAnswersBecomeChatCompletions(t *testing.T) {
	const head = `{"id":"msg_1","object":"chat.completion","created":1700000000,"model":"claude-real","choices":[{"index":0,"message":{"role":"assistant",`
	const noUsage = `}],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0,"prompt_tokens_details":{"cached_tokens":0}}}`
	for name, c := range map[string]struct{ answer, want string }{
		"text": {
			`"content":[{"type":"text","text":"a <b>"},{"type":"text","text":" & c","citations":[]}],"stop_reason":"end_turn",
			 "usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":4,"output_tokens":5}`,
			`"content":"a <b> & c"},"finish_reason":"stop"}],"usage":{"prompt_tokens":17,"completion_tokens":5,"total_tokens":22,"prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":3}}}`,
		},
		"thinking": {
			`"content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"redacted_thinking","data":"x"},{"type":"thinking","thinking":"!"},{"type":"text","text":"a"}],"stop_reason":"stop_sequence",
			 "usage":{"input_tokens":1,"output_tokens":5,"output_tokens_details":{"thinking_tokens":3}}`,
			`"content":"a","reasoning_content":"hm!"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":5,"total_tokens":6,
			 "prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":3}}}`,
		},
		"tool calls alone": {
			`"content":[{"type":"tool_use","id":"t1","name":"f","input":{ "a" : [1, 2.50] }},{"type":"tool_use","id":"t2","name":"g","input":{}},{"type":"tool_use","id":"t3","name":"h"}],"stop_reason":"tool_use"`,
			`"content":null,"tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"a\":[1,2.50]}"}},
			 {"id":"t2","type":"function","function":{"name":"g","arguments":"{}"}},{"id":"t3","type":"function","function":{"name":"h","arguments":"{}"}}]},"finish_reason":"tool_calls"` + noUsage,
		},
		"text and a tool call": {
			`"content":[{"type":"text","text":"a"},{"type":"tool_use","id":"t1","name":"f","input":null}],"stop_reason":"tool_use"`,
			`"content":"a","tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"` + noUsage,
		},
		"tools that the provider runs": {
			`"content":[{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":"x"}},{"type":"web_search_tool_result","tool_use_id":"s","content":[{"type":"web_search_result","url":"u"}]},{"type":"text","text":"a"}],"stop_reason":"end_turn"`,
			`"content":"a"},"finish_reason":"stop"` + noUsage,
		},
		"nothing": {`"content":[],"stop_reason":"end_turn"`, `"content":""},"finish_reason":"stop"` + noUsage},
	} {
		t.Run(name, func(t *testing.T) {
			translator := chatTranslator(`{}`)
			out, err := translator.Whole([]byte(`{"id":"msg_1","type":"message","role":"assistant","model":"claude-real",` + c.answer + `}`))
			require.NoError(t, err)
			assert.JSONEq(t, head+c.want, string(out))
		})
	}
}

func TestAConvertedAnswerIsCounted(t *testing.T) {
	translator := lanes.Answer(call(wire.ChatCompletions, `{}`))
	_, err := translator.Whole([]byte(`{"type":"message","content":[],"stop_reason":"end_turn","usage":{"input_tokens":1,"cache_read_input_tokens":2,"output_tokens":3}}`))
	require.NoError(t, err)
	assert.Equal(t, wire.Usage{Uncached: 1, CacheRead: 2, Text: 3}, translator.Usage())
}

func TestAnAnswerIsDatedNow(t *testing.T) {
	before := time.Now().Unix()
	out, err := lanes.Answer(call(wire.ChatCompletions, `{}`)).Whole([]byte(`{"type":"message","content":[],"stop_reason":"end_turn"}`))
	require.NoError(t, err)
	var answer struct{ Created int64 }
	require.NoError(t, json.Unmarshal(out, &answer))
	assert.GreaterOrEqual(t, answer.Created, before)
	assert.LessOrEqual(t, answer.Created, time.Now().Unix())
}

func TestStopReasonsBecomeFinishReasons(t *testing.T) {
	const text, tool = `{"type":"text","text":"a"}`, `{"type":"tool_use","id":"t","name":"f","input":{}}`
	for _, c := range []struct{ stop, content, finish, unknown string }{
		{`"end_turn"`, text, "stop", ""},
		{`"stop_sequence"`, text, "stop", ""},
		{`"pause_turn"`, text, "stop", ""},
		{`"max_tokens"`, text, "length", ""},
		{`"model_context_window_exceeded"`, text, "length", ""},
		{`"tool_use"`, tool, "tool_calls", ""},
		{`"end_turn"`, tool, "tool_calls", ""},
		{`null`, tool, "tool_calls", ""},
		{`"refusal"`, "", "content_filter", ""},
		{`"end_turn"`, "", "stop", ""},
		{`"something_new"`, text, "stop", "something_new"},
		{`"something_new"`, tool, "tool_calls", "something_new"},
	} {
		translator := chatTranslator(`{}`)
		out, err := translator.Whole([]byte(`{"type":"message","content":[` + c.content + `],"stop_reason":` + c.stop + `}`))
		require.NoError(t, err, c.stop)
		assert.Contains(t, string(out), `"finish_reason":"`+c.finish+`"`, c)
		assert.Equal(t, c.unknown, translator.UnknownEnd())
	}
}

func TestAWholeAnswerThatCannotBeOneIsAFailure(t *testing.T) {
	for _, c := range []struct {
		body   string
		native outcome.Outcome
		chat   outcome.Outcome
	}{
		{``, outcome.UpstreamTruncated, outcome.UpstreamTruncated},
		{`{"type":"message","content":[`, outcome.UpstreamTruncated, outcome.UpstreamTruncated},
		{`<html>`, outcome.UpstreamMalformed, outcome.UpstreamMalformed},
		{`[]`, outcome.UpstreamMalformed, outcome.UpstreamMalformed},
		{`{"type":"message"}}`, outcome.UpstreamMalformed, outcome.UpstreamMalformed},
		{`{"type":"error","error":{"type":"api_error","message":"x"}}`, outcome.UpstreamErrorEvent, outcome.UpstreamErrorEvent},
		{`{"type":"error"}`, outcome.UpstreamErrorEvent, outcome.UpstreamErrorEvent},
		{`{"error":{"message":"x"}}`, outcome.UpstreamErrorEvent, outcome.UpstreamErrorEvent},
		{`{}`, outcome.UpstreamMalformed, outcome.UpstreamMalformed},
		{`{"type":"completion","content":[{"type":"text","text":"a"}]}`, outcome.Completed, outcome.UpstreamMalformed},
		{`{"type":"message","content":[],"stop_reason":null}`, outcome.UpstreamMalformed, outcome.UpstreamMalformed},
		{`{"type":"message","content":[{}]}`, outcome.UpstreamMalformed, outcome.UpstreamMalformed},
		{`{"type":"message","content":[null],"stop_reason":null}`, outcome.UpstreamMalformed, outcome.UpstreamMalformed},
		{`{"type":"message","content":[{"type":"text","text":""},{"type":"thinking","thinking":""}],"stop_reason":null}`, outcome.UpstreamMalformed, outcome.UpstreamMalformed},
		{`{"type":"message","content":""}`, outcome.UpstreamMalformed, outcome.UpstreamMalformed},
		{`{"type":"message","content":[{"type":"text","text":"a"}]}`, outcome.Completed, outcome.Completed},
		{`{"type":"message","content":[{"type":"tool_use","name":"f","input":{}}]}`, outcome.Completed, outcome.Completed},
		{`{"type":"message","content":[{"type":"new_thing","of":"tomorrow"}]}`, outcome.Completed, outcome.Completed},
		{`{"type":"message","content":[{"type":"text","text":""}],"stop_reason":"end_turn"}`, outcome.Completed, outcome.Completed},
		{`{"type":"message","content":[{"type":"text","text":"a"}],"stop_reason":"error"}`, outcome.UpstreamErrorEvent, outcome.UpstreamErrorEvent},
		{`{"type":"message","content":[],"stop_reason":"model_overloaded"}`, outcome.UpstreamErrorEvent, outcome.UpstreamErrorEvent},
		{`{"detail":"queue full"}`, outcome.UpstreamErrorEvent, outcome.UpstreamErrorEvent},
		{`{"base_resp":{"status_code":1002,"status_msg":"limit"}}`, outcome.UpstreamErrorEvent, outcome.UpstreamErrorEvent},
		{`[{"error":{"code":429,"message":"x"}}]`, outcome.UpstreamErrorEvent, outcome.UpstreamErrorEvent},
		{`{"type":"message"}`, outcome.UpstreamMalformed, outcome.UpstreamMalformed},
		{`{"type":"message","content":null}`, outcome.UpstreamMalformed, outcome.UpstreamMalformed},
		{`{"type":"message","content":7}`, outcome.UpstreamMalformed, outcome.UpstreamMalformed},
		{`{"type":"message","content":"x"}`, outcome.UpstreamMalformed, outcome.Completed},
		{`{"type":"message","content":[{"type":"text","text":1}]}`, outcome.Completed, outcome.Completed},
	} {
		t.Run(c.body, func(t *testing.T) {
			check := func(translator lane.Translator, want outcome.Outcome) {
				_, err := translator.Whole([]byte(c.body))
				if want == outcome.Completed {
					require.NoError(t, err)
					return
				}
				f := failureOf(t, err)
				assert.Equal(t, want, f.Outcome)
				assert.GreaterOrEqual(t, f.Err.Status, http.StatusBadRequest)
			}
			check(native(), c.native)
			check(chatTranslator(`{}`), c.chat)
		})
	}
}
