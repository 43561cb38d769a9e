package chat_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/wire"
)

const (
	start = `message_start {"message":{"id":"c1","type":"message","role":"assistant","model":"real-1","content":[],"stop_reason":null,"stop_sequence":null,` +
		`"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}`
	stop = `message_stop {}`
)

func end(reason string) string {
	return `message_delta {"delta":{"stop_reason":"` + reason + `","stop_sequence":null},` +
		`"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}`
}

// delta is the data of a chunk.
func delta(members string) string {
	return `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"real-1","choices":[{"index":0,"delta":{` + members + `},"finish_reason":null}]}`
}

func finish(reason string) string {
	return `{"id":"c1","model":"real-1","choices":[{"index":0,"delta":{},"finish_reason":"` + reason + `"}]}`
}

func toolCalls(calls string) string { return delta(`"tool_calls":[` + calls + `]`) }

// sequence reads SSE back: one "name {data without its type}" per event.
func sequence(t *testing.T, out []byte) []string {
	t.Helper()
	var events []string
	for _, event := range strings.SplitAfter(string(out), "\n\n") {
		if event == "" {
			continue
		}
		lines := strings.Split(event, "\n")
		require.Len(t, lines, 4, event)
		name, isEvent := strings.CutPrefix(lines[0], "event: ")
		data, isData := strings.CutPrefix(lines[1], "data: ")
		require.True(t, isEvent && isData && lines[2] == "" && lines[3] == "", event)
		prefix := `{"type":"` + name + `"`
		require.True(t, strings.HasPrefix(data, prefix), data)
		events = append(events, name+" {"+strings.TrimPrefix(strings.TrimPrefix(data, prefix), ","))
	}
	return events
}

// run translates a whole stream and joins what comes out.
func run(t *testing.T, tr lane.Translator, data ...string) []byte {
	t.Helper()
	var all []byte
	for i, d := range data {
		step, err := tr.Event(clean("", d))
		require.NoError(t, err, d)
		assert.Equal(t, i == len(data)-1, step.Done)
		all = append(all, step.Out...)
	}
	return all
}

