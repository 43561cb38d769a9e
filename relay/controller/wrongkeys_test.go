package controller

import (
	"context"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheTwentyFirstWrongKeyOfAMinuteIsSlowedAndNobodyElses(t *testing.T) {
	w, now := &wrongKeys{}, time.Now()
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
	w, now := &wrongKeys{}, time.Now()
	address := netip.MustParseAddr("2001:db8::1")
	for range freeGuesses {
		require.False(t, w.note(address, true, now))
		address = address.Next()
	}
	require.True(t, w.note(address, true, now))
	require.False(t, w.note(netip.MustParseAddr("2001:db8:0:1::1"), true, now))
}

func TestTheTableOfGuessersIsBoundedAndMakesRoomAfterAMinute(t *testing.T) {
	w, now := &wrongKeys{}, time.Now()
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
	w, now := &wrongKeys{}, time.Now()
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

func TestTheClientsAddressIsTheRightmostOneThatNoTrustedProxyHas(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
	for _, test := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"nobody is between", "203.0.113.9:1", nil, "203.0.113.9"},
		{"a stranger's word is none", "203.0.113.9:1", []string{"198.51.100.1"}, "203.0.113.9"},
		{"a trusted proxy's is", "10.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"what stands left of a stranger anybody may have written", "10.0.0.1:1", []string{"127.0.0.1, 198.51.100.1"}, "198.51.100.1"},
		{"two trusted proxies", "10.0.0.1:1", []string{"192.0.2.1, 198.51.100.1, 10.9.9.9"}, "198.51.100.1"},
		{"two lines are one list", "10.0.0.1:1", []string{"192.0.2.1", "198.51.100.1,10.9.9.9"}, "198.51.100.1"},
		{"trusted all the way", "10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"with a port", "10.0.0.1:1", []string{"198.51.100.1:5555"}, "198.51.100.1"},
		{"IPv6 in brackets", "[2001:db8:1::1]:1", []string{"[2001:db8:2::7]"}, "2001:db8:2::7"},
		{"IPv6 with a port", "10.0.0.1:1", []string{"[2001:db8:2::7]:443"}, "2001:db8:2::7"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:1", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"what cannot be read", "10.0.0.1:1", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		{"nothing", "10.0.0.1:1", []string{"", " , "}, "10.0.0.1"},
		{"no address", "@", []string{"198.51.100.1"}, "invalid IP"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: test.remote, Header: http.Header{"X-Forwarded-For": test.forwarded}}
			require.Equal(t, test.want, clientAddress(r, trusted).String())
		})
	}
}

func TestOnlyStrangersArePublic(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "::1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.100.1.1", "169.254.1.1", "fd00::1", "fe80::1", "0.0.0.0"} {
		require.False(t, IsPublic(netip.MustParseAddr(address)), address)
	}
	require.False(t, IsPublic(netip.Addr{}))
	for _, address := range []string{"203.0.113.9", "8.8.8.8", "2001:db8::1"} {
		require.True(t, IsPublic(netip.MustParseAddr(address)), address)
	}
}

func TestBeyondABoundedNumberOfWaitingRequestsAGuesserIsAnsweredAtOnce(t *testing.T) {
	c := &Controller{}
	r := &http.Request{RemoteAddr: "203.0.113.9:1", Header: http.Header{}}
	c.wrongKeys.slowed.Store(maxSlowed)
	began := time.Now()
	for range 100 * freeGuesses { // were each of them slowed, it would take half an hour
		c.refusedKey(r)
	}
	require.Less(t, time.Since(began), time.Minute)
	require.EqualValues(t, maxSlowed, c.wrongKeys.slowed.Load())

	c.wrongKeys.slowed.Store(0)
	ctx, leave := context.WithCancel(context.Background())
	leave()
	c.refusedKey(r.WithContext(ctx)) // nobody waits for it
	require.Zero(t, c.wrongKeys.slowed.Load())
}
