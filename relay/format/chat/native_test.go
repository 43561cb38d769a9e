package chat_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// clean is an event as the SSE reader gives it.
func clean(name, data string) sse.Event {
	event := sse.Event{Data: []byte(data), Clean: true}
	if name != "" {
		event.Name = []byte(name)
	}
	event.Raw = sse.Append(nil, event.Name, event.Data)
	return event
}

var chatCall = &lane.Call{Endpoint: wire.ChatCompletions}

func native() lane.Translator {
	return lanes.Answer(chatCall)
}

func failure(t *testing.T, err error) *outcome.Failure {
	t.Helper()
	require.Error(t, err)
	f := outcome.FailureOf(err)
	return f
}

func TestANativeAnswerIsReturnedAsItIs(t *testing.T) {
	body := []byte("\n {\"model\" : \"real\", \"choices\":[{\"message\":{\"content\":\"a\"}}], \"error\":null, \"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5,\"total_tokens\":12," +
		"\"prompt_tokens_details\":{\"cached_tokens\":3},\"completion_tokens_details\":{\"reasoning_tokens\":2}}}\n")
	tr := native()
	out, err := tr.Whole(body)
	require.NoError(t, err)
	assert.Same(t, &body[0], &out[0])
	assert.Len(t, out, len(body))
	assert.Equal(t, wire.Usage{Uncached: 4, CacheRead: 3, Text: 5, Reasoning: 2}, tr.Usage())
}

func TestUsageIsReadInEveryDialect(t *testing.T) {
	for name, tc := range map[string]struct {
		usage string
		want  wire.Usage
	}{
		"embeddings":          {`{"prompt_tokens":8,"total_tokens":8}`, wire.Usage{Uncached: 8}},
		"missing":             {`null`, wire.Usage{}},
		"not an object":       {`"many"`, wire.Usage{}},
		"null details":        {`{"prompt_tokens":8,"completion_tokens":1,"prompt_tokens_details":null}`, wire.Usage{Uncached: 8, Text: 1}},
		"one figure mistyped": {`{"prompt_tokens":"many","completion_tokens":1}`, wire.Usage{Text: 1}},
		"negative":            {`{"prompt_tokens":-8,"completion_tokens":1}`, wire.Usage{Text: 1}},
		"xAI: reasoning beside the output": {`{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,"completion_tokens_details":{"reasoning_tokens":94}}`,
			wire.Usage{Uncached: 32, Text: 103, Reasoning: 94}},
		"reasoning beside the output, without a total": {`{"prompt_tokens":32,"completion_tokens":9,"completion_tokens_details":{"reasoning_tokens":94}}`,
			wire.Usage{Uncached: 32, Text: 103, Reasoning: 94}},
		"reasoning as a part of the output": {`{"prompt_tokens":32,"completion_tokens":103,"total_tokens":135,"completion_tokens_details":{"reasoning_tokens":94}}`,
			wire.Usage{Uncached: 32, Text: 103, Reasoning: 94}},
		"Perplexity's reasoning": {`{"prompt_tokens":32,"completion_tokens":103,"total_tokens":135,"reasoning_tokens":94}`, wire.Usage{Uncached: 32, Text: 103, Reasoning: 94}},
		"OpenAI's cache":         {`{"prompt_tokens":20,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":12}}`, wire.Usage{Uncached: 8, CacheRead: 12, Text: 5}},
		"Moonshot's cache":       {`{"prompt_tokens":20,"completion_tokens":5,"total_tokens":25,"cached_tokens":10}`, wire.Usage{Uncached: 10, CacheRead: 10, Text: 5}},
		"DeepSeek's cache": {`{"prompt_tokens":20,"completion_tokens":5,"total_tokens":25,"prompt_tokens_details":{"cached_tokens":16},"prompt_cache_hit_tokens":16,"prompt_cache_miss_tokens":4}`,
			wire.Usage{Uncached: 4, CacheRead: 16, Text: 5}},
		"DeepSeek's cache, where only it is said": {`{"prompt_tokens":20,"completion_tokens":5,"prompt_cache_hit_tokens":16,"prompt_cache_miss_tokens":4,"prompt_tokens_details":{"cached_tokens":0}}`,
			wire.Usage{Uncached: 4, CacheRead: 16, Text: 5}},
		"OpenRouter's writing to a cache": {`{"prompt_tokens":120,"completion_tokens":50,"prompt_tokens_details":{"cached_tokens":30,"cache_write_tokens":20}}`,
			wire.Usage{Uncached: 70, CacheRead: 30, CacheWrite5m: 20, Text: 50}},
		"LiteLLM's, in two places": {`{"prompt_tokens":120,"completion_tokens":50,"prompt_tokens_details":{"cached_tokens":30,"cache_creation_tokens":20,` +
			`"cache_creation_token_details":{"ephemeral_5m_input_tokens":5,"ephemeral_1h_input_tokens":15}},"cache_creation_input_tokens":20,"cache_read_input_tokens":30}`,
			wire.Usage{Uncached: 70, CacheRead: 30, CacheWrite5m: 5, CacheWrite1h: 15, Text: 50}},
		"DashScope's": {`{"prompt_tokens":120,"completion_tokens":50,"prompt_tokens_details":{"cached_tokens":0,"cache_type":"ephemeral","cache_creation_input_tokens":100,"cache_creation":{"ephemeral_5m_input_tokens":100}}}`,
			wire.Usage{Uncached: 20, CacheWrite5m: 100, Text: 50}},
		"what is heard and seen": {`{"prompt_tokens":100,"completion_tokens":60,"prompt_tokens_details":{"cached_tokens":10,"audio_tokens":50,"image_tokens":20},"completion_tokens_details":{"audio_tokens":40,"reasoning_tokens":5}}`,
			wire.Usage{Uncached: 20, CacheRead: 10, AudioIn: 50, ImageIn: 20, Text: 20, AudioOut: 40, Reasoning: 5}},
		"what is heard comes from the cache": {`{"prompt_tokens":100,"completion_tokens":6,"prompt_tokens_details":{"cached_tokens":80,"audio_tokens":90}}`,
			wire.Usage{CacheRead: 80, AudioIn: 20, Text: 6}},
		"more from the cache than there was": {`{"prompt_tokens":20,"completion_tokens":5,"cached_tokens":30}`, wire.Usage{Uncached: 20, CacheRead: 30, Text: 5, Doubtful: true}},
	} {
		t.Run(name, func(t *testing.T) {
			tr := native()
			_, err := tr.Whole([]byte(`{"choices":[{"finish_reason":"stop"}],"usage":` + tc.usage + `}`))
			require.NoError(t, err)
			assert.Equal(t, tc.want, tr.Usage())
			assert.Equal(t, tc.want, tr.Usage(), "asking twice changes nothing")
		})
	}
}

