package relay

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
)

// F10: connections that do not come about, or break. What HTTP/2 has of its own is in fault_http2_test.go.

func TestAnUpstreamThatCannotBeReachedIsAnErrorBeforeAnythingWasSent(t *testing.T) {
	inMatrix(t, "F10")
	for name, tc := range map[string]struct {
		at     func(t *testing.T) string
		detail string // for the operator
	}{
		"connection refused": {refusingAddress, "connection refused"},
		"a host without a name": {func(t *testing.T) string {
			at := "http://no-such-host.invalid"
			request, err := http.NewRequest(http.MethodPost, at, nil)
			require.NoError(t, err)
			if proxy, _ := http.ProxyFromEnvironment(request); proxy != nil {
				t.Skip("a proxy would have to resolve the name")
			}
			return at
		}, "the host name"},
		"an unknown certificate": {func(t *testing.T) string { return untrusted(t).URL }, "TLS: the certificate's authority is unknown"},
		"no TLS at the other end": {func(t *testing.T) string {
			return strings.Replace(newUpstream(t, false, http.NotFound).URL, "http:", "https:", 1)
		}, "TLS: the other end does not speak TLS"},
		"a connection that is closed at once": {func(t *testing.T) string { return "https://" + closing(t) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inEveryVariant(t, func(v variant) bool { return !v.http2 }, func(t *testing.T, v variant) {
				s := newScene(t, v, plan{at: tc.at(t), timeouts: "connect: 5s"})
				s.requireEnding(t, s.callAll(context.Background(), ear{}), ending{
					outcome: channel.ConnectFailed, status: http.StatusBadGateway, code: "connect_failed",
				})
				for _, a := range s.recorded() {
					if a.Outcome == channel.ConnectFailed {
						require.Contains(t, a.Failure.Detail, tc.detail)
					}
				}
				require.NotContains(t, s.log.String(), "no-such-host")
				require.NotContains(t, s.log.String(), "127.0.0.1")
			})
		})
	}
}

// refusingAddress is one where nobody listens, and nobody else begins to: not a port that was given back a moment ago.
func refusingAddress(*testing.T) string { return nobodysAddress }

// untrusted is an upstream whose certificate the relay does not know.
func untrusted(t *testing.T) *upstream { return newUpstream(t, true, http.NotFound) }

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
	reset := ending{outcome: channel.UpstreamReset, status: http.StatusBadGateway, code: "upstream_reset"}
	cut := reset
	cut.cut = true
	for name, tc := range map[string]struct {
		fits   func(variant) bool
		handle func(v variant, w http.ResponseWriter, r *http.Request)
		ending ending
	}{
		"before the header": {nil, func(variant, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, reset},
		"before the header, by a TCP reset": {overHTTP1, func(_ variant, w http.ResponseWriter, _ *http.Request) { resetTCP(w) },
			reset},
		"between the header and the body": {nil, func(v variant, w http.ResponseWriter, _ *http.Request) {
			v.header(w)
			panic(http.ErrAbortHandler)
		}, reset},
		"in the middle of the body": {nil, func(v variant, w http.ResponseWriter, r *http.Request) {
			v.begin(w, r, fromFaulty)
			panic(http.ErrAbortHandler)
		}, cut},
		"in the middle of the body, by a TCP reset": {overHTTP1, func(v variant, w http.ResponseWriter, r *http.Request) {
			v.begin(w, r, fromFaulty)
			resetTCP(w)
		}, cut},
	} {
		t.Run(name, func(t *testing.T) {
			inEveryVariant(t, tc.fits, func(t *testing.T, v variant) { requireEndingOfAll(t, v, tc.handle, tc.ending) })
		})
	}
}

func overHTTP1(v variant) bool { return !v.http2 }

// resetTCP hangs up without a word, as a crashed process or a firewall does.
func resetTCP(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// TestABodyThatIsShorterThanItsLengthIsTruncated tells a lack of bytes from a broken connection.
func TestABodyThatIsShorterThanItsLengthIsTruncated(t *testing.T) {
	inMatrix(t, "F10")
	inEveryVariant(t, overHTTP1, func(t *testing.T, v variant) {
		requireEndingOfAll(t, v, func(v variant, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100000")
			v.begin(w, r, fromFaulty)
			panic(http.ErrAbortHandler)
		}, ending{outcome: channel.UpstreamTruncated, status: http.StatusBadGateway, code: "upstream_truncated", cut: true})
	})
}

// TestAConnectionThatItsUpstreamClosedWhileItWasIdleIsNotUsed makes a second call behind the upstream's restart.
func TestAConnectionThatItsUpstreamClosedWhileItWasIdleIsNotUsed(t *testing.T) {
	inMatrix(t, "F10")
	for _, v := range []variant{{}, {stream: true}, {http2: true}, {http2: true, stream: true}} {
		t.Run(v.String(), func(t *testing.T) {
			s := newScene(t, v, plan{handle: func(w http.ResponseWriter, r *http.Request) { v.answer(w, r, fromFaulty) }})
			for _, w := range ways {
				w.requireAnswer(t, v, s.call(context.Background(), w, ear{}), fromFaulty)
			}
			s.faulty.CloseClientConnections()
			for _, w := range ways {
				require.Eventually(t, func() bool {
					return s.server.pool.Set().Get(w.name).Snapshot(time.Now()).OpenConnections == 0
				}, patience, time.Millisecond, "the relay notices")
				w.requireAnswer(t, v, s.call(context.Background(), w, ear{}), fromFaulty)
			}
			s.quiet()
			require.Len(t, s.recorded(), 2*len(ways))
		})
	}
}
