package exchange_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/exchange"
	"one-api/relay/lane"
	"one-api/relay/lane/lanetest"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// allocated is how many bytes are allocated while do runs, dead or alive.
func allocated(do func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// requireRoom asserts that a conversion takes no more than is held for it. Buffers that encoding/json keeps for the next time may
// have been collected, so the best of some looks counts.
func requireRoom(t *testing.T, what string, s shape, convert func(text []byte)) {
	t.Helper()
	text := s.text()
	took, held := allocated(func() { convert(text) }), exchange.Conversion(text)
	for range 5 {
		if float64(took)*s.alive <= float64(held) {
			return
		}
		took = min(took, allocated(func() { convert(text) }))
	}
	t.Errorf("%s, %s, as %s: %.1f bytes for each, and %.1f are held", what, s.name, s.place(), float64(took)/float64(len(text)), float64(held)/float64(len(text)))
}

// TestAConversionTakesNoMoreThanIsHeldForIt gives the adaptors texts that cost a decoder as much as they can.
func TestAConversionTakesNoMoreThanIsHeldForIt(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for name, c := range map[string]struct {
		adaptor          lanetest.Lanes
		client, upstream wire.Endpoint
	}{
		"chat to anthropic":  {lanetest.Of(lane.Anthropic.Lanes), wire.ChatCompletions, wire.Messages},
		"messages to openai": {lanetest.Of(lane.OpenAI.Lanes), wire.Messages, wire.ChatCompletions},
	} {
		call := &lane.Call{Endpoint: c.client, Model: "m"}
		for _, s := range hostileRequests(c.client) {
			requireRoom(t, name+", the request", s, func(text []byte) {
				asked := *call
				asked.Body = text
				_, _ = c.adaptor.Request(&asked, lane.Destination{Model: "m"})
			})
		}
		for _, s := range hostileAnswers(c.upstream) {
			requireRoom(t, name+", the answer", s, func(text []byte) { _, _ = c.adaptor.Answer(call).Whole(text) })
		}
		streamed := *call
		streamed.Stream, streamed.Body = true, []byte(`{"stream":true}`)
		for _, s := range hostileEvents(c.upstream) {
			requireRoom(t, name+", an event", s, func(text []byte) {
				translator := c.adaptor.Answer(&streamed)
				for _, data := range begun(c.upstream) {
					_, err := translator.Event(sse.Event{Raw: data, Data: data, Clean: true})
					require.NoError(t, err)
				}
				_, _ = translator.Event(sse.Event{Raw: text, Data: text, Clean: true})
			})
		}
	}
}

// begun is the events with which a stream of text begins.
func begun(upstream wire.Endpoint) [][]byte {
	if upstream == wire.Messages {
		return [][]byte{
			[]byte(`{"type":"message_start","message":{"id":"a","model":"m"}}`),
			[]byte(`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`),
		}
	}
	return [][]byte{[]byte(`{"id":"a","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"a"}}]}`)}
}
