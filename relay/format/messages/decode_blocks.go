package messages

import (
	"bytes"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

// maxOpenBlocks bounds what a stream can make the relay remember. Anthropic has one block open at a time.
const maxOpenBlocks = 64

// openBlock is a content block between its start and its stop.
type openBlock struct {
	kind  llm.Kind
	other bool   // of a kind that no other format has a place for
	call  int    // the call's number
	input []byte // what the start had in full; nil once arguments have come
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