func TestChunksBecomeAnthropicsEvents(t *testing.T) {
	for name, tc := range map[string]struct{ chunks, want []string }{
		"text": {
			[]string{delta(`"role":"assistant","content":""`), delta(`"content":"<a"`), delta(`"content":">\n\u2028"`), finish("stop"), "[DONE]"},
			[]string{
				start,
				`content_block_start {"index":0,"content_block":{"type":"text","text":""}}`,
				`content_block_delta {"index":0,"delta":{"type":"text_delta","text":"<a"}}`,
				`content_block_delta {"index":0,"delta":{"type":"text_delta","text":">\n` + "\u2028" + `"}}`,
				`content_block_stop {"index":0}`, end("end_turn"), stop,
			},
		},
		"a terminator without a finish_reason": {
			[]string{delta(`"content":"a"`), "[DONE]"},
			[]string{
				start, `content_block_start {"index":0,"content_block":{"type":"text","text":""}}`,
				`content_block_delta {"index":0,"delta":{"type":"text_delta","text":"a"}}`, `content_block_stop {"index":0}`, end("end_turn"), stop,
			},
		},
		"nothing": {
			[]string{finish("stop"), "[DONE]"},
			[]string{start, end("end_turn"), stop},
		},
		"text and two parallel tools": {
			[]string{
				delta(`"content":"a"`),
				toolCalls(`{"index":0,"id":"1","type":"function","function":{"name":"f","arguments":""}}`),
				toolCalls(`{"index":0,"function":{"arguments":"{\"x\""}}`),
				toolCalls(`{"index":0,"function":{"arguments":":1}"}}`),
				toolCalls(`{"index":1,"id":"2","type":"function","function":{"name":"g","arguments":"{}"}}`),
				finish("tool_calls"), "[DONE]",
			},
			[]string{
				start,
				`content_block_start {"index":0,"content_block":{"type":"text","text":""}}`,
				`content_block_delta {"index":0,"delta":{"type":"text_delta","text":"a"}}`,
				`content_block_stop {"index":0}`,
				`content_block_start {"index":1,"content_block":{"type":"tool_use","id":"1","name":"f","input":{}}}`,
				`content_block_delta {"index":1,"delta":{"type":"input_json_delta","partial_json":"{\"x\""}}`,
				`content_block_delta {"index":1,"delta":{"type":"input_json_delta","partial_json":":1}"}}`,
				`content_block_stop {"index":1}`,
				`content_block_start {"index":2,"content_block":{"type":"tool_use","id":"2","name":"g","input":{}}}`,
				`content_block_delta {"index":2,"delta":{"type":"input_json_delta","partial_json":"{}"}}`,
				`content_block_stop {"index":2}`, end("tool_use"), stop,
			},
		},
		"reasoning, by either name, then text": {
			[]string{delta(`"content":null,"reasoning_content":"t"`), delta(`"reasoning":"u"`), delta(`"content":"a"`), finish("length"), "[DONE]"},
			[]string{
				start,
				`content_block_start {"index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`,
				`content_block_delta {"index":0,"delta":{"type":"thinking_delta","thinking":"t"}}`,
				`content_block_delta {"index":0,"delta":{"type":"thinking_delta","thinking":"u"}}`,
				`content_block_stop {"index":0}`,
				`content_block_start {"index":1,"content_block":{"type":"text","text":""}}`,
				`content_block_delta {"index":1,"delta":{"type":"text_delta","text":"a"}}`,
				`content_block_stop {"index":1}`, end("max_tokens"), stop,
			},
		},
		"a refusal": {
			[]string{delta(`"refusal":"no"`), finish("content_filter"), "[DONE]"},
			[]string{
				start,
				`content_block_start {"index":0,"content_block":{"type":"text","text":""}}`,
				`content_block_delta {"index":0,"delta":{"type":"text_delta","text":"no"}}`,
				`content_block_stop {"index":0}`, end("refusal"), stop,
			},
		},
		"id and name repeated in every piece, and stop as the end": {
			[]string{
				toolCalls(`{"index":0,"id":"1","function":{"name":"f","arguments":"{"}}`),
				toolCalls(`{"index":0,"id":"1","function":{"name":"f","arguments":"}"}}`),
				finish("stop"), "[DONE]",
			},
			[]string{
				start,
				`content_block_start {"index":0,"content_block":{"type":"tool_use","id":"1","name":"f","input":{}}}`,
				`content_block_delta {"index":0,"delta":{"type":"input_json_delta","partial_json":"{"}}`,
				`content_block_delta {"index":0,"delta":{"type":"input_json_delta","partial_json":"}"}}`,
				`content_block_stop {"index":0}`, end("tool_use"), stop,
			},
		},
		"no ids": {
			[]string{
				toolCalls(`{"index":0,"id":"","function":{"name":"f","arguments":"{}"}},{"index":3,"function":{"name":"g","arguments":"{}"}}`),
				finish("tool_calls"), "[DONE]",
			},
			[]string{
				start,
				`content_block_start {"index":0,"content_block":{"type":"tool_use","id":"toolu_c1_0","name":"f","input":{}}}`,
				`content_block_delta {"index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}`,
				`content_block_stop {"index":0}`,
				`content_block_start {"index":1,"content_block":{"type":"tool_use","id":"toolu_c1_1","name":"g","input":{}}}`,
				`content_block_delta {"index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}`,
				`content_block_stop {"index":1}`, end("tool_use"), stop,
			},
		},
		"no indexes": {
			[]string{
				toolCalls(`{"id":"1","function":{"name":"f","arguments":"{"}}`),
				toolCalls(`{"function":{"arguments":"}"}}`),
				toolCalls(`{"id":"2","function":{"name":"g","arguments":"{"}}`),
				toolCalls(`{"id":"2","function":{"arguments":"}"}}`),
				finish("tool_calls"), "[DONE]",
			},
			[]string{
				start,
				`content_block_start {"index":0,"content_block":{"type":"tool_use","id":"1","name":"f","input":{}}}`,
				`content_block_delta {"index":0,"delta":{"type":"input_json_delta","partial_json":"{"}}`,
				`content_block_delta {"index":0,"delta":{"type":"input_json_delta","partial_json":"}"}}`,
				`content_block_stop {"index":0}`,
				`content_block_start {"index":1,"content_block":{"type":"tool_use","id":"2","name":"g","input":{}}}`,
				`content_block_delta {"index":1,"delta":{"type":"input_json_delta","partial_json":"{"}}`,
				`content_block_delta {"index":1,"delta":{"type":"input_json_delta","partial_json":"}"}}`,
				`content_block_stop {"index":1}`, end("tool_use"), stop,
			},
		},
		"text after a tool": {
			[]string{
				toolCalls(`{"index":0,"id":"1","function":{"name":"f","arguments":"{}"}}`), delta(`"content":"a"`),
				toolCalls(`{"index":1,"id":"2","function":{"name":"f","arguments":"{}"}}`), finish("tool_calls"), "[DONE]",
			},
			[]string{
				start,
				`content_block_start {"index":0,"content_block":{"type":"tool_use","id":"1","name":"f","input":{}}}`,
				`content_block_delta {"index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}`,
				`content_block_stop {"index":0}`,
				`content_block_start {"index":1,"content_block":{"type":"text","text":""}}`,
				`content_block_delta {"index":1,"delta":{"type":"text_delta","text":"a"}}`,
				`content_block_stop {"index":1}`,
				`content_block_start {"index":2,"content_block":{"type":"tool_use","id":"2","name":"f","input":{}}}`,
				`content_block_delta {"index":2,"delta":{"type":"input_json_delta","partial_json":"{}"}}`,
				`content_block_stop {"index":2}`, end("tool_use"), stop,
			},
		},
		"other choices, empty events and Azure's first chunk": {
			[]string{
				`{"id":"","model":"","choices":[],"prompt_filter_results":[{}]}`, ``,
				`{"id":"c1","model":"real-1","choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"delta":{"content":"a"},"finish_reason":""}]}`,
				`{"id":"c1","model":"real-1","choices":[{"index":1,"delta":{"content":"b"},"finish_reason":"length"}]}`,
				finish("stop"), "[DONE]",
			},
			[]string{
				start,
				`content_block_start {"index":0,"content_block":{"type":"text","text":""}}`,
				`content_block_delta {"index":0,"delta":{"type":"text_delta","text":"a"}}`,
				`content_block_stop {"index":0}`, end("end_turn"), stop,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			out := run(t, converted(), tc.chunks...)
			assert.Equal(t, tc.want, sequence(t, out))
			accumulate(t, out)
		})
	}
}

