package channel

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestOneFailureNeverTakesAChannelOut(t *testing.T) {
	var h health
	for range failuresToRest - 1 {
		h.blame(noon, noon, false)
		require.True(t, h.rest.ready(noon))
	}
	h.worked(noon, false)
	h.blame(noon, noon, false)
	require.True(t, h.rest.ready(noon), "they were not in a row")
}

func TestAChannelThatFailsAgainAndAgainIsPassedOverAndThenTriedByOneCallAtATime(t *testing.T) {
	var h health
	for range failuresToRest {
		h.blame(noon, noon, false)
	}
	require.False(t, h.rest.ready(noon))
	later := noon.Add(firstRest)
	require.True(t, h.rest.ready(later))

	var admitted atomic.Int32
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if ok, trial := h.rest.admit(later); ok && trial {
				admitted.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, admitted.Load())

	h.blame(later, later, true)
	require.False(t, h.rest.ready(later.Add(2*firstRest-1)), "a failed trial doubles the rest")
	require.True(t, h.rest.ready(later.Add(2*firstRest)))
}

func TestAWaveOfCallsThatFailTogetherIsOneReasonToRest(t *testing.T) {
	var h health
	for range 1000 {
		h.blame(noon, noon, false)
	}
	require.True(t, h.rest.ready(noon.Add(firstRest)))
}

func TestARestHasALongestLength(t *testing.T) {
	var h health
	now := noon
	for range 40 {
		h.blame(now, now, h.rest.resting())
		if h.rest.resting() {
			now = now.Add(h.rest.wait(now))
			h.rest.admit(now)
		}
	}
	h.blame(now, now, true)
	require.Equal(t, longestRest, h.rest.wait(now))
}

func TestATrialThatGetsAFirstEventOpensTheChannelButOneMoreFailureClosesIt(t *testing.T) {
	var h health
	for range failuresToRest {
		h.blame(noon, noon, false)
	}
	now := noon.Add(firstRest)
	_, trial := h.rest.admit(now)
	require.True(t, trial)
	h.proved()
	require.True(t, h.rest.ready(now))
	h.blame(now, now, false)
	require.False(t, h.rest.ready(now))
}

func TestALimitedKeyCoolsForWhatItsUpstreamAsksWithinBounds(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		3 * time.Second: 3 * time.Second, 24 * time.Hour: longestCooling, 0: firstCooling,
	} {
		var k key
		k.limit(noon, asked, false)
		require.Equal(t, want, k.rest.wait(noon))
	}
}

func TestAKeyThatIsLimitedAgainWithoutASayCoolsTwiceAsLong(t *testing.T) {
	var k key
	k.limit(noon, 0, false)
	now := noon.Add(firstCooling)
	ok, trial := k.rest.admit(now)
	require.True(t, ok && trial)
	k.limit(now, 0, true)
	require.Equal(t, 2*firstCooling, k.rest.wait(now))
	k.revive()
	require.True(t, k.rest.ready(now))
}

func TestACallFromBeforeTheRestDoesNotEndItByItsSuccess(t *testing.T) {
	var k key
	k.limit(noon, 30*time.Second, false)
	k.worked(false)
	require.Equal(t, 30*time.Second, k.rest.wait(noon))
	now := noon.Add(30 * time.Second)
	_, trial := k.rest.admit(now)
	k.worked(trial)
	require.False(t, k.rest.resting())
}

func TestKeysRotateAndTheOnesThatRestAreLeftOut(t *testing.T) {
	ring := keyring{keys: []*key{{secret: "a"}, {secret: "b"}, {secret: "c"}}, next: new(atomic.Uint32)}
	used := map[string]int{}
	for range 30 {
		k, _ := ring.take(&Want{}, noon)
		used[k.secret]++
	}
	require.Equal(t, map[string]int{"a": 10, "b": 10, "c": 10}, used)

	ring.keys[1].refuse(noon, false)
	ring.keys[2].limit(noon, time.Minute, false)
	for range 5 {
		k, _ := ring.take(&Want{}, noon)
		require.Equal(t, "a", k.secret)
	}
	require.Equal(t, KeyCounts{Usable: 1, Cooling: 1, Refused: 1}, ring.counts(noon))
	ring.keys[0].limit(noon, 2*time.Second, false)
	k, _ := ring.take(&Want{}, noon)
	require.Nil(t, k)
	wait, ok := ring.wait(noon)
	require.True(t, ok)
	require.Equal(t, 2*time.Second, wait)
}

func TestTheOldestCallIsKnownWhateverOrderTheyEndIn(t *testing.T) {
	var l calls
	a, b, c := &call{began: noon}, &call{began: noon.Add(time.Second)}, &call{began: noon.Add(2 * time.Second)}
	for _, entry := range []*call{a, b, c} {
		l.add(entry)
	}
	now := noon.Add(10 * time.Second)
	require.Equal(t, 10*time.Second, l.oldest(now))
	l.remove(b)
	require.Equal(t, 10*time.Second, l.oldest(now))
	l.remove(a)
	require.Equal(t, 8*time.Second, l.oldest(now))
	l.remove(c)
	require.Zero(t, l.oldest(now))
	require.Nil(t, l.first)
	require.Nil(t, l.last)
}

func TestWhatRestsIsNeverSaidToBeBackNow(t *testing.T) {
	for left, want := range map[time.Duration]float64{
		0: 0, 1: 0.1, time.Millisecond: 0.1, 100 * time.Millisecond: 0.1, 100*time.Millisecond + 1: 0.2,
		4999999999: 5, 5 * time.Second: 5, 37*time.Second + 123456789: 37.2, longestCooling: 300,
	} {
		require.InDelta(t, want, tenths(left), 1e-9, left)
	}
}
