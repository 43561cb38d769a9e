package responses

import (
	"bytes"
	"errors"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// kind is the type of an event of a stream, as far as it has to be told from others.
type kind uint8

const (
	anotherKind kind = iota // it carries a part of the answer, or nobody knows it
	noKind                  // the object has no type
	begins                  // it promises nothing
	itemAdded
	itemDone
	textDelta
	textDone
	refusalDelta
	refusalDone
	thoughtDelta
	thoughtDone
	thoughtPart
	argumentsDelta
	argumentsDone
	completes
	fails
	isError
	keepsAlive
)

var kinds = map[string]kind{
	"response.created": begins, "response.in_progress": begins, "response.queued": begins,
	"response.output_item.added": itemAdded, "response.output_item.done": itemDone,
	"response.output_text.delta": textDelta, "response.output_text.done": textDone,
	"response.refusal.delta": refusalDelta, "response.refusal.done": refusalDone,
	"response.reasoning_summary_text.delta": thoughtDelta, "response.reasoning_text.delta": thoughtDelta,
	"response.reasoning_summary_text.done": thoughtDone, "response.reasoning_text.done": thoughtDone,
	"response.reasoning_summary_part.added":  thoughtPart,
	"response.function_call_arguments.delta": argumentsDelta, "response.function_call_arguments.done": argumentsDone,
	"response.completed": completes, "response.incomplete": completes, "response.done": completes,
	"response.failed": fails, "response.cancelled": fails, "error": isError, "ping": keepsAlive, "keepalive": keepsAlive,
}

// outside is the outside of an event, of a response or of an item: the values that matter, as they stand.
type outside struct {
	kind                                kind
	typed                               bool
	response, item, output              []byte
	id, model, status, created          []byte
	incomplete, usage, failure          []byte
	delta, text, refusal, arguments     []byte
	call, name, content, summary        []byte
	itemID                              []byte
	sealed, object, number, kindOfValue []byte
	index, summaryIndex                 int64
	signs                               wire.ErrorSigns
}

func (o *outside) member(m jsonscan.Member) {
	switch string(m.Key) {
	case "type":
		o.kindOfValue = m.Value
		o.kind, o.typed = kindOf(m.Value), true
	case "sequence_number":
		o.number = m.Value
	case "output_index":
		o.index, _ = jsonscan.Int(m.Value)
	case "summary_index":
		o.summaryIndex, _ = jsonscan.Int(m.Value)
	case "delta":
		o.delta = m.Value
	case "text":
		o.text = m.Value
	case "refusal":
		o.refusal = m.Value
	case "arguments":
		o.arguments = m.Value
	case "response":
		o.response = m.Value
	case "item":
		o.item = m.Value
	case "error":
		o.failure = m.Value
	default:
		o.further(m)
	}
	o.signs.Note(m)
}

// further takes in what only whole responses and items have.
func (o *outside) further(m jsonscan.Member) {
	switch string(m.Key) {
	case "id":
		o.id = m.Value
	case "object":
		o.object = m.Value
	case "model":
		o.model = m.Value
	case "status":
		o.status = m.Value
	case "created_at":
		o.created = m.Value
	case "incomplete_details":
		o.incomplete = m.Value
	case "usage":
		o.usage = m.Value
	case "output":
		o.output = m.Value
	case "call_id":
		o.call = m.Value
	case "item_id":
		o.itemID = m.Value
	case "name":
		o.name = m.Value
	case "content":
		o.content = m.Value
	case "summary":
		o.summary = m.Value
	case "encrypted_content":
		o.sealed = m.Value
	}
}

func kindOf(value []byte) kind {
	if len(value) >= 2 && value[0] == '"' && bytes.IndexByte(value, '\\') < 0 {
		return kinds[string(value[1:len(value)-1])]
	}
	name, _ := jsonscan.String(value)
	return kinds[name]
}

// look reads one object that has been read before, or is a part of one.
func look(value []byte) (o outside) {
	if format.IsObject(value) {
		_ = jsonscan.Object(value, o.member)
	}
	return o
}

// scanEvent reads an event. An error is a *format.Fault: it reports one, or cannot be read.
func scanEvent(event sse.Event) (outside, error) {
	o := outside{}
	data := bytes.TrimSpace(event.Data)
	if len(data) == 0 && string(event.Name) != "error" {
		o.kind = keepsAlive
		return o, nil
	}
	if err := jsonscan.Object(event.Data, o.member); err != nil {
		if string(event.Name) == "error" {
			return o, format.Reported(event.Data)
		}
		return o, format.Malformed("an event of the stream: " + err.Error())
	}
	if !o.typed {
		if o.kind = kinds[string(event.Name)]; o.kind == anotherKind {
			o.kind = noKind
		}
	}
	switch {
	case o.kind == isError, string(event.Name) == "error":
		return o, format.Reported(event.Data)
	case o.kind == fails:
		response := look(o.response)
		return o, response.failed()
	case o.kind == completes:
		response := look(o.response)
		return o, response.endsBadly()
	case o.kind == noKind && o.signs.IsError(false):
		return o, format.Reported(event.Data)
	}
	return o, nil
}

// endsBadly is the fault of a response whose end says, whatever it is called, that it has failed; nil: it has not.
func (o *outside) endsBadly() error {
	switch status := textOf(o.status); {
	case (status == "failed" || status == "cancelled") && format.Given(o.failure):
		return o.failed()
	case status == "failed" || status == "cancelled":
		return format.BadEnd(status)
	}
	if word := textOf(jsonscan.MemberOf(o.incomplete, "reason")); wire.ReadEndReason(word) == wire.EndedBadly {
		return format.BadEnd(word)
	}
	return nil
}

// failed is the fault that a response with the status failed reports: its error, without all that it repeats of the request.
func (o *outside) failed() *format.Fault {
	if !format.Given(o.failure) {
		return format.BadEnd("failed")
	}
	return format.Reported(append(append([]byte(`{"error":`), o.failure...), '}'))
}

// scanWhole reads a whole response. An error is a *format.Fault.
func scanWhole(body []byte) (outside, error) {
	o := outside{}
	err := jsonscan.Object(body, o.member)
	switch {
	case errors.Is(err, jsonscan.ErrTruncated):
		return o, format.Truncated("the answer's JSON is cut off")
	case err != nil:
		return o, format.Malformed("the answer is not a JSON object")
	}
	if err := o.endsBadly(); err != nil {
		return o, err
	}
	if o.signs.IsError(len(o.output) > 0 || len(o.object) > 0) {
		return o, format.Reported(body)
	}
	return o, nil
}

// saysNothing reports whether a whole response has neither a status nor anything in its output.
func (o *outside) saysNothing() bool {
	if textOf(o.status) != "" || format.Given(o.incomplete) {
		return false
	}
	something := false
	jsonscan.Elements(o.output, func(element []byte) {
		item := look(element)
		switch kind := textOf(item.kindOfValue); kind {
		case "message":
			item.parts(func(said, refused string) { something = something || said != "" || refused != "" })
		default:
			something = something || kind != ""
		}
	})
	return !something
}

// parts visits what a message says: parts or, from those who imitate the API, a text, or one part that is in no list.
func (o *outside) parts(visit func(said, refused string)) {
	part := func(value []byte) {
		if text := textOf(value); text != "" {
			visit(text, "")
			return
		}
		p := look(value)
		text := textOf(p.text)
		if _, number := jsonscan.Int(p.text); number {
			text = string(p.text)
		}
		visit(text, textOf(p.refusal))
	}
	if len(o.content) > 0 && o.content[0] != '[' {
		part(o.content)
		return
	}
	jsonscan.Elements(o.content, part)
}

// endOf is why a response has ended: its status, and what it says of being incomplete. unknown is a reason that is in no table.
func endOf(o *outside, calls bool) (end wire.EndReason, unknown string) {
	if textOf(o.status) != "incomplete" && !format.Given(o.incomplete) {
		if calls {
			return wire.EndedByCall, ""
		}
		return wire.EndedItself, ""
	}
	word := textOf(jsonscan.MemberOf(o.incomplete, "reason"))
	switch end = wire.ReadEndReason(word); end {
	case wire.NotEnded, wire.EndedItself, wire.EndedByCall, wire.EndedBadly:
		end = wire.EndedByLength // incomplete, whatever it says
	case wire.EndedSomehow:
		return wire.EndedByLength, word
	case wire.EndedByLength, wire.EndedByFilter:
	}
	return end, ""
}

// textOf is a text; empty if it is none.
func textOf(value []byte) string {
	if len(value) == 0 || value[0] != '"' {
		return ""
	}
	text, _ := jsonscan.String(value)
	return text
}
