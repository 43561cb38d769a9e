package suite

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay"
	"one-api/relay/config"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/record"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// F5: a panic in a lane, in selection, in the recorder.

const shaky = "shaky-" // the prefix of the channel types whose lanes panic

// tremor is where the shaky lanes panic.
type tremor struct {
	at    atomic.Pointer[string]
	after atomic.Int64 // how many calls go well before
}

func (s *tremor) set(at string, after int64) {
	s.after.Store(after)
	s.at.Store(&at)
}

func (s *tremor) strike(at string) {
	if now := s.at.Load(); now != nil && *now == at && s.after.Add(-1) < 0 {
		panic("the lane is broken at " + at)
	}
}

type shakyLane struct {
	lane.Lane
	*tremor
}

func (l shakyLane) Request(c *lane.Call, t lane.Target) (lane.Request, error) {
	l.strike("Request")
	return l.Lane.Request(c, t)
}

func (l shakyLane) Answer(c *lane.Call, sent *lane.Converted) lane.Translator {
	l.strike("Answer")
	return shakyTranslator{l.Lane.Answer(c, sent), l.tremor}
}

// shakyLanes are those of a provider, and panic.
func shakyLanes(of func(*config.Channel) lane.Lanes, s *tremor) func(*config.Channel) lane.Lanes {
	return func(c *config.Channel) lane.Lanes {
		lanes := of(c)
		for i, lane := range lanes {
			if lane != nil {
				lanes[i] = shakyLane{lane, s}
			}
		}
		return lanes
	}
}

type shakyTranslator struct {
	lane.Translator
	*tremor
}

func (t shakyTranslator) Whole(body []byte) ([]byte, error) {
	t.strike("Whole")
	return t.Translator.Whole(body)
}

func (t shakyTranslator) Event(e sse.Event) (lane.Step, error) {
	t.strike("Event")
	if bytes.Contains(e.Data, []byte("shake")) {
		t.strike("a later Event")
	}
	return t.Translator.Event(e)
}

func (t shakyTranslator) Usage() wire.Usage {
	t.strike("Usage")
	return t.Translator.Usage()
}

// withShakyProviders adds a type that can panic for each one that there is.
func withShakyProviders(t *testing.T) *tremor {
	before, s := maps.Clone(relay.Providers), &tremor{}
	for name, p := range before {
		correct := p.Correct
		p.Lanes = shakyLanes(p.Lanes, s)
		p.Correct = func(f *outcome.Failure) {
			s.strike("Failure")
			if correct != nil {
				correct(f)
			}
		}
		relay.Providers[shaky+name] = p
	}
	t.Cleanup(func() { relay.Providers = before })
	return s
}

func TestAPanicInAnAdaptorEndsOneRequest(t *testing.T) {
	long(t)
	inMatrix(t, "F5")
	failed := ending{outcome: outcome.Panic, status: http.StatusInternalServerError, code: "internal_error", final: true}
	unsent, cut := failed, failed
	unsent.unsent, cut.cut = true, true
	for name, tc := range map[string]struct {
		at     string
		fits   func(variant) bool
		status int // the upstream's; 0: 200
		ending ending
	}{
		"making the request":        {"Request", nil, 0, unsent},
		"making the translator":     {"Answer", nil, 0, failed},
		"translating the answer":    {"Whole", whole, 0, failed},
		"reading an error":          {"Failure", nil, http.StatusServiceUnavailable, failed},
		"translating an event":      {"Event", streaming, 0, failed},
		"translating a later event": {"a later Event", streaming, 0, cut},
	} {
		t.Run(name, func(t *testing.T) {
			inEveryVariant(t, tc.fits, func(t *testing.T, v variant) {
				tremor := withShakyProviders(t)
				s := newScene(t, v, plan{kinds: shaky, handle: func(w http.ResponseWriter, r *http.Request) {
					if now := tremor.at.Load(); now != nil && *now != "" && tc.status != 0 {
						w.WriteHeader(tc.status)
						return
					}
					v.header(w)
					if v.stream {
						say(w, voiceFor(r).opening(fromFaulty))
						say(w, voiceFor(r).more("shake")+voiceFor(r).closing())
						return
					}
					say(w, voiceFor(r).whole(fromFaulty))
				}})
				tremor.set(tc.at, 0)
				s.requireEnding(t, s.callAll(context.Background(), ear{}), tc.ending)
				require.Equal(t, len(ways), strings.Count(s.log.String(), "panic in an attempt"))

				tremor.set("", 0)
				s.requireNextCallsAnswered(t)
			})
		})
	}
}

