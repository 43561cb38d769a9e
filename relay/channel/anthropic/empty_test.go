package anthropic

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/relay/sse"
)

func TestAnObjectThatIsNoMessageIsNotPassedOn(t *testing.T) {
	for _, body := range []string{`{}`, `{"type":"message"}`, `{"type":"message","content":null}`, `{"choices":[{"message":{"content":"another provider's"}}]}`} {
		_, err := (&passThrough{}).Whole([]byte(body))
		var f *channel.Failure
		require.ErrorAs(t, err, &f, body)
		assert.Equal(t, channel.UpstreamMalformed, f.Outcome, body)
	}
}

func TestAStreamThatEndsBeforeItsMessageIsNotComplete(t *testing.T) {
	_, err := (&passThrough{}).Event(sse.Event{Data: []byte(`{"type":"message_stop"}`), Clean: true})
	var f *channel.Failure
	require.ErrorAs(t, err, &f)
	assert.Equal(t, channel.UpstreamMalformed, f.Outcome)
}
