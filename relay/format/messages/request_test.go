package messages_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/lane"
	"one-api/relay/wire"
)

const hello = `"messages":[{"role":"user","content":"hi"}]`

func TestAChatRequestIsSentAsAMessagesRequest(t *testing.T) {
	c := call(wire.ChatCompletions, `{"model":"claude-test","stream":true,`+hello+`}`)
	c.Query = "beta=true"
	c.Header.Set("Anthropic-Beta", "something")
	c.Header.Set("Anthropic-Version", "2020-01-01")
	request, err := lanes.Request(c, lane.Destination{Model: "claude-upstream"})
	require.NoError(t, err)
	assert.Equal(t, "/v1/messages", request.Path)
	assert.Empty(t, request.Query)
	assert.Equal(t, http.Header{
		"Content-Type": {"application/json"}, "Accept": {"text/event-stream"},
		"Anthropic-Version": {"2023-06-01"},
	}, request.Header)
	assert.JSONEq(t, `{"model":"claude-upstream","max_tokens":16384,"stream":true,
		"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}`, string(request.Body))
}

func TestOptionsAreConverted(t *testing.T) {
	for name, c := range map[string]struct{ members, want string }{
		"nothing is added":                     {``, `{}`},
		"max_tokens":                           {`"max_tokens":5`, `{"max_tokens":5}`},
		"max_completion_tokens comes first":    {`"max_tokens":5,"max_completion_tokens":6`, `{"max_tokens":6}`},
		"temperature":                          {`"temperature":0`, `{"temperature":0}`},
		"a high temperature is capped":         {`"temperature":1.7`, `{"temperature":1}`},
		"top_p":                                {`"top_p":0.5,"temperature":0.5`, `{"top_p":0.5,"temperature":0.5}`},
		"a top_p of 1 alone":                   {`"top_p":1`, `{"top_p":1}`},
		"a top_p of 1 beside a temperature":    {`"top_p":1,"temperature":0.5`, `{"temperature":0.5}`},
		"user":                                 {`"user":"u-1"`, `{"metadata":{"user_id":"u-1"}}`},
		"one stop sequence":                    {`"stop":"END"`, `{"stop_sequences":["END"]}`},
		"several stop sequences":               {`"stop":["a"," \n","b",""]`, `{"stop_sequences":["a","b"]}`},
		"blank stop sequences only":            {`"stop":"\n"`, `{}`},
		"no stop sequence":                     {`"stop":null`, `{}`},
		"plain text":                           {`"response_format":{"type":"text"}`, `{}`},
		"no response format":                   {`"response_format":null`, `{}`},
		"what is harmless":                     {`"n":1,"logprobs":false,"modalities":["text"],"functions":null,"audio":null`, `{}`},
		"hints are ignored":                    {`"seed":1,"presence_penalty":1,"frequency_penalty":1,"logit_bias":{"1":2},"store":true,"metadata":{"a":"b"},"service_tier":"auto","reasoning_effort":"low"`, `{}`},
		"what the format does not have either": {`"vendor_option":{"deep":[1]}`, `{}`},
		"structured output": {
			`"response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":{"type":"object"}}}`,
			`{"output_config":{"format":{"type":"json_schema","schema":{"type":"object","additionalProperties":false}}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			members := hello
			if c.members != "" {
				members += "," + c.members
			}
			want := map[string]any{
				"model": "claude-test", "max_tokens": 16384.0,
				"messages": []any{map[string]any{"role": "user", "content": []any{map[string]any{"type": "text", "text": "hi"}}}},
			}
			require.NoError(t, json.Unmarshal([]byte(c.want), &want))
			var got map[string]any
			require.NoError(t, json.Unmarshal([]byte(convert(t, members)), &got))
			assert.Equal(t, want, got)
		})
	}
}

func TestWhatCannotBeHadIsRefusedByName(t *testing.T) {
	for _, c := range []struct{ members, param string }{
		{`"n":2`, "n"},
		{`"logprobs":true`, "logprobs"},
		{`"audio":{"voice":"x"}`, "audio"},
		{`"modalities":["text","audio"]`, "modalities"},
		{`"functions":[]`, "functions"},
		{`"function_call":"auto"`, "function_call"},
		{`"web_search_options":{}`, "web_search_options"},
		{`"response_format":{"type":"grammar"}`, "response_format.type"},
		{`"response_format":{"type":"json_schema"}`, "response_format.json_schema.schema"},
		{`"response_format":{"type":"json_schema","json_schema":{"schema":null}}`, "response_format.json_schema.schema"},
		{`"stop":1`, "stop"},
		{`"stop":[1]`, "stop"},
	} {
		t.Run(c.members, func(t *testing.T) {
			e := refused(t, hello+","+c.members)
			assert.Equal(t, c.param, e.Param)
			assert.Equal(t, "invalid_request_error", e.Type)
			assert.NotEmpty(t, e.Message)
		})
	}
}

func TestAFieldOfTheWrongTypeIsNamedInTheWordsOfTheAPI(t *testing.T) {
	for _, c := range []struct{ members, param, message string }{
		{`"messages":"hi"`, "messages", "messages must be an array, not string"},
		{`"messages":[1]`, "messages[0]", "messages[0] must be an object, not number"},
		{`"messages":[{"role":1}]`, "messages[0].role", "messages[0].role must be a string, not number"},
		{`"messages":[{"role":"assistant","tool_calls":{}}]`, "messages[0].tool_calls", "messages[0].tool_calls must be an array, not object"},
		{hello + `,"max_tokens":1.5`, "max_tokens", "max_tokens must be a whole number, not number 1.5"},
		{hello + `,"temperature":"hot"`, "temperature", "temperature must be a number, not string"},
		{hello + `,"stream":"yes"`, "stream", "stream must be true or false, not string"},
		{hello + `,"stream_options":{"include_usage":1}`, "stream_options.include_usage", "stream_options.include_usage must be true or false, not number"},
		{hello + `,"tools":[{"function":{"name":[]}}]`, "tools[0].function.name", "tools[0].function.name must be a string, not array"},
		{hello + `,"modalities":"text"`, "modalities", "modalities must be an array, not string"},
		{hello + `,"response_format":"json"`, "response_format", "response_format must be an object, not string"},
		{hello + `,"response_format":{"type":1}`, "response_format.type", "response_format.type must be a string, not number"},
		{`"messages":[{"role":"user","content":[{"type":"text","text":1}]}]`, "messages[0].content[0].text", "messages[0].content[0].text must be a string, not number"},
		{`"messages":[{"role":"user","content":["hi"]}]`, "messages[0].content[0]", "messages[0].content[0] must be an object, not string"},
	} {
		t.Run(c.members, func(t *testing.T) {
			e := refused(t, c.members)
			assert.Equal(t, c.param, e.Param)
			assert.Equal(t, c.message, e.Message)
		})
	}
}

func TestTheDefaultOfMaxTokensIsWhatTheModelAccepts(t *testing.T) {
	for model, want := range map[string]int64{
		"claude-2.1": 4096, "claude-instant-1.2": 4096, "claude-3-opus-20240229": 4096, "claude-3-sonnet-20240229": 4096,
		"claude-3-haiku-20240307": 4096, "claude-3-5-sonnet-latest": 8192, "claude-3-5-haiku-latest": 8192,
		"claude-3-7-sonnet-latest": 16384, "claude-sonnet-4-5": 16384, "anything": 16384,
	} {
		request, err := lanes.Request(call(wire.ChatCompletions, `{"model":"claude-test",`+hello+`}`), lane.Destination{Model: model})
		require.NoError(t, err)
		assert.Contains(t, string(request.Body), fmt.Sprintf(`"max_tokens":%d,`, want), model)
	}
}

func TestMarkupTravelsUnescaped(t *testing.T) {
	assert.Contains(t, convert(t, `"messages":[{"role":"user","content":"<a href=\"x\">&amp;</a>"}]`), `<a href=\"x\">&amp;</a>`)
}

func TestOnlyChatAndMessagesAreServed(t *testing.T) {
	a := lanes
	assert.True(t, a.Serves(wire.Messages))
	assert.True(t, a.Serves(wire.ChatCompletions))
	assert.False(t, a.Serves(wire.Completions))
	assert.False(t, a.Serves(wire.Embeddings))
}
