package relay

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStrangersHaveNoReserve(t *testing.T) {
	r := newReserve(time.Minute)
	require.False(t, r.takes(addressed{from: "203.0.113.9:1"}))
	require.False(t, r.takes(addressed{from: "[2001:db8::1]:1"}))
	for _, from := range []string{"127.0.0.1:1", "[::1]:1", "10.0.0.1:1", "[fd00::1]:1", "100.64.0.1:1"} {
		require.True(t, r.takes(addressed{from: from}), from)
	}
	require.NoError(t, r.Close())
	require.Zero(t, r.open.Load())
	_, err := r.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}

// addressed is a connection from somewhere.
type addressed struct {
	net.Conn
	from string
}

func (a addressed) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(a.from))
}

func (a addressed) Close() error { return nil }

func TestAStrangerHoldsAQuarterOnceNearlyEverythingIsHeld(t *testing.T) {
	const most = 100
	trusted := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	for _, test := range []struct {
		name, from string
		busy       bool
		want       int // of 200 that try
	}{
		{"a stranger who is busy", "203.0.113.9:%d", true, 25},
		{"a stranger's network of IPv6", "[2001:db8::%x]:1", true, 25},
		{"loopback", "127.0.0.1:%d", true, 50},
		{"a private address", "10.0.0.1:%d", true, 50},
		{"a trusted proxy", "198.51.100.7:%d", true, 50},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newClients(most, trusted, slog.New(slog.DiscardHandler))
			enter := func(from string, busy bool) bool {
				conn := &clientConn{Conn: addressed{from: from}, clients: c}
				if !c.enters(conn) {
					return false
				}
				if busy {
					c.state(conn, http.StateActive)
				}
				return true
			}
			for i := range 50 { // of others
				require.True(t, enter(fmt.Sprintf("192.0.2.%d:1", i), true))
			}
			got := 0
			for i := range 200 {
				if enter(fmt.Sprintf(test.from, i+1), test.busy) {
					got++
				}
			}
			// Below nine tenths nobody has a share: 40 get in before it counts.
			require.Equal(t, max(test.want, 40), got)
			require.LessOrEqual(t, int(c.open.Load()), most)
			if test.want == 25 {
				require.True(t, enter("192.0.2.200:1", true), "the others have room")
			}
		})
	}
}

func TestWhatAStrangerHoldsIdleBeyondAQuarterGoesFirst(t *testing.T) {
	const most = 200
	c := newClients(most, nil, slog.New(slog.DiscardHandler))
	c.idleLimit = most
	conns := map[string][]*clientConn{}
	enter := func(from string) bool {
		conn := &clientConn{Conn: addressed{from: from}, clients: c}
		conns[from[:3]] = append(conns[from[:3]], conn)
		return c.enters(conn)
	}
	for i := range 30 { // they are idle for longer
		require.True(t, enter(fmt.Sprintf("10.0.0.%d:1", i)))
	}
	for i := range 149 {
		require.True(t, enter(fmt.Sprintf("203.0.113.9:%d", i+1)))
	}
	require.Equal(t, int64(179), c.open.Load())
	require.True(t, enter("192.0.2.1:1"))
	c.trim(time.Now())
	require.Equal(t, 50, c.held[netip.MustParseAddr("203.0.113.9")])
	for _, conn := range conns["10."] {
		require.Positive(t, conn.seat.idleSince.Load())
	}
	require.Equal(t, int64(81), c.open.Load())
	require.Equal(t, int64(81), c.idle.Load())
}

func TestIdleConnectionsAreBoundedBelowTheLevelThatWakesAnybody(t *testing.T) {
	c := newClients(1_000_000, nil, slog.New(slog.DiscardHandler))
	require.Less(t, c.idleLimit, 5000)
	first := &clientConn{Conn: addressed{from: "10.0.0.1:1"}, clients: c}
	require.True(t, c.enters(first))
	c.state(first, http.StateActive)
	for i := range 2 * maxIdleClients {
		require.True(t, c.enters(&clientConn{Conn: addressed{from: fmt.Sprintf("10.0.0.2:%d", i%60000+1)}, clients: c}))
	}
	c.trim(time.Now())
	require.Equal(t, int64(2*maxIdleClients), c.idle.Load(), "what a crowd asks may not have been read yet")
	c.began = c.began.Add(-2 * idleGrace)
	c.trim(time.Now())
	require.Equal(t, int64(maxIdleClients), c.idle.Load())
	require.Zero(t, first.seat.idleSince.Load(), "it is not idle")

	c.state(first, http.StateIdle)
	c.began = c.began.Add(-2 * idleGrace)
	c.idleLimit = 10
	c.trim(time.Now())
	require.Equal(t, int64(10), c.idle.Load())
	require.Positive(t, first.seat.idleSince.Load(), "the one that has been idle for the shortest time")
	_ = first.Close()
	_ = first.Close()
	require.Equal(t, int64(9), c.idle.Load())
	require.Equal(t, int64(9), c.open.Load())
}

func TestTheBoundOfConnectionsLeavesDescriptorsForUpstreams(t *testing.T) {
	require.Equal(t, 400, maxClients(0, 1000))
	require.Equal(t, 7, maxClients(7, 1000))
	require.Equal(t, 1, maxClients(0, 1))
	require.Positive(t, maxClients(0, 0))
	require.Positive(t, descriptors())
}
