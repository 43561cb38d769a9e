package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// strangers opens n connections and sends the same on each.
func (r *testRelay) strangers(n int, sends string) []net.Conn {
	r.t.Helper()
	conns := make([]net.Conn, n)
	for i := range conns {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "http://"))
		require.NoError(r.t, err)
		r.t.Cleanup(func() { _ = conn.Close() })
		require.NoError(r.t, conn.SetDeadline(time.Now().Add(patience)))
		_, err = io.WriteString(conn, sends)
		require.NoError(r.t, err)
		conns[i] = conn
	}
	return conns
}

func TestStrangersWhoOnlyConnectMakeRoomForWhoAsks(t *testing.T) {
	long(t)
	const most = 24
	for name, sends := range map[string]string{
		"silent":             "",
		"kept alive":         "GET /api/status HTTP/1.1\r\nHost: x\r\n\r\n",
		"half a header":      "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-A: ",
		"a body without key": "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer bad\r\nContent-Length: 1000000\r\n\r\n{\"model\":",
	} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			u := newUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-release:
				case <-r.Context().Done():
				}
				answers(200, wholeAnswer)(w, r)
			})
			r := startRelay(t, openAIChannel("a", u, ""), withEnv("MAX_CLIENT_CONNECTIONS", fmt.Sprint(most)))
			before := runtime.NumGoroutine()
			early := make(chan int, 1)
			go func() { early <- statusOf(r.post(context.Background(), "/v1/chat/completions", chat)) }()
			r.eventually("the first call", func() bool { return u.open.Load() == 1 })

			conns := r.strangers(3*most, sends)
			require.LessOrEqual(t, r.server.clients.open.Load(), int64(most))
			late := make(chan int, 1)
			go func() {
				client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
				for { // it may come while those before it are being refused, and wait as it is told
					request, _ := http.NewRequest(http.MethodPost, r.URL+"/v1/chat/completions", strings.NewReader(chat))
					request.Header.Set("Authorization", "Bearer "+testKey)
					if status := statusOf(client.Do(request)); status != http.StatusServiceUnavailable && status != 0 {
						late <- status
						return
					}
				}
			}()
			r.eventually("the second call", func() bool { return u.open.Load() == 2 })
			close(release)
			require.Equal(t, 200, <-early, "a call that is served is not closed to make room")
			require.Equal(t, 200, <-late)
			for _, conn := range conns {
				_ = conn.Close()
			}
			r.requireQuiet(before, u)
			r.eventually("no idle connections", func() bool { return r.server.clients.idle.Load() == 0 })
		})
	}
}

func statusOf(response *http.Response, err error) int {
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return response.StatusCode
}

func TestWhereEveryConnectionIsBusyTheNextOneIsToldSo(t *testing.T) {
	release := make(chan struct{})
	u := newUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		answers(200, wholeAnswer)(w, r)
	})
	const most = 4
	r := startRelay(t, openAIChannel("a", u, ""), withEnv("MAX_CLIENT_CONNECTIONS", fmt.Sprint(most)))
	before := runtime.NumGoroutine()
	ended := make(chan int, most)
	for range most {
		go func() { ended <- statusOf(r.post(context.Background(), "/v1/chat/completions", chat)) }()
	}
	r.eventually("calls", func() bool { return u.open.Load() == most })
	for range 100 { // more than linger, and more than are let in beyond the bound
		response, answer := r.raw("GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")
		require.Equal(t, 503, response.StatusCode)
		require.Equal(t, "1", response.Header.Get("Retry-After"))
		require.NotEmpty(t, response.Header.Get("X-Oneapi-Request-Id"))
		require.Equal(t, "too_many_connections", errorOf(t, answer)["code"])
	}
	r.eventually("a line of the log", func() bool { return strings.Contains(r.log.String(), "client connections were refused") })
	close(release)
	for range most {
		require.Equal(t, 200, <-ended)
	}
	r.requireQuiet(before, u)
	response, _ := r.raw("GET /api/status HTTP/1.1\r\nHost: x\r\n\r\n")
	require.Equal(t, 200, response.StatusCode)
}

// TestMonitorsGetInWhereOneClientHoldsEveryConnection has it do so with a valid key and bodies that do not come.
func TestMonitorsGetInWhereOneClientHoldsEveryConnection(t *testing.T) {
	const most = 4
	u := newUpstream(t, false, answers(200, wholeAnswer))
	r := startRelay(t, openAIChannel("a", u, ""), withEnv("MAX_CLIENT_CONNECTIONS", fmt.Sprint(most)))
	before := runtime.NumGoroutine()
	conns := r.strangers(most, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+testKey+"\r\nContent-Length: 1000\r\n\r\n{")
	r.eventually("calls", func() bool { return r.server.controller.Active() == most })
	look := func() {
		for _, path := range []string{"GET /api/monitor/health", "HEAD /api/monitor/health", "GET /api/status", "HEAD /api/status"} {
			response, answer := r.raw(path + " HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
			require.Equal(t, 200, response.StatusCode, "%s %s", path, answer)
			require.True(t, response.Close, "it does not stay")
			require.NotEmpty(t, response.Header.Get("X-Oneapi-Request-Id"))
		}
		for _, line := range []string{"POST /api/status", "GET /api/monitor/channels", "GET /api/status/x", "POST /v1/chat/completions", "OPTIONS /api/status"} {
			response, answer := r.raw(line + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + testKey + "\r\nContent-Length: 2\r\n\r\n{}")
			require.Equal(t, 503, response.StatusCode, line)
			require.Equal(t, "too_many_connections", errorOf(t, answer)["code"])
		}
	}
	look()
	// Whoever takes those places, too, and says nothing, makes room for the next one.
	conns = append(conns, r.strangers(5*reservedSeats, "")...)
	conns = append(conns, r.strangers(5*reservedSeats, "GET /api/status HTTP/1.1\r\nX-A: ")...)
	conns = append(conns, r.strangers(5*reservedSeats, "POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")...)
	look()
	require.LessOrEqual(t, r.server.clients.open.Load(), int64(most))
	require.LessOrEqual(t, r.server.reserve.open.Load(), int64(reservedSeats))
	r.eventually("nothing unexplained", func() bool {
		_, unexplained := r.server.goroutines()
		return unexplained <= 1 // what looks here has one, too
	})
	for _, conn := range conns {
		_ = conn.Close()
	}
	r.requireQuiet(before, u)
	r.eventually("an empty reserve", func() bool { return r.server.reserve.open.Load() == 0 })
}

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

// shortOf is a listener whose system is short of something for a while.
type shortOf struct {
	net.Listener
	errors atomic.Int64
}

func (l *shortOf) Accept() (net.Conn, error) {
	if n := l.errors.Add(-1); n >= 0 {
		return nil, &net.OpError{Op: "accept", Err: [...]error{syscall.EMFILE, errors.New("something new"), syscall.ENOBUFS}[n%3]}
	}
	return l.Listener.Accept()
}

func TestAnErrorOfAcceptIsAWarningAndNeverTheEnd(t *testing.T) {
	u := newUpstream(t, false, answers(200, wholeAnswer))
	r := startRelay(t, openAIChannel("a", u, ""), withListener(func(l net.Listener) net.Listener {
		f := &shortOf{Listener: l}
		f.errors.Store(6)
		return f
	}))
	status, _, _ := r.ask("/v1/chat/completions", chat)
	require.Equal(t, 200, status)
	r.eventually("a warning", func() bool { return strings.Contains(r.log.String(), "client connections could not be accepted") })
	require.Equal(t, 1, strings.Count(r.log.String(), "could not be accepted"))
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
