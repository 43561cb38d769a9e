package messages_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/wire"
)

const (
	start = `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-real","content":[],"stop_reason":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":1,"cache_read_input_tokens":4,"output_tokens":2}}}`
	stop  = `{"type":"message_stop"}`
)

// chunk is a chunk of the stream that start begins, with this one choice.
func chunk(choice string) string {
	return `{"id":"msg_1","object":"chat.completion.chunk","created":1700000000,"model":"claude-real","choices":[` + choice + `]}`
}

func delta(d string) string { return chunk(`{"index":0,"delta":` + d + `,"finish_reason":null}`) }

func finish(reason string) string {
	return chunk(`{"index":0,"delta":{},"finish_reason":"` + reason + `"}`)
}

// exchange is an event of a stream and what it has to become.
type exchange struct {
	data    string
	content bool
	want    []string
}

func assertStream(t *testing.T, translator lane.Translator, exchanges []exchange) {
	t.Helper()
	for i, x := range exchanges {
		step, err := translator.Event(event(x.data))
		require.NoError(t, err, x.data)
		got := chunks(t, step.Out)
		require.Len(t, got, len(x.want), "%s became %q", x.data, got)
		for j := range got {
			if x.want[j] == "[DONE]" {
				assert.Equal(t, "[DONE]", got[j])
				continue
			}
			assert.JSONEq(t, x.want[j], got[j], x.data)
		}
		assert.Equal(t, x.content, step.Content, x.data)
		assert.Equal(t, i == len(exchanges)-1, step.Done, x.data)
	}
}

func TestAStreamOfTextAndParallelToolCallsIsConvertedChunkByChunk(t *testing.T) {
	translator := chatTranslator(`{"stream":true,"stream_options":{"include_usage":true}}`)
	assertStream(t, translator, []exchange{
		{start, false, []string{delta(`{"role":"assistant","content":""}`)}},
		{`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`, false, nil},
		{`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}`, true, []string{delta(`{"reasoning_content":"hm"}`)}},
		{`{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"abc"}}`, false, nil},
		{`{"type":"content_block_stop","index":0}`, false, nil},
		{`{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}`, false, nil},
		{`{"type":"ping"}`, false, nil},
		{`{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"I <look>\n"}}`, true, []string{delta(`{"content":"I <look>\n"}`)}},
		{`{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":" é🙂"}}`, true, []string{delta(`{"content":" é🙂"}`)}},
		{`{"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{}}}`, false, nil},
		{`{"type":"content_block_stop","index":1}`, false, nil},
		{`{"type":"content_block_start","index":2,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{}}}`, false, nil},
		{`{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"q\":1}"}}`, false, nil},
		{`{"type":"content_block_stop","index":2}`, false, nil},
		{`{"type":"content_block_start","index":3,"content_block":{"type":"web_search_tool_result","tool_use_id":"s","content":[{"type":"web_search_result","title":"x"}]}}`, false, nil},
		{`{"type":"content_block_stop","index":3}`, false, nil},
		{
			`{"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"t1","name":"weather","input":{}}}`, true,
			[]string{delta(`{"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"weather","arguments":""}}]}`)},
		},
		{`{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":""}}`, false, nil},
		{
			`{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"{\"city\": \"Bo"}}`, true,
			[]string{delta(`{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\": \"Bo"}}]}`)},
		},
		{
			`{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"nn\"}"}}`, true,
			[]string{delta(`{"tool_calls":[{"index":0,"function":{"arguments":"nn\"}"}}]}`)},
		},
		{`{"type":"content_block_stop","index":4}`, false, nil},
		{
			`{"type":"content_block_start","index":5,"content_block":{"type":"tool_use","id":"t2","name":"time","input":{}}}`, true,
			[]string{delta(`{"tool_calls":[{"index":1,"id":"t2","type":"function","function":{"name":"time","arguments":""}}]}`)},
		},
		{
			`{"type":"content_block_delta","index":5,"delta":{"type":"input_json_delta","partial_json":"{\"zone\":\"UTC\"}"}}`, true,
			[]string{delta(`{"tool_calls":[{"index":1,"function":{"arguments":"{\"zone\":\"UTC\"}"}}]}`)},
		},
		{`{"type":"content_block_stop","index":5}`, false, nil},
		{`{"type":"something_new","index":"x","delta":7}`, false, nil},
		{`{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":40}}`, false, []string{finish("tool_calls")}},
		{stop, false, []string{
			`{"id":"msg_1","object":"chat.completion.chunk","created":1700000000,"model":"claude-real","choices":[],
			  "usage":{"prompt_tokens":15,"completion_tokens":40,"total_tokens":55,"prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":1}}}`,
			"[DONE]",
		}},
	})
	assert.Equal(t, wire.Usage{Uncached: 10, CacheRead: 4, CacheWrite5m: 1, Text: 40}, translator.Usage())
}

func TestUsageIsOnlySentWhereItWasAskedFor(t *testing.T) {
	for _, body := range []string{
		`{"stream":true}`, `{"stream":true,"stream_options":null}`, `{"stream":true,"stream_options":{"include_usage":false}}`,
	} {
		translator := chatTranslator(body)
		assertStream(t, translator, []exchange{
			{start, false, []string{delta(`{"role":"assistant","content":""}`)}},
			{`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}`, false, []string{finish("stop")}},
			{stop, false, []string{"[DONE]"}},
		})
		assert.Equal(t, wire.Usage{Uncached: 10, CacheRead: 4, CacheWrite5m: 1, Text: 3}, translator.Usage())
	}
}

