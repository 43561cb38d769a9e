package exchange

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/breaker"
	"one-api/relay/outcome"
)

func newClock(t *testing.T) (*clock, context.Context) {
	ctx, cancel := context.WithCancelCause(context.Background())
	l := &canceler{client: ctx}
	l.Hold(func() { cancel(l.cause) })
	c := &clock{canceler: l}
	t.Cleanup(c.stop)
	return c, ctx
}

// pass lets time go by on the bubble's clock, which takes no time.
func pass(d time.Duration) { <-time.After(d) }

func TestAPhaseThatRunsOutEndsTheCallUnderItsOwnName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx := newClock(t)
		c.until(breaker.Now(), time.Now().Add(time.Minute), outcome.HeaderTimeout)
		<-ctx.Done()
		require.Equal(t, expired{outcome.HeaderTimeout}, context.Cause(ctx))
	})
}

func TestEventsThatKeepComingAreNeverCutHoweverLongTheStreamIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx := newClock(t)
		c.until(breaker.Now(), time.Now().Add(2*time.Second), outcome.FirstTokenTimeout)
		for range 10_000 {
			c.until(breaker.Now(), time.Now().Add(time.Second), outcome.IdleTimeout)
			pass(999 * time.Millisecond)
			c.off()
		}
		require.NoError(t, ctx.Err())
		began := time.Now()
		c.until(breaker.Now(), time.Now().Add(time.Second), outcome.IdleTimeout)
		<-ctx.Done()
		require.Equal(t, expired{outcome.IdleTimeout}, context.Cause(ctx))
		require.Equal(t, time.Second, time.Since(began))
	})
}

func TestTheClockStandsStillBetweenPhases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx := newClock(t)
		c.until(breaker.Now(), time.Now().Add(time.Second), outcome.IdleTimeout)
		c.off()
		pass(time.Hour)
		require.NoError(t, ctx.Err(), "a client that reads slowly is no silent upstream")
		c.until(breaker.Now(), time.Now().Add(time.Second), outcome.IdleTimeout)
		<-ctx.Done()
	})
}

func TestAShorterPhaseBehindALongerOneIsNotMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx := newClock(t)
		began := time.Now()
		c.until(breaker.Now(), began.Add(15*time.Minute), outcome.HeaderTimeout)
		c.off()
		c.until(breaker.Now(), time.Now().Add(time.Second), outcome.IdleTimeout)
		<-ctx.Done()
		require.Equal(t, time.Second, time.Since(began))
	})
}

func TestALimitCutsWhateverPhaseRunsAndTheEarlierLimitStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx := newClock(t)
		began := time.Now()
		c.limitTo(began.Add(10*time.Second), outcome.Completed)
		c.limitTo(began.Add(time.Hour), outcome.ClientGone)
		c.until(breaker.Now(), time.Time{}, outcome.IdleTimeout)
		<-ctx.Done()
		require.Equal(t, expired{outcome.IdleTimeout}, context.Cause(ctx))
		require.Equal(t, 10*time.Second, time.Since(began))
	})
}

func TestALimitSetWhileAPhaseRunsAppliesToIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx := newClock(t)
		c.until(breaker.Now(), time.Now().Add(time.Hour), outcome.IdleTimeout)
		c.limitTo(time.Now().Add(time.Second), outcome.ClientGone)
		<-ctx.Done()
		require.Equal(t, expired{outcome.ClientGone}, context.Cause(ctx))
	})
}

func TestAStoppedClockEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx := newClock(t)
		c.until(breaker.Now(), time.Now().Add(time.Second), outcome.IdleTimeout)
		c.stop()
		c.until(breaker.Now(), time.Now().Add(time.Second), outcome.IdleTimeout)
		pass(time.Minute)
		require.NoError(t, ctx.Err())
	})
}
