package responses

import (
	"slices"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// mostOpen bounds what a stream can make the relay remember of its items.
const mostOpen = 1024

// decoder turns an answer of the Responses API into events.
type decoder struct {
	usage   tally
	unknown string
	started bool
	ended   bool
	said    bool    // something of the answer has come
	items   []*open // that have begun, and not ended
	calls   int
	answer  string          // its id, that ids of calls are made of
	ids     map[string]bool // of calls
	fault   *format.Fault   // what is wrong with a call
	seal    *format.Seal
	names   map[string]string
	event   llm.Event // the one at hand, so that none is allocated for each piece
}

// Decode makes what turns one answer into events.
func (server) Decode(t *format.Target) format.Decoder { return &decoder{seal: t.Seal, names: t.Names} }

func (d *decoder) Usage() wire.Usage  { return d.usage.neutral() }
func (d *decoder) UnknownEnd() string { return d.unknown }
func (d *decoder) Retained() int      { return 0 }

// Complete reports whether the stream has said all that it has to.
func (d *decoder) Complete() bool { return d.ended }

// tell passes an event on that is nothing but a text.
func (d *decoder) tell(step llm.Step, text string, to llm.Sink) bool {
	if text == "" {
		return false
	}
	d.said = d.said || step != llm.Signed
	d.event = llm.Event{Step: step, Text: text}
	to.Take(&d.event)
	return step != llm.Signed
}

// Whole reads a whole answer.
func (d *decoder) Whole(body []byte, to llm.Sink) error {
	o, err := scanWhole(body)
	if err != nil {
		return err
	}
	if len(o.output) == 0 || o.output[0] != '[' {
		return format.Malformed("the answer has no output")
	}
	if o.saysNothing() {
		return format.Malformed("the answer says nothing, and has no status")
	}
	d.usage.note(o.usage)
	d.start(&o, to)
	cut := textOf(o.status) == "incomplete"
	jsonscan.Elements(o.output, func(element []byte) { d.whole(element, cut, to) })
	if d.fault != nil {
		return d.fault
	}
	d.finish(&o, to)
	return nil
}

// whole passes on an item that has come in one piece. cut: the answer was cut by its limit, and so may be a call of it, which must not
// be made then.
func (d *decoder) whole(element []byte, cut bool, to llm.Sink) (content bool) {
	o := look(element)
	switch textOf(o.kindOfValue) {
	case "message":
		o.parts(func(said, refused string) {
			content = d.tell(llm.Said, said, to) || content
			content = d.tell(llm.Refused, refused, to) || content
		})
	case "reasoning":
		content = d.thoughts(&o, to)
		content = d.sealed(&o, content, to) || content
	case "function_call":
		arguments := argumentsOf(o.arguments)
		if arguments != "" && jsonscan.Object([]byte(arguments), func(jsonscan.Member) {}) != nil {
			if !cut {
				d.spoilt("a function call whose arguments are no JSON object")
			}
			return false
		}
		n := d.call(&o, to)
		d.give(n, arguments, to)
		to.Take(&llm.Event{Step: llm.CallEnded, Call: n})
		content = true
	case "":
	default:
		to.Take(&llm.Event{Step: llm.Other}) // such as web_search_call, which nobody else has a word for
	}
	return content
}

// thoughts passes on what a reasoning item has in words: what was thought, or else a summary of it.
func (d *decoder) thoughts(o *outside, to llm.Sink) (any bool) {
	for _, list := range [...][]byte{o.content, o.summary} {
		jsonscan.Elements(list, func(part []byte) {
			text := textOf(jsonscan.MemberOf(part, "text"))
			if any && text != "" {
				text = "\n\n" + text
			}
			any = d.tell(llm.Thought, text, to) || any
		})
		if any {
			return true
		}
	}
	return false
}

// sealed passes on what only its maker can read: as the signature of what was thought or, if that was nothing in words, for itself.
func (d *decoder) sealed(o *outside, thought bool, to llm.Sink) bool {
	encrypted := textOf(o.sealed)
	if encrypted == "" || d.seal == nil {
		return false
	}
	step := llm.Sealed
	if thought {
		step = llm.Signed
	}
	return d.tell(step, d.seal.Into("", sealKind+encrypted), to)
}

func (d *decoder) give(call int, text string, to llm.Sink) {
	if text != "" {
		d.event = llm.Event{Step: llm.Given, Call: call, Text: text}
		to.Take(&d.event)
	}
}

func (d *decoder) start(response *outside, to llm.Sink) {
	if !d.started {
		d.started, d.answer = true, format.AnswerID(textOf(response.id))
		to.Take(&llm.Event{Step: llm.Started, ID: textOf(response.id), Model: textOf(response.model)})
	}
}

func (d *decoder) finish(response *outside, to llm.Sink) {
	d.ended = true
	end, unknown := endOf(response, d.calls > 0)
	if unknown != "" {
		d.unknown = unknown
	}
	to.Take(&llm.Event{Step: llm.Finished, Reason: end})
}

// Event reads an event of a stream.
func (d *decoder) Event(event sse.Event, to llm.Sink) (heard format.Heard, err error) {
	if format.IsTerminator(event.Data) {
		return format.Heard{Done: true}, d.End(to)
	}
	o, err := scanEvent(event)
	if err != nil {
		return heard, err
	}
	switch o.kind {
	case keepsAlive:
		return format.Heard{Preamble: true}, nil
	case begins:
		response := look(o.response)
		d.start(&response, to)
		return format.Heard{Preamble: true}, nil
	case completes:
		heard.Content, heard.Done = d.completed(&o, to), true
	default:
		d.start(&outside{}, to)
		heard.Content, err = d.piece(&o, to)
		heard.Preamble = !heard.Content && !d.said
	}
	if err == nil && d.fault != nil {
		err = d.fault
	}
	return heard, err
}

// piece reads an event between the beginning and the end. It reports whether there was something of the answer in it.
func (d *decoder) piece(o *outside, to llm.Sink) (content bool, err error) {
	if o.kind == anotherKind || o.kind == noKind {
		return false, nil
	}
	i := d.find(o)
	if i == nil {
		if len(d.items) == mostOpen {
			return false, format.Malformed("more items are open than an answer may have")
		}
		i = &open{index: o.index, id: o.ofItem()}
		d.items = append(d.items, i)
	}
	step := llm.Said
	switch o.kind {
	case itemAdded:
		return d.added(i, o.item, to), nil
	case itemDone:
		content = d.done(i, o.item, to)
		d.items = slices.DeleteFunc(d.items, func(of *open) bool { return of == i })
		return content, nil
	case argumentsDelta, argumentsDone:
		return d.arguments(i, o, to)
	case thoughtPart:
		if o.summaryIndex > 0 && i.given {
			d.tell(llm.Thought, "\n\n", to)
		}
		return false, nil
	case refusalDelta, refusalDone:
		step = llm.Refused
	case thoughtDelta, thoughtDone:
		step = llm.Thought
	default: // text, or nothing that is said
	}
	switch o.kind {
	case textDelta, refusalDelta, thoughtDelta:
		i.given = true
		return d.tell(step, textOf(o.delta), to), nil
	case textDone, refusalDone, thoughtDone: // all of it, for servers that send no pieces
		if i.given {
			return false, nil
		}
		i.given = true
		text := textOf(o.text)
		if o.kind == refusalDone {
			text = textOf(o.refusal)
		}
		return d.tell(step, text, to), nil
	default:
		return false, nil
	}
}

func (d *decoder) added(i *open, item []byte, to llm.Sink) (content bool) {
	of := look(item)
	switch {
	case textOf(of.kindOfValue) != "function_call" || i.calls || i.waits:
		return false
	case textOf(of.name) == "":
		i.waits = true
		return false
	}
	i.calls, i.call = true, d.call(&of, to)
	if text := argumentsOf(of.arguments); text != "" && text != "{}" { // which some servers begin with
		i.given = true
		d.give(i.call, text, to)
	}
	return true
}

func (d *decoder) arguments(i *open, o *outside, to llm.Sink) (content bool, err error) {
	switch {
	case i.waits: // the end repeats them
		return false, nil
	case !i.calls:
		return false, format.Malformed("arguments of a call that has not begun")
	}
	if o.kind == argumentsDelta {
		text := textOf(o.delta)
		i.given = i.given || text != ""
		d.give(i.call, text, to)
		return true, nil
	}
	if !i.given {
		i.given = true
		d.give(i.call, argumentsOf(o.arguments), to)
	}
	return true, nil
}

// done reads the end of an item, which repeats all of it.
func (d *decoder) done(i *open, item []byte, to llm.Sink) (content bool) {
	of := look(item)
	switch {
	case i.calls:
		if !i.given {
			d.give(i.call, argumentsOf(of.arguments), to)
		}
		to.Take(&llm.Event{Step: llm.CallEnded, Call: i.call})
		return true
	case !i.given:
		return d.whole(item, false, to)
	case textOf(of.kindOfValue) == "reasoning":
		return d.sealed(&of, true, to)
	}
	return false
}

// completed reads the end of a stream, which repeats all of the answer: servers that have said nothing before say it there.
func (d *decoder) completed(o *outside, to llm.Sink) (content bool) {
	response := look(o.response)
	d.start(&response, to)
	d.usage.note(response.usage)
	if !d.said {
		cut := textOf(response.status) == "incomplete"
		jsonscan.Elements(response.output, func(element []byte) { content = d.whole(element, cut, to) || content })
	}
	d.finish(&response, to)
	return content
}

// End is for a stream that ends without the event that says so: it was cut off.
func (d *decoder) End(llm.Sink) error {
	if !d.ended {
		return format.Truncated("the stream ended without response.completed, response.incomplete or response.failed")
	}
	return nil
}
