package suite

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
)

// F21: the wall clock is set while keys and channels rest.

// TestRestsLastAsLongAsTheyDoWhateverTheWallClockSays has keys that rest because their upstream said for how long, and channels that
// rest because they failed, sets the clock, and looks who is asked again and when.
func TestRestsLastAsLongAsTheyDoWhateverTheWallClockSays(t *testing.T) {
	inMatrix(t, "F21")
	const rest = 2 * time.Minute
	limited := waysOf("a key that is over its limit", "")
	failing := waysOf("a channel that fails", "")
	for name, step := range map[string]time.Duration{"back by an hour": -time.Hour, "ahead by an hour": time.Hour} {
		t.Run(name, func(t *testing.T) {
			inEveryVariant(t, func(v variant) bool { return !v.last }, func(t *testing.T, v variant) {
				var clock machine
				var well atomic.Bool
				s := newScene(t, v, plan{ways: append(limited[:len(limited):len(limited)], failing...), options: []relayOption{clock.of},
					handle: func(w http.ResponseWriter, r *http.Request) {
						switch {
						case well.Load():
							v.answer(w, r, fromFaulty)
						case caseOf(r) == limited[0].of:
							w.Header().Set("Retry-After", strconv.Itoa(int(rest.Seconds())))
							w.WriteHeader(http.StatusTooManyRequests)
							say(w, voiceFor(r).complaint("rate_limit_error", "rate_limit_exceeded", complained))
						default:
							panic(http.ErrAbortHandler) // again and again, until the channel rests
						}
					}})
				s.callUntilResting(t)
				asked := s.faulty.requests.Load()
				before := s.snapshots()

				clock.set(step)
				for _, w := range s.ways {
					now := s.server.Pool().Set().Get(w.name).Snapshot(clock.now())
					require.Equal(t, before[w.name].State, now.State, w.about)
					require.Equal(t, before[w.name].Keys, now.Keys, w.about)
					require.InDelta(t, before[w.name].RetryIn, now.RetryIn, 60, "as long as it was, but for what the test takes")
				}
				for _, w := range limited {
					h := s.call(context.Background(), w, ear{})
					require.NoError(t, h.err)
					if v.second {
						w.requireAnswer(t, v, h, fromHealthy)
						continue
					}
					require.Equal(t, http.StatusTooManyRequests, h.status, h.text)
				}
				require.Equal(t, asked, s.faulty.requests.Load(), "nobody asks a key that rests, whatever time it is")

				well.Store(true)
				clock.pass(rest + time.Second)
				all := s.callAll(context.Background(), ear{})
				for _, w := range s.ways {
					require.NoError(t, all[w.name].err)
					w.requireAnswer(t, v, all[w.name], fromFaulty)
				}
				s.quiet()
				for _, w := range s.ways {
					snapshot := s.server.Pool().Set().Get(w.name).Snapshot(clock.now())
					require.Equal(t, channel.Healthy, snapshot.State, w.about)
					require.Zero(t, snapshot.RetryIn, w.about)
				}
			})
		})
	}
}

// callUntilResting makes every way's calls until its channel or its key rests.
func (s *scene) callUntilResting(t *testing.T) {
	t.Helper()
	for range 20 {
		resting := 0
		for _, snapshot := range s.snapshots() {
			if snapshot.RetryIn > 0 {
				resting++
			}
		}
		if resting == len(s.ways) {
			return
		}
		s.callAll(context.Background(), ear{})
	}
	t.Fatal("not everything rests")
}

func (s *scene) snapshots() map[string]channel.Snapshot {
	all := map[string]channel.Snapshot{}
	for _, w := range s.ways {
		all[w.name] = s.server.Pool().Set().Get(w.name).Snapshot(time.Now())
	}
	return all
}

// machine is a machine's clocks: the wall clock can be set, and time passes on both.
type machine struct{ step, passed atomic.Int64 }

func (m *machine) of(c *relayConfig) { c.now = m.now }

func (m *machine) now() time.Time {
	return stepped(time.Now().Add(time.Duration(m.passed.Load())), time.Duration(m.step.Load()))
}

func (m *machine) set(step time.Duration) { m.step.Store(int64(step)) }

func (m *machine) pass(d time.Duration) { m.passed.Add(int64(d)) }
