package faults

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/relay/record"
	"one-api/testbed/harness"
)

func TestAPanicInAnAdaptorEndsOneRequest(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F5")
	failed := harness.Ending{Outcome: outcome.Panic, Status: http.StatusInternalServerError, Code: "internal_error", Final: true}
	unsent, cut := failed, failed
	unsent.Unsent, cut.Cut = true, true
	for name, tc := range map[string]struct {
		at     string
		fits   func(harness.Variant) bool
		status int // the upstream's; 0: 200
		ending harness.Ending
	}{
		"making the request":        {"Request", nil, 0, unsent},
		"making the translator":     {"Answer", nil, 0, failed},
		"translating the answer":    {"Whole", harness.Whole, 0, failed},
		"reading an error":          {"Failure", nil, http.StatusServiceUnavailable, failed},
		"translating an event":      {"Event", harness.Streaming, 0, failed},
		"translating a later event": {"a later Event", harness.Streaming, 0, cut},
	} {
		t.Run(name, func(t *testing.T) {
			harness.InEveryVariant(t, tc.fits, func(t *testing.T, v harness.Variant) {
				tremor := harness.WithShakyProviders(t)
				s := newScene(t, v, plan{kinds: harness.Shaky, handle: func(w http.ResponseWriter, r *http.Request) {
					if now := tremor.At.Load(); now != nil && *now != "" && tc.status != 0 {
						w.WriteHeader(tc.status)
						return
					}
					v.Header(w)
					if v.Stream {
						harness.Say(w, harness.VoiceFor(r).Opening(harness.FromFaulty))
						harness.Say(w, harness.VoiceFor(r).More("shake")+harness.VoiceFor(r).Closing())
						return
					}
					harness.Say(w, harness.VoiceFor(r).Whole(harness.FromFaulty))
				}})
				tremor.Set(tc.at, 0)
				s.requireEnding(t, s.callAll(context.Background(), harness.Ear{}), tc.ending)
				require.Equal(t, len(harness.Ways), strings.Count(s.Log.String(), "panic in an attempt"))

				tremor.Set("", 0)
				s.requireNextCallsAnswered(t)
			})
		})
	}
}

// TestAPanicInSelectionEndsOneRequest panics while a channel is chosen, where no attempt has begun: the clock that rests go by is
// all that selection asks.
func TestAPanicInSelectionEndsOneRequest(t *testing.T) {
	harness.InMatrix(t, "F5")
	harness.InEveryVariant(t, nil, func(t *testing.T, v harness.Variant) {
		broken := &harness.Tremor{}
		clock := func(c *harness.RelayConfig) {
			c.Now = func() time.Time {
				if isCalledBy("(*Set).Begin") {
					broken.Strike("Begin")
				}
				return time.Now()
			}
		}
		s := newScene(t, v, plan{options: []harness.RelayOption{clock}, handle: func(w http.ResponseWriter, r *http.Request) { v.Answer(w, r, harness.FromFaulty) }})
		for _, w := range harness.Ways {
			broken.Set("Begin", int64(s.attemptsAhead()))
			h := s.call(context.Background(), w, harness.Ear{})
			w.RequireError(t, h, harness.Ending{Status: http.StatusInternalServerError, Code: "internal_error"})
		}
		broken.Set("", 0)
		s.quiet()
		for _, w := range harness.Ways {
			require.Empty(t, s.outcomesOf(w.Name))
			require.Len(t, s.outcomesOf(ahead(w)), s.attemptsAhead())
			require.Len(t, s.endsOf(w.Name), 1)
			require.Equal(t, outcome.Panic, s.endsOf(w.Name)[0].Outcome)
		}
		require.Zero(t, s.faulty.Requests.Load())
		s.requireNextCallsAnswered(t)
	})
}

// isCalledBy reports whether a function of that name is on the stack.
func isCalledBy(name string) bool {
	stack := make([]uintptr, 32)
	frames := runtime.CallersFrames(stack[:runtime.Callers(2, stack)])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, name) {
			return true
		}
		if !more {
			return false
		}
	}
}

// TestAPanicOverTheUsageDoesNotUndoTheAnswer panics when the answer has been sent, where the attempt is only being counted.
func TestAPanicOverTheUsageDoesNotUndoTheAnswer(t *testing.T) {
	harness.InMatrix(t, "F5")
	harness.InEveryVariant(t, nil, func(t *testing.T, v harness.Variant) {
		tremor := harness.WithShakyProviders(t)
		s := newScene(t, v, plan{kinds: harness.Shaky, handle: func(w http.ResponseWriter, r *http.Request) { v.Answer(w, r, harness.FromFaulty) }})
		tremor.Set("Usage", 0)
		s.requireEnding(t, s.callAll(context.Background(), harness.Ear{}), harness.Ending{Outcome: outcome.Completed})
		require.Equal(t, len(harness.Ways), strings.Count(s.Log.String(), "panic in a lane's usage"))
		tremor.Set("", 0)
		s.requireNextCallsAnswered(t)
	})
}

func TestAPanicInTheRecorderCostsNobodyAnAnswer(t *testing.T) {
	harness.InMatrix(t, "F5")
	for name, tc := range map[string]struct {
		recorders harness.RelayOption
		records   func(s *scene) int // how many there were
	}{
		"of attempts": {harness.WithRecorders(func(*record.Attempt) { panic("the recorder is broken") }, nil),
			func(s *scene) int { return len(s.Recorded()) }},
		"of requests": {harness.WithRecorders(nil, func(*record.End) { panic("the recorder is broken") }),
			func(s *scene) int { return len(s.RequestEnds()) }},
	} {
		t.Run(name, func(t *testing.T) {
			harness.InEveryVariant(t, nil, func(t *testing.T, v harness.Variant) {
				s := newScene(t, v, plan{options: []harness.RelayOption{tc.recorders}, handle: func(w http.ResponseWriter, r *http.Request) { v.Answer(w, r, harness.FromFaulty) }})
				s.requireEnding(t, s.callAll(context.Background(), harness.Ear{}), harness.Ending{Outcome: outcome.Completed})
				require.Equal(t, tc.records(s), strings.Count(s.Log.String(), "panic in the recorder"))
				s.requireNextCallsAnswered(t)
			})
		})
	}
}

// requireNextCallsAnswered is for the requests after the one that failed.
func (s *scene) requireNextCallsAnswered(t *testing.T) {
	t.Helper()
	all := s.callAll(context.Background(), harness.Ear{})
	s.quiet()
	for _, w := range harness.Ways {
		w.RequireAnswer(t, s.Variant, all[w.Name], harness.FromFaulty)
		s.requireUnharmed(t, w.Name)
	}
}
