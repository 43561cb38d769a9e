package transports

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// F20: a reused connection that dies before a byte of the answer.

// onConn is where a server's connection is found in its requests' contexts.
type onConn struct{}

// newDyingUpstream is one that may hang up on a request, over whatever transport. die is asked what it does to the nth request
// of a connection, from 1; nil: it answers.
func newDyingUpstream(t *testing.T, over harness.Transport, stream bool, die func(conn, nth int64) func(*wireConn)) (at, proxy string, requests *atomic.Int64) {
	t.Helper()
	if !over.Http2() {
		u := newWireUpstream(t, over, func(c *wireConn) {
			for nth := int64(1); c.request(); nth++ {
				if how := die(c.nth, nth); how != nil {
					how(c)
					return
				}
				c.answer(stream)
			}
		})
		return u.at, u.proxy, &u.requests
	}
	var conns atomic.Int64
	type numbered struct {
		net.Conn
		nth      int64
		requests atomic.Int64
	}
	u := harness.StartUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		c := r.Context().Value(onConn{}).(*numbered)
		if how := die(c.nth, c.requests.Add(1)); how != nil {
			how(&wireConn{Conn: c.Conn, tcp: c.Conn.(*tls.Conn).NetConn().(*net.TCPConn), gone: r.Context().Done()})
			_ = c.Close()
			return
		}
		if stream {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
			return
		}
		harness.Answers(200, harness.WholeAnswer)(w, r)
	}, func(u *harness.Upstream) {
		u.Forgets, u.EnableHTTP2, u.TLS = true, true, serverTLS()
		u.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, onConn{}, &numbered{Conn: c, nth: conns.Add(1)})
		}
		u.StartTLS()
	})
	if door := over.Door(t); door != nil {
		proxy = door.Url()
	}
	return over.At(u.URL), proxy, &u.Requests
}

// askInTurn asks, and waits until the call has given its connection back, which is a moment after its client has the answer.
func askInTurn(r *harness.Relay, body string) (status int, answer string) {
	r.T.Helper()
	status, answer, _ = r.Ask("/v1/chat/completions", body)
	r.Eventually("the call to have ended", func() bool { return r.Server.Pool().InFlight() == 0 })
	return status, answer
}

func anywhere(harness.Variant) bool { return true }

func TestARequestIsSentOnceMoreWhereAReusedConnectionIsResetBeforeAByteOfTheAnswer(t *testing.T) {
	overEach(t, anywhere, func(t *testing.T, over harness.Transport, a asks) {
		at, proxy, requests := newDyingUpstream(t, over, a.stream, func(conn, nth int64) func(*wireConn) {
			if conn == 1 && nth == 2 {
				return func(c *wireConn) { c.reset() }
			}
			return nil
		})
		r := harness.StartRelay(t, (&wireUpstream{at: at, proxy: proxy}).channel(""), harness.WithEnv("RETRY_TIMES", "0"), trustingCertificate())
		before := runtime.NumGoroutine()
		for range 3 {
			status, answer := askInTurn(r, a.body())
			require.Equal(t, 200, status, answer)
		}
		require.Equal(t, []string{"completed", "completed", "completed"}, r.Outcomes(3), "one attempt each")
		for _, end := range r.RequestEnds() {
			require.Equal(t, 1, end.Asked())
		}
		require.EqualValues(t, 4, requests.Load())
		r.Server.Pool().Close()
		r.RequireQuiet(before)
	})
}

func TestARequestIsNotSentAgainWhereItsAnswerHadBegun(t *testing.T) {
	overEach(t, harness.OverHTTP1, func(t *testing.T, over harness.Transport, a asks) {
		at, proxy, requests := newDyingUpstream(t, over, a.stream, func(_, nth int64) func(*wireConn) {
			if nth == 2 {
				return func(c *wireConn) { c.say("HTTP/1.1 2") }
			}
			return nil
		})
		r := harness.StartRelay(t, (&wireUpstream{at: at, proxy: proxy}).channel(""), harness.WithEnv("RETRY_TIMES", "0"), trustingCertificate())
		before := runtime.NumGoroutine()
		for _, want := range []int{200, 502} {
			status, answer := askInTurn(r, a.body())
			require.Equal(t, want, status, answer)
		}
		require.EqualValues(t, 2, requests.Load())
		r.Server.Pool().Close()
		r.RequireQuiet(before)
	})
}

func TestARequestIsNotSentAgainForAClientThatHasLeft(t *testing.T) {
	overEach(t, anywhere, func(t *testing.T, over harness.Transport, a asks) {
		at, proxy, requests := newDyingUpstream(t, over, a.stream, func(_, nth int64) func(*wireConn) {
			if nth == 2 {
				return func(c *wireConn) { c.wait() }
			}
			return nil
		})
		r := harness.StartRelay(t, (&wireUpstream{at: at, proxy: proxy}).channel(""), harness.WithEnv("RETRY_TIMES", "0"), trustingCertificate())
		before := runtime.NumGoroutine()
		status, answer := askInTurn(r, a.body())
		require.Equal(t, 200, status, answer)
		c := r.Dial()
		_, err := io.WriteString(c, harness.RawRequest("/v1/chat/completions", a.body(), ""))
		require.NoError(t, err)
		r.Eventually("the upstream is asked", func() bool { return requests.Load() == 2 })
		require.NoError(t, c.Close())
		require.ElementsMatch(t, []string{"completed", "client_gone"}, r.Outcomes(2)) // the first one may be told of last
		require.EqualValues(t, 2, requests.Load())
		r.Server.Pool().Close()
		r.RequireQuiet(before)
	})
}

func TestARequestIsNotSentAgainWhereItsClockRanOut(t *testing.T) {
	harness.Long(t)
	for _, over := range []harness.Transport{harness.PlainHTTP, harness.TlsHTTP1, harness.TlsHTTP2} {
		t.Run(over.String(), func(t *testing.T) {
			t.Parallel()
			at, proxy, requests := newDyingUpstream(t, over, false, func(_, nth int64) func(*wireConn) {
				if nth == 2 {
					return func(c *wireConn) { c.wait() }
				}
				return nil
			})
			r := harness.StartRelay(t, (&wireUpstream{at: at, proxy: proxy}).channel(", timeouts: {header: 2s}"), harness.WithEnv("RETRY_TIMES", "0"), trustingCertificate())
			for _, want := range []int{200, 504} {
				status, answer := askInTurn(r, harness.Chat)
				require.Equal(t, want, status, answer)
			}
			require.Equal(t, []string{"completed", "header_timeout"}, r.Outcomes(2))
			require.EqualValues(t, 2, requests.Load())
		})
	}
}
