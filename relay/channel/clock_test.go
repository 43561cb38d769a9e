package channel

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func newClock(t *testing.T) (*clock, context.Context) {
	ctx, cancel := context.WithCancelCause(context.Background())
	l := &leash{client: ctx}
	l.Hold(func() { cancel(l.cause) })
	c := &clock{leash: l}
	t.Cleanup(c.stop)
	return c, ctx
}

// pass lets time go by on the bubble's clock, which takes no time.
func pass(d time.Duration) { <-time.After(d) }

func TestAPhaseThatRunsOutEndsTheCallUnderItsOwnName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx := newClock(t)
		c.until(time.Now().Add(time.Minute), HeaderTimeout)
		<-ctx.Done()
		require.Equal(t, expired{HeaderTimeout}, context.Cause(ctx))
	})
}

func TestEventsThatKeepComingAreNeverCutHoweverLongTheStreamIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx := newClock(t)
		c.until(time.Now().Add(2*time.Second), FirstTokenTimeout)
		for range 10_000 {
			c.until(time.Now().Add(time.Second), IdleTimeout)
			pass(999 * time.Millisecond)
			c.off()
		}
		require.NoError(t, ctx.Err())
		began := time.Now()
		c.until(time.Now().Add(time.Second), IdleTimeout)
		<-ctx.Done()
		require.Equal(t, expired{IdleTimeout}, context.Cause(ctx))
		require.Equal(t, time.Second, time.Since(began))
	})
}

func TestTheClockStandsStillBetweenPhases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx := newClock(t)
		c.until(time.Now().Add(time.Second), IdleTimeout)
		c.off()
		pass(time.Hour)
		require.NoError(t, ctx.Err(), "a client that reads slowly is no silent upstream")
		c.until(time.Now().Add(time.Second), IdleTimeout)
		<-ctx.Done()
	})
}

func TestAShorterPhaseBehindALongerOneIsNotMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx := newClock(t)
		began := time.Now()
		c.until(began.Add(15*time.Minute), HeaderTimeout)
		c.off()
		c.until(time.Now().Add(time.Second), IdleTimeout)
		<-ctx.Done()
		require.Equal(t, time.Second, time.Since(began))
	})
}

func TestALimitCutsWhateverPhaseRunsAndTheEarlierLimitStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx := newClock(t)
		began := time.Now()
		c.limitTo(began.Add(10*time.Second), Completed)
		c.limitTo(began.Add(time.Hour), ClientGone)
		c.until(time.Time{}, IdleTimeout)
		<-ctx.Done()
		require.Equal(t, expired{IdleTimeout}, context.Cause(ctx))
		require.Equal(t, 10*time.Second, time.Since(began))
	})
}

func TestALimitSetWhileAPhaseRunsAppliesToIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx := newClock(t)
		c.until(time.Now().Add(time.Hour), IdleTimeout)
		c.limitTo(time.Now().Add(time.Second), ClientGone)
		<-ctx.Done()
		require.Equal(t, expired{ClientGone}, context.Cause(ctx))
	})
}

func TestAStoppedClockEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx := newClock(t)
		c.until(time.Now().Add(time.Second), IdleTimeout)
		c.stop()
		c.until(time.Now().Add(time.Second), IdleTimeout)
		pass(time.Minute)
		require.NoError(t, ctx.Err())
	})
}
