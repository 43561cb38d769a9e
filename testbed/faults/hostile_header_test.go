package faults

import (
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// TestAnUpstreamsHeaderIsBounded: what is parsed takes some twenty times the bytes that came.
func TestAnUpstreamsHeaderIsBounded(t *testing.T) {
	harness.InMatrix(t, "F15")
	harness.InSomeVariants(t, func(v harness.Variant) bool { return !v.Last && !v.Second }, func(t *testing.T, v harness.Variant) {
		fields := 20_000
		if v.Transport.Http2() {
			fields = 1900 // each counts as 32 bytes more; where far more come, net/http breaks the connection
		}
		s := newScene(t, v, plan{handle: func(w http.ResponseWriter, r *http.Request) {
			for i := range fields {
				w.Header()[fmt.Sprintf("A%d", i)] = []string{""}
			}
			v.Answer(w, r, harness.FromFaulty)
		}})
		s.requireEnding(t, s.callAll(t.Context(), harness.Ear{}), harness.Ending{Outcome: outcome.TooLarge, Status: http.StatusBadGateway, Code: "too_large"})
	})
}

// TestAStreamDoesNotKeepItsUpstreamsHeader has many streams whose headers are as large as they may be.
func TestAStreamDoesNotKeepItsUpstreamsHeader(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F15")
	const streams = 40
	atServer := int64(0)
	for _, over := range []harness.Transport{harness.PlainHTTP, harness.TlsHTTP1, harness.TlsHTTP2} {
		v, fields := harness.Variant{Stream: true, Transport: over}, 5000
		if over == harness.TlsHTTP2 {
			fields = 1200 // each counts as 32 bytes more
		}
		t.Run(v.String(), func(t *testing.T) {
			fat := false
			hang, hung := make(chan struct{}), make(chan struct{}, streams)
			s := newScene(t, v, plan{ways: harness.Ways[:1], handle: func(w http.ResponseWriter, r *http.Request) {
				if fat {
					for i := range fields {
						w.Header()[fmt.Sprintf("A%d", i)] = []string{""}
					}
				}
				v.Begin(w, r, harness.FromFaulty)
				hung <- struct{}{}
				<-hang
				harness.Say(w, harness.VoiceFor(r).Closing())
			}})
			held := func() int64 {
				var calls sync.WaitGroup
				before := int64(liveHeap())
				for range streams {
					calls.Go(func() { s.call(t.Context(), s.ways[0], harness.Ear{}) })
				}
				for range streams {
					<-hung
				}
				s.Eventually("all have begun", func() bool { return s.Server.Pool().OpenBodies() == streams })
				runtime.Gosched()
				live := int64(liveHeap()) - before
				close(hang)
				calls.Wait()
				hang = make(chan struct{})
				return live
			}
			_ = held() // connections
			lean := held()
			fat = true
			more := held() - lean
			if over == harness.PlainHTTP {
				atServer = more // the test's own upstream has a part in it
			}
			require.Less(t, more, atServer+streams*(128<<10), "bytes that are alive")
			s.quiet()
		})
	}
}

// TestALengthThatOverflowsIsAnAnswerThatIsTooLarge announces the largest length that a header can say, of which no sum may be made.
func TestALengthThatOverflowsIsAnAnswerThatIsTooLarge(t *testing.T) {
	harness.InMatrix(t, "F3")
	for _, over := range []harness.Transport{harness.PlainHTTP, harness.TlsHTTP1} {
		for _, length := range []string{"9223372036854775807", "9223372036854775806", "999999999999999999", "67108865"} {
			t.Run(over.String()+" "+length, func(t *testing.T) {
				v := harness.Variant{Transport: over}
				s := newScene(t, v, plan{ways: harness.Ways[:4], handle: func(w http.ResponseWriter, r *http.Request) {
					conn, _, err := http.NewResponseController(w).Hijack()
					if err != nil {
						return
					}
					_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n{}", length)
					_ = conn.Close()
				}})
				ends := s.callAll(t.Context(), harness.Ear{})
				s.quiet()
				for _, w := range s.ways {
					require.Equal(t, http.StatusBadGateway, ends[w.Name].Status)
					for _, as := range s.outcomesOf(w.Name) {
						require.Equal(t, outcome.TooLarge, as)
					}
				}
			})
		}
	}
}
