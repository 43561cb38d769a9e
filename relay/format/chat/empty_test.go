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

func TestAnObjectThatIsNoAnswerIsNotPassedOn(t *testing.T) {
	for _, body := range []string{
		`{}`, `{"choices":[]}`, `{"choices": [ ]}`, `{"choices":[null]}`, `{"choices":null}`, `{"choices":{}}`, `{"data":null}`,
		`{"id":"msg_1","type":"message","content":[{"type":"text","text":"another provider's"}]}`,
	} {
		_, err := native().Whole([]byte(body))
		require.Error(t, err)
		f := outcome.FailureOf(err)
		assert.Equal(t, outcome.UpstreamMalformed, f.Outcome, body)
	}
	for _, body := range []string{`{"choices":[{"finish_reason":"stop"}]}`, `{"choices":[{"message":{"content":"a"}}]}`, `{"choices":[{"text":"a"}]}`, `{"choices":[{"message":{"new":1}}]}`, `{"data":[]}`} {
		_, err := native().Whole([]byte(body))
		require.NoError(t, err, body)
	}
}

func TestOfChoicesThatStandTwiceTheLastOnesCount(t *testing.T) {
	const good, bad, open = `[{"text":"a","finish_reason":"stop"}]`, `[{"text":"a","error":{"message":"overloaded"}}]`, `[{"text":"","finish_reason":null}]`
	for _, name := range []string{`"choices"`, `"ch\u006fices"`} {
		for first, second := range map[string]string{bad: good, open: good, good: good} {
			_, err := native().Whole([]byte(`{"choices":` + first + `,` + name + `:` + second + `}`))
			require.NoError(t, err)
			_, err = native().Whole([]byte(`{` + name + `:` + first + `,"choices":` + second + `}`))
			require.NoError(t, err)
		}
		for _, second := range []string{bad, open, `null`, `[]`} {
			_, err := native().Whole([]byte(`{"choices":` + good + `,` + name + `:` + second + `}`))
			require.Error(t, err, second)
			_, err = native().Whole([]byte(`{` + name + `:` + good + `,"choices":` + second + `}`))
			require.Error(t, err, second)
		}
	}
}

func TestAStreamWithoutAChunkIsNotComplete(t *testing.T) {
	translator := native()
	_, err := translator.Event(sse.Event{Data: []byte(`{}`), Clean: true})
	require.NoError(t, err)
	_, err = translator.Event(sse.Event{Data: []byte(`[DONE]`), Clean: true})
	require.Error(t, err)
	f := outcome.FailureOf(err)
	assert.Equal(t, outcome.UpstreamMalformed, f.Outcome)
}

// TestAnAnswerThatSaysNothingAndHasNoEndIsMalformed is about choices that are there in name only. A stream says by its terminator
// that such a one was meant.
func TestAnAnswerThatSaysNothingAndHasNoEndIsMalformed(t *testing.T) {
	for _, choice := range []string{
		`{}`, `{"message":null,"finish_reason":null}`, `{"index":0,"message":{"role":"assistant","content":""}}`, `{"delta":{}}`,
		`{"delta":{"role":"assistant","content":null,"tool_calls":[]},"finish_reason":null}`, `{"text":""}`, `{"finish_reason":""}`,
	} {
		t.Run(choice, func(t *testing.T) {
			for endpoint, stream := range map[wire.Endpoint]bool{wire.ChatCompletions: true, wire.Messages: false} {
				answer := lanes.Answer(&lane.Call{Endpoint: endpoint, Stream: stream})
				_, err := answer.Whole([]byte(`{"choices":[` + choice + `]}`))
				assert.Equal(t, outcome.UpstreamMalformed, failure(t, err).Outcome, "whole")

				answer = lanes.Answer(&lane.Call{Endpoint: endpoint, Stream: true})
				_, err = answer.Event(clean("", `{"id":"c","choices":[`+choice+`]}`))
				require.NoError(t, err)
				step, err := answer.Event(clean("", "[DONE]"))
				require.NoError(t, err, "streamed")
				assert.True(t, step.Done)
			}
		})
	}
}

// TestATerminatorAfterSomethingIsAnEnd is for servers that leave the finish_reason out.
func TestATerminatorAfterSomethingIsAnEnd(t *testing.T) {
	for _, delta := range []string{`{"content":"a"}`, `{"reasoning_content":"a"}`, `{"tool_calls":[{"index":0,"id":"t","function":{"name":"f","arguments":"{}"}}]}`, `{"audio":{"data":"AA=="}}`} {
		for _, endpoint := range []wire.Endpoint{wire.ChatCompletions, wire.Messages} {
			answer := lanes.Answer(&lane.Call{Endpoint: endpoint, Stream: true})
			_, err := answer.Event(clean("", `{"choices":[{"index":0,"delta":`+delta+`}]}`))
			require.NoError(t, err)
			step, err := answer.Event(clean("", "[DONE]"))
			require.NoError(t, err, delta)
			assert.True(t, step.Done)
		}
	}
}
