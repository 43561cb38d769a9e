package faults

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// F20: connections that are used again, and answers that do not wait for their requests.

// TestAReusedConnectionThatDiesBeforeAByteCostsNobodyACall lets each connection serve one request and die of the next, as it does
// where an upstream, or a load balancer before it, closes connections that were idle for long while a request is on its way.
func TestAReusedConnectionThatDiesBeforeAByteCostsNobodyACall(t *testing.T) {
	harness.InMatrix(t, "F20")
	for name, die := range map[string]func(w http.ResponseWriter, r *http.Request){
		"it closes": func(_ http.ResponseWriter, r *http.Request) { _ = harness.ConnOf(r).Close() },
		"a TCP reset": func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor == 2 {
				harness.BreakTCP(harness.ConnOf(r).Conn)
				return
			}
			harness.ResetTCP(w)
		},
	} {
		t.Run(name, func(t *testing.T) {
			harness.InEveryVariant(t, func(v harness.Variant) bool { return !v.Last }, func(t *testing.T, v harness.Variant) {
				s := newScene(t, v, plan{handle: func(w http.ResponseWriter, r *http.Request) {
					if harness.ConnOf(r).Requests.Add(1) > 1 {
						die(w, r)
						panic(http.ErrAbortHandler)
					}
					v.Answer(w, r, harness.FromFaulty)
				}})
				const rounds = 3
				for range rounds {
					all := s.callAll(context.Background(), harness.Ear{})
					for _, w := range harness.Ways {
						w.RequireAnswer(t, v, all[w.Name], harness.FromFaulty)
					}
				}
				s.quiet()
				require.GreaterOrEqual(t, s.faulty.Requests.Load(), int64((rounds+1)*len(harness.Ways)), "connections were used again, and died")
				for _, w := range harness.Ways {
					require.Equal(t, []outcome.Outcome{outcome.Completed, outcome.Completed, outcome.Completed}, s.outcomesOf(w.Name), "once each")
					s.requireUnharmed(t, w.Name)
				}
			})
		})
	}
}

// TestAFreshConnectionThatDiesBeforeAByteIsTheUpstreams: a try on another one would do the same to it.
func TestAFreshConnectionThatDiesBeforeAByteIsTheUpstreams(t *testing.T) {
	harness.InMatrix(t, "F20")
	var asked atomic.Int64
	harness.InEveryVariant(t, func(v harness.Variant) bool { return v.Second }, func(t *testing.T, v harness.Variant) {
		asked.Store(0)
		s := newScene(t, v, plan{handle: func(_ http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			_ = harness.ConnOf(r).Close()
			panic(http.ErrAbortHandler)
		}})
		s.requireEnding(t, s.callAll(context.Background(), harness.Ear{}), harness.Ending{Outcome: outcome.UpstreamReset})
		require.Equal(t, int64(len(harness.Ways)), asked.Load())
	})
}

// TestAnAnswerThatComesBeforeItsRequestIsSentIsRead has refusals that were decided by the header, of which a client that only looks
// at how its sending went would learn nothing.
func TestAnAnswerThatComesBeforeItsRequestIsSentIsRead(t *testing.T) {
	harness.InMatrix(t, "F20")
	refused := func(w http.ResponseWriter, r *http.Request, status int, end func(*harness.Served)) {
		text := harness.VoiceFor(r).Complaint("some_error", "", harness.Complained)
		if end == nil {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			harness.Say(w, text)
			return
		}
		conn := harness.ConnOf(r)
		if _, _, err := http.NewResponseController(w).Hijack(); err != nil {
			panic(err)
		}
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d Refused\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", status, len(text), text)
		end(conn)
		_ = conn.Close()
	}
	all := mishaps{}
	for name, end := range map[string]func(*harness.Served){
		"and the rest is read":       func(conn *harness.Served) { _, _ = io.Copy(io.Discard, conn) },
		"and the connection closes":  func(conn *harness.Served) {},
		"and the connection resets":  func(conn *harness.Served) { harness.BreakTCP(conn.Conn) },
		"and only half of it closes": func(conn *harness.Served) { harness.CloseWrite(conn.Conn); _, _ = io.Copy(io.Discard, conn) },
		"and only the stream ends":   nil,
	} {
		fits := harness.OverHTTP1 // where it is the connection that ends
		if end == nil {
			fits = harness.OverHTTP2
		}
		for status, want := range map[int]harness.Ending{
			http.StatusRequestEntityTooLarge: {Outcome: outcome.UpstreamStatus, Status: http.StatusRequestEntityTooLarge, Message: harness.Complained, Final: true},
			http.StatusServiceUnavailable:    {Outcome: outcome.UpstreamStatus, Status: http.StatusBadGateway, Message: harness.Complained},
		} {
			all[fmt.Sprint(status, " ", name)] = mishap{fits: fits, ending: want, handle: func(_ harness.Variant, w http.ResponseWriter, r *http.Request) {
				refused(w, r, status, end)
			}}
		}
	}
	all.inEveryVariant(t, plan{ahead: true, waits: true})
}
