package converse

import (
	"encoding/hex"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// maxOpenBlocks bounds what a stream can make the relay remember. Models have one block open at a time.
const maxOpenBlocks = 64

// Kinds of what is sealed, which tell it from what other formats seal.
const (
	sealedSignature = "csig:"
	sealedContent   = "cred:"
)

// decoder turns an answer of the Converse API into events.
type decoder struct {
	usage    tally
	model    string
	unknown  string // an end reason in no table
	started  bool
	finished bool // an end reason has come
	blocks   map[int64]*block
	calls    int
	names    map[string]string
	seal     *format.Seal
	event    llm.Event        // the one at hand, so that none is allocated for each piece
	like     jsonscan.Pattern // of the deltas of text
}

// block is a content block that is a tool call, between its start and its stop.
type block struct {
	call  int
	given bool // a piece of its arguments has come
}

// Decode makes what turns one answer into events.
func (server) Decode(t *format.Target) format.Decoder {
	return &decoder{model: t.Model, names: t.Names, seal: t.Seal, blocks: map[int64]*block{}}
}

func (d *decoder) Usage() wire.Usage  { return d.usage.neutral() }
func (d *decoder) UnknownEnd() string { return d.unknown }
func (d *decoder) Complete() bool     { return d.finished }
func (d *decoder) Retained() int      { return 0 }

// start says that the answer begins. It has neither an id nor its model's name: those are the relay's.
func (d *decoder) start(to llm.Sink) {
	d.started = true
	to.Take(&llm.Event{Step: llm.Started, ID: newID(), Model: d.model})
}

func newID() string {
	var b [12]byte
	for i := range b {
		b[i] = byte(rand.Uint32()) //nolint:gosec // it names an answer, and is no secret
	}
	return "msg_" + hex.EncodeToString(b[:])
}

// Whole reads a whole answer.
func (d *decoder) Whole(body []byte, to llm.Sink) error {
	var output, reason, usage []byte
	var signs wire.ErrorSigns
	err := jsonscan.Object(body, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "output":
			output = m.Value
		case "stopReason":
			reason = m.Value
		case "usage":
			usage = m.Value
		}
		signs.Note(m)
	})
	switch {
	case errors.Is(err, jsonscan.ErrTruncated):
		return format.Truncated("the answer's JSON is cut off")
	case err != nil:
		return format.Malformed("the answer is not a JSON object")
	case signs.IsError(output != nil):
		return format.Reported(body)
	}
	content := jsonscan.MemberOf(jsonscan.MemberOf(output, "message"), "content")
	end, err := d.endOf(reason)
	switch {
	case err != nil:
		return err
	case len(content) == 0 || content[0] != '[':
		return format.Malformed("the answer has no content")
	case end == wire.NotEnded && format.Count(content) == 0:
		return format.Malformed("the answer has neither something in its content nor a stopReason")
	}
	d.usage.note(usage)
	d.start(to)
	jsonscan.Elements(content, func(element []byte) { d.part(element, to) })
	to.Take(&llm.Event{Step: llm.Finished, Reason: end})
	return nil
}

// part passes on a part of a whole answer.
func (d *decoder) part(element []byte, to llm.Sink) {
	if !format.IsObject(element) {
		return
	}
	_ = jsonscan.Object(element, func(m jsonscan.Member) { // it has been read with the answer
		switch string(m.Key) {
		case "text":
			d.say(llm.Said, m.Value, to)
		case "toolUse":
			n := d.call(m.Value, to)
			to.Take(&llm.Event{Step: llm.Given, Call: n, Text: arguments(jsonscan.MemberOf(m.Value, "input"))})
			to.Take(&llm.Event{Step: llm.CallEnded, Call: n})
		case "reasoningContent":
			if text := jsonscan.MemberOf(m.Value, "reasoningText"); text != nil {
				d.say(llm.Thought, jsonscan.MemberOf(text, "text"), to)
				d.say(llm.Signed, jsonscan.MemberOf(text, "signature"), to)
			}
			d.say(llm.Sealed, jsonscan.MemberOf(m.Value, "redactedContent"), to)
		case "citationsContent":
			jsonscan.Elements(jsonscan.MemberOf(m.Value, "content"), func(element []byte) {
				d.say(llm.Said, jsonscan.MemberOf(element, "text"), to)
			})
		default:
			d.tell(llm.Other, "", to)
		}
	})
}

