package faults

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// F7: a client that stops reading.

func TestAClientThatStopsReadingLosesItsCall(t *testing.T) {
	harness.InMatrix(t, "F7")
	harness.InEveryVariant(t, nil, func(t *testing.T, v harness.Variant) {
		flood := harness.NewFlood(v)
		s := newScene(t, v, plan{handle: flood.Handle, options: []harness.RelayOption{
			harness.WithListener(harness.Narrow), harness.WithEnv("CLIENT_WRITE_TIMEOUT", "100ms"),
		}})
		// No client leaves: it is the relay that ends the upstream's requests and hangs up.
		all := s.callUnread(context.Background(), func() {
			require.Eventually(t, func() bool { return len(s.Recorded()) == len(harness.Ways)*(1+s.attemptsAhead()) }, harness.Patience, time.Millisecond)
			require.Eventually(t, func() bool { return s.faulty.Open.Load() == 0 }, harness.Patience, time.Millisecond)
		})
		s.requireGone(t, all, outcome.ClientStalled)
	})
}

// requireStuck waits until nothing moves any more: the relay has the whole answers, or takes no more of the streams.
func requireStuck(f *harness.Flood, t *testing.T, s *scene) {
	t.Helper()
	last := int64(-1)
	require.Eventually(t, func() bool {
		if !f.Stream {
			return f.Served.Load() == int64(len(harness.Ways))
		}
		now := f.Said.Load()
		still := now == last && now > 0 && s.Server.Pool().OpenBodies() == int64(len(harness.Ways))
		last = now
		return still
	}, harness.Patience, 30*time.Millisecond, "the relay blocked")
}

// callUnread makes every way's call and reads nothing of the answers, but for their headers, until then has returned.
func (s *scene) callUnread(ctx context.Context, then func()) map[string]harness.Heard {
	s.T.Helper()
	s.Client = harness.LazyClient()
	done := make(chan struct{})
	var opened atomic.Int64
	opening := func() {
		opened.Add(1)
		<-done
	}
	return s.callAllWhile(ctx, harness.Ear{Opened: opening}, func() {
		defer close(done)
		require.Eventually(s.T, func() bool { return opened.Load() == int64(len(s.ways)) }, harness.Patience, time.Millisecond)
		then()
	})
}