// TestUsageIsFoundWhereverItStands has the members of an answer, and of a last chunk, in which providers put it.
func TestUsageIsFoundWhereverItStands(t *testing.T) {
	const figures = `{"prompt_tokens":20,"completion_tokens":5,"total_tokens":25}`
	for name, members := range map[string]string{
		"OpenAI's":                     `"choices":[{"index":0,"finish_reason":"stop"}],"usage":` + figures,
		"Groq's":                       `"choices":[{"index":0,"finish_reason":"stop"}],"x_groq":{"id":"req_1","usage":` + figures + `}`,
		"Groq's, beside a null":        `"choices":[{"index":0,"finish_reason":"stop"}],"usage":null,"x_groq":{"usage":` + figures + `}`,
		"Moonshot's":                   `"choices":[{"index":0,"finish_reason":"stop","usage":` + figures + `}]`,
		"after a choice without usage": `"choices":[{"index":0,"finish_reason":"stop","usage":` + figures + `},{"index":1,"finish_reason":"stop","usage":null}]`,
	} {
		t.Run(name, func(t *testing.T) {
			want := wire.Usage{Uncached: 20, Text: 5}
			body := `{"id":"c",` + members + `}`
			whole := native()
			_, err := whole.Whole([]byte(body))
			require.NoError(t, err)
			assert.Equal(t, want, whole.Usage(), "whole")
			streamed := native()
			_, err = streamed.Event(clean("", body))
			require.NoError(t, err)
			assert.Equal(t, want, streamed.Usage(), "streamed")
			converted := lanes.Answer(&lane.Call{Endpoint: wire.Messages, Stream: true})
			_, err = converted.Event(clean("", body))
			require.NoError(t, err)
			assert.Equal(t, want, converted.Usage(), "converted")
		})
	}
}

