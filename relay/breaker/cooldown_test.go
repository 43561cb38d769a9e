package breaker

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestOneFailureNeverTakesAChannelOut(t *testing.T) {
	var h Breaker
	for range FailuresToCool - 1 {
		h.CountFailure(noon, noon, false)
		require.True(t, h.Cooldown.Ready(noon))
	}
	h.CountSuccess(noon, false)
	h.CountFailure(noon, noon, false)
	require.True(t, h.Cooldown.Ready(noon), "they were not in a row")
}

func TestAChannelThatFailsAgainAndAgainIsPassedOverAndThenTriedByOneCallAtATime(t *testing.T) {
	var h Breaker
	for range FailuresToCool {
		h.CountFailure(noon, noon, false)
	}
	require.False(t, h.Cooldown.Ready(noon))
	later := noon.Add(firstCooldown)
	require.True(t, h.Cooldown.Ready(later))

	var admitted atomic.Int32
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if ok, trial := h.Cooldown.Admit(later); ok && trial {
				admitted.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, admitted.Load())

	h.CountFailure(later, later, true)
	require.False(t, h.Cooldown.Ready(later.Add(2*firstCooldown-1)), "a failed trial doubles the rest")
	require.True(t, h.Cooldown.Ready(later.Add(2*firstCooldown)))
}

func TestAWaveOfCallsThatFailTogetherIsOneReasonToRest(t *testing.T) {
	var h Breaker
	for range 1000 {
		h.CountFailure(noon, noon, false)
	}
	require.True(t, h.Cooldown.Ready(noon.Add(firstCooldown)))
}

func TestARestHasALongestLength(t *testing.T) {
	var h Breaker
	now := noon
	for range 40 {
		h.CountFailure(now, now, h.Cooldown.Active())
		if h.Cooldown.Active() {
			now = now.Add(h.Cooldown.Remaining(now))
			h.Cooldown.Admit(now)
		}
	}
	h.CountFailure(now, now, true)
	require.Equal(t, longestCooldown, h.Cooldown.Remaining(now))
}

func TestATrialThatGetsAFirstEventOpensTheChannelButOneMoreFailureClosesIt(t *testing.T) {
	var h Breaker
	for range FailuresToCool {
		h.CountFailure(noon, noon, false)
	}
	now := noon.Add(firstCooldown)
	_, trial := h.Cooldown.Admit(now)
	require.True(t, trial)
	h.ProbeSucceeded()
	require.True(t, h.Cooldown.Ready(now))
	h.CountFailure(now, now, false)
	require.False(t, h.Cooldown.Ready(now))
}

func TestALimitedKeyCoolsForWhatItsUpstreamAsksWithinBounds(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		3 * time.Second: 3 * time.Second, 24 * time.Hour: longestCooling, 0: firstCooling,
	} {
		var k Key
		k.Limit(noon, asked, false)
		require.Equal(t, want, k.Cooldown.Remaining(noon))
	}
}

func TestAKeyThatIsLimitedAgainWithoutASayCoolsTwiceAsLong(t *testing.T) {
	var k Key
	k.Limit(noon, 0, false)
	now := noon.Add(firstCooling)
	ok, trial := k.Cooldown.Admit(now)
	require.True(t, ok && trial)
	k.Limit(now, 0, true)
	require.Equal(t, 2*firstCooling, k.Cooldown.Remaining(now))
	k.Revive()
	require.True(t, k.Cooldown.Ready(now))
}

func TestACallFromBeforeTheRestDoesNotEndItByItsSuccess(t *testing.T) {
	var k Key
	k.Limit(noon, 30*time.Second, false)
	k.Worked(false)
	require.Equal(t, 30*time.Second, k.Cooldown.Remaining(noon))
	now := noon.Add(30 * time.Second)
	_, trial := k.Cooldown.Admit(now)
	k.Worked(trial)
	require.False(t, k.Cooldown.Active())
}

func unused(*Key) bool { return false }

func TestKeysRotateAndTheOnesThatRestAreLeftOut(t *testing.T) {
	ring := KeyRing{keys: []*Key{{Secret: "a"}, {Secret: "b"}, {Secret: "c"}}, next: new(atomic.Uint32)}
	used := map[string]int{}
	for range 30 {
		k, _ := ring.Take(unused, noon)
		used[k.Secret]++
	}
	require.Equal(t, map[string]int{"a": 10, "b": 10, "c": 10}, used)

	ring.keys[1].Refuse(noon, false, Cause{})
	ring.keys[2].Limit(noon, time.Minute, false)
	for range 5 {
		k, _ := ring.Take(unused, noon)
		require.Equal(t, "a", k.Secret)
	}
	require.Equal(t, KeyCounts{Usable: 1, Cooling: 1, Refused: 1}, ring.Counts(noon))
	ring.keys[0].Limit(noon, 2*time.Second, false)
	k, _ := ring.Take(unused, noon)
	require.Nil(t, k)
	wait, ok := ring.Wait(noon)
	require.True(t, ok)
	require.Equal(t, 2*time.Second, wait)
}
