package messages_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

const nativeRequest = "{ \"messages\" : [\n], \"model\":\"claude-test\",\t\"x\":1e400, \"note\":\"\\u00e9 <\" }"

func TestANativeBodyIsPassedOnAsItIs(t *testing.T) {
	c := call(wire.Messages, nativeRequest)
	request, err := lanes.Request(c, target)
	require.NoError(t, err)
	assert.Equal(t, "/v1/messages", request.Path)
	assert.Same(t, &c.Body[0], &request.Body[0])
	assert.Equal(t, nativeRequest, string(request.Body))
}

func TestAMappedModelIsAllThatChangesInANativeBody(t *testing.T) {
	c := call(wire.Messages, nativeRequest)
	request, err := lanes.Request(c, lane.Destination{Model: "claude-\"x\""})
	require.NoError(t, err)
	assert.Equal(t, strings.Replace(nativeRequest, `"claude-test"`, `"claude-\"x\""`, 1), string(request.Body))
	assert.Equal(t, nativeRequest, string(c.Body), "attempts share the call")
}

func TestNativeHeadersAreThoseThatTheFormatDefines(t *testing.T) {
	c := call(wire.Messages, `{"model":"claude-test"}`)
	request, err := lanes.Request(c, lane.Destination{Model: "claude-test"})
	require.NoError(t, err)
	assert.Equal(t, http.Header{
		"Content-Type": {"application/json"}, "Accept": {"application/json"}, "Anthropic-Version": {"2023-06-01"},
	}, request.Header, "without a key no credentials are sent")

	c = call(wire.Messages, `{"model":"claude-test","stream":true}`)
	c.Header.Set("Authorization", "Bearer sk-client")
	c.Header.Set("X-Api-Key", "sk-client")
	c.Header.Set("Cookie", "a=b")
	c.Header.Set("Anthropic-Version", "2099-01-01")
	c.Header["Anthropic-Beta"] = []string{"one,two", "three"}
	request, err = lanes.Request(c, target)
	require.NoError(t, err)
	assert.Equal(t, http.Header{
		"Content-Type": {"application/json"}, "Accept": {"text/event-stream"},
		"Anthropic-Version": {"2099-01-01"}, "Anthropic-Beta": {"one,two", "three"},
	}, request.Header)
}

func TestOnlyTheBetaParameterIsPassedOn(t *testing.T) {
	for query, want := range map[string]string{
		"": "", "beta=true": "beta=true", "a=b&beta=true&c=%20": "beta=true", "beta=false": "", "beta": "", "key=sk-test": "", "beta=true&%zz": "",
	} {
		c := call(wire.Messages, `{"model":"claude-test"}`)
		c.Query = query
		request, err := lanes.Request(c, target)
		require.NoError(t, err)
		assert.Equal(t, want, request.Query, query)
	}
}

func TestANativeAnswerIsPassedOnAndCounted(t *testing.T) {
	const body = "{\"type\":\"message\", \"content\":[ ],\n\"stop_reason\":\"end_turn\",\"new\":{}, \"usage\":{\"input_tokens\":5,\"cache_read_input_tokens\":7," +
		"\"cache_creation_input_tokens\":2,\"output_tokens\":9,\"output_tokens_details\":{\"thinking_tokens\":4}}}\n"
	translator := lanes.Answer(call(wire.Messages, `{}`))
	out, err := translator.Whole([]byte(body))
	require.NoError(t, err)
	assert.Equal(t, body, string(out))
	assert.Equal(t, wire.Usage{Uncached: 5, CacheRead: 7, CacheWrite5m: 2, Text: 9, Reasoning: 4}, translator.Usage())
}