// accumulate reads a stream as Anthropic's own client does.
func accumulate(t *testing.T, out []byte) anthropic.Message {
	t.Helper()
	var message anthropic.Message
	for _, line := range strings.Split(string(out), "\n") {
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			var event anthropic.MessageStreamEventUnion
			require.NoError(t, json.Unmarshal([]byte(data), &event))
			require.NoError(t, message.Accumulate(event), data)
		}
	}
	return message
}

func TestAnthropicsClientReadsAConvertedStream(t *testing.T) {
	tr := converted()
	message := accumulate(t, run(t, tr,
		delta(`"role":"assistant","reasoning_content":"t"`), delta(`"content":"Hel"`), delta(`"content":"lo"`),
		toolCalls(`{"index":0,"id":"1","function":{"name":"f","arguments":"{\"x\":"}}`), toolCalls(`{"index":0,"function":{"arguments":"1}"}}`),
		finish("tool_calls"),
		`{"id":"c1","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":4,"total_tokens":14,"prompt_tokens_details":{"cached_tokens":3}}}`,
		"[DONE]"))
	require.Len(t, message.Content, 3)
	assert.Equal(t, "t", message.Content[0].AsThinking().Thinking)
	assert.Equal(t, "Hello", message.Content[1].AsText().Text)
	assert.JSONEq(t, `{"x":1}`, string(message.Content[2].AsToolUse().Input))
	assert.Equal(t, anthropic.StopReasonToolUse, message.StopReason)
	assert.Equal(t, "real-1", message.Model)
	assert.EqualValues(t, 4, message.Usage.OutputTokens)
	assert.Equal(t, wire.Usage{Uncached: 7, CacheRead: 3, Text: 4}, tr.Usage())
}