func (d *decoder) call(value []byte, to llm.Sink) int {
	n := d.calls
	d.calls++
	name := textOf(jsonscan.MemberOf(value, "name"))
	if long, ok := d.names[name]; ok {
		name = long
	}
	to.Take(&llm.Event{Step: llm.Called, Call: n, ID: textOf(jsonscan.MemberOf(value, "toolUseId")), Name: name})
	return n
}

// say passes a text on. It reports whether there was any that is a part of the answer.
func (d *decoder) say(step llm.Step, value []byte, to llm.Sink) bool {
	text := textOf(value)
	if text == "" {
		return false
	}
	switch step {
	case llm.Signed:
		text = d.sealed(sealedSignature + text)
	case llm.Sealed:
		text = d.sealed(sealedContent + text)
	default:
	}
	d.tell(step, text, to)
	return step != llm.Signed
}

// sealed is what only its maker can read as clients give it back: for this channel alone.
func (d *decoder) sealed(text string) string {
	if d.seal == nil {
		return text
	}
	return d.seal.Into("", text)
}

// tell passes a piece on.
func (d *decoder) tell(step llm.Step, text string, to llm.Sink) {
	d.event = llm.Event{Step: step, Text: text}
	to.Take(&d.event)
}

// Event reads an event of a stream.
func (d *decoder) Event(event sse.Event, to llm.Sink) (heard format.Heard, err error) {
	if text, ok := d.like.Text(event.Data); ok && string(event.Name) == "contentBlockDelta" {
		d.tell(llm.Said, text, to)
		return format.Heard{Content: true}, nil
	}
	if format.IsSilent(event) {
		return format.Heard{Preamble: true}, nil
	}
	if string(event.Name) == "error" {
		return heard, format.Reported(event.Data)
	}
	e, err := scan(event.Data)
	if err != nil {
		return heard, err
	}
	if e.signs.IsError(len(event.Name) > 0) {
		return heard, format.Reported(event.Data)
	}
	switch string(event.Name) {
	case "messageStart":
		if d.started {
			return heard, format.Malformed("the stream begins twice")
		}
		d.start(to)
		return format.Heard{Preamble: true}, nil
	case "contentBlockStart", "contentBlockDelta", "contentBlockStop":
		heard.Content, heard.Preamble, err = d.content(string(event.Name), &e, event.Data, to)
	case "messageStop":
		err = d.ends(&e, to)
	case "metadata": // which is the last one
		d.usage.note(e.usage)
		if heard.Done = d.finished; !d.finished {
			heard.Preamble = true
		}
	}
	return heard, err
}

// content reads an event of a content block.
func (d *decoder) content(name string, e *envelope, data []byte, to llm.Sink) (content, preamble bool, err error) {
	switch {
	case !d.started:
		return false, false, format.Malformed("the stream's events are out of order")
	case d.finished && name == "contentBlockStop":
		return false, false, nil
	case d.finished:
		return false, false, format.Malformed("the answer goes on after its end")
	}
	switch name {
	case "contentBlockStart":
		d.like.Forget()
		content, err = d.blockStart(e, to)
		return content, !content, err
	case "contentBlockDelta":
		content, err = d.blockDelta(e, to)
		if content && d.event.Step == llm.Said {
			d.like.LearnText(data, `"text":"`, d.event.Text, "")
		}
		return content, !content, err
	}
	d.like.Forget()
	return d.blockStop(e.index, to), false, nil
}

func (d *decoder) blockStart(e *envelope, to llm.Sink) (content bool, err error) {
	call := jsonscan.MemberOf(e.start, "toolUse")
	switch {
	case call == nil:
		return false, nil
	case d.blocks[e.index] != nil:
		return false, format.Malformed("a content block starts twice")
	case len(d.blocks) == maxOpenBlocks:
		return false, format.Malformed("too many content blocks are open at once")
	}
	d.blocks[e.index] = &block{call: d.call(call, to)}
	return true, nil
}

