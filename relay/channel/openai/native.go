package openai

import (
	"bytes"
	"errors"

	"one-api/relay/channel"
	"one-api/relay/jsonscan"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// terminator is the data of the event that ends a stream.
const terminator = "[DONE]"

func isTerminator(data []byte) bool { return string(bytes.TrimSpace(data)) == terminator }

// nativeTranslator passes answers on to clients that speak the provider's own format. It looks, and changes nothing.
type nativeTranslator struct {
	usage   tally
	scratch []byte
	begun   bool             // there was a chunk with choices
	like    jsonscan.Pattern // of the chunks that carry text
}

// members are the top-level members of an answer or a chunk that matter. They share its memory.
type members struct{ id, model, choices, data, usage, failure []byte }

func (m *members) note(member jsonscan.Member) {
	var at *[]byte
	switch string(member.Key) {
	case "id":
		at = &m.id
	case "model":
		at = &m.model
	case "choices":
		at = &m.choices
	case "data":
		at = &m.data
	case "usage":
		at = &m.usage
	case "error":
		at = &m.failure
	default:
		return
	}
	*at = nil // the last one wins, as with most decoders
	if !jsonscan.IsNull(member.Value) {
		*at = member.Value
	}
}

func (t *nativeTranslator) Whole(body []byte) ([]byte, error) {
	var seen members
	if err := seen.answer(body); err != nil {
		return nil, err
	}
	if !holdsElements(seen.choices) && seen.data == nil {
		return nil, channel.Malformed("an object with neither choices nor data")
	}
	t.usage.note(seen.usage)
	return body, nil
}

func (t *nativeTranslator) Event(event sse.Event) (channel.Step, error) {
	if isTerminator(event.Data) {
		if !t.begun {
			return channel.Step{}, channel.Truncated("a stream that ends before its first chunk")
		}
		return channel.Step{Out: t.pass(event), Done: true}, nil
	}
	if isKeepAlive(event) {
		return channel.Step{}, nil
	}
	if t.like.Matches(event.Data) && string(event.Name) != "error" {
		return channel.Step{Out: t.pass(event), Content: true}, nil
	}
	var seen members // not kept: they share the event's memory, which may be large, and the next one may be long in coming
	if err := seen.chunk(event); err != nil {
		return channel.Step{}, err
	}
	t.begun = t.begun || seen.choices != nil
	t.usage.note(seen.usage)
	content := holdsContent(seen.choices)
	if content && seen.usage == nil {
		t.like.Learn(event.Data, written)
	}
	return channel.Step{Out: t.pass(event), Content: content}, nil
}

func (t *nativeTranslator) pass(event sse.Event) []byte {
	if event.Clean {
		return event.Raw
	}
	t.scratch = event.AppendTo(t.scratch[:0])
	return t.scratch
}

func (t *nativeTranslator) Usage() wire.Usage { return t.usage.neutral() }

// holdsElements tells whether a value is an array with something in it.
func holdsElements(value []byte) bool {
	return len(value) > 0 && value[0] == '[' && len(bytes.TrimSpace(value[1:])) > 1
}

// isKeepAlive tells whether an event has nothing in it. Some servers send those while they wait, and the clients that decode
// every event fail on them.
func isKeepAlive(event sse.Event) bool {
	return len(bytes.TrimSpace(event.Data)) == 0 && string(event.Name) != "error"
}

// answer checks a whole answer and notes its members.
func (m *members) answer(body []byte) error {
	if err := jsonscan.Object(body, m.note); err != nil {
		if errors.Is(err, jsonscan.ErrTruncated) {
			return channel.Truncated(err.Error())
		}
		return channel.Malformed(err.Error())
	}
	if m.failure != nil {
		return failureInside(body)
	}
	return nil
}

// chunk checks the data of an event and notes its members. The event arrived whole, so JSON that is cut in it is the provider's
// mistake.
func (m *members) chunk(event sse.Event) error {
	if string(event.Name) == "error" {
		return failureInside(event.Data)
	}
	if err := jsonscan.Object(event.Data, m.note); err != nil {
		return channel.Malformed("an event of the stream: " + err.Error())
	}
	if m.failure != nil {
		return failureInside(event.Data)
	}
	return nil
}
