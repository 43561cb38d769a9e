package messages_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

func TestAnObjectThatIsNoMessageIsNotPassedOn(t *testing.T) {
	for _, body := range []string{`{}`, `{"type":"message"}`, `{"type":"message","content":null}`, `{"choices":[{"message":{"content":"another provider's"}}]}`} {
		_, err := native().Whole([]byte(body))
		f := failureOf(t, err)
		assert.Equal(t, outcome.UpstreamMalformed, f.Outcome, body)
	}
}

func TestAStreamThatEndsBeforeItsMessageIsNotComplete(t *testing.T) {
	_, err := native().Event(sse.Event{Data: []byte(`{"type":"message_stop"}`), Clean: true})
	f := failureOf(t, err)
	assert.Equal(t, outcome.UpstreamMalformed, f.Outcome)
}

// TestATerminatorBehindBlocksThatSayNothingIsAnEnd has them begin and end, and no stop_reason.
func TestATerminatorBehindBlocksThatSayNothingIsAnEnd(t *testing.T) {
	events := []string{
		`{"type":"message_start","message":{"id":"m"}}`, `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""}}`, `{"type":"content_block_stop","index":0}`,
		`{"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":0}}`,
	}
	for _, translator := range []lane.Translator{native(), lanes.Answer(&lane.Call{Endpoint: wire.ChatCompletions, Stream: true})} {
		for _, data := range events {
			_, err := translator.Event(sse.Event{Data: []byte(data), Clean: true})
			require.NoError(t, err)
		}
		step, err := translator.Event(sse.Event{Data: []byte(`{"type":"message_stop"}`), Clean: true})
		require.NoError(t, err)
		assert.True(t, step.Done)
	}
}