func (d *decoder) blockDelta(e *envelope, to llm.Sink) (content bool, err error) {
	if !format.IsObject(e.delta) {
		return false, format.Malformed("contentBlockDelta has no delta")
	}
	_ = jsonscan.Object(e.delta, func(m jsonscan.Member) { // it has been read with the event
		switch string(m.Key) {
		case "text":
			content = d.say(llm.Said, m.Value, to) || content
		case "toolUse":
			piece := textOf(jsonscan.MemberOf(m.Value, "input"))
			b := d.blocks[e.index]
			if b == nil {
				err = format.Malformed("a content block that is no tool call has input")
				return
			}
			if piece != "" {
				b.given, content = true, true
				d.event = llm.Event{Step: llm.Given, Call: b.call, Text: piece}
				to.Take(&d.event)
			}
		case "reasoningContent":
			content = d.say(llm.Thought, jsonscan.MemberOf(m.Value, "text"), to) || content
			d.say(llm.Signed, jsonscan.MemberOf(m.Value, "signature"), to)
			content = d.say(llm.Sealed, jsonscan.MemberOf(m.Value, "redactedContent"), to) || content
		default: // citations, images, and what comes later
			d.tell(llm.Other, "", to)
		}
	})
	return content, err
}

// blockStop ends a tool call. One without arguments has an empty object.
func (d *decoder) blockStop(index int64, to llm.Sink) (content bool) {
	b := d.blocks[index]
	if b == nil {
		return false // of a text
	}
	delete(d.blocks, index)
	if !b.given {
		to.Take(&llm.Event{Step: llm.Given, Call: b.call, Text: "{}"})
		content = true
	}
	to.Take(&llm.Event{Step: llm.CallEnded, Call: b.call})
	return content
}

func (d *decoder) ends(e *envelope, to llm.Sink) error {
	if !d.started || d.finished {
		return format.Malformed("the stream's events are out of order")
	}
	end, err := d.endOf(e.reason)
	if err != nil {
		return err
	}
	for _, index := range slices.Sorted(maps.Keys(d.blocks)) { // a stop may be missing
		d.blockStop(index, to)
	}
	d.finished = true
	to.Take(&llm.Event{Step: llm.Finished, Reason: end})
	return nil
}

// End is for a stream that ends behind its messageStop, without the metadata that says what it cost.
func (d *decoder) End(llm.Sink) error {
	if !d.finished {
		return format.Truncated("the stream ended without messageStop")
	}
	return nil
}

func (d *decoder) endOf(reason []byte) (end wire.EndReason, err error) {
	switch end = wire.EndReasonOf(reason); end {
	case wire.EndedBadly:
		err = format.BadEnd(wire.EndWord(reason))
	case wire.EndedSomehow:
		d.unknown = wire.EndWord(reason)
	case wire.NotEnded, wire.EndedItself, wire.EndedByLength, wire.EndedByCall, wire.EndedByFilter:
	}
	return end, err
}

// envelope is the outside of an event: the values that matter, as they stand.
type envelope struct {
	index               int64
	start, delta, usage []byte
	reason              []byte
	signs               wire.ErrorSigns
}

func scan(data []byte) (e envelope, err error) {
	err = jsonscan.Object(data, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "contentBlockIndex":
			e.index, _ = jsonscan.Int(m.Value)
		case "start":
			e.start = m.Value
		case "delta":
			e.delta = m.Value
		case "usage":
			e.usage = m.Value
		case "stopReason":
			e.reason = m.Value
		}
		e.signs.Note(m)
	})
	if err != nil {
		return e, format.Malformed("an event's data is not a JSON object")
	}
	return e, nil
}

func textOf(value []byte) string {
	text, _ := jsonscan.String(value)
	return text
}

// arguments is a tool's input as compact JSON text.
func arguments(input []byte) string {
	if !format.Given(input) || string(input) == `""` {
		return "{}"
	}
	if input[0] == '"' {
		return textOf(input)
	}
	return format.Compact(input)
}
