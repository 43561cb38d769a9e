package harness

import (
	"bytes"
	"maps"
	"sync/atomic"
	"testing"

	"one-api/relay"
	"one-api/relay/config"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// F5: a panic in a lane, in selection, in the recorder.

const Shaky = "shaky-" // the prefix of the channel types whose lanes panic

// Tremor is where the shaky lanes panic.
type Tremor struct {
	At    atomic.Pointer[string]
	after atomic.Int64 // how many calls go well before
}

func (s *Tremor) Set(at string, after int64) {
	s.after.Store(after)
	s.At.Store(&at)
}

func (s *Tremor) Strike(at string) {
	if now := s.At.Load(); now != nil && *now == at && s.after.Add(-1) < 0 {
		panic("the lane is broken at " + at)
	}
}

type shakyLane struct {
	lane.Lane
	*Tremor
}

func (l shakyLane) Request(c *lane.Call, t lane.Destination) (lane.Outgoing, error) {
	l.Strike("Request")
	return l.Lane.Request(c, t)
}

func (l shakyLane) Answer(c *lane.Call, sent *lane.Converted) lane.Translator {
	l.Strike("Answer")
	return shakyTranslator{l.Lane.Answer(c, sent), l.Tremor}
}

// shakyLanes are those of a provider, and panic.
func shakyLanes(of func(*config.Channel) lane.Lanes, s *Tremor) func(*config.Channel) lane.Lanes {
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
	*Tremor
}

func (t shakyTranslator) Whole(body []byte) ([]byte, error) {
	t.Strike("Whole")
	return t.Translator.Whole(body)
}

func (t shakyTranslator) Event(e sse.Event) (lane.Chunk, error) {
	t.Strike("Event")
	if bytes.Contains(e.Data, []byte("shake")) {
		t.Strike("a later Event")
	}
	return t.Translator.Event(e)
}

func (t shakyTranslator) Usage() wire.Usage {
	t.Strike("Usage")
	return t.Translator.Usage()
}

// WithShakyProviders adds a type that can panic for each one that there is.
func WithShakyProviders(t *testing.T) *Tremor {
	before, s := maps.Clone(relay.Providers), &Tremor{}
	for name, p := range before {
		correct := p.Correct
		p.Lanes = shakyLanes(p.Lanes, s)
		p.Correct = func(f *outcome.Failure) {
			s.Strike("Failure")
			if correct != nil {
				correct(f)
			}
		}
		relay.Providers[Shaky+name] = p
	}
	t.Cleanup(func() { relay.Providers = before })
	return s
}
