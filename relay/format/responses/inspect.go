package responses

import (
	"errors"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// inspector passes answers on to clients that speak the provider's own format. It looks, and changes nothing.
type inspector struct {
	usage    tally
	unknown  string
	id       string
	model    string
	created  int64
	number   int64 // the next sequence_number
	numbered bool  // the upstream has said one
	ended    bool
	free     bool // it is looked at again, and costs nothing
	made     []string
	scratch  []byte
}

// mostMade is how many ids are noted of an answer.
const mostMade = 256

// longestID is how many bytes of an id or of a model's name are kept.
const longestID = 512

func (t *inspector) Whole(body []byte) ([]byte, error) {
	if t.free {
		return body, t.again(body)
	}
	o, err := scanWhole(body)
	if err != nil {
		return nil, err
	}
	if len(o.output) == 0 && len(o.object) == 0 {
		return nil, format.Malformed("an object that is no response")
	}
	if len(o.output) > 0 && o.saysNothing() {
		return nil, format.Malformed("a response that says nothing, and has no status")
	}
	t.usage.note(o.usage)
	_, t.unknown = endOf(&o, false)
	t.id = keep(o.id)
	t.make(o.id)
	jsonscan.Elements(o.output, func(element []byte) { t.make(jsonscan.MemberOf(element, "id")) })
	return body, nil
}

// again checks what is said of an answer that is kept, which may have failed long ago.
func (t *inspector) again(body []byte) error {
	var o outside
	err := jsonscan.Object(body, o.member)
	switch {
	case errors.Is(err, jsonscan.ErrTruncated):
		return format.Truncated("the answer's JSON is cut off")
	case err != nil:
		return format.Malformed("the answer is not a JSON object")
	case o.signs.IsError(len(o.object) > 0):
		return format.Reported(body)
	}
	return nil
}

// make notes the id of something that the provider keeps.
func (t *inspector) make(id []byte) {
	if made := keep(id); made != "" && len(t.made) < mostMade && !t.free {
		t.made = append(t.made, made)
	}
}

// Made is format.Maker's.
func (t *inspector) Made() []string { return t.made }

func (t *inspector) Event(event sse.Event) (format.Chunk, error) {
	if format.IsTerminator(event.Data) {
		return t.End()
	}
	o, err := scanEvent(event)
	if err != nil {
		return format.Chunk{}, err
	}
	if o.kind == keepsAlive {
		return format.Chunk{}, nil // clients decode what is in every event
	}
	if n, ok := jsonscan.Int(o.number); ok && len(o.number) > 0 {
		t.number, t.numbered = n, true
	}
	t.number++
	step := format.Chunk{Out: event.PassedOn(&t.scratch)}
	switch o.kind {
	case begins:
		step.Preamble = true
		if t.id == "" {
			response := look(o.response)
			t.id, t.model = keep(response.id), keep(response.model)
			t.created, _ = jsonscan.Int(response.created)
			t.make(response.id)
		}
	case completes:
		response := look(o.response)
		if !t.free {
			t.usage.note(response.usage)
		}
		_, t.unknown = endOf(&response, false)
		t.ended, step.Done = true, true
	case itemAdded:
		item := look(o.item)
		step.Content = textOf(item.kindOfValue) == "function_call"
		t.make(item.id)
	case anotherKind, noKind, thoughtPart:
	default:
		step.Content = true
	}
	return step, nil
}

func keep(value []byte) string {
	if len(value) > longestID {
		return ""
	}
	return textOf(value)
}

// End is called for streams that end without the event that says so: nobody else can say how they end.
func (t *inspector) End() (format.Chunk, error) {
	if !t.ended {
		return format.Chunk{}, format.Truncated("the stream ended without response.completed, response.incomplete or response.failed")
	}
	return format.Chunk{Done: true}, nil
}

// Complete reports whether the end has come.
func (t *inspector) Complete() bool { return t.ended }

// Failed is format.Failing's.
func (t *inspector) Failed(e *wire.Error, requestID string) []byte {
	if t.ended || t.number == 0 {
		return nil
	}
	t.ended = true
	return wire.FailedResponse{ID: t.id, Model: t.model, Created: t.created, Number: t.number}.Event(e, requestID)
}

func (t *inspector) Usage() wire.Usage { return t.usage.neutral() }

func (t *inspector) UnknownEnd() string { return t.unknown }
