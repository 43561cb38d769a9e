package chat_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/lane"
	"one-api/relay/wire"
)

// TestAnothersPingIsNoPartOfAnAnswer is of gateways to Anthropic that speak OpenAI's format and leave the pings in. Clients read a
// choice in every event.
func TestAnothersPingIsNoPartOfAnAnswer(t *testing.T) {
	for name, translator := range map[string]lane.Translator{"native": native(), "converted": converted()} {
		for _, data := range []string{`{"type":"ping"}`, ` { "type" : "ping", "time": 1 } `, ``, ` `} {
			for _, event := range []string{"", "ping"} {
				step, err := translator.Event(clean(event, data))
				require.NoError(t, err, "%s: %s", name, data)
				assert.Empty(t, step.Out, "%s: %s", name, data)
				assert.False(t, step.Content, "%s: %s", name, data)
			}
		}
	}
	for _, data := range []string{`{"type":"ping","choices":[{"index":0,"delta":{"content":"a"}}]}`, `{"type":"pong","note":"ping"}`} {
		step, err := native().Event(clean("ping", data))
		require.NoError(t, err, data)
		assert.NotEmpty(t, step.Out, data)
	}
	for _, data := range []string{`{"type":"ping","error":{"message":"broken"}}`, `{"type":"error","error":{"message":"broken","type":"ping"}}`} {
		_, err := native().Event(clean("ping", data))
		require.Error(t, err, data)
	}
}

// TestAnOddIndexDoesNotCostTheAnswer: what a choice says has been passed on before its end.
func TestAnOddIndexDoesNotCostTheAnswer(t *testing.T) {
	for _, index := range []string{`1000000000`, `-1`, `128`, `99999999999999999999`, `-99999999999999999999`, `"7"`, `null`, `0.5`, `{}`} {
		translator := native()
		for _, data := range []string{
			`{"choices":[{"index":` + index + `,"delta":{"content":"a"},"finish_reason":null}]}`,
			`{"choices":[{"index":` + index + `,"delta":{},"finish_reason":"stop"}]}`,
		} {
			_, err := translator.Event(clean("", data))
			require.NoError(t, err, index)
		}
		_, err := translator.End()
		require.NoError(t, err, index)

		_, err = native().Whole([]byte(`{"choices":[{"index":` + index + `,"message":{"content":"a"},"finish_reason":"stop"}]}`))
		require.NoError(t, err, index)

		translator = lanes.Answer(&lane.Call{Endpoint: wire.ChatCompletions, Stream: true})
		_, err = translator.Event(clean("", `{"choices":[{"index":`+index+`,"delta":{"content":"a"},"finish_reason":null}]}`))
		require.NoError(t, err, index)
		_, err = translator.End()
		require.Error(t, err, "%s has not ended", index)
	}
}