func TestALaterUsageKeepsWhatItDoesNotMention(t *testing.T) {
	tr := native()
	for _, usage := range []string{
		`{"prompt_tokens":20,"completion_tokens":2,"cached_tokens":10,"completion_tokens_details":{"reasoning_tokens":1}}`,
		`{"prompt_tokens":20,"completion_tokens":9}`,
		`{"prompt_tokens":0,"completion_tokens":0,"cached_tokens":0}`,
	} {
		_, err := tr.Event(clean("", `{"choices":[],"usage":`+usage+`}`))
		require.NoError(t, err)
	}
	assert.Equal(t, wire.Usage{Uncached: 10, CacheRead: 10, Text: 9, Reasoning: 1}, tr.Usage())
}

func TestANativeAnswerThatIsNoAnswerFails(t *testing.T) {
	for name, tc := range map[string]struct {
		body    string
		outcome outcome.Outcome
		class   outcome.Class
	}{
		"empty":                   {``, outcome.UpstreamTruncated, outcome.ClassNone},
		"cut":                     {`{"choices":[{"mess`, outcome.UpstreamTruncated, outcome.ClassNone},
		"HTML":                    {`<html></html>`, outcome.UpstreamMalformed, outcome.ClassNone},
		"an array":                {`[]`, outcome.UpstreamMalformed, outcome.ClassNone},
		"something behind it":     {`{}{}`, outcome.UpstreamMalformed, outcome.ClassNone},
		"an error object":         {`{"error":{"message":"m","type":"server_error"}}`, outcome.UpstreamErrorEvent, outcome.ClassServer},
		"OpenRouter's limit":      {`{"error":{"message":"m","code":429}}`, outcome.UpstreamErrorEvent, outcome.ClassKeyLimited},
		"an error string":         {`{"error":"m"}`, outcome.UpstreamErrorEvent, outcome.ClassServer},
		"a filter":                {`{"error":{"message":"m","code":"content_filter"}}`, outcome.UpstreamErrorEvent, outcome.ClassRequest},
		"an error that says null": {`{"error":{"message":null}}`, outcome.UpstreamErrorEvent, outcome.ClassServer},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := native().Whole([]byte(tc.body))
			f := failure(t, err)
			assert.Empty(t, out)
			assert.Equal(t, tc.outcome, f.Outcome)
			assert.Equal(t, tc.class, f.Class)
			assert.NotEmpty(t, f.Err.Message)
		})
	}
}

func TestAnEventIsPassedOnAsItCame(t *testing.T) {
	event := clean("", `{"id":"1" , "choices":[{"delta":{"content":"a"}}]}`)
	step, err := native().Event(event)
	require.NoError(t, err)
	assert.Same(t, &event.Raw[0], &step.Out[0])
	assert.Equal(t, lane.Chunk{Out: event.Raw, Content: true}, step)
}

func TestAnEventThatIsNotCleanIsWrittenAnew(t *testing.T) {
	tr := native()
	for _, data := range []string{`{"choices":[]}`, "{\"choices\":\n[]}"} {
		step, err := tr.Event(sse.Event{Raw: []byte("\ufeff: c\r\ndata:{}\r\n\r\n"), Data: []byte(data)})
		require.NoError(t, err)
		assert.Equal(t, string(sse.Append(nil, nil, []byte(data))), string(step.Out))
	}
}

func TestTheTerminatorEndsANativeStream(t *testing.T) {
	for _, data := range []string{"[DONE]", " [DONE] "} {
		event := clean("", data)
		tr := native()
		_, err := tr.Event(clean("", chunk))
		require.NoError(t, err)
		step, err := tr.Event(event)
		require.NoError(t, err)
		assert.Equal(t, lane.Chunk{Out: event.Raw, Done: true}, step)
	}
}

func TestAnEmptyEventIsDropped(t *testing.T) {
	step, err := native().Event(clean("", ""))
	require.NoError(t, err)
	assert.Equal(t, lane.Chunk{}, step)
}

