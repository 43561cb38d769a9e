package transports

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"one-api/testbed/harness"
)

// TestAnAnswerThatNoClientCanUseEndsItsCallAndItsConnection is about answers behind which nobody looks after a call any more, or
// that do not come to their end. The upstream would wait for ever: what ends its connection is the relay.
func TestAnAnswerThatNoClientCanUseEndsItsCallAndItsConnection(t *testing.T) {
	for name, tc := range map[string]struct {
		answer string
		code   string
	}{
		"switching protocols": {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", "upstream_malformed"},
		"switching protocols, and saying something": {
			"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello", "upstream_malformed",
		},
		"switching protocols without saying to which": {"HTTP/1.1 101 Switching Protocols\r\nContent-Length: 99\r\n\r\n", "upstream_malformed"},
		"interim answers without an end":              {strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n", 5000), ""},
		"a header without an end":                     {"HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: "+strings.Repeat("a", 995)+"\r\n", 100), "too_large"},
		"a header of tiny fields":                     {"HTTP/1.1 503 No\r\n" + strings.Repeat("a:\r\n", 20000) + "\r\n", "too_large"},
		"a length that nobody has": {
			"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9223372036854775807\r\n\r\n{}", "too_large",
		},
		"a trailer without an end": {
			"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + strings.Repeat("X-A: "+strings.Repeat("a", 995)+"\r\n", 100),
			"upstream_malformed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			overEach(t, harness.OverHTTP1, func(t *testing.T, over harness.Transport, a asks) {
				if a.stream && strings.Contains(name, "trailer") {
					t.Skip("a stream may end before it")
				}
				u := newWireUpstream(t, over, func(c *wireConn) {
					if c.request() {
						c.say(tc.answer)
						c.wait()
					}
				})
				r := harness.StartRelay(t, u.channel(", timeouts: {header: 40s, idle: 40s}"), harness.WithEnv("RETRY_TIMES", "0"), trustingCertificate())
				before := runtime.NumGoroutine()
				status, answer, _ := r.Ask("/v1/chat/completions", a.body())
				require.Equal(t, 502, status, answer)
				if tc.code != "" {
					require.Equal(t, tc.code, harness.ErrorOf(t, answer)["code"])
				}
				require.Len(t, r.Outcomes(1), 1)
				r.Eventually("the connection is closed", func() bool { return u.open.Load() == 0 })
				r.RequireQuiet(before)
				require.Zero(t, r.OpenConnections())
			})
		})
	}
}

// TestAClientThatLeavesEndsACallWhateverItsUpstreamHasAnswered is for answers that are still to come to their end.
func TestAClientThatLeavesEndsACallWhateverItsUpstreamHasAnswered(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing":               "",
		"interim answers":       strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 3),
		"half a header":         "HTTP/1.1 200 OK\r\nContent-Ty",
		"a body to its end":     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{",
		"a body of a length":    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
		"an error":              "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n",
		"a body that is packed": "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\x1f\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			overEach(t, harness.OverHTTP1, func(t *testing.T, over harness.Transport, a asks) {
				u := newWireUpstream(t, over, func(c *wireConn) {
					if c.request() {
						c.say(answer)
						c.wait()
					}
				})
				r := harness.StartRelay(t, u.channel(""), trustingCertificate())
				before := runtime.NumGoroutine()
				c := r.Dial()
				_, err := c.Write([]byte(harness.RawRequest("/v1/chat/completions", a.body(), "")))
				require.NoError(t, err)
				r.Eventually("the upstream is asked", func() bool { return u.requests.Load() == 1 })
				require.NoError(t, c.Close())
				require.Equal(t, []string{"client_gone"}, r.Outcomes(1))
				r.Eventually("the connection is closed", func() bool { return u.open.Load() == 0 })
				r.RequireQuiet(before)
			})
		})
	}
}

// stingy is an HTTP/2 upstream that answers when it has seen a request's header, lets no more of its body through than it must, and
// then says no more. net/http's goroutine of such a call waits for room, and for nothing else.
func stingy(t *testing.T, status string) (url string) {
	t.Helper()
	config := serverTLS()
	config.NextProtos = []string{http2.NextProtoTLS}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	require.NoError(t, err)
	newWireCount(t, listener, func(conn net.Conn) {
		harness.ServeFrames(conn, func(framer *http2.Framer, f *http2.MetaHeadersFrame) {
			var block bytes.Buffer
			encoder := hpack.NewEncoder(&block)
			_ = encoder.WriteField(hpack.HeaderField{Name: ":status", Value: status})
			_ = encoder.WriteField(hpack.HeaderField{Name: "content-type", Value: "application/json"})
			_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: f.StreamID, BlockFragment: block.Bytes(), EndHeaders: true})
		}, nil)
	})
	return "https://" + listener.Addr().String()
}

// TestACallEndsWhileHTTP2HoldsBackItsRequest is about a state in which net/http does not look at its context: the answer has
// begun, and the rest of the request waits for room that its upstream does not give.
func TestACallEndsWhileHTTP2HoldsBackItsRequest(t *testing.T) {
	for _, status := range []string{"200", "500"} {
		for _, leaves := range []bool{true, false} {
			t.Run(status+map[bool]string{true: ", the client leaves", false: ", a clock runs out"}[leaves], func(t *testing.T) {
				url := stingy(t, status)
				more := ", timeouts: {header: 1s}"
				if leaves {
					more = ""
				}
				r := harness.StartRelay(t, (&wireUpstream{at: url}).channel(more), harness.WithEnv("RETRY_TIMES", "0"), trustingCertificate(), harness.WithErrorBodyTimeout(time.Second))
				before := runtime.NumGoroutine()
				body := asks{large: true}.body()
				if leaves {
					c := r.Dial()
					_, err := io.WriteString(c, harness.RawRequest("/v1/chat/completions", body, ""))
					require.NoError(t, err)
					r.Eventually("the answer is open", func() bool { return r.Server.Pool().OpenBodies() == 1 })
					require.NoError(t, c.Close())
					require.Equal(t, []string{"client_gone"}, r.Outcomes(1))
				} else {
					answered, _, _ := r.Ask("/v1/chat/completions", body)
					require.Contains(t, []int{502, 504}, answered)
					require.Contains(t, []string{"header_timeout", "upstream_status"}, r.Outcomes(1)[0])
				}
				r.Eventually("connections to upstreams", func() bool {
					r.Server.Pool().Close()
					return r.OpenConnections() == 0
				})
				r.RequireQuiet(before)
			})
		}
	}
}
