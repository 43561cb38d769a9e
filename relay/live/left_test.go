package live

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/outcome"
)

func TestCallsThatWereLeftInARowAreCountedUntilTheUpstreamSaysSomething(t *testing.T) {
	of := &channel.Channel{Channel: config.Channel{Name: "a"}}
	now := time.Unix(0, 0).Add(1000 * SlotLength)
	traffic := new(Traffic)
	ends := func(o outcome.Outcome, silent time.Duration, events int64, stream bool) int64 {
		a := attemptAt(of, now, o, 0, silent)
		a.Silence, a.Events, a.Stream = channel.SilenceOf(silent), events, stream
		traffic.Attempt(t.Context(), a)
		return traffic.Left("a", now).InARow
	}
	require.Zero(t, traffic.Left("a", now).InARow, "nobody has asked it")
	require.Zero(t, ends(outcome.ClientGone, 4*time.Second, 0, true), "nobody knows yet that it is quicker than that")
	require.EqualValues(t, 1, ends(outcome.ClientGone, 6*time.Second, 0, true))
	require.EqualValues(t, 1, ends(outcome.ClientGone, 10*time.Millisecond, 0, true), "who leaves at once says nothing")
	require.EqualValues(t, 1, ends(outcome.ConnectFailed, 10*time.Second, 0, true), "nothing came then, either")
	require.EqualValues(t, 1, ends(outcome.OperatorEnded, 10*time.Second, 0, true))
	require.EqualValues(t, 2, ends(outcome.ClientGone, 9*time.Second, 0, false))
	left := traffic.Left("a", now)
	require.Equal(t, channel.Left{InARow: 2, Shortest: 6 * time.Second, Longest: 9 * time.Second, Since: now.Add(-6 * time.Second), Last: now}, left)
	require.Zero(t, ends(outcome.UpstreamStatus, 0, 0, true), "an error is an answer")

	require.EqualValues(t, 1, ends(outcome.ClientGone, 20*time.Second, 7, true), "in the middle of a stream")
	require.Zero(t, ends(outcome.ClientGone, 10*time.Second, 7, true), "where pauses are usual")

	require.EqualValues(t, 1, ends(outcome.ClientGone, 20*time.Second, 0, true))
	require.Zero(t, traffic.Left("a", now.Add(2*time.Hour)).InARow, "it is long ago")
	require.EqualValues(t, 1, ends(outcome.ClientGone, 20*time.Second, 0, true))
	traffic.Forgive("a")
	traffic.Forgive("nobody")
	require.Zero(t, traffic.Left("a", now).InARow)
}

func TestAChannelThatIsSlowButWorksIsNotHeldToItsClientsPatience(t *testing.T) {
	of := &channel.Channel{Channel: config.Channel{Name: "a"}}
	now := time.Unix(0, 0).Add(1000 * SlotLength)
	traffic := new(Traffic)
	for range EnoughSeen {
		traffic.Attempt(t.Context(), attemptAt(of, now, outcome.Completed, 3*time.Second, 40*time.Second))
	}
	for _, left := range []struct {
		silent time.Duration
		stream bool
		is     int64
	}{{30 * time.Second, false, 0}, {2500 * time.Millisecond, true, 0}, {4 * time.Second, true, 1}, {45 * time.Second, false, 2}} {
		a := attemptAt(of, now, outcome.ClientGone, 0, left.silent)
		a.Silence, a.Stream = channel.SilenceOf(left.silent), left.stream
		traffic.Attempt(t.Context(), a)
		require.Equal(t, left.is, traffic.Left("a", now).InARow, left.silent)
	}
}
