package chat_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/relay/sse"
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
	for _, body := range []string{`{"choices":[{}]}`, `{"data":[]}`} {
		_, err := native().Whole([]byte(body))
		require.NoError(t, err, body)
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
