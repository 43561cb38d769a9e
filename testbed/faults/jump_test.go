package faults

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/testbed/harness"
)

// F21: the wall clock is set while keys and channels rest.

// TestRestsLastAsLongAsTheyDoWhateverTheWallClockSays has keys that rest because their upstream said for how long, and channels that
// rest because they failed, sets the clock, and looks who is asked again and when.
func TestRestsLastAsLongAsTheyDoWhateverTheWallClockSays(t *testing.T) {
	harness.InMatrix(t, "F21")
	const rest = 2 * time.Minute
	limited := harness.WaysOf("a key that is over its limit", "")
	failing := harness.WaysOf("a channel that fails", "")
	for name, step := range map[string]time.Duration{"back by an hour": -time.Hour, "ahead by an hour": time.Hour} {
		t.Run(name, func(t *testing.T) {
			harness.InEveryVariant(t, func(v harness.Variant) bool { return !v.Last }, func(t *testing.T, v harness.Variant) {
				var clock machine
				var well atomic.Bool
				s := newScene(t, v, plan{ways: append(limited[:len(limited):len(limited)], failing...), options: []harness.RelayOption{clock.of},
					handle: func(w http.ResponseWriter, r *http.Request) {
						switch {
						case well.Load():
							v.Answer(w, r, harness.FromFaulty)
						case caseOf(r) == limited[0].Of:
							w.Header().Set("Retry-After", strconv.Itoa(int(rest.Seconds())))
							w.WriteHeader(http.StatusTooManyRequests)
							harness.Say(w, harness.VoiceFor(r).Complaint("rate_limit_error", "rate_limit_exceeded", harness.Complained))
						default:
							panic(http.ErrAbortHandler) // again and again, until the channel rests
						}
					}})
				s.callUntilResting(t)
				asked := s.faulty.Requests.Load()
				before := s.snapshots()

				clock.set(step)
				for _, w := range s.ways {
					now := s.Server.Pool().Set().Get(w.Name).Snapshot(clock.now())
					require.Equal(t, before[w.Name].State, now.State, w.About)
					require.Equal(t, before[w.Name].Keys, now.Keys, w.About)
					require.InDelta(t, before[w.Name].RetryIn, now.RetryIn, 60, "as long as it was, but for what the test takes")
				}
				for _, w := range limited {
					h := s.call(context.Background(), w, harness.Ear{})
					require.NoError(t, h.Err)
					if v.Second {
						w.RequireAnswer(t, v, h, harness.FromHealthy)
						continue
					}
					require.Equal(t, http.StatusTooManyRequests, h.Status, h.Text)
				}
				require.Equal(t, asked, s.faulty.Requests.Load(), "nobody asks a key that rests, whatever time it is")

				well.Store(true)
				clock.pass(rest + time.Second)
				all := s.callAll(context.Background(), harness.Ear{})
				for _, w := range s.ways {
					require.NoError(t, all[w.Name].Err)
					w.RequireAnswer(t, v, all[w.Name], harness.FromFaulty)
				}
				s.quiet()
				for _, w := range s.ways {
					snapshot := s.Server.Pool().Set().Get(w.Name).Snapshot(clock.now())
					require.Equal(t, channel.Healthy, snapshot.State, w.About)
					require.Zero(t, snapshot.RetryIn, w.About)
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
		s.callAll(context.Background(), harness.Ear{})
	}
	t.Fatal("not everything rests")
}

func (s *scene) snapshots() map[string]channel.Snapshot {
	all := map[string]channel.Snapshot{}
	for _, w := range s.ways {
		all[w.Name] = s.Server.Pool().Set().Get(w.Name).Snapshot(time.Now())
	}
	return all
}

// machine is a machine's clocks: the wall clock can be set, and time passes on both.
type machine struct{ step, passed atomic.Int64 }

func (m *machine) of(c *harness.RelayConfig) { c.Now = m.now }

func (m *machine) now() time.Time {
	return harness.Stepped(time.Now().Add(time.Duration(m.passed.Load())), time.Duration(m.step.Load()))
}

func (m *machine) set(step time.Duration) { m.step.Store(int64(step)) }

func (m *machine) pass(d time.Duration) { m.passed.Add(int64(d)) }