func TestWhatAnthropicWroteToItsCacheIsToldApartByItsTime(t *testing.T) {
	for usage, want := range map[string]wire.Usage{
		`{"input_tokens":5,"cache_creation_input_tokens":9,"cache_creation":{"ephemeral_5m_input_tokens":2,"ephemeral_1h_input_tokens":7},"output_tokens":1}`: {Uncached: 5, CacheWrite5m: 2, CacheWrite1h: 7, Text: 1},
		`{"input_tokens":5,"cache_creation_input_tokens":9,"output_tokens":1}`:                                                                                {Uncached: 5, CacheWrite5m: 9, Text: 1},
		`{"input_tokens":5,"cache_creation":{"ephemeral_1h_input_tokens":7},"output_tokens":1}`:                                                               {Uncached: 5, CacheWrite1h: 7, Text: 1},
		`{"input_tokens":5,"cache_creation_input_tokens":0,"cache_creation":null,"output_tokens":1}`:                                                          {Uncached: 5, Text: 1},
	} {
		translator := native()
		_, err := translator.Whole([]byte(`{"type":"message","content":[{"type":"text","text":"a"}],"usage":` + usage + `}`))
		require.NoError(t, err)
		assert.Equal(t, want, translator.Usage(), usage)
	}
}

func TestAnAnswerWhoseUsageIsOddIsPassedOn(t *testing.T) {
	for _, body := range []string{`{"type":"message","content":[{"type":"text","text":"a"}]}`, `{"type":"message","content":[{"type":"text","text":"a"}],"usage":null}`, `{"type":"message","content":[{"type":"text","text":"a"}],"usage":[1]}`} {
		out, err := native().Whole([]byte(body))
		require.NoError(t, err)
		assert.Equal(t, body, string(out))
	}
}

// nativeStream has what the passing through has to notice, and the usage that Anthropic repeats.
var nativeStream = []struct {
	data                    string
	content, preamble, done bool
}{
	{`{"type":"message_start","message":{"id":"m","content":[],"usage":{"input_tokens":10,"cache_read_input_tokens":5,"output_tokens":1}}}`, false, true, false},
	{`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`, false, true, false},
	{`{"type":"ping"}`, false, true, false},
	{`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}`, true, false, false},
	{`{"type":"content_block_stop","index":0}`, false, false, false},
	{`{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}`, true, false, false},
	{`{"type":"content_block_stop","index":1}`, false, false, false},
	{`{"type":"something_new","usage":{"output_tokens":1000000}}`, false, false, false},
	{`{}`, false, false, false},
	{`{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":20}}`, false, false, false},
	{`{"type":"message_stop"}`, false, false, true},
}

func TestANativeStreamIsPassedOnAsItIs(t *testing.T) {
	translator := lanes.Answer(call(wire.Messages, `{"stream":true}`))
	for _, e := range nativeStream {
		in := event(e.data)
		step, err := translator.Event(in)
		require.NoError(t, err)
		assert.Equal(t, lane.Chunk{Out: in.Raw, Content: e.content, Preamble: e.preamble, Ping: e.data == `{"type":"ping"}`, Done: e.done}, step, e.data)
	}
	assert.Equal(t, wire.Usage{Uncached: 10, CacheRead: 5, Text: 20}, translator.Usage())
}

func TestAnEventThatIsNotCleanIsWrittenAnew(t *testing.T) {
	translator := native()
	in := sse.Event{Raw: []byte(": x\r\nevent: ping\r\ndata: {\"type\":\"ping\"}\r\n\r\n"), Name: []byte("ping"), Data: []byte(`{"type":"ping"}`)}
	step, err := translator.Event(in)
	require.NoError(t, err)
	assert.Equal(t, "event: ping\ndata: {\"type\":\"ping\"}\n\n", string(step.Out))
}

func TestAPingWithoutDataIsPassedOn(t *testing.T) {
	in := sse.Event{Raw: []byte("event: ping\n\n"), Name: []byte("ping"), Clean: true}
	step, err := native().Event(in)
	require.NoError(t, err)
	assert.Equal(t, lane.Chunk{Out: in.Raw, Preamble: true, Ping: true}, step)
	step, err = chatTranslator(`{"stream":true}`).Event(in)
	require.NoError(t, err)
	assert.Zero(t, step)
}

