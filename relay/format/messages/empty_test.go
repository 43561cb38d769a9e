package messages_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"one-api/relay/outcome"
	"one-api/relay/sse"
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
