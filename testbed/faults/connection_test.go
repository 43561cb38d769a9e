package faults

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// F10: connections that do not come about, or break. What HTTP/2 has of its own is in fault_http2_test.go.

func TestAnUpstreamThatCannotBeReachedIsAnErrorBeforeAnythingWasSent(t *testing.T) {
	harness.InMatrix(t, "F10")
	secure := func(v harness.Variant) bool { return v.Transport.Tls() }
	for name, tc := range map[string]struct {
		fits   func(harness.Variant) bool
		at     func(t *testing.T, v harness.Variant) string
		detail string // for the operator, where no proxy comes in between
	}{
		"connection refused": {nil, func(_ *testing.T, v harness.Variant) string {
			if v.Transport.Tls() {
				return strings.Replace(harness.NobodysAddress, "http:", "https:", 1)
			}
			return harness.NobodysAddress
		}, "connection refused"},
		"a host without a name": {func(v harness.Variant) bool { return !v.Transport.Proxied() }, func(t *testing.T, v harness.Variant) string {
			at := "http://no-such-host.invalid"
			if v.Transport.Tls() {
				at = "https://no-such-host.invalid"
			}
			request, err := http.NewRequest(http.MethodPost, at, nil)
			require.NoError(t, err)
			if proxy, _ := http.ProxyFromEnvironment(request); proxy != nil {
				t.Skip("a proxy would have to resolve the name")
			}
			return at
		}, "the host name"},
		"an unknown certificate": {secure, func(t *testing.T, _ harness.Variant) string { return harness.NewUpstream(t, true, http.NotFound).URL },
			"TLS: the certificate's authority is unknown"},
		"no TLS at the other end": {secure, func(t *testing.T, _ harness.Variant) string {
			return strings.Replace(harness.NewUpstream(t, false, http.NotFound).URL, "http:", "https:", 1)
		}, "TLS: the other end does not speak TLS"},
		"a connection that is closed at once": {secure, func(t *testing.T, _ harness.Variant) string { return "https://" + closing(t) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			harness.InEveryVariant(t, tc.fits, func(t *testing.T, v harness.Variant) {
				want := harness.Ending{Outcome: outcome.ConnectFailed, Status: http.StatusBadGateway, Code: "connect_failed"}
				if v.Transport == harness.ProxiedHTTP { // the proxy says so, in the upstream's place
					want = harness.Ending{Outcome: outcome.UpstreamStatus, Status: http.StatusBadGateway}
				}
				s := newScene(t, v, plan{at: tc.at(t, v), timeouts: "connect: 5s"})
				s.requireEnding(t, s.callAll(context.Background(), harness.Ear{}), want)
				for _, a := range s.Recorded() {
					if a.Outcome == outcome.ConnectFailed && !v.Transport.Proxied() {
						require.Contains(t, a.Failure.Detail, tc.detail)
					}
				}
				require.NotContains(t, s.Log.String(), "no-such-host")
				require.NotContains(t, s.Log.String(), "127.0.0.1")
				require.NotContains(t, s.Log.String(), harness.ProxiedHost)
			})
		})
	}
}

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
	harness.InMatrix(t, "F10")
	reset := harness.Ending{Outcome: outcome.UpstreamReset, Status: http.StatusBadGateway, Code: "upstream_reset"}
	cut := reset
	cut.Cut = true
	mishaps{
		"before the header": {handle: func(harness.Variant, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ending: reset},
		"before the header, by a TCP reset": {fits: harness.OverHTTP1, ending: reset,
			handle: func(_ harness.Variant, w http.ResponseWriter, _ *http.Request) { harness.ResetTCP(w) }},
		"between the header and the body": {ending: reset, handle: func(v harness.Variant, w http.ResponseWriter, _ *http.Request) {
			v.Header(w)
			panic(http.ErrAbortHandler)
		}},
		"in the middle of the body": {ending: cut, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			v.Begin(w, r, harness.FromFaulty)
			panic(http.ErrAbortHandler)
		}},
		"in the middle of the body, by a TCP reset": {fits: harness.OverHTTP1, ending: cut, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			v.Begin(w, r, harness.FromFaulty)
			harness.ResetTCP(w)
		}},
		// A lack of bytes is told from a broken connection.
		"before the body has its length": {fits: harness.OverHTTP1, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100000")
			v.Begin(w, r, harness.FromFaulty)
			panic(http.ErrAbortHandler)
		}, ending: harness.Ending{Outcome: outcome.UpstreamTruncated, Status: http.StatusBadGateway, Code: "upstream_truncated", Cut: true}},
	}.inEveryVariant(t, plan{})
}

// TestAConnectionThatItsUpstreamClosedWhileItWasIdleIsNotUsed makes a second call behind the upstream's restart.
func TestAConnectionThatItsUpstreamClosedWhileItWasIdleIsNotUsed(t *testing.T) {
	harness.InMatrix(t, "F10")
	harness.InEveryVariant(t, func(v harness.Variant) bool { return !v.Second && !v.Last }, func(t *testing.T, v harness.Variant) {
		s := newScene(t, v, plan{handle: func(w http.ResponseWriter, r *http.Request) { v.Answer(w, r, harness.FromFaulty) }})
		for _, w := range harness.Ways {
			w.RequireAnswer(t, v, s.call(context.Background(), w, harness.Ear{}), harness.FromFaulty)
		}
		s.faulty.CloseClientConnections()
		for _, w := range harness.Ways {
			require.Eventually(t, func() bool {
				return s.Server.Pool().Set().Get(w.Name).Snapshot(time.Now()).OpenConnections == 0
			}, harness.Patience, time.Millisecond, "the relay notices")
			w.RequireAnswer(t, v, s.call(context.Background(), w, harness.Ear{}), harness.FromFaulty)
		}
		s.quiet()
		require.Len(t, s.Recorded(), 2*len(harness.Ways))
	})
}