// TestAnEventWithoutDataIsNone: whoever reads event streams by the book does not hear of it (WHATWG HTML, 9.2.6), and Anthropic's
// clients decode what is in it.
func TestAnEventWithoutDataIsNone(t *testing.T) {
	for _, name := range []string{"", "message_stop", "content_block_delta"} {
		for _, data := range []string{"", " "} {
			in := sse.Event{Name: []byte(name), Data: []byte(data), Clean: true}
			in.Raw = sse.Append(nil, in.Name, in.Data)
			for _, translator := range []lane.Translator{native(), chatTranslator(`{"stream":true}`)} {
				step, err := translator.Event(in)
				require.NoError(t, err)
				assert.Zero(t, step)
			}
		}
	}
	_, err := native().Event(sse.Event{Name: []byte("error"), Clean: true})
	assert.Equal(t, outcome.UpstreamErrorEvent, failureOf(t, err).Outcome)
}

func TestAPingCommitsNobodyToThisChannel(t *testing.T) {
	translator := native()
	for _, data := range []string{`{"type":"ping"}`, `{"type":"message_start","message":{}}`, `{"type":"ping"}`} {
		step, err := translator.Event(event(data))
		require.NoError(t, err)
		assert.NotEmpty(t, step.Out)
		assert.True(t, step.Preamble, data)
	}
}

func TestATypeWithEscapesIsStillKnown(t *testing.T) {
	translator := native()
	_, err := translator.Event(event(`{"type":"message_start","message":{}}`))
	require.NoError(t, err)
	_, err = translator.Event(event(`{"type":"message_delta","delta":{"stop_reason":"end_turn"}}`))
	require.NoError(t, err)
	step, err := translator.Event(event(`{"type":"message_\u0073top"}`))
	require.NoError(t, err)
	assert.True(t, step.Done)
}

func TestAnEventThatIsNoJSONObjectIsMalformed(t *testing.T) {
	for _, data := range []string{`{`, `[]`, `null`, `{"type":"ping"}x`, `{"type":"content_block_delta","delta":{"text":"a}`} {
		for _, translator := range []lane.Translator{native(), chatTranslator(`{"stream":true}`)} {
			_, err := translator.Event(event(data))
			assert.Equal(t, outcome.UpstreamMalformed, failureOf(t, err).Outcome, data)
		}
	}
}

func TestPassingOnAnOrdinaryEventAllocatesNothing(t *testing.T) {
	translator := lanes.Answer(call(wire.Messages, `{"stream":true}`))
	clean := event(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"some \"words\" of an answer"}}`)
	unclean := clean
	unclean.Clean = false
	allocations := testing.AllocsPerRun(1000, func() {
		for _, e := range []sse.Event{clean, unclean} {
			if step, err := translator.Event(e); err != nil || !step.Content {
				t.Fatal(step, err)
			}
		}
	})
	assert.Zero(t, allocations)
}

func TestAnEventUnderAnotherNameGetsTheOneThatItsDataSays(t *testing.T) {
	translator := native()
	for _, data := range []string{
		`{"type":"message_start","message":{"usage":{"input_tokens":1}}}`,
		`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"b"}}`,
		`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}`,
		`{"type":"message_stop"}`,
	} {
		right := event(data)
		wrong := sse.Event{Raw: []byte("event: message\ndata: " + data + "\n\n"), Name: []byte("message"), Data: []byte(data), Clean: true}
		step, err := translator.Event(wrong)
		require.NoError(t, err)
		assert.Equal(t, string(right.Raw), string(step.Out), "a client tells events apart by their names")
	}
	strange := sse.Event{Raw: []byte("event: usage_report\ndata: {\"type\":\"x\"}\n\n"), Name: []byte("usage_report"), Data: []byte(`{"type":"x"}`), Clean: true}
	step, err := translator.Event(strange)
	require.NoError(t, err)
	assert.Equal(t, string(strange.Raw), string(step.Out), "a kind that is not known has the name that it came with")
}
