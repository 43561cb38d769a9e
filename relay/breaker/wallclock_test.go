package breaker

import (
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// stepped is what time.Now would have said if somebody had set the wall clock by then: its wall time differs by d, its monotonic
// reading, which measures what lies between two times, does not. Package time has no way to make one, and a test must not set the
// machine's clock.
func stepped(t time.Time, d time.Duration) time.Time {
	const hasMonotonic, secondsShift = 1 << 63, 30
	wall := (*uint64)(unsafe.Pointer(&t)) // the first field of time.Time: a flag, 33 bits of seconds, 30 of nanoseconds
	if *wall&hasMonotonic == 0 {
		panic("a time without a monotonic reading")
	}
	*wall = uint64(int64(*wall) + int64(d/time.Second)<<secondsShift)
	return t
}

func TestAStepOfTheWallClockIsSeenByNobodyWhoMeasures(t *testing.T) {
	now := time.Now()
	back := stepped(now, -time.Hour)
	require.Equal(t, -time.Hour, back.Round(0).Sub(now.Round(0)), "by the wall")
	require.Zero(t, back.Sub(now), "by the monotonic clock")
}

// TestRestsTakeTheirTimeWhateverHappensToTheWallClock is F21 for each thing that rests.
func TestRestsTakeTheirTimeWhateverHappensToTheWallClock(t *testing.T) {
	for _, step := range []time.Duration{-time.Hour, time.Hour, -24 * 365 * time.Hour} {
		t.Run(step.String(), func(t *testing.T) {
			now := time.Now()
			at := func(d time.Duration) time.Time { return stepped(now.Add(d), step) } // behind the step

			var limited Key
			limited.Limit(now, time.Second, false)
			require.Equal(t, time.Second, limited.Cooldown.Remaining(at(0)))
			require.False(t, limited.Cooldown.Ready(at(time.Second-1)))
			require.True(t, limited.Cooldown.Ready(at(time.Second)))

			var refused Key
			refused.Refuse(now, false, Cause{})
			require.False(t, refused.Cooldown.Ready(at(firstRefusal-1)))
			require.True(t, refused.Cooldown.Ready(at(firstRefusal)))

			var h Breaker
			for range FailuresToCool {
				h.CountFailure(now, now, false)
			}
			require.Equal(t, firstCooldown, h.Cooldown.Remaining(at(0)))
			require.False(t, h.Cooldown.Ready(at(firstCooldown-1)))
			require.True(t, h.Cooldown.Ready(at(firstCooldown)))
			h.CountSuccess(at(time.Millisecond), false)
			require.False(t, h.Cooldown.Active(), "a call from after the rest's beginning ends it")

			ring := KeyRing{keys: []*Key{&limited}}
			require.Equal(t, KeyCounts{Cooling: 1}, ring.Counts(at(0)))
			require.Equal(t, KeyCounts{Usable: 1}, ring.Counts(at(time.Second)))
		})
	}
}
