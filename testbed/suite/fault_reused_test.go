package suite

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
)

// F20: connections that are used again, and answers that do not wait for their requests.

// TestAReusedConnectionThatDiesBeforeAByteCostsNobodyACall lets each connection serve one request and die of the next, as it does
// where an upstream, or a load balancer before it, closes connections that were idle for long while a request is on its way.
func TestAReusedConnectionThatDiesBeforeAByteCostsNobodyACall(t *testing.T) {
	inMatrix(t, "F20")
	for name, die := range map[string]func(w http.ResponseWriter, r *http.Request){
		"it closes": func(_ http.ResponseWriter, r *http.Request) { _ = connOf(r).Close() },
		"a TCP reset": func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor == 2 {
				breakTCP(connOf(r).Conn)
				return
			}
			resetTCP(w)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inEveryVariant(t, func(v variant) bool { return !v.last }, func(t *testing.T, v variant) {
				s := newScene(t, v, plan{handle: func(w http.ResponseWriter, r *http.Request) {
					if connOf(r).requests.Add(1) > 1 {
						die(w, r)
						panic(http.ErrAbortHandler)
					}
					v.answer(w, r, fromFaulty)
				}})
				const rounds = 3
				for range rounds {
					all := s.callAll(context.Background(), ear{})
					for _, w := range ways {
						w.requireAnswer(t, v, all[w.name], fromFaulty)
					}
				}
				s.quiet()
				require.GreaterOrEqual(t, s.faulty.requests.Load(), int64((rounds+1)*len(ways)), "connections were used again, and died")
				for _, w := range ways {
					require.Equal(t, []outcome.Outcome{outcome.Completed, outcome.Completed, outcome.Completed}, s.outcomesOf(w.name), "once each")
					s.requireUnharmed(t, w.name)
				}
			})
		})
	}
}

// TestAFreshConnectionThatDiesBeforeAByteIsTheUpstreams: a try on another one would do the same to it.
func TestAFreshConnectionThatDiesBeforeAByteIsTheUpstreams(t *testing.T) {
	inMatrix(t, "F20")
	var asked atomic.Int64
	inEveryVariant(t, func(v variant) bool { return v.second }, func(t *testing.T, v variant) {
		asked.Store(0)
		s := newScene(t, v, plan{handle: func(_ http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			_ = connOf(r).Close()
			panic(http.ErrAbortHandler)
		}})
		s.requireEnding(t, s.callAll(context.Background(), ear{}), ending{outcome: outcome.UpstreamReset})
		require.Equal(t, int64(len(ways)), asked.Load())
	})
}

// TestAnAnswerThatComesBeforeItsRequestIsSentIsRead has refusals that were decided by the header, of which a client that only looks
// at how its sending went would learn nothing.
func TestAnAnswerThatComesBeforeItsRequestIsSentIsRead(t *testing.T) {
	inMatrix(t, "F20")
	refused := func(w http.ResponseWriter, r *http.Request, status int, end func(*served)) {
		text := voiceFor(r).complaint("some_error", "", complained)
		if end == nil {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			say(w, text)
			return
		}
		conn := connOf(r)
		if _, _, err := http.NewResponseController(w).Hijack(); err != nil {
			panic(err)
		}
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d Refused\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", status, len(text), text)
		end(conn)
		_ = conn.Close()
	}
	all := mishaps{}
	for name, end := range map[string]func(*served){
		"and the rest is read":       func(conn *served) { _, _ = io.Copy(io.Discard, conn) },
		"and the connection closes":  func(conn *served) {},
		"and the connection resets":  func(conn *served) { breakTCP(conn.Conn) },
		"and only half of it closes": func(conn *served) { closeWrite(conn.Conn); _, _ = io.Copy(io.Discard, conn) },
		"and only the stream ends":   nil,
	} {
		fits := overHTTP1 // where it is the connection that ends
		if end == nil {
			fits = overHTTP2
		}
		for status, want := range map[int]ending{
			http.StatusRequestEntityTooLarge: {outcome: outcome.UpstreamStatus, status: http.StatusRequestEntityTooLarge, message: complained, final: true},
			http.StatusServiceUnavailable:    {outcome: outcome.UpstreamStatus, status: http.StatusBadGateway, message: complained},
		} {
			all[fmt.Sprint(status, " ", name)] = mishap{fits: fits, ending: want, handle: func(_ variant, w http.ResponseWriter, r *http.Request) {
				refused(w, r, status, end)
			}}
		}
	}
	all.inEveryVariant(t, plan{ahead: true, waits: true})
}
