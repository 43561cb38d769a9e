package messages

import (
	"maps"
	"slices"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

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
