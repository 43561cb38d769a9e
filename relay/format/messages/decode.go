package messages

import (
	"bytes"
	"maps"
	"slices"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// maxOpenBlocks bounds what a stream can make the relay remember. Anthropic has one block open at a time.
const maxOpenBlocks = 64

// decoder turns an answer of the Messages API into events.
type decoder struct {
	usage    tally
	unknown  string // an end reason in no table
	started  bool   // message_start has come
	begun    bool   // so has a content block
	finished bool   // so has an end reason
	stopped  bool   // message_stop has come
	blocks   map[int64]*openBlock
	next     int // the number of the block after the last one
	calls    int
	names    map[string]string
	event    llm.Event        // the one at hand, so that none is allocated for each piece
	like     jsonscan.Pattern // of the deltas of text
	seal     *format.Seal     // nil if signatures stay as they are
}

// openBlock is a content block between its start and its stop.
type openBlock struct {
	kind  llm.Kind
	other bool   // of a kind that no other format has a place for
	call  int    // the call's number
	input []byte // what the start had in full; nil once arguments have come
}

// Decode makes what turns one answer into events.
func (server) Decode(t *format.Target) format.Decoder { return &decoder{names: t.Names, seal: t.Seal} }

func (d *decoder) Usage() wire.Usage  { return d.usage.neutral() }
func (d *decoder) UnknownEnd() string { return d.unknown }
func (d *decoder) Complete() bool     { return d.finished }

// Retained is what of the open blocks is kept.
func (d *decoder) Retained() (n int) {
	for _, b := range d.blocks {
		n += cap(b.input)
	}
	return n
}

// Whole reads a whole answer.
func (d *decoder) Whole(body []byte, to llm.Sink) error {
	outside, err := scanWhole(body)
	if err != nil {
		return err
	}
	if outside.kind != wholeMessage {
		return format.Malformed("the answer is not of the type message")
	}
	if len(outside.content) == 0 || outside.content[0] != '[' && outside.content[0] != '"' {
		return format.Malformed("the answer has no content")
	}
	end, err := d.endOf(outside.stopReason)
	if err != nil {
		return err
	}
	if end == wire.NotEnded && !saysSomething(outside.content) {
		return format.Malformed("the answer has neither something in its content nor a stop_reason")
	}
	d.usage.note(outside.usage)
	to.Take(&llm.Event{Step: llm.Started, ID: textOf(outside.id), Model: textOf(outside.model)})
	if outside.content[0] == '"' {
		d.say(llm.Said, outside.content, to)
	}
	jsonscan.Elements(outside.content, func(element []byte) { d.block(element, to) })
	to.Take(&llm.Event{Step: llm.Finished, Reason: end})
	return nil
}

// part is a content block, or the delta of one.
type part struct {
	kind, id, name                                        string
	text, thinking, signature, data, input, partial, stop []byte
}

func (p *part) member(m jsonscan.Member) {
	switch string(m.Key) {
	case "type":
		p.kind = textOf(m.Value)
	case "id":
		p.id = textOf(m.Value)
	case "name":
		p.name = textOf(m.Value)
	case "text":
		p.text = m.Value
	case "thinking":
		p.thinking = m.Value
	case "signature":
		p.signature = m.Value
	case "data":
		p.data = m.Value
	case "input":
		p.input = m.Value
	case "partial_json":
		p.partial = m.Value
	case "stop_reason":
		p.stop = m.Value
	}
}

// readPart reads what is an object of a text that has been read before.
func readPart(value []byte) (p part, ok bool) {
	ok = format.IsObject(value) && jsonscan.Object(value, p.member) == nil
	return p, ok
}

// block passes on a block of a whole answer.
func (d *decoder) block(element []byte, to llm.Sink) {
	p, ok := readPart(element)
	if !ok {
		return
	}
	switch p.kind {
	case "text":
		d.say(llm.Said, p.text, to)
	case "thinking":
		d.say(llm.Thought, p.thinking, to)
		d.say(llm.Signed, p.signature, to)
	case "redacted_thinking":
		d.say(llm.Sealed, p.data, to)
	case "tool_use":
		n := d.call(&p, to)
		to.Take(&llm.Event{Step: llm.Given, Call: n, Text: arguments(p.input)})
		to.Take(&llm.Event{Step: llm.CallEnded, Call: n})
	}
}

func (d *decoder) call(p *part, to llm.Sink) int {
	n := d.calls
	d.calls++
	name := p.name
	if long, ok := d.names[name]; ok {
		name = long
	}
	to.Take(&llm.Event{Step: llm.Called, Call: n, ID: p.id, Name: name})
	return n
}

// say passes a text on. It reports whether there was any.
func (d *decoder) say(step llm.Step, value []byte, to llm.Sink) bool {
	text := textOf(value)
	if text == "" {
		return false
	}
	if step == llm.Signed || step == llm.Sealed {
		text = d.sealed(step, text)
	}
	d.tell(step, text, to)
	return step != llm.Signed
}

// Kinds of what is sealed, which tell it from what other formats seal.
const (
	sealedSignature = "sig:"
	sealedData      = "red:"
)

// sealed is what only its maker can read as clients of other formats give it back: for this channel alone.
func (d *decoder) sealed(step llm.Step, text string) string {
	switch {
	case d.seal == nil:
		return text
	case step == llm.Signed:
		return d.seal.Into("", sealedSignature+text)
	}
	return d.seal.Into("", sealedData+text)
}

// tell passes a piece on.
func (d *decoder) tell(step llm.Step, text string, to llm.Sink) {
	d.event = llm.Event{Step: step, Text: text}
	to.Take(&d.event)
}

// Event reads an event of a stream.
func (d *decoder) Event(event sse.Event, to llm.Sink) (heard format.Heard, err error) {
	if text, ok := d.like.Text(event.Data); ok && string(event.Name) != "error" {
		d.tell(llm.Said, text, to)
		return format.Heard{Content: true}, nil
	}
	if format.IsTerminator(event.Data) && !d.stopped {
		return format.Heard{Done: true}, d.End(to)
	}
	outside, err := scanEvent(event)
	if err != nil {
		return heard, err
	}
	switch outside.kind {
	case messageStart, messageDelta, messageStop, contentBlockStart, contentBlockDelta, contentBlockStop:
	default:
		return heard, nil
	}
	if d.started == (outside.kind == messageStart) || d.stopped {
		return heard, format.Malformed("the stream's events are out of order")
	}
	if outside.kind != contentBlockDelta {
		d.like.Forget() // a block may have come to its end
	}
	switch outside.kind {
	case messageStart:
		heard.Preamble = true
		return heard, d.start(outside.message, to)
	case messageDelta:
		d.usage.note(outside.usage)
		heard.Content, err = d.ends(outside.delta, to)
	case messageStop:
		d.usage.noteMetrics(outside.metrics)
		heard.Done = true
		heard.Content, err = d.stop(to)
	case contentBlockStart:
		heard.Content, err = d.blockStart(outside.index, outside.contentBlock, to)
	case contentBlockDelta:
		heard.Content, err = d.blockDelta(outside.index, outside.delta, to)
		if heard.Content && d.event.Step == llm.Said {
			d.like.LearnText(event.Data, `"text":"`, d.event.Text, "")
		}
	default:
		heard.Content, err = d.blockStop(outside.index, to)
	}
	return heard, err
}

func (d *decoder) start(message []byte, to llm.Sink) error {
	if !format.IsObject(message) {
		return format.Malformed("message_start has no message")
	}
	d.usage.note(jsonscan.MemberOf(message, "usage"))
	d.started, d.blocks = true, make(map[int64]*openBlock)
	to.Take(&llm.Event{Step: llm.Started, ID: textOf(jsonscan.MemberOf(message, "id")), Model: textOf(jsonscan.MemberOf(message, "model"))})
	return nil
}

// End is for servers that leave message_stop out.
func (d *decoder) End(to llm.Sink) error {
	if !d.finished {
		return format.Truncated("the stream ended without message_stop and without a stop_reason")
	}
	_, err := d.stop(to)
	return err
}

func (d *decoder) stop(to llm.Sink) (content bool, err error) {
	if !d.begun && !d.finished {
		return false, format.Malformed("the stream ends without a block in its message, and without a stop_reason")
	}
	content = d.finish(wire.NotEnded, "", to) // if no message_delta has
	d.stopped = true
	return content, nil
}

func (d *decoder) ends(delta []byte, to llm.Sink) (content bool, err error) {
	end, err := d.endOf(jsonscan.MemberOf(delta, "stop_reason"))
	if err == nil && end != wire.NotEnded {
		content = d.finish(end, textOf(jsonscan.MemberOf(delta, "stop_sequence")), to)
	}
	return content, err
}

func (d *decoder) endOf(stopReason []byte) (wire.EndReason, error) {
	end, unknown, err := endOf(stopReason)
	if unknown != "" {
		d.unknown = unknown
	}
	return end, err
}

// finish ends the answer. It reports whether there was something left to say. sequence is what the model was told to stop at, if it
// has come to that.
func (d *decoder) finish(end wire.EndReason, sequence string, to llm.Sink) (content bool) {
	if d.finished {
		return false
	}
	for _, index := range slices.Sorted(maps.Keys(d.blocks)) { // some servers leave the stops out
		content = d.endCall(d.blocks[index], to) || content
	}
	clear(d.blocks)
	d.finished = true
	to.Take(&llm.Event{Step: llm.Finished, Reason: end, Text: sequence})
	return content
}

func (d *decoder) blockStart(index int64, started []byte, to llm.Sink) (content bool, err error) {
	p, ok := readPart(started)
	switch {
	case !ok:
		return false, format.Malformed("content_block_start has no content_block")
	case d.finished:
		return false, format.Malformed("a content block starts after the answer's end")
	case d.blocks[index] != nil:
		return false, format.Malformed("a content block starts twice")
	case len(d.blocks) == maxOpenBlocks:
		return false, format.Malformed("too many content blocks are open at once")
	}
	d.begun = true
	b := &openBlock{}
	d.blocks[index], d.next = b, max(d.next, int(index)+1)
	switch p.kind {
	case "text":
		return d.say(llm.Said, p.text, to), nil
	case "thinking":
		b.kind = llm.Reasoning
		content = d.say(llm.Thought, p.thinking, to)
		d.say(llm.Signed, p.signature, to)
		return content, nil
	case "redacted_thinking":
		b.kind = llm.Redacted
		return d.say(llm.Sealed, p.data, to), nil
	case "tool_use":
		b.kind, b.call, b.input = llm.ToolCall, d.call(&p, to), bytes.Clone(p.input)
		if b.input == nil {
			b.input = []byte("{}")
		}
		return true, nil
	}
	b.other = true
	to.Take(&llm.Event{Step: llm.Other})
	return false, nil
}

func (d *decoder) blockDelta(index int64, delta []byte, to llm.Sink) (content bool, err error) {
	b := d.blocks[index]
	p, ok := readPart(delta)
	switch {
	case b == nil:
		return false, format.Malformed("a content block goes on that is not open")
	case !ok:
		return false, format.Malformed("content_block_delta has no delta")
	case b.other:
		return false, nil
	}
	switch p.kind {
	case "text_delta":
		return d.say(llm.Said, p.text, to), nil
	case "thinking_delta":
		return d.say(llm.Thought, p.thinking, to), nil
	case "signature_delta":
		d.say(llm.Signed, p.signature, to)
	case "input_json_delta":
		if b.kind != llm.ToolCall {
			return false, format.Malformed("a content block that is no tool call has input")
		}
		if text := textOf(p.partial); text != "" {
			b.input = nil
			d.event = llm.Event{Step: llm.Given, Call: b.call, Text: text}
			to.Take(&d.event)
			return true, nil
		}
	}
	return false, nil
}

func (d *decoder) blockStop(index int64, to llm.Sink) (content bool, err error) {
	b := d.blocks[index]
	if b == nil {
		if d.finished { // finish has closed it
			return false, nil
		}
		return false, format.Malformed("a content block stops that is not open")
	}
	content = d.endCall(b, to)
	delete(d.blocks, index)
	return content, nil
}

// endCall sends the arguments of a tool call whose start had them in full, or that has none, and ends it.
func (d *decoder) endCall(b *openBlock, to llm.Sink) (content bool) {
	if b.kind != llm.ToolCall {
		return false
	}
	if b.input != nil {
		to.Take(&llm.Event{Step: llm.Given, Call: b.call, Text: arguments(b.input)})
		b.input, content = nil, true
	}
	to.Take(&llm.Event{Step: llm.CallEnded, Call: b.call})
	return content
}

// arguments is a tool's input as compact JSON text. A call without input has no arguments, not invalid ones; some servers give
// the text of them.
func arguments(input []byte) string {
	switch {
	case !format.Given(input) || string(input) == `""`:
		return "{}"
	case input[0] == '"':
		text, _ := jsonscan.String(input)
		return text
	}
	return format.Compact(input)
}

// textOf is a text. A number in its place is as it stands, so that nothing is lost of an answer.
func textOf(value []byte) string {
	if len(value) == 0 {
		return ""
	}
	switch value[0] {
	case '"':
		text, _ := jsonscan.String(value)
		return text
	case 'n', 't', 'f', '{', '[':
		return ""
	}
	return string(value)
}
