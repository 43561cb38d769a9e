package suite

import (
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
)

// TestAnUpstreamsHeaderIsBounded: what is parsed takes some twenty times the bytes that came.
func TestAnUpstreamsHeaderIsBounded(t *testing.T) {
	inMatrix(t, "F15")
	inSomeVariants(t, func(v variant) bool { return !v.last && !v.second }, func(t *testing.T, v variant) {
		fields := 20_000
		if v.transport.http2() {
			fields = 1900 // each counts as 32 bytes more; where far more come, net/http breaks the connection
		}
		s := newScene(t, v, plan{handle: func(w http.ResponseWriter, r *http.Request) {
			for i := range fields {
				w.Header()[fmt.Sprintf("A%d", i)] = []string{""}
			}
			v.answer(w, r, fromFaulty)
		}})
		s.requireEnding(t, s.callAll(t.Context(), ear{}), ending{outcome: outcome.TooLarge, status: http.StatusBadGateway, code: "too_large"})
	})
}

// TestAStreamDoesNotKeepItsUpstreamsHeader has many streams whose headers are as large as they may be.
func TestAStreamDoesNotKeepItsUpstreamsHeader(t *testing.T) {
	long(t)
	inMatrix(t, "F15")
	const streams = 40
	atServer := int64(0)
	for _, over := range []transport{plainHTTP, tlsHTTP1, tlsHTTP2} {
		v, fields := variant{stream: true, transport: over}, 5000
		if over == tlsHTTP2 {
			fields = 1200 // each counts as 32 bytes more
		}
		t.Run(v.String(), func(t *testing.T) {
			fat := false
			hang, hung := make(chan struct{}), make(chan struct{}, streams)
			s := newScene(t, v, plan{ways: ways[:1], handle: func(w http.ResponseWriter, r *http.Request) {
				if fat {
					for i := range fields {
						w.Header()[fmt.Sprintf("A%d", i)] = []string{""}
					}
				}
				v.begin(w, r, fromFaulty)
				hung <- struct{}{}
				<-hang
				say(w, voiceFor(r).closing())
			}})
			held := func() int64 {
				var calls sync.WaitGroup
				before := int64(liveHeap())
				for range streams {
					calls.Go(func() { s.call(t.Context(), s.ways[0], ear{}) })
				}
				for range streams {
					<-hung
				}
				s.eventually("all have begun", func() bool { return s.server.Pool().OpenBodies() == streams })
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
			if over == plainHTTP {
				atServer = more // the test's own upstream has a part in it
			}
			require.Less(t, more, atServer+streams*(128<<10), "bytes that are alive")
			s.quiet()
		})
	}
}

// TestALengthThatOverflowsIsAnAnswerThatIsTooLarge announces the largest length that a header can say, of which no sum may be made.
func TestALengthThatOverflowsIsAnAnswerThatIsTooLarge(t *testing.T) {
	inMatrix(t, "F3")
	for _, over := range []transport{plainHTTP, tlsHTTP1} {
		for _, length := range []string{"9223372036854775807", "9223372036854775806", "999999999999999999", "67108865"} {
			t.Run(over.String()+" "+length, func(t *testing.T) {
				v := variant{transport: over}
				s := newScene(t, v, plan{ways: ways[:4], handle: func(w http.ResponseWriter, r *http.Request) {
					conn, _, err := http.NewResponseController(w).Hijack()
					if err != nil {
						return
					}
					_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n{}", length)
					_ = conn.Close()
				}})
				ends := s.callAll(t.Context(), ear{})
				s.quiet()
				for _, w := range s.ways {
					require.Equal(t, http.StatusBadGateway, ends[w.name].status)
					for _, as := range s.outcomesOf(w.name) {
						require.Equal(t, outcome.TooLarge, as)
					}
				}
			})
		}
	}
}
