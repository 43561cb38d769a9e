package suite

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The goroutines are counted here, so nothing runs in parallel.

func TestAnSDKsContextEndsTheUpstreamRequest(t *testing.T) {
	for _, c := range []struct {
		name     string
		streamed bool
		turn     turn
	}{
		{"before a whole answer", false, turn{fault: neverAnswers}},
		{"in the middle of a whole answer", false, turn{text: []string{"Once upon a time"}, fault: fallsSilent}},
		{"before a stream", true, turn{fault: neverAnswers}},
		{"in the middle of a stream", true, turn{text: []string{"Once "}, fault: fallsSilent}},
	} {
		t.Run(c.name, func(t *testing.T) {
			everyWay(t, func(t *testing.T, s sdk, d dialect) {
				p := newProvider(t, d, c.turn)
				r := relayTo(t, p)
				before := settled(t, r)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				q := question{ctx: ctx, relay: r}
				if c.streamed {
					q.onText = func(string) { cancel() }
				}
				failed := make(chan error, 1)
				go func() {
					_, err := s.ask(q)
					failed <- err
				}()
				if len(c.turn.text) == 0 || !c.streamed {
					require.Eventually(t, func() bool { return p.open.Load() == 1 }, patience, time.Millisecond, "the upstream is asked")
					cancel()
				}
				require.ErrorIs(t, <-failed, context.Canceled)
				require.Equal(t, []string{"client_gone"}, r.outcomes(1))
				r.requireQuiet(before, p.upstream)
			})
		})
	}
}

// Users who have heard enough close the stream and go on.
func TestAnSDKsStreamThatIsClosedEndsTheUpstreamRequest(t *testing.T) {
	for _, d := range dialects {
		t.Run("OpenAI's SDK and "+d.name(), func(t *testing.T) {
			p := newProvider(t, d, turn{text: []string{"Once "}, fault: fallsSilent})
			r := relayTo(t, p)
			before := settled(t, r)
			client := openAIClient(r)
			stream := client.Chat.Completions.NewStreaming(t.Context(), openAIChat())
			require.True(t, stream.Next())
			require.NoError(t, stream.Close())
			require.Equal(t, []string{"client_gone"}, r.outcomes(1))
			r.requireQuiet(before, p.upstream)
		})
		t.Run("Anthropic's SDK and "+d.name(), func(t *testing.T) {
			p := newProvider(t, d, turn{text: []string{"Once "}, fault: fallsSilent})
			r := relayTo(t, p)
			before := settled(t, r)
			client := anthropicClient(r)
			stream := client.Messages.NewStreaming(t.Context(), anthropicChat())
			require.True(t, stream.Next())
			require.NoError(t, stream.Close())
			require.Equal(t, []string{"client_gone"}, r.outcomes(1))
			r.requireQuiet(before, p.upstream)
		})
	}
}

// OpenAI's SDK closes a stream at [DONE], before the end of its body.
func TestAStreamThatTheSDKHasReadLeavesNothingBehind(t *testing.T) {
	everyWay(t, func(t *testing.T, s sdk, d dialect) {
		p := newProvider(t, d, turn{text: []string{"Once ", "upon"}})
		r := relayTo(t, p)
		before := settled(t, r)
		for range 5 {
			_, err := s.ask(question{relay: r, onText: func(string) {}})
			require.NoError(t, err)
		}
		require.Equal(t, []string{"completed", "completed", "completed", "completed", "completed"}, r.outcomes(5))
		r.requireQuiet(before, p.upstream)
	})
}

// settled waits until the relay serves, and counts the goroutines.
func settled(t *testing.T, r *testRelay) int {
	t.Helper()
	require.Eventually(t, func() bool { return r.server.Serving() }, patience, time.Millisecond, "serving")
	return runtime.NumGoroutine()
}
