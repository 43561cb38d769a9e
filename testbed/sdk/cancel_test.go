package sdk

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
)

// The goroutines are counted here, so nothing runs in parallel.

func TestAnSDKsContextEndsTheUpstreamRequest(t *testing.T) {
	for _, c := range []struct {
		name     string
		streamed bool
		turn     sdktest.Turn
	}{
		{"before a whole answer", false, sdktest.Turn{Fault: sdktest.NeverAnswers}},
		{"in the middle of a whole answer", false, sdktest.Turn{Text: []string{"Once upon a time"}, Fault: sdktest.FallsSilent}},
		{"before a stream", true, sdktest.Turn{Fault: sdktest.NeverAnswers}},
		{"in the middle of a stream", true, sdktest.Turn{Text: []string{"Once "}, Fault: sdktest.FallsSilent}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
				p := sdktest.NewProvider(t, d, c.turn)
				r := sdktest.RelayTo(t, p)
				before := settled(t, r)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				q := sdktest.Question{Ctx: ctx, Relay: r}
				if c.streamed {
					q.OnText = func(string) { cancel() }
				}
				failed := make(chan error, 1)
				go func() {
					_, err := s.Ask(q)
					failed <- err
				}()
				if len(c.turn.Text) == 0 || !c.streamed {
					require.Eventually(t, func() bool { return p.Open.Load() == 1 }, harness.Patience, time.Millisecond, "the upstream is asked")
					cancel()
				}
				require.ErrorIs(t, <-failed, context.Canceled)
				require.Equal(t, []string{"client_gone"}, r.Outcomes(1))
				r.RequireQuiet(before, p.Upstream)
			})
		})
	}
}

// Users who have heard enough close the stream and go on.
func TestAnSDKsStreamThatIsClosedEndsTheUpstreamRequest(t *testing.T) {
	for _, d := range sdktest.Dialects {
		t.Run("OpenAI's SDK and "+d.Name(), func(t *testing.T) {
			p := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Once "}, Fault: sdktest.FallsSilent})
			r := sdktest.RelayTo(t, p)
			before := settled(t, r)
			client := sdktest.OpenAIClient(r)
			stream := client.Chat.Completions.NewStreaming(t.Context(), sdktest.OpenAIChat())
			require.True(t, stream.Next())
			require.NoError(t, stream.Close())
			require.Equal(t, []string{"client_gone"}, r.Outcomes(1))
			r.RequireQuiet(before, p.Upstream)
		})
		t.Run("Anthropic's SDK and "+d.Name(), func(t *testing.T) {
			p := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Once "}, Fault: sdktest.FallsSilent})
			r := sdktest.RelayTo(t, p)
			before := settled(t, r)
			client := sdktest.AnthropicClient(r)
			stream := client.Messages.NewStreaming(t.Context(), anthropicChat())
			require.True(t, stream.Next())
			require.NoError(t, stream.Close())
			require.Equal(t, []string{"client_gone"}, r.Outcomes(1))
			r.RequireQuiet(before, p.Upstream)
		})
	}
}

// OpenAI's SDK closes a stream at [DONE], before the end of its body.
func TestAStreamThatTheSDKHasReadLeavesNothingBehind(t *testing.T) {
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		p := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Once ", "upon"}})
		r := sdktest.RelayTo(t, p)
		before := settled(t, r)
		for range 5 {
			_, err := s.Ask(sdktest.Question{Relay: r, OnText: func(string) {}})
			require.NoError(t, err)
		}
		require.Equal(t, []string{"completed", "completed", "completed", "completed", "completed"}, r.Outcomes(5))
		r.RequireQuiet(before, p.Upstream)
	})
}

// settled waits until the relay serves, and counts the goroutines.
func settled(t *testing.T, r *harness.Relay) int {
	t.Helper()
	require.Eventually(t, func() bool { return r.Server.Serving() }, harness.Patience, time.Millisecond, "serving")
	return runtime.NumGoroutine()
}
