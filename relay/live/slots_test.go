package live

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/outcome"
	"one-api/relay/record"
)

func attemptAt(of *channel.Channel, at time.Time, o outcome.Outcome, first, took time.Duration) *record.Attempt {
	a := &record.Attempt{Began: at.Add(-took), Duration: took, FirstEvent: first}
	a.Channel, a.Sent, a.Outcome = of, true, o
	if o != outcome.Completed {
		a.Failure = &outcome.Failure{Outcome: o}
	}
	return a
}

func TestAChannelsHistorySaysOfEveryThreeMinutesHowItsAttemptsEndedAndHowLongTheyTook(t *testing.T) {
	traffic := new(Traffic)
	of := &channel.Channel{Channel: config.Channel{Name: "a"}}
	began := time.Unix(0, 0).Add(1000 * SlotLength)
	for range 300 { // more than are remembered one by one
		traffic.Attempt(t.Context(), attemptAt(of, began, outcome.Completed, 100*time.Millisecond, time.Second))
	}
	later := began.Add(3 * SlotLength)
	for range 2 {
		traffic.Attempt(t.Context(), attemptAt(of, later, outcome.Completed, 5*time.Second, 9*time.Second))
	}
	traffic.Attempt(t.Context(), attemptAt(of, later, outcome.IdleTimeout, 0, time.Minute))
	traffic.Attempt(t.Context(), attemptAt(of, later, outcome.UpstreamReset, 0, time.Second))
	traffic.Attempt(t.Context(), attemptAt(of, later, outcome.ClientGone, 0, time.Second))
	all := traffic.ChannelHistory("a", later.Add(SlotLength))
	require.Len(t, all, 5, "up to now, and those between in which nothing happened")
	require.Equal(t, Slot{At: began.Unix(), Good: 300, FirstP50: 100, FirstP95: 100, TookP50: 1000, TookP95: 1000}, all[0])
	require.Equal(t, Slot{At: began.Add(SlotLength).Unix()}, all[1])
	require.Equal(t, Slot{At: later.Unix(), Good: 2, Left: 1, Failed: 1, TimedOut: 1, FirstP50: 5000, FirstP95: 5000, TookP50: 9000, TookP95: 9000},
		all[3], "the times are those of these three minutes alone")
	require.Equal(t, Slot{At: later.Add(SlotLength).Unix()}, all[4])
	require.Empty(t, traffic.ChannelHistory("a", later.Add(7*time.Hour)), "it is too long ago")
	require.Empty(t, traffic.ChannelHistory("b", later))
}

func TestTheHistoryOfAThousandBusyChannelsIsBounded(t *testing.T) {
	traffic := new(Traffic)
	at := time.Unix(0, 0).Add(1000 * SlotLength)
	attempts := make([]*record.Attempt, 1000)
	for i := range attempts {
		of := &channel.Channel{Channel: config.Channel{Name: fmt.Sprint(i)}}
		attempts[i] = attemptAt(of, at, outcome.Completed, 100*time.Millisecond, time.Second)
		for range latest { // what was remembered before there were histories
			traffic.Attempt(t.Context(), attempts[i])
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 2 * slots {
		at = at.Add(SlotLength)
		for _, a := range attempts {
			a.Began = at
			traffic.Attempt(t.Context(), a)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	took := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d channels take %d KiB more", len(attempts), took>>10)
	require.Less(t, took, int64(8<<20))
	require.Len(t, traffic.ChannelHistory("7", at), slots)
}
