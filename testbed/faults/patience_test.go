package faults

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// F8, the other half: what is only slow is not cut. Each of these lasts longer than every clock that could end it.

// TestAHealthyStreamOutlivesEveryClock goes on for longer than any phase may take, first with events, then for longer than it may
// be silent with nothing but signs of life, then with events again.
func TestAHealthyStreamOutlivesEveryClock(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F8")
	const clocks, pace, ticks, pings = "header: 6s, first_token: 3s, idle: 2500ms", 100 * time.Millisecond, 45, 30
	harness.InEveryVariant(t, func(v harness.Variant) bool { return v.Stream && !v.Second }, func(t *testing.T, v harness.Variant) {
		t.Parallel()
		s := newScene(t, v, plan{timeouts: clocks, handle: func(w http.ResponseWriter, r *http.Request) {
			v.Begin(w, r, harness.FromFaulty)
			n := 0
			harness.Every(r, pace, func() bool {
				switch n++; {
				case n <= ticks:
					harness.Say(w, harness.VoiceFor(r).More("and more "))
				case n <= ticks+pings:
					harness.Say(w, harness.VoiceFor(r).KeepAlive())
				default:
					harness.Say(w, harness.VoiceFor(r).More("at last")+harness.VoiceFor(r).Closing())
					return false
				}
				return true
			})
		}})
		s.before = harness.AmongOthers
		began := time.Now()
		all := s.callAll(context.Background(), harness.Ear{})
		require.Greater(t, time.Since(began), (ticks+pings)*pace-pace, "or the test proves nothing")
		s.requireEnding(t, all, harness.Ending{Outcome: outcome.Completed})
		for _, w := range harness.Ways {
			require.Equal(t, ticks, strings.Count(all[w.Name].Text, "and more "))
		}
	})
}

// TestAClientThatReadsSlowlyIsNotTakenForASilentUpstream takes longer over an event than the upstream may be silent.
func TestAClientThatReadsSlowlyIsNotTakenForASilentUpstream(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F8")
	const clocks = "idle: 2s"
	harness.InEveryVariant(t, func(v harness.Variant) bool { return v.Stream && !v.Second }, func(t *testing.T, v harness.Variant) {
		const much = 256 << 10
		goOn, goingOn := map[string]chan struct{}{}, map[string]func(){}
		for _, w := range harness.Ways {
			c := make(chan struct{})
			goOn[w.Name], goingOn[w.Name] = c, sync.OnceFunc(func() { close(c) })
		}
		t.Parallel()
		s := newScene(t, v, plan{timeouts: clocks, options: []harness.RelayOption{harness.WithListener(harness.Narrow)}, handle: func(w http.ResponseWriter, r *http.Request) {
			v.Begin(w, r, harness.FromFaulty)
			harness.Say(w, harness.VoiceFor(r).More(padding[:much]))
			select {
			case <-goOn[harness.ModelOf(r)]:
				harness.Say(w, harness.VoiceFor(r).Closing())
			case <-r.Context().Done():
			}
		}})
		s.before = harness.AmongOthers
		s.Client = harness.LazyClient()
		tick := time.NewTicker(20 * time.Millisecond) // for all clients together, and every 4 KiB at the most
		defer tick.Stop()
		all := s.callAll(context.Background(), harness.Ear{Told: func(w harness.Way, soFar string) {
			<-tick.C
			if len(soFar) > much/2 { // the relay is still busy with the rest, and will not wait for the upstream
				goingOn[w.Name]()
			}
		}})
		s.requireEnding(t, all, harness.Ending{Outcome: outcome.Completed})
		for _, a := range s.Recorded() {
			if a.Outcome == outcome.Completed {
				require.Greater(t, a.Duration, 2500*time.Millisecond, "or the test proves nothing")
			}
		}
	})
}