func TestUsageStandsInTheLastEvents(t *testing.T) {
	out := run(t, converted(), delta(`"content":"a"`), finish("stop"),
		`{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":3}}}`, "[DONE]")
	assert.Contains(t, sequence(t, out), `message_delta {"delta":{"stop_reason":"end_turn","stop_sequence":null},`+
		`"usage":{"input_tokens":7,"cache_creation_input_tokens":0,"cache_read_input_tokens":3,"output_tokens":4}}`)
}

func TestOnlyWhatIsSaidCountsAsContent(t *testing.T) {
	for name, tc := range map[string]struct {
		data string
		want bool
	}{
		"the role":       {delta(`"role":"assistant","content":""`), false},
		"text":           {delta(`"content":"a"`), true},
		"reasoning":      {delta(`"reasoning_content":"a"`), true},
		"a tool call":    {toolCalls(`{"index":0,"id":"1","function":{"name":"f"}}`), true},
		"the end":        {finish("stop"), false},
		"usage":          {`{"choices":[],"usage":{"prompt_tokens":1}}`, false},
		"another choice": {`{"id":"c1","choices":[{"index":1,"delta":{"content":"a"}}]}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			step, err := converted().Event(clean("", tc.data))
			require.NoError(t, err)
			assert.Equal(t, tc.want, step.Content)
			assert.False(t, step.Done)
		})
	}
}

func TestAStreamThatCannotBeToldHonestlyFails(t *testing.T) {
	first := toolCalls(`{"index":0,"id":"1","function":{"name":"f","arguments":"{}"}}`)
	for name, tc := range map[string]struct {
		chunks  []string
		outcome outcome.Outcome
	}{
		"ends before its first chunk": {[]string{"[DONE]"}, outcome.UpstreamMalformed},
		"ends with usage alone":       {[]string{`{"choices":[],"usage":{}}`, "[DONE]"}, outcome.UpstreamMalformed},
		"goes back to a closed call": {
			[]string{first, toolCalls(`{"index":1,"id":"2","function":{"name":"g"}}`), toolCalls(`{"index":0,"function":{"arguments":"x"}}`)},
			outcome.UpstreamMalformed,
		},
		"goes back to a call that text closed": {
			[]string{first, delta(`"content":"a"`), toolCalls(`{"index":0,"function":{"arguments":"x"}}`)}, outcome.UpstreamMalformed,
		},
		"goes on with nothing open": {
			[]string{first, delta(`"content":"a"`), toolCalls(`{"function":{"arguments":"x"}}`)}, outcome.UpstreamMalformed,
		},
		"calls a tool without a name": {[]string{toolCalls(`{"index":0,"id":"1","function":{"arguments":"x"}}`), finish("tool_calls"), "[DONE]"}, outcome.UpstreamMalformed},
		"reports an error": {
			[]string{delta(`"content":"a"`), `{"error":{"message":"m","code":502},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}`},
			outcome.UpstreamErrorEvent,
		},
	} {
		t.Run(name, func(t *testing.T) {
			tr, last := converted(), len(tc.chunks)-1
			for _, data := range tc.chunks[:last] {
				_, err := tr.Event(clean("", data))
				require.NoError(t, err)
			}
			step, err := tr.Event(clean("", tc.chunks[last]))
			assert.Equal(t, tc.outcome, failure(t, err).Outcome)
			assert.Equal(t, lane.Chunk{}, step)
		})
	}
}
