package gate

import (
	"context"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheTwentyFirstWrongKeyOfAMinuteIsSlowedAndNobodyElses(t *testing.T) {
	w, now := &Throttle{}, time.Now()
	guesser, other := netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("203.0.113.10")
	for range freeGuesses {
		require.False(t, w.note(guesser, true, now))
	}
	require.True(t, w.note(guesser, true, now.Add(guessWindow-time.Second)))
	require.False(t, w.note(other, true, now))
	require.False(t, w.note(guesser, true, now.Add(guessWindow)), "another minute")
	for range 2 * freeGuesses {
		require.False(t, w.note(netip.MustParseAddr("10.0.0.1"), false, now), "no stranger")
	}
}

func TestAStrangerOfIPv6HasOneNetwork(t *testing.T) {
	w, now := &Throttle{}, time.Now()
	address := netip.MustParseAddr("2001:db8::1")
	for range freeGuesses {
		require.False(t, w.note(address, true, now))
		address = address.Next()
	}
	require.True(t, w.note(address, true, now))
	require.False(t, w.note(netip.MustParseAddr("2001:db8:0:1::1"), true, now))
}

func TestTheTableOfGuessersIsBoundedAndMakesRoomAfterAMinute(t *testing.T) {
	w, now := &Throttle{}, time.Now()
	address := netip.MustParseAddr("198.18.0.0")
	for range 2 * maxGuessers {
		require.False(t, w.note(address, true, now))
		address = address.Next()
	}
	require.Len(t, w.guessers, maxGuessers)
	require.False(t, w.note(address, true, now.Add(guessWindow)))
	require.Len(t, w.guessers, 1)
}

func TestRefusedKeysAreReportedAtOnceThenOncePerMinuteAndAtTheEnd(t *testing.T) {
	w, now := &Throttle{}, time.Now()
	report := func(last bool) int64 {
		n, _ := w.due(now, last)
		return n
	}
	require.Zero(t, report(true))
	w.note(netip.Addr{}, false, now)
	require.Equal(t, int64(1), report(false))
	for range 57 {
		w.note(netip.Addr{}, false, now)
	}
	now = now.Add(reportsEvery - time.Second)
	require.Zero(t, report(false))
	now = now.Add(time.Second)
	require.Equal(t, int64(57), report(false))
	w.note(netip.Addr{}, false, now)
	require.Zero(t, report(false))
	require.Equal(t, int64(1), report(true))
}

func TestBeyondABoundedNumberOfWaitingRequestsAGuesserIsAnsweredAtOnce(t *testing.T) {
	w := &Throttle{}
	r := &http.Request{RemoteAddr: "203.0.113.9:1", Header: http.Header{}}
	w.slowed.Store(maxSlowed)
	began := time.Now()
	for range 100 * freeGuesses { // were each of them slowed, it would take half an hour
		w.Refused(r)
	}
	require.Less(t, time.Since(began), time.Minute)
	require.EqualValues(t, maxSlowed, w.slowed.Load())

	w.slowed.Store(0)
	ctx, leave := context.WithCancel(context.Background())
	leave()
	w.Refused(r.WithContext(ctx)) // nobody waits for it
	require.Zero(t, w.slowed.Load())
}