// TestAPanicInSelectionEndsOneRequest panics while a channel is chosen, where no attempt has begun: the clock that rests go by is
// all that selection asks.
func TestAPanicInSelectionEndsOneRequest(t *testing.T) {
	inMatrix(t, "F5")
	inEveryVariant(t, nil, func(t *testing.T, v variant) {
		broken := &tremor{}
		clock := func(c *relayConfig) {
			c.now = func() time.Time {
				if isCalledBy("(*Set).Begin") {
					broken.strike("Begin")
				}
				return time.Now()
			}
		}
		s := newScene(t, v, plan{options: []relayOption{clock}, handle: func(w http.ResponseWriter, r *http.Request) { v.answer(w, r, fromFaulty) }})
		for _, w := range ways {
			broken.set("Begin", int64(s.attemptsAhead()))
			h := s.call(context.Background(), w, ear{})
			w.requireError(t, h, ending{status: http.StatusInternalServerError, code: "internal_error"})
		}
		broken.set("", 0)
		s.quiet()
		for _, w := range ways {
			require.Empty(t, s.outcomesOf(w.name))
			require.Len(t, s.outcomesOf(w.ahead()), s.attemptsAhead())
			require.Len(t, s.endsOf(w.name), 1)
			require.Equal(t, outcome.Panic, s.endsOf(w.name)[0].Outcome)
		}
		require.Zero(t, s.faulty.requests.Load())
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
	inMatrix(t, "F5")
	inEveryVariant(t, nil, func(t *testing.T, v variant) {
		tremor := withShakyProviders(t)
		s := newScene(t, v, plan{kinds: shaky, handle: func(w http.ResponseWriter, r *http.Request) { v.answer(w, r, fromFaulty) }})
		tremor.set("Usage", 0)
		s.requireEnding(t, s.callAll(context.Background(), ear{}), ending{outcome: outcome.Completed})
		require.Equal(t, len(ways), strings.Count(s.log.String(), "panic in a lane's usage"))
		tremor.set("", 0)
		s.requireNextCallsAnswered(t)
	})
}

func TestAPanicInTheRecorderCostsNobodyAnAnswer(t *testing.T) {
	inMatrix(t, "F5")
	for name, tc := range map[string]struct {
		recorders relayOption
		records   func(s *scene) int // how many there were
	}{
		"of attempts": {withRecorders(func(*record.Attempt) { panic("the recorder is broken") }, nil),
			func(s *scene) int { return len(s.recorded()) }},
		"of requests": {withRecorders(nil, func(*record.End) { panic("the recorder is broken") }),
			func(s *scene) int { return len(s.requestEnds()) }},
	} {
		t.Run(name, func(t *testing.T) {
			inEveryVariant(t, nil, func(t *testing.T, v variant) {
				s := newScene(t, v, plan{options: []relayOption{tc.recorders}, handle: func(w http.ResponseWriter, r *http.Request) { v.answer(w, r, fromFaulty) }})
				s.requireEnding(t, s.callAll(context.Background(), ear{}), ending{outcome: outcome.Completed})
				require.Equal(t, tc.records(s), strings.Count(s.log.String(), "panic in the recorder"))
				s.requireNextCallsAnswered(t)
			})
		})
	}
}

// requireNextCallsAnswered is for the requests after the one that failed.
func (s *scene) requireNextCallsAnswered(t *testing.T) {
	t.Helper()
	all := s.callAll(context.Background(), ear{})
	s.quiet()
	for _, w := range ways {
		w.requireAnswer(t, s.variant, all[w.name], fromFaulty)
		s.requireUnharmed(t, w.name)
	}
}