func TestWhatABlockStartsWithIsNotLost(t *testing.T) {
	const toolStart = `{"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"f","arguments":""}}]}`
	whole := delta(`{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":[1,2]}"}}]}`)
	none := delta(`{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}`)
	const inFull = `{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t1","name":"f","input":{ "a": [1, 2] }}}`
	const blockStop = `{"type":"content_block_stop","index":0}`
	const end = `{"type":"message_delta","delta":{"stop_reason":"tool_use"}}`
	begin := exchange{start, false, []string{delta(`{"role":"assistant","content":""}`)}}
	done := exchange{stop, false, []string{"[DONE]"}}
	for name, exchanges := range map[string][]exchange{
		"text": {
			begin, {`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"hi"}}`, true, []string{delta(`{"content":"hi"}`)}},
			{end, false, []string{finish("tool_calls")}}, done,
		},
		"thinking": {
			begin, {`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"hm"}}`, true, []string{delta(`{"reasoning_content":"hm"}`)}},
			{end, false, []string{finish("tool_calls")}}, done,
		},
		"input": {
			begin, {inFull, true, []string{delta(toolStart)}}, {blockStop, true, []string{whole}}, {end, false, []string{finish("tool_calls")}}, done,
		},
		"input of a block that never stops": {
			begin, {inFull, true, []string{delta(toolStart)}}, {end, true, []string{whole, finish("tool_calls")}}, done,
		},
		"input of a block that stops late": {
			begin, {inFull, true, []string{delta(toolStart)}}, {end, true, []string{whole, finish("tool_calls")}}, {blockStop, false, nil}, done,
		},
		"input of an answer without a reason": {
			begin, {inFull, true, []string{delta(toolStart)}}, {stop, true, []string{whole, finish("tool_calls"), "[DONE]"}},
		},
		"no input at all": {
			begin, {`{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t1","name":"f"}}`, true, []string{delta(toolStart)}},
			{blockStop, true, []string{none}}, {end, false, []string{finish("tool_calls")}}, done,
		},
	} {
		t.Run(name, func(t *testing.T) { assertStream(t, chatTranslator(`{"stream":true}`), exchanges) })
	}
}

func TestAnAnswerHasOneFinishReason(t *testing.T) {
	begin := exchange{start, false, []string{delta(`{"role":"assistant","content":""}`)}}
	assertStream(t, chatTranslator(`{"stream":true}`), []exchange{
		begin,
		{`{"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":1}}`, false, nil},
		{`{"type":"message_delta","delta":{"stop_reason":"max_tokens"}}`, false, []string{finish("length")}},
		{`{"type":"message_delta","delta":{"stop_reason":"end_turn"}}`, false, nil},
		{stop, false, []string{"[DONE]"}},
	})
	assertStream(t, chatTranslator(`{"stream":true}`), []exchange{
		begin, {`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"a"}}`, true, []string{delta(`{"content":"a"}`)}},
		{stop, false, []string{finish("stop"), "[DONE]"}},
	})
}

func TestAnEventOutOfOrderIsMalformed(t *testing.T) {
	const text = `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`
	const textDelta = `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}`
	const blockStop = `{"type":"content_block_stop","index":0}`
	const end = `{"type":"message_delta","delta":{"stop_reason":"end_turn"}}`
	for name, events := range map[string][]string{
		"stop before start":             {stop},
		"nothing between":               {start, stop},
		"delta before start":            {textDelta},
		"block before start":            {text},
		"end before start":              {end},
		"a second start":                {start, start},
		"start without a message":       {`{"type":"message_start"}`},
		"delta of a block not started":  {start, textDelta},
		"delta of another block":        {start, text, strings.Replace(textDelta, `"index":0`, `"index":1`, 1)},
		"delta of a block stopped":      {start, text, blockStop, textDelta},
		"stop of a block not started":   {start, blockStop},
		"a block started twice":         {start, text, text},
		"a block without content_block": {start, `{"type":"content_block_start","index":0}`},
		"delta without a delta":         {start, text, `{"type":"content_block_delta","index":0}`},
		"input of a text":               {start, text, `{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{"}}`},
		"a block after the end":         {start, end, text},
		"delta after the end":           {start, text, end, textDelta},
		"events after the stop":         {start, end, stop, end},
		"a field of the wrong type":     {start, `{"type":"content_block_start","index":"zero"}`},
	} {
		t.Run(name, func(t *testing.T) {
			translator := chatTranslator(`{"stream":true}`)
			for _, data := range events[:len(events)-1] {
				_, err := translator.Event(event(data))
				require.NoError(t, err, data)
			}
			_, err := translator.Event(event(events[len(events)-1]))
			assert.Equal(t, outcome.UpstreamMalformed, failureOf(t, err).Outcome)
		})
	}
}

func TestTheNumberOfOpenBlocksIsBounded(t *testing.T) {
	translator := chatTranslator(`{"stream":true}`)
	_, err := translator.Event(event(start))
	require.NoError(t, err)
	open := func(i int) error {
		_, err := translator.Event(event(`{"type":"content_block_start","index":` + strconv.Itoa(i) + `,"content_block":{"type":"text"}}`))
		return err
	}
	for i := range 64 {
		require.NoError(t, open(i))
	}
	assert.Equal(t, outcome.UpstreamMalformed, failureOf(t, open(64)).Outcome)
}
