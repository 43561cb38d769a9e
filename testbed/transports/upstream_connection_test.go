package transports

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// overEveryTransport runs a test on each way to an upstream that wanted accepts; nil: all.
func overEveryTransport(t *testing.T, wanted func(harness.Transport) bool, run func(t *testing.T, over harness.Transport)) {
	for over := range harness.Transport(len(harness.Transports)) {
		if wanted == nil || wanted(over) {
			t.Run(over.String(), func(t *testing.T) { run(t, over) })
		}
	}
}

// channelOver is a configuration with one channel, which reaches an upstream over a transport.
func channelOver(t *testing.T, over harness.Transport, url, more string) string {
	t.Helper()
	proxy := ""
	if door := over.Door(t); door != nil {
		proxy = fmt.Sprintf(", proxy: %q", door.Url())
	}
	return fmt.Sprintf("channels:\n  - {name: a, type: openai, base_url: %q, keys: [sk-up], models: [m]%s%s}\n", over.At(url), proxy, more)
}

// trustingCertificate makes the relay trust what newUpstreamOver's upstreams show.
func trustingCertificate() harness.RelayOption {
	return func(c *harness.RelayConfig) {
		if leaf, err := x509.ParseCertificate(harness.Certificate().Certificate[0]); err == nil {
			c.Roots.AddCert(leaf)
		}
	}
}

// bodies is a small request, and one that does not fit into what a connection takes in one go.
var bodies = map[string]string{"small": harness.Chat, "large": strings.Replace(harness.Chat, "hi", strings.Repeat("many words ", 20<<10), 1)}

func TestAnAnswerThatSwitchesProtocolsEndsTheCall(t *testing.T) {
	overEveryTransport(t, func(over harness.Transport) bool { return !over.Http2() }, func(t *testing.T, over harness.Transport) {
		var gone atomic.Int64
		u := harness.NewUpstreamOver(t, over, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
			_, _ = conn.Read(make([]byte, 1)) // it is the relay that hangs up
			gone.Add(1)
		})
		r := harness.StartRelay(t, channelOver(t, over, u.URL, ""), harness.Trusting(u), harness.WithEnv("RETRY_TIMES", "0"))
		before, calls := runtime.NumGoroutine(), 0
		for _, body := range bodies {
			for _, body := range []string{body, strings.Replace(body, "{", `{"stream":true,`, 1)} {
				status, answer, _ := r.Ask("/v1/chat/completions", body)
				require.Equal(t, http.StatusBadGateway, status, answer)
				calls++
			}
		}
		for _, outcome := range r.Outcomes(calls) {
			require.Equal(t, "upstream_malformed", outcome)
		}
		r.Eventually("upstreams that see the relay hang up", func() bool { return gone.Load() == int64(calls) })
		r.RequireQuiet(before, u)
	})
}

// silent accepts connections and says nothing. ended counts those that the other end has closed.
func silent(t *testing.T) (address string, ended *atomic.Int64) {
	t.Helper()
	ended = &atomic.Int64{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(io.Discard, conn)
				_ = conn.Close()
				ended.Add(1)
			}()
		}
	}()
	return listener.Addr().String(), ended
}

// TestAProxyOrAHandshakeThatSaysNothingIsGivenUpWhenAConnectionHasItsTime: net/http gives a SOCKS5 proxy for ever, and goes on when
// the call has ended.
func TestAProxyOrAHandshakeThatSaysNothingIsGivenUpWhenAConnectionHasItsTime(t *testing.T) {
	for name, at := range map[string]struct{ base, proxy string }{
		"TLS":                            {"https://SILENT", ""},
		"SOCKS5":                         {"http://upstream.test", "socks5://SILENT"},
		"SOCKS5 with a user, before TLS": {"https://upstream.test", "socks5://user:word@SILENT"},
		"CONNECT":                        {"https://upstream.test", "http://SILENT"},
		"CONNECT over TLS":               {"https://upstream.test", "https://SILENT"},
		"a proxy over TLS":               {"http://upstream.test", "https://SILENT"},
	} {
		for size, body := range bodies {
			t.Run(name+", "+size, func(t *testing.T) {
				t.Parallel()
				address, ended := silent(t)
				r := harness.StartRelay(t, strings.ReplaceAll(fmt.Sprintf(
					"channels:\n  - {name: a, type: openai, base_url: %q, proxy: %q, keys: [sk-up], models: [m], timeouts: {connect: 200ms}}\n",
					at.base, at.proxy), "SILENT", address), harness.WithEnv("RETRY_TIMES", "0"))
				status, answer, _ := r.Ask("/v1/chat/completions", body)
				require.Contains(t, []int{http.StatusBadGateway, http.StatusGatewayTimeout}, status, answer)
				require.NotContains(t, answer, address)
				require.Equal(t, []string{"connect_failed"}, r.Outcomes(1))
				r.Eventually("the connection to be given up", func() bool { return ended.Load() > 0 })
				r.RequireQuiet(harness.AmongOthers)
			})
		}
	}
}

