package responses

import (
	"math/rand/v2"
	"strconv"
	"time"

	"one-api/relay/format"
	"one-api/relay/llm"
	"one-api/relay/wire"
)

// now is when an answer was made. Not every provider says; when it begins to come is near enough.
var now = func() int64 { return time.Now().Unix() }

// ownMark is in every id that the relay makes: no provider has ever heard of what it names.
const ownMark = wire.OwnMark

// encoder makes of events a stream of the Responses API: response.created, response.in_progress, items one after the other, each from
// output_item.added to output_item.done with all that is in between, and one end with the whole response.
//
// All that an answer says is kept until its end, which repeats it.
type encoder struct {
	out     format.JSON
	err     error
	kept    *kept
	id      string // of this answer, that all ids have in them
	own     string // the response's, if somebody else has begun it; empty: it is made of id
	model   string
	created int64
	number  int64 // the next sequence_number
	started bool
	ended   bool
	items   []*entry
	current *entry // the message or the reasoning that is open
	calls   map[int]*entry
	reason  wire.EndReason
	cut     bool // what is open now was cut by a limit or a filter
	size    int
}

// mostItems and mostKept are how many items an answer may have, and how many bytes.
const (
	mostItems = 4096
	mostKept  = 32 << 20
)

// Stream makes what turns the events of an answer into a stream.
func (client) Stream(r *llm.Request) format.Encoder { return newEncoder(r) }

func newEncoder(r *llm.Request) *encoder {
	//nolint:gosec // an id need not be secret
	return &encoder{kept: keptOf(r), id: strconv.FormatUint(rand.Uint64()|1<<63, 36), created: now()}
}

func (e *encoder) Begin()        { e.out = e.out[:0] }
func (e *encoder) Out() []byte   { return e.out }
func (e *encoder) Err() error    { return e.err }
func (e *encoder) Retained() int { return e.size }

// Take adds what an event becomes.
func (e *encoder) Take(event *llm.Event) {
	switch event.Step {
	case llm.Started:
		e.start(event.Model)
	case llm.Said:
		e.say(false, event.Text)
	case llm.Refused:
		e.say(true, event.Text)
	case llm.Thought:
		e.think(event.Text)
	case llm.Signed:
		if i := e.current; i == nil || i.kind != aReasoning || i.sealed != "" {
			e.begin(&entry{kind: aReasoning})
		}
		e.grow(len(event.Text))
		e.current.sealed = event.Text
	case llm.Sealed:
		e.begin(&entry{kind: aReasoning, sealed: event.Text})
		e.grow(len(event.Text))
		e.leave()
	case llm.Called:
		e.call(event)
	case llm.Given:
		e.give(event)
	case llm.CallEnded:
		if i := e.calls[event.Call]; i != nil {
			e.finish(i)
		}
	case llm.Finished:
		e.reason = event.Reason
	case llm.Other: // the format may have a place for it, but nobody says what it was
	}
}

func (e *encoder) start(model string) {
	if e.started {
		return
	}
	e.started, e.model = true, model
	for _, name := range [...]string{"response.created", "response.in_progress"} {
		j := e.event(name)
		j.Key("response")
		e.response(j, snapshot{status: "in_progress"})
		e.send(j)
	}
}

// event begins an event; send ends it.
func (e *encoder) event(name string) *format.JSON {
	j := append(append(append(e.out, "event: "...), name...), "\ndata: "...)
	j.Open('{')
	j.String("type", name)
	j.Int("sequence_number", e.number)
	e.number++
	e.out = j
	return &e.out
}

func (*encoder) send(j *format.JSON) {
	j.Close('}')
	*j = append(*j, "\n\n"...)
}

func (e *encoder) grow(n int) {
	if e.size += n; e.size > mostKept && e.err == nil {
		e.err = format.Malformed("the answer is longer than a converted one may be")
	}
}

// closeAll closes what is open.
func (e *encoder) closeAll() {
	for _, i := range e.items {
		e.finish(i)
	}
	e.current = nil
}

// End adds what ends a stream in good order.
func (e *encoder) End(u wire.Usage) {
	if e.ended {
		return
	}
	e.ended = true
	e.start("")
	s := ending(e.reason)
	s.usage, e.cut = &u, s.why != ""
	e.closeAll()
	j := e.event("response." + s.status)
	j.Key("response")
	e.response(j, s)
	e.send(j)
}

// Failed is format.Failing's: what ends a stream that did not come to its end.
func (e *encoder) Failed(failed *wire.Error, requestID string) []byte {
	if !e.started || e.ended {
		return nil
	}
	e.ended = true
	e.Begin()
	j := e.event("response.failed")
	j.Key("response")
	e.response(j, snapshot{status: "failed", failed: failed, requestID: requestID})
	e.send(j)
	return e.out
}
