//go:build !race

// The race detector allocates.

package lane_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/lane"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// TestWhatAConversionAllocatesStaysWithinItsBounds keeps each step of a converted call from growing unseen. The figures are those of
// the day, and a little.
func TestWhatAConversionAllocatesStaysWithinItsBounds(t *testing.T) {
	const textDelta = `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" stream"}}`
	for name, c := range map[string]struct {
		kind                  string
		client                wire.Endpoint
		request, whole, event float64 // at the most
		answer, data          string
		begun                 []string
	}{
		"messages over chat": {"openai", wire.Messages, 18, 15, 4, completion(`{"role":"assistant","content":"Hello!"}`, `"stop"`), chunk(`{"content":" stream"}`), []string{chunk(`{"role":"assistant"}`)}},
		"chat over messages": {"anthropic", wire.ChatCompletions, 19, 16, 4, message(`{"type":"text","text":"Hello!"}`, `"end_turn"`), textDelta, []string{
			`{"type":"message_start","message":{"id":"m","model":"m"}}`, `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := to(t, c.kind, "m", true, c.client)
			s.saw("")
			took := testing.AllocsPerRun(100, func() { _, _ = s.lane.Request(s.call, s.target) })
			require.LessOrEqual(t, took, c.request, "a request")
			t.Logf("a request: %v", took)
			took = testing.AllocsPerRun(100, func() { _, _ = s.lane.Answer(s.call, s.sent.Converted).Whole([]byte(c.answer)) })
			require.LessOrEqual(t, took, c.whole, "a whole answer")
			t.Logf("a whole answer: %v", took)

			translator := s.lane.Answer(s.call, s.sent.Converted)
			event := func(data string) sse.Event {
				return sse.Event{Raw: []byte("data: " + data + "\n\n"), Data: []byte(data), Clean: true}
			}
			for _, data := range c.begun {
				_, err := translator.Event(event(data))
				require.NoError(t, err)
			}
			in := event(c.data)
			var step lane.Chunk
			took = testing.AllocsPerRun(100, func() { step, _ = translator.Event(in) })
			require.True(t, step.Content)
			require.LessOrEqual(t, took, c.event, "an event")
			t.Logf("an event: %v", took)
		})
	}
}
