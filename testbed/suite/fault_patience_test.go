package suite

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
)

// F8, the other half: what is only slow is not cut. Each of these lasts longer than every clock that could end it.

// TestAHealthyStreamOutlivesEveryClock goes on for longer than any phase may take, first with events, then for longer than it may
// be silent with nothing but signs of life, then with events again.
func TestAHealthyStreamOutlivesEveryClock(t *testing.T) {
	long(t)
	inMatrix(t, "F8")
	const clocks, pace, ticks, pings = "header: 6s, first_token: 3s, idle: 2500ms", 100 * time.Millisecond, 45, 30
	inEveryVariant(t, func(v variant) bool { return v.stream && !v.second }, func(t *testing.T, v variant) {
		t.Parallel()
		s := newScene(t, v, plan{timeouts: clocks, handle: func(w http.ResponseWriter, r *http.Request) {
			v.begin(w, r, fromFaulty)
			n := 0
			every(r, pace, func() bool {
				switch n++; {
				case n <= ticks:
					say(w, voiceFor(r).more("and more "))
				case n <= ticks+pings:
					say(w, voiceFor(r).keepAlive())
				default:
					say(w, voiceFor(r).more("at last")+voiceFor(r).closing())
					return false
				}
				return true
			})
		}})
		s.before = amongOthers
		began := time.Now()
		all := s.callAll(context.Background(), ear{})
		require.Greater(t, time.Since(began), (ticks+pings)*pace-pace, "or the test proves nothing")
		s.requireEnding(t, all, ending{outcome: outcome.Completed})
		for _, w := range ways {
			require.Equal(t, ticks, strings.Count(all[w.name].text, "and more "))
		}
	})
}

// TestAClientThatReadsSlowlyIsNotTakenForASilentUpstream takes longer over an event than the upstream may be silent.
func TestAClientThatReadsSlowlyIsNotTakenForASilentUpstream(t *testing.T) {
	long(t)
	inMatrix(t, "F8")
	const clocks = "idle: 2s"
	inEveryVariant(t, func(v variant) bool { return v.stream && !v.second }, func(t *testing.T, v variant) {
		const much = 256 << 10
		goOn, goingOn := map[string]chan struct{}{}, map[string]func(){}
		for _, w := range ways {
			c := make(chan struct{})
			goOn[w.name], goingOn[w.name] = c, sync.OnceFunc(func() { close(c) })
		}
		t.Parallel()
		s := newScene(t, v, plan{timeouts: clocks, options: []relayOption{withListener(narrow)}, handle: func(w http.ResponseWriter, r *http.Request) {
			v.begin(w, r, fromFaulty)
			say(w, voiceFor(r).more(padding[:much]))
			select {
			case <-goOn[modelOf(r)]:
				say(w, voiceFor(r).closing())
			case <-r.Context().Done():
			}
		}})
		s.before = amongOthers
		s.client = lazyClient()
		tick := time.NewTicker(20 * time.Millisecond) // for all clients together, and every 4 KiB at the most
		defer tick.Stop()
		all := s.callAll(context.Background(), ear{told: func(w way, soFar string) {
			<-tick.C
			if len(soFar) > much/2 { // the relay is still busy with the rest, and will not wait for the upstream
				goingOn[w.name]()
			}
		}})
		s.requireEnding(t, all, ending{outcome: outcome.Completed})
		for _, a := range s.recorded() {
			if a.Outcome == outcome.Completed {
				require.Greater(t, a.Duration, 2500*time.Millisecond, "or the test proves nothing")
			}
		}
	})
}
