package gemini

import (
	"cmp"
	"strconv"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// Bounds of what a stream can make the relay remember. An answer has a few calls.
const (
	mostCalls = 1024
	mostHeld  = 1 << 20
)

// decoder turns an answer of the Gemini API into events.
type decoder struct {
	usage   tally
	unknown string
	started bool
	ended   bool
	said    bool // something of the answer has come
	reason  wire.EndReason
	word    string // for the end
	message string // beside it
	answer  string // its id, that ids of calls are made of
	model   string // that was asked
	calls   int
	ids     map[string]bool // of calls
	waiting []call          // calls that may still be signed
	held    int
	seal    *format.Seal
	names   map[string]string
	event   llm.Event // the one at hand, so that none is allocated for each piece
}

// call is a function that is called, as it stands.
type call struct{ id, name, arguments, signature string }

// Decode makes what turns one answer into events.
func (server) Decode(t *format.Target) format.Decoder {
	return &decoder{seal: t.Seal, names: t.Names, model: t.Model}
}

func (d *decoder) Usage() wire.Usage  { return d.usage.neutral() }
func (d *decoder) UnknownEnd() string { return d.unknown }
func (d *decoder) Retained() int      { return d.held }

// Complete reports whether the stream has said why it ends.
func (d *decoder) Complete() bool { return d.ended }

// Whole reads a whole answer.
func (d *decoder) Whole(body []byte, to llm.Sink) error {
	a, err := scanWhole(body)
	if err != nil {
		return err
	}
	if _, err := d.take(&a, to); err != nil {
		return err
	}
	if !d.ended && !d.said {
		return format.Malformed("the answer says nothing, and has neither a finishReason nor a blockReason")
	}
	d.finish(to)
	return nil
}

// Event reads an event of a stream.
func (d *decoder) Event(event sse.Event, to llm.Sink) (heard format.Heard, err error) {
	if format.IsTerminator(event.Data) {
		return format.Heard{Done: true}, d.End(to)
	}
	if format.IsSilent(event) {
		return format.Heard{Preamble: true}, nil
	}
	a, err := scanEvent(event)
	if err != nil {
		return heard, err
	}
	heard.Content, err = d.take(&a, to)
	heard.Preamble = !heard.Content && !d.ended
	return heard, err
}

// End is for the end of a stream, which no event is. An error is a fault: it had not said why it ends.
func (d *decoder) End(to llm.Sink) error {
	if !d.ended {
		return format.Truncated("the stream ended without a finishReason")
	}
	d.finish(to)
	return nil
}

// take reads what of an answer has come. It reports whether there was something in it.
func (d *decoder) take(a *answer, to llm.Sink) (content bool, err error) {
	d.usage.note(a.usage)
	if !d.started {
		d.started = true
		d.answer = format.AnswerID(textOf(a.id))
		to.Take(&llm.Event{Step: llm.Started, ID: cmp.Or(textOf(a.id), d.answer), Model: cmp.Or(textOf(a.model), d.model)})
	}
	others := false
	a.each(func(c *candidate) {
		if c.index != 0 {
			others = true
			return
		}
		c.each(func(p *part) {
			if err == nil {
				content, err = d.part(p, content, to)
			}
		})
		if fault := d.ends(c); err == nil && fault != nil {
			err = fault
		}
	})
	if others {
		d.tell(llm.Other, "", to)
	}
	if a.blocked() != "" && !d.said {
		d.ended, d.reason = true, wire.EndedByFilter
	}
	d.said = d.said || content
	if d.ended && err == nil {
		d.release(to)
		content = d.explain(to) || content
	}
	return content, err
}

// part passes on a part. content says that there was something before it.
func (d *decoder) part(p *part, content bool, to llm.Sink) (bool, error) {
	switch text := p.said(); {
	case len(p.call) > 0:
		return true, d.call(p, to)
	case text == "":
		d.sign(textOf(p.signature), to)
	case p.thought:
		d.tell(llm.Thought, text, to)
		return true, nil
	default:
		d.release(to)
		d.tell(llm.Said, text, to)
		return true, nil
	}
	if p.other { // such as an image, or code that the provider has run itself
		d.tell(llm.Other, "", to)
		return true, nil
	}
	return content, nil
}

// tell passes an event on that is nothing but a text.
func (d *decoder) tell(step llm.Step, text string, to llm.Sink) {
	d.event = llm.Event{Step: step, Text: text}
	to.Take(&d.event)
}

// call reads a call. The first one of an answer is the one that is signed: if it is not, what signs it may come in a part of its own.
func (d *decoder) call(p *part, to llm.Sink) error {
	c := call{arguments: "{}", signature: textOf(p.signature)}
	spoilt := false
	_ = jsonscan.Object(p.call, func(m jsonscan.Member) { // it was read with the rest
		switch string(m.Key) {
		case "id":
			c.id = textOf(m.Value)
		case "name":
			c.name = textOf(m.Value)
		case "args":
			c.arguments, spoilt = arguments(m.Value)
		}
	})
	switch {
	case c.name == "":
		return format.Malformed("a function call without a name")
	case spoilt:
		return format.Malformed("a function call whose args are no object")
	}
	if d.held += len(c.arguments) + len(c.signature) + len(c.id) + len(c.name); d.calls+len(d.waiting) == mostCalls || d.held > mostHeld &&
		len(d.waiting) > 0 {
		return format.Malformed("more function calls than an answer may have")
	}
	d.waiting = append(d.waiting, c)
	if d.calls > 0 || d.waiting[0].signature != "" {
		d.release(to)
	}
	return nil
}

// arguments are those of a call: an object or, from those who imitate the API, the text of one. spoilt: they are something else.
func arguments(value []byte) (text string, spoilt bool) {
	if said := textOf(value); said != "" {
		value = []byte(said)
	}
	switch {
	case !format.Given(value) || string(value) == `""`:
		return "{}", false
	case jsonscan.Object(value, func(jsonscan.Member) {}) != nil:
		return "", true
	}
	return format.Compact(value), false
}

// sign puts a signature that has come by itself where it belongs: to the first call.
func (d *decoder) sign(signature string, to llm.Sink) {
	if signature != "" && len(d.waiting) > 0 {
		d.waiting[0].signature = signature
		d.release(to)
	}
}

// release passes on the calls that have waited.
func (d *decoder) release(to llm.Sink) {
	for i := range d.waiting {
		c := &d.waiting[i]
		name := c.name
		if long, ok := d.names[name]; ok {
			name = long
		}
		to.Take(&llm.Event{Step: llm.Called, Call: d.calls, Name: name, ID: d.seal.CallID(d.public(c.id), c.id, c.signature)})
		to.Take(&llm.Event{Step: llm.Given, Call: d.calls, Text: c.arguments})
		to.Take(&llm.Event{Step: llm.CallEnded, Call: d.calls})
		d.calls++
	}
	d.waiting, d.held = nil, 0
}

// public is the id of a call as clients are given it: the provider's, if it has one and there is no other like it. It differs between the
// turns of a conversation too.
func (d *decoder) public(id string) string {
	if d.ids == nil {
		d.ids = map[string]bool{}
	}
	if id = format.PublicID(id); id == "" || d.ids[id] {
		id = format.PublicID("call_" + d.answer + "_" + strconv.Itoa(d.calls))
	}
	for d.ids[id] {
		id += "_"
	}
	d.ids[id] = true
	return id
}

// ends notes why a candidate ends, if it does. A fault: it has failed.
func (d *decoder) ends(c *candidate) *format.Fault {
	end := wire.EndReasonOf(c.end)
	switch end {
	case wire.NotEnded:
		return nil
	case wire.EndedBadly:
		return format.BadEnd(wire.EndWord(c.end))
	default:
	}
	d.ended, d.reason = true, end
	d.word, d.message = wire.EndWord(c.end), textOf(c.message)
	if end == wire.EndedSomehow {
		d.unknown = d.word
	}
	return nil
}

// explain has a client know why an answer has ended that the model has spoilt before it said anything. It reports whether that is so.
func (d *decoder) explain(to llm.Sink) bool {
	if d.said || d.calls > 0 || !isSpoilt(d.word, d.reason) {
		return false
	}
	text := "The model gave no answer (" + d.word + ")"
	if d.message != "" {
		text += ": " + wire.Clip(d.message, longestMessage)
	}
	d.said, d.reason = true, wire.EndedByFilter
	d.tell(llm.Refused, text, to)
	return true
}

// longestMessage is how many bytes are told of what the provider says of an end.
const longestMessage = 500

func (d *decoder) finish(to llm.Sink) {
	d.release(to)
	to.Take(&llm.Event{Step: llm.Finished, Reason: d.reason})
}
