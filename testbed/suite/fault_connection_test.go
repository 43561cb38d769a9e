package suite

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
)

// F10: connections that do not come about, or break. What HTTP/2 has of its own is in fault_http2_test.go.

func TestAnUpstreamThatCannotBeReachedIsAnErrorBeforeAnythingWasSent(t *testing.T) {
	inMatrix(t, "F10")
	secure := func(v variant) bool { return v.transport.tls() }
	for name, tc := range map[string]struct {
		fits   func(variant) bool
		at     func(t *testing.T, v variant) string
		detail string // for the operator, where no proxy comes in between
	}{
		"connection refused": {nil, func(_ *testing.T, v variant) string {
			if v.transport.tls() {
				return strings.Replace(nobodysAddress, "http:", "https:", 1)
			}
			return nobodysAddress
		}, "connection refused"},
		"a host without a name": {func(v variant) bool { return !v.transport.proxied() }, func(t *testing.T, v variant) string {
			at := "http://no-such-host.invalid"
			if v.transport.tls() {
				at = "https://no-such-host.invalid"
			}
			request, err := http.NewRequest(http.MethodPost, at, nil)
			require.NoError(t, err)
			if proxy, _ := http.ProxyFromEnvironment(request); proxy != nil {
				t.Skip("a proxy would have to resolve the name")
			}
			return at
		}, "the host name"},
		"an unknown certificate": {secure, func(t *testing.T, _ variant) string { return newUpstream(t, true, http.NotFound).URL },
			"TLS: the certificate's authority is unknown"},
		"no TLS at the other end": {secure, func(t *testing.T, _ variant) string {
			return strings.Replace(newUpstream(t, false, http.NotFound).URL, "http:", "https:", 1)
		}, "TLS: the other end does not speak TLS"},
		"a connection that is closed at once": {secure, func(t *testing.T, _ variant) string { return "https://" + closing(t) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inEveryVariant(t, tc.fits, func(t *testing.T, v variant) {
				want := ending{outcome: outcome.ConnectFailed, status: http.StatusBadGateway, code: "connect_failed"}
				if v.transport == proxiedHTTP { // the proxy says so, in the upstream's place
					want = ending{outcome: outcome.UpstreamStatus, status: http.StatusBadGateway}
				}
				s := newScene(t, v, plan{at: tc.at(t, v), timeouts: "connect: 5s"})
				s.requireEnding(t, s.callAll(context.Background(), ear{}), want)
				for _, a := range s.recorded() {
					if a.Outcome == outcome.ConnectFailed && !v.transport.proxied() {
						require.Contains(t, a.Failure.Detail, tc.detail)
					}
				}
				require.NotContains(t, s.log.String(), "no-such-host")
				require.NotContains(t, s.log.String(), "127.0.0.1")
				require.NotContains(t, s.log.String(), proxiedHost)
			})
		})
	}
}

// refusingAddress is one where nobody listens, and nobody else begins to: not a port that was given back a moment ago.
func refusingAddress(*testing.T) string { return nobodysAddress }

// closing is a listener that hangs up on everybody.
func closing(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-ended
	})
	return listener.Addr().String()
}

func TestAConnectionThatBreaksIsAnError(t *testing.T) {
	inMatrix(t, "F10")
	reset := ending{outcome: outcome.UpstreamReset, status: http.StatusBadGateway, code: "upstream_reset"}
	cut := reset
	cut.cut = true
	mishaps{
		"before the header": {handle: func(variant, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ending: reset},
		"before the header, by a TCP reset": {fits: overHTTP1, ending: reset,
			handle: func(_ variant, w http.ResponseWriter, _ *http.Request) { resetTCP(w) }},
		"between the header and the body": {ending: reset, handle: func(v variant, w http.ResponseWriter, _ *http.Request) {
			v.header(w)
			panic(http.ErrAbortHandler)
		}},
		"in the middle of the body": {ending: cut, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			v.begin(w, r, fromFaulty)
			panic(http.ErrAbortHandler)
		}},
		"in the middle of the body, by a TCP reset": {fits: overHTTP1, ending: cut, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			v.begin(w, r, fromFaulty)
			resetTCP(w)
		}},
		// A lack of bytes is told from a broken connection.
		"before the body has its length": {fits: overHTTP1, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100000")
			v.begin(w, r, fromFaulty)
			panic(http.ErrAbortHandler)
		}, ending: ending{outcome: outcome.UpstreamTruncated, status: http.StatusBadGateway, code: "upstream_truncated", cut: true}},
	}.inEveryVariant(t, plan{})
}

// resetTCP hangs up without a word, as a crashed process or a firewall does.
func resetTCP(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	breakTCP(conn)
}

func breakTCP(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func closeWrite(conn net.Conn) {
	_ = conn.(interface{ CloseWrite() error }).CloseWrite()
}

// TestAConnectionThatItsUpstreamClosedWhileItWasIdleIsNotUsed makes a second call behind the upstream's restart.
func TestAConnectionThatItsUpstreamClosedWhileItWasIdleIsNotUsed(t *testing.T) {
	inMatrix(t, "F10")
	inEveryVariant(t, func(v variant) bool { return !v.second && !v.last }, func(t *testing.T, v variant) {
		s := newScene(t, v, plan{handle: func(w http.ResponseWriter, r *http.Request) { v.answer(w, r, fromFaulty) }})
		for _, w := range ways {
			w.requireAnswer(t, v, s.call(context.Background(), w, ear{}), fromFaulty)
		}
		s.faulty.CloseClientConnections()
		for _, w := range ways {
			require.Eventually(t, func() bool {
				return s.server.Pool().Set().Get(w.name).Snapshot(time.Now()).OpenConnections == 0
			}, patience, time.Millisecond, "the relay notices")
			w.requireAnswer(t, v, s.call(context.Background(), w, ear{}), fromFaulty)
		}
		s.quiet()
		require.Len(t, s.recorded(), 2*len(ways))
	})
}
