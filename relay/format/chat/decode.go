package chat

import (
	"strings"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// padding is what OpenAI puts into the chunks of a stream to hide how long their texts are (stream_options.include_obfuscation).
const padding = `"obfuscation":"`

// decoder turns the answer to a chat completion into events. What it does not need it does not read, and what has another type
// than it should is read for what it may mean: one odd member is no reason to lose an answer.
type decoder struct {
	usage   tally
	unknown string // an end reason in no table
	started bool
	begun   bool // there was a choice
	reason  wire.EndReason
	calls   calls
	seal    *format.Seal
	names   map[string]string
	event   llm.Event        // a piece of text, so that none is allocated for each
	like    jsonscan.Pattern // of the chunks that carry text

	// What is kept of a stream to a client of this very format, whose ids and signatures stay as they are.
	same    bool
	id      string
	created int64
}

// Decode makes what turns one answer into events.
func (server) Decode(t *format.Target) format.Decoder {
	signed := habitsOf(t.Model).signs || t.Quirks != nil && t.Quirks.ThoughtSignatures
	return &decoder{seal: t.Seal, names: t.Names, calls: calls{signed: signed}}
}

func (d *decoder) Usage() wire.Usage  { return d.usage.neutral() }
func (d *decoder) UnknownEnd() string { return d.unknown }
func (d *decoder) Retained() int      { return d.calls.held }
func (d *decoder) Complete() bool     { return d.reason != wire.NotEnded }

// Whole reads a whole answer.
func (d *decoder) Whole(body []byte, to llm.Sink) error {
	var seen members
	if err := seen.answer(body, nil); err != nil {
		return err
	}
	d.usage.note(seen.cost())
	c, found := firstChoice(seen.choices)
	if !found {
		return format.Malformed("a chat completion without a choice")
	}
	end, err := d.endOf(&c)
	if err != nil {
		return err
	}
	d.start(&seen, to)
	var said speech
	said.read(c.message)
	calls := d.called(&said)
	content := d.say(&said, to)
	called, err := d.wholeCalls(calls, end, to)
	switch {
	case err != nil:
		return err
	case end == wire.NotEnded && !content && !called && !said.other:
		return format.Malformed("a chat completion that says nothing, and has no finish_reason")
	}
	to.Take(&llm.Event{Step: llm.Finished, Reason: end})
	return nil
}

// Event reads a chunk.
func (d *decoder) Event(event sse.Event, to llm.Sink) (format.Heard, error) {
	if text, ok := d.like.Text(event.Data); ok && string(event.Name) != "error" {
		d.tell(llm.Said, text, to)
		return format.Heard{Content: true}, nil
	}
	if format.IsTerminator(event.Data) {
		return format.Heard{Done: true}, d.end(to)
	}
	if isKeepAlive(event) {
		return format.Heard{Preamble: true}, nil
	}
	var seen members // not kept: they share the event's memory, which may be large, and the next one may be long in coming
	if err := d.chunk(&seen, event); err != nil {
		return format.Heard{}, err
	}
	c, found := firstChoice(seen.choices)
	cost := seen.costIn(&c)
	d.usage.note(cost)
	d.open(&seen, found, to)
	if c.others {
		d.tell(llm.Other, "", to)
	}
	if !found {
		return format.Heard{Preamble: true}, nil
	}
	d.begun = true
	reason, err := d.endOf(&c)
	if err != nil {
		return format.Heard{}, err
	}
	var said speech
	said.read(c.message)
	calls := d.called(&said)
	content := d.say(&said, to)
	called, err := d.pieces(calls, to)
	if err != nil {
		return format.Heard{}, err
	}
	if reason != wire.NotEnded {
		d.reason = reason
		d.calls.release(d.seal, d.names, to)
	}
	content = content || called
	if cost == nil && reason == wire.NotEnded && said.onlyText() {
		d.like.LearnText(event.Data, written, said.text, padding)
	}
	return format.Heard{Content: content, Preamble: !content}, nil
}

// open starts the answer with the first chunk that says something. Azure's first one has only what its filter found in the prompt:
// neither id nor model nor choice.
func (d *decoder) open(seen *members, found bool, to llm.Sink) {
	if !d.started && (found || !format.IsEmpty(seen.model) || !format.IsEmpty(seen.id)) {
		d.start(seen, to)
	}
	if d.same && d.started && (d.id == "" || d.created == 0) {
		d.keep(seen)
	}
}

// chunk reads what of a chunk has to be known.
func (d *decoder) chunk(seen *members, event sse.Event) error {
	if d.same && d.started {
		return seen.checked(event)
	}
	return seen.chunk(event)
}

// End is for servers that leave the terminator out.
func (d *decoder) End(to llm.Sink) error {
	if !d.Complete() {
		return format.Truncated("the stream ended without its terminator and without a finish_reason")
	}
	return d.end(to)
}

// end is the end of a stream in good order. Some servers leave the finish_reason out: their terminator says as much as that they
// have stopped.
func (d *decoder) end(to llm.Sink) error {
	if !d.begun {
		return format.Malformed("a stream that ends without a single choice")
	}
	d.calls.release(d.seal, d.names, to)
	if fault := d.calls.end(); fault != nil {
		return fault
	}
	to.Take(&llm.Event{Step: llm.Finished, Reason: d.reason})
	return nil
}

func (d *decoder) start(seen *members, to llm.Sink) {
	d.started = true
	e := llm.Event{Step: llm.Started, ID: wordOf(seen.id), Model: wordOf(seen.model)}
	d.calls.answer, d.calls.same = format.Identifier(e.ID), d.same // the rest of a long one is not kept for as long as the stream
	to.Take(&e)
}

// choice is an answer of a chat completion, or what a chunk adds to one: the two differ in the member's name only.
type choice struct {
	index      int64
	message    []byte // the message, or the delta
	end, fault []byte
	usage      []byte // Moonshot's place for it
	others     bool   // there is more than the first choice
}

func (c *choice) member(m jsonscan.Member) {
	switch string(m.Key) {
	case "index":
		c.index = number(m.Value, 0)
	case "message", "delta": // some servers give the pieces the name of the whole
		if format.IsObject(m.Value) && len(m.Value) > len("{}") {
			c.message = m.Value
		}
	case "finish_reason":
		c.end = m.Value
	case "error": // OpenRouter's, beside the finish_reason "error"
		c.fault = m.Value
	case "usage":
		if c.usage = m.Value; jsonscan.IsNull(c.usage) {
			c.usage = nil
		}
	}
}

// firstChoice is choice 0, the only one that was asked for.
func firstChoice(choices []byte) (first choice, found bool) {
	others := false
	jsonscan.Elements(choices, func(element []byte) {
		if found {
			others = true
			return
		}
		var c choice
		switch {
		case jsonscan.Object(element, c.member) != nil:
		case c.index == 0:
			first, found = c, true
		default:
			others = true
		}
	})
	first.others = others
	return first, found
}

// endOf is why a choice ended, and notes a reason that nobody knows. An error is a fault: it failed.
func (d *decoder) endOf(c *choice) (wire.EndReason, error) {
	reason := wire.EndReasonOf(c.end)
	switch {
	case !format.IsEmpty(c.fault) && string(c.fault) != "false":
		return reason, format.Reported(append(append([]byte(`{"error":`), c.fault...), '}'))
	case reason == wire.EndedBadly:
		return reason, format.BadEnd(wire.EndWord(c.end))
	case reason == wire.EndedSomehow:
		d.unknown = wire.EndWord(c.end)
	}
	return reason, nil
}

// say passes on what a message says, except for its calls. It reports whether there was anything.
func (d *decoder) say(said *speech, to llm.Sink) (content bool) {
	thought := said.thought()
	if thought != "" {
		d.tell(llm.Thought, thought, to)
	}
	if said.text != "" {
		d.tell(llm.Said, said.text, to)
	}
	if said.refusal != "" {
		d.tell(llm.Refused, said.refusal, to)
	}
	if said.other {
		d.tell(llm.Other, "", to)
	}
	return thought != "" || said.text != "" || said.refusal != ""
}

// tell passes an event on that is nothing but a text.
func (d *decoder) tell(step llm.Step, text string, to llm.Sink) {
	d.event.Step, d.event.Text = step, text
	to.Take(&d.event)
}

// called is the tool calls of a message, or the one that a server of before tools makes of them. To a client of its format that is
// something of its own.
func (d *decoder) called(said *speech) []byte {
	switch {
	case said.old == nil || format.Given(said.calls):
	case d.same:
		said.other = true
	default:
		call := format.JSON(`{"index":0,"function":`)
		return append(append(call, said.old...), '}')
	}
	return said.calls
}

// pieces passes on what a chunk says of tool calls.
func (d *decoder) pieces(list []byte, to llm.Sink) (called bool, err error) {
	elements(list, func(element []byte) {
		p, ok := readPiece(element)
		if !ok || err != nil || p == (piece{index: p.index}) {
			return
		}
		called = called || p.name != "" || p.arguments != "" || p.signature != ""
		if fault := d.calls.take(&p, d.seal, d.names, to); fault != nil {
			err = fault
		}
	})
	return called, err
}

// wholeCalls passes on the tool calls of a whole answer. It reports whether there was any.
func (d *decoder) wholeCalls(list []byte, end wire.EndReason, to llm.Sink) (called bool, err error) {
	n, cut := 0, false
	elements(list, func(element []byte) {
		p, ok := readPiece(element)
		if !ok || err != nil || cut {
			return
		}
		if p.name == "" {
			err = format.Malformed("a tool call without a name")
			return
		}
		input := strings.TrimSpace(p.arguments)
		if input == "" {
			input = "{}"
		}
		if jsonscan.Object([]byte(input), func(jsonscan.Member) {}) != nil {
			if end == wire.EndedByLength {
				cut = true // the client's own limit cut the call: the stop reason says so, and half a call must not be made
				return
			}
			err = format.Malformed("a tool call whose arguments are no JSON object")
			return
		}
		name := p.name
		if long, ok := d.names[name]; ok {
			name = long
		}
		to.Take(&llm.Event{Step: llm.Called, Call: n, ID: d.calls.public(d.seal, p.id, p.signature, n), Name: name})
		to.Take(&llm.Event{Step: llm.Given, Call: n, Text: input})
		to.Take(&llm.Event{Step: llm.CallEnded, Call: n})
		n++
	})
	return n > 0, err
}