// newClosingUpstream answers the first request on each connection, and closes the connection when a second one has come, as a
// server does whose idle timeout is over while the request is on its way. It counts the connections that died like that.
func newClosingUpstream(t *testing.T, over harness.Transport) (u *harness.Upstream, died *atomic.Int64) {
	t.Helper()
	died = &atomic.Int64{}
	u = harness.NewUpstreamOver(t, over, func(w http.ResponseWriter, r *http.Request) {
		if conn := harness.ConnOf(r); conn.Requests.Add(1) > 1 {
			died.Add(1)
			_ = conn.Close()
			return
		}
		harness.Answers(200, harness.WholeAnswer)(w, r)
	})
	return u, died
}

func TestAReusedConnectionThatDiesBeforeAByteOfTheAnswerCostsAFreshOneAndNoAttempt(t *testing.T) {
	overEveryTransport(t, nil, func(t *testing.T, over harness.Transport) {
		u, died := newClosingUpstream(t, over)
		r := harness.StartRelay(t, channelOver(t, over, u.URL, ""), harness.Trusting(u), harness.WithEnv("RETRY_TIMES", "0"))
		before, calls := runtime.NumGoroutine(), 0
		for range 10 {
			for size, body := range bodies {
				status, answer, _ := r.Ask("/v1/chat/completions", body)
				require.Equal(t, http.StatusOK, status, "%s: %s", size, answer)
				calls++
			}
		}
		require.Positive(t, died.Load(), "no connection was used again")
		for _, outcome := range r.Outcomes(calls) {
			require.Equal(t, "completed", outcome)
		}
		r.RequireQuiet(before, u)
	})
}

func TestAFreshConnectionThatDiesTooIsAnError(t *testing.T) {
	overEveryTransport(t, nil, func(t *testing.T, over harness.Transport) {
		var asked atomic.Int64
		u := harness.NewUpstreamOver(t, over, func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) > 1 {
				_ = harness.ConnOf(r).Close()
				return
			}
			harness.Answers(200, harness.WholeAnswer)(w, r)
		})
		r := harness.StartRelay(t, channelOver(t, over, u.URL, ""), harness.Trusting(u), harness.WithEnv("RETRY_TIMES", "0"))
		before := runtime.NumGoroutine()
		for _, want := range []int{http.StatusOK, http.StatusBadGateway} {
			status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
			require.Equal(t, want, status, answer)
		}
		require.Equal(t, []string{"completed", "upstream_reset"}, r.Outcomes(2))
		require.LessOrEqual(t, asked.Load(), int64(3), "one more try and not two")
		r.RequireQuiet(before, u)
	})
}

// TestAnEarlyAnswerIsReadHoweverMuchOfTheRequestIsLeft is for upstreams that refuse a request when they have seen its beginning,
// and hang up.
func TestAnEarlyAnswerIsReadHoweverMuchOfTheRequestIsLeft(t *testing.T) {
	const refusal = `{"error":{"message":"too many words","type":"invalid_request_error","code":"request_too_large"}}`
	for _, secure := range []bool{false, true} {
		t.Run(map[bool]string{false: "plain", true: "TLS"}[secure], func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer func() { _ = listener.Close() }()
			scheme := "http://"
			if secure {
				scheme = "https://"
				listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{harness.Certificate()}, MinVersion: tls.VersionTLS12})
			}
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					go func() {
						defer func() { _ = conn.Close() }()
						if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
							return
						}
						_, _ = fmt.Fprintf(conn, "HTTP/1.1 413 Too Large\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(refusal), refusal)
					}()
				}
			}()
			r := harness.StartRelay(t, channelOver(t, harness.PlainHTTP, scheme+listener.Addr().String(), ""), trustingCertificate(), harness.WithEnv("RETRY_TIMES", "0"))
			before := runtime.NumGoroutine()
			body, lost := strings.Replace(harness.Chat, "hi", strings.Repeat("many words ", 200<<10), 1), 0
			const calls = 60
			for range calls {
				status, answer, _ := r.Ask("/v1/chat/completions", body)
				if status != http.StatusRequestEntityTooLarge || !strings.Contains(answer, "too many words") {
					lost++
				}
			}
			require.Zero(t, lost, "of %d answers", calls)
			r.RequireQuiet(before)
		})
	}
}
