package breaker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// calling makes calls of h at a steady pace, as selection does if there is another channel, and counts those that were made
// and those that failed. Each takes as long as it does to fail.
func calling(h *Breaker, from time.Time, every, cost time.Duration, count int, fails func(at time.Time, n int) bool) (made, failed int) {
	for i := range count {
		at := from.Add(time.Duration(i) * every)
		ok, trial := h.Cooldown.Admit(at)
		if !ok {
			continue
		}
		made++
		if fails(at, made) {
			failed++
			h.CountFailure(at, at.Add(cost), trial)
		} else {
			h.CountSuccess(at, trial)
		}
	}
	return made, failed
}

func TestAChannelThatFailsEveryOtherCallIsRarelyAsked(t *testing.T) {
	var h Breaker
	_, failed := calling(&h, noon, 10*time.Millisecond, 0, 6000, func(_ time.Time, n int) bool { return n%2 == 0 })
	require.Less(t, failed, 40, "of 6000 calls within a minute; ten are needed to see that it flaps")
	require.Positive(t, failed)
}

func TestAChannelThatFailsEveryOtherCallIsRarelyAskedWhereCallsAreFewToo(t *testing.T) {
	var h Breaker
	_, failed := calling(&h, noon, time.Second, 0, 600, func(_ time.Time, n int) bool { return n%2 == 0 })
	require.Less(t, failed, 75, "one in eight at most")
}

func TestAChannelThatFailsNowAndThenStaysInUse(t *testing.T) {
	var h Breaker
	made, _ := calling(&h, noon, 10*time.Millisecond, 0, 6000, func(_ time.Time, n int) bool { return n%5 == 0 })
	require.Equal(t, 6000, made)
}

// TestAChannelThatWasDownForAMinuteIsAskedAgainWithinSeconds is a flap as clients see it: one call every four seconds.
func TestAChannelThatWasDownForAMinuteIsAskedAgainWithinSeconds(t *testing.T) {
	var h Breaker
	well := noon.Add(time.Minute)
	_, failed := calling(&h, noon, 4*time.Second, 0, 15, func(at time.Time, _ int) bool { return at.Before(well) })
	require.LessOrEqual(t, failed, FailuresToCool+5, "while it is down it is asked by the calls that find that out, and by few trials")
	made, failed := calling(&h, well, 4*time.Second, 0, 5, func(time.Time, int) bool { return false })
	require.Zero(t, failed)
	require.GreaterOrEqual(t, made, 3, "at the latest the third call after its recovery is answered by it, and so are all that follow")
}

func TestAChannelThatMakesTheClientOfEachTrialWaitIsTriedSeldom(t *testing.T) {
	for cost, want := range map[time.Duration]time.Duration{
		0: longestCooldown, 100 * time.Millisecond: longestCooldown, time.Second: 30 * time.Second, time.Hour: longestCostlyCooldown,
	} {
		var h Breaker
		now := noon
		for range 10 {
			_, trial := h.Cooldown.Admit(now)
			h.CountFailure(now, now.Add(cost), trial)
			now = now.Add(cost).Add(h.Cooldown.Remaining(now.Add(cost)))
		}
		_, trial := h.Cooldown.Admit(now)
		require.True(t, trial)
		h.CountFailure(now, now.Add(cost), true)
		require.Equal(t, want, h.Cooldown.Remaining(now.Add(cost)), cost)
	}
}

func TestACallFromBeforeTheRestDoesNotEndTheChannelsRest(t *testing.T) {
	var h Breaker
	for range FailuresToCool {
		h.CountFailure(noon, noon, false)
	}
	h.CountSuccess(noon.Add(-time.Second), false)
	require.True(t, h.Cooldown.Active())
	h.CountSuccess(noon.Add(time.Second), false)
	require.False(t, h.Cooldown.Active(), "a call that had no other channel proves that this one is well")
}

func TestRestsAreShortAgainAfterACalmTime(t *testing.T) {
	var h Breaker
	fall := func(now time.Time) time.Duration {
		for range FailuresToCool {
			h.CountFailure(now, now, false)
		}
		return h.Cooldown.Remaining(now)
	}
	require.Equal(t, firstCooldown, fall(noon))
	now := noon.Add(firstCooldown)
	_, trial := h.Cooldown.Admit(now)
	h.CountSuccess(now, trial)
	require.Equal(t, 2*firstCooldown, fall(now), "it has only just come back")
	now = now.Add(2 * firstCooldown)
	_, trial = h.Cooldown.Admit(now)
	for range recentCalls {
		h.CountSuccess(now, trial)
		trial = false
	}
	require.Equal(t, firstCooldown, fall(now))
}