func TestContentIsToldFromFraming(t *testing.T) {
	for name, tc := range map[string]struct {
		data string
		want bool
	}{
		"role only":            {`{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}`, false},
		"null content":         {`{"choices":[{"delta":{"content":null,"tool_calls":null,"refusal":null}}]}`, false},
		"text":                 {`{"choices":[{"index":0,"delta":{"content":"a"}}]}`, true},
		"parts":                {`{"choices":[{"index":0,"delta":{"content":[{"type":"text","text":"a"}]}}]}`, true},
		"reasoning_content":    {`{"choices":[{"delta":{"content":"","reasoning_content":"a"}}]}`, true},
		"reasoning":            {`{"choices":[{"delta":{"reasoning":"a"}}]}`, true},
		"refusal":              {`{"choices":[{"delta":{"refusal":"a"}}]}`, true},
		"tool call":            {`{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"t","function":{"name":"f","arguments":""}}]}}]}`, true},
		"a call's arguments":   {`{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}}]}`, true},
		"a call's piece of 0":  {`{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"t","type":"function","function":{"arguments":""}}]}}]}`, false},
		"a thought's details":  {`{"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.text","text":"a","index":0}]}}]}`, true},
		"details without any":  {`{"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.text","text":"","format":"x","index":0}]}}]}`, false},
		"empty parts":          {`{"choices":[{"delta":{"content":[{"type":"text","text":""}]}}]}`, false},
		"a sound":              {`{"choices":[{"delta":{"audio":{"id":"a","data":"AA=="}}}]}`, true},
		"no tool call":         {`{"choices":[{"delta":{"tool_calls":[]}}]}`, false},
		"finish":               {`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, false},
		"usage":                {`{"choices":[],"usage":{"prompt_tokens":1}}`, false},
		"a completion's text":  {`{"choices":[{"index":0,"text":"a"}]}`, true},
		"a completion's end":   {`{"choices":[{"index":0,"text":"","finish_reason":"stop"}]}`, false},
		"the second choice":    {`{"choices":[{"index":0,"delta":{}},{"index":1,"delta":{"content":"b"}}]}`, true},
		"a delta of no object": {`{"choices":[{"delta":null},7]}`, false},
		"choices of no array":  {`{"choices":"content"}`, false},
		"another member":       {`{"obfuscation":"content","choices":[{"logprobs":{"content":["x"]},"delta":{}}]}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			step, err := native().Event(clean("", tc.data))
			require.NoError(t, err)
			assert.Equal(t, tc.want, step.Content)
			assert.NotEmpty(t, step.Out)
		})
	}
}

func TestTheLastUsageOfAStreamCounts(t *testing.T) {
	tr := native()
	for _, data := range []string{
		`{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}`,
		`{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}`,
		`{"choices":[],"usage":null}`,
		`{"choices":[]}`,
	} {
		_, err := tr.Event(clean("", data))
		require.NoError(t, err)
	}
	assert.Equal(t, wire.Usage{Uncached: 3, Text: 2}, tr.Usage())
}

func TestAnEventThatIsNoChunkFails(t *testing.T) {
	for name, tc := range map[string]struct {
		event   sse.Event
		outcome outcome.Outcome
		class   outcome.Class
	}{
		"cut JSON":                    {clean("", `{"choices":[`), outcome.UpstreamMalformed, outcome.ClassNone},
		"text":                        {clean("", `hello`), outcome.UpstreamMalformed, outcome.ClassNone},
		"an error":                    {clean("", `{"error":{"message":"m","type":"rate_limit_error"}}`), outcome.UpstreamErrorEvent, outcome.ClassKeyLimited},
		"an error with a status":      {clean("", `{"id":"x","error":{"message":"m","code":502},"choices":[{"delta":{"content":""},"finish_reason":"error"}]}`), outcome.UpstreamErrorEvent, outcome.ClassServer},
		"an event of the name error":  {clean("error", `{"message":"m","type":"invalid_request_error"}`), outcome.UpstreamErrorEvent, outcome.ClassRequest},
		"an error of plain text":      {clean("error", `oops`), outcome.UpstreamErrorEvent, outcome.ClassServer},
		"an error that says nothing":  {clean("error", ``), outcome.UpstreamErrorEvent, outcome.ClassServer},
		"an error before it is known": {clean("", `{"error":{}}`), outcome.UpstreamErrorEvent, outcome.ClassServer},
	} {
		for _, endpoint := range []wire.Endpoint{wire.ChatCompletions, wire.Messages} {
			t.Run(name+" "+endpoint.Path(), func(t *testing.T) {
				step, err := lanes.Answer(&lane.Call{Endpoint: endpoint, Stream: true}).Event(tc.event)
				f := failure(t, err)
				assert.Equal(t, lane.Chunk{}, step)
				assert.Equal(t, tc.outcome, f.Outcome)
				assert.Equal(t, tc.class, f.Class)
				assert.NotEmpty(t, f.Err.Message)
			})
		}
	}
}
