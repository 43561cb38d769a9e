package gemini

import (
	"one-api/relay/format"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// mostCandidates is how many candidates of an answer are told apart: the API gives eight at the most.
const mostCandidates = 64

// inspector passes answers on to clients that speak the provider's own format. It looks, and changes nothing.
type inspector struct {
	usage        tally
	unknown      string
	begun, ended uint64 // candidates, by their index
	blocked      bool
	scratch      []byte
}

func (t *inspector) Whole(body []byte) ([]byte, error) {
	a, err := scanWhole(body)
	if err != nil {
		return nil, err
	}
	content, fault := t.look(&a)
	switch {
	case fault != nil:
		return nil, fault
	case !content && t.ended == 0 && !t.blocked:
		return nil, format.Malformed("the answer says nothing, and has neither a finishReason nor a blockReason")
	}
	return body, nil
}

// look notes what an answer, or an event, says. It reports whether there is a part of the answer in it. A fault: it has failed.
func (t *inspector) look(a *answer) (content bool, fault *format.Fault) {
	t.usage.note(a.usage)
	a.each(func(c *candidate) {
		bit := uint64(1) << (uint64(max(c.index, 0)) % mostCandidates)
		t.begun |= bit
		end := wire.EndReasonOf(c.end)
		if end != wire.NotEnded {
			t.ended |= bit
		}
		switch end {
		case wire.EndedSomehow:
			t.unknown = wire.EndWord(c.end)
		case wire.EndedBadly:
			fault = format.BadEnd(wire.EndWord(c.end))
		default:
		}
		c.each(func(p *part) { content = content || p.says() })
	})
	t.blocked = t.blocked || a.blocked() != ""
	return content, fault
}

func (t *inspector) Event(event sse.Event) (format.Chunk, error) {
	if format.IsTerminator(event.Data) {
		return t.End()
	}
	if format.IsSilent(event) {
		return format.Chunk{}, nil // clients decode what is in every event
	}
	a, err := scanEvent(event)
	if err != nil {
		return format.Chunk{}, err
	}
	before := t.ended
	content, fault := t.look(&a)
	if fault != nil {
		return format.Chunk{}, fault
	}
	return format.Chunk{Out: event.PassedOn(&t.scratch), Content: content, Preamble: !content && t.ended == before && !t.blocked}, nil
}

// End is called when a stream ends: nothing but that tells its end.
func (t *inspector) End() (format.Chunk, error) {
	if !t.Complete() {
		return format.Chunk{}, format.Truncated("the stream ended before every candidate had its finishReason")
	}
	return format.Chunk{Done: true}, nil
}

// Complete reports whether every candidate has said why it ends, or the prompt was blocked.
func (t *inspector) Complete() bool { return t.blocked || t.begun != 0 && t.begun == t.ended }

func (t *inspector) Usage() wire.Usage { return t.usage.neutral() }

func (t *inspector) UnknownEnd() string { return t.unknown }
