package chat

import (
	"bytes"
	"errors"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// members are the top-level members of an answer or a chunk that matter. They share its memory.
type members struct {
	id, model, created, object, choices, data, usage, groq []byte

	listed bool // there is a "choices", which may be empty or null
	signs  wire.ErrorSigns
}

func (m *members) note(member jsonscan.Member) {
	var at *[]byte
	switch string(member.Key) {
	case "id":
		at = &m.id
	case "model":
		at = &m.model
	case "created":
		at = &m.created
	case "object":
		at = &m.object
		m.signs.Note(member)
	case "choices":
		at, m.listed = &m.choices, true
	case "data":
		at = &m.data
	case "usage":
		at = &m.usage
	case "x_groq":
		at = &m.groq
	default:
		m.signs.Note(member)
		return
	}
	*at = nil // the last one wins, as with most decoders
	if !jsonscan.IsNull(member.Value) {
		*at = member.Value
	}
}

// cost is the answer's usage; nil if there is none. Groq puts it into a member of its own as well, and left it out of the usual one
// for long; Moonshot puts it into the last chunk's choice.
func (m *members) cost() []byte {
	if usage, said := m.total(); said {
		return usage
	}
	var inside []byte
	jsonscan.Elements(m.choices, func(choice []byte) {
		if usage := memberOf(choice, "usage"); usage != nil {
			inside = usage
		}
	})
	return inside
}

// total is the usage beside the choices; false if there is no place for one.
func (m *members) total() (usage []byte, said bool) {
	switch {
	case m.usage != nil:
		return m.usage, true
	case m.groq != nil:
		return memberOf(m.groq, "usage"), true
	}
	return nil, false
}

// costIn is cost, if the first choice has been read.
func (m *members) costIn(first *choice) []byte {
	switch usage, said := m.total(); {
	case said:
		return usage
	case first.others:
		return m.cost()
	}
	return first.usage
}

// memberOf is the value that an object has under a key; nil if it has none, or null.
func memberOf(object []byte, key string) []byte {
	if value := jsonscan.MemberOf(object, key); format.Given(value) {
		return value
	}
	return nil
}

// isError reports whether the object is an error and no answer.
func (m *members) isError() bool {
	answer := m.data != nil || m.usage != nil || !format.IsEmpty(m.choices) ||
		bytes.HasPrefix(m.object, []byte(`"chat.completion`)) || bytes.HasPrefix(m.object, []byte(`"text_completion`))
	return m.signs.IsError(answer)
}

// answer checks a whole answer and notes its members. inside is what is done with its choices on the way; nil means nothing.
func (m *members) answer(body []byte, inside *jsonscan.Inside) error {
	if err := jsonscan.ObjectInside(body, m.note, inside); err != nil {
		switch {
		case errors.Is(err, jsonscan.ErrTruncated):
			return format.Truncated(err.Error())
		case isListOfErrors(body):
			return format.Reported(body)
		}
		return format.Malformed(err.Error())
	}
	if m.isError() {
		return format.Reported(body)
	}
	return nil
}

// choseInside reports whether the choices that count have been read on the way, and no others: they may stand there twice, or under
// a name with escapes.
func (m *members) choseInside(body []byte, inside *jsonscan.Inside) bool {
	switch {
	case inside.Arrays == 0:
		return m.choices == nil || m.choices[0] != '['
	case inside.Arrays > 1 || len(m.choices) == 0:
		return false
	}
	return &m.choices[0] == &body[inside.Last]
}

// chunk checks the data of an event and notes its members. The event arrived whole, so JSON that is cut in it is the provider's
// mistake.
func (m *members) chunk(event sse.Event) error {
	if string(event.Name) == "error" {
		return format.Reported(event.Data)
	}
	if err := jsonscan.Object(event.Data, m.note); err != nil {
		if isListOfErrors(event.Data) {
			return format.Reported(event.Data)
		}
		return format.Malformed("an event of the stream: " + err.Error())
	}
	if m.isError() {
		return format.Reported(event.Data)
	}
	return nil
}

// checked notes the members of a chunk that has been checked before, as far as they are needed for what goes on from it.
func (m *members) checked(event sse.Event) error {
	if jsonscan.Object(event.Data, m.noteChecked) != nil {
		return format.Malformed("an event of the stream")
	}
	return nil
}

func (m *members) noteChecked(member jsonscan.Member) {
	switch string(member.Key) {
	case "id", "model", "created", "choices", "usage":
		m.note(member)
	}
}

// isListOfErrors recognizes Gemini's way to report an error: [{"error":{…}}].
func isListOfErrors(body []byte) bool {
	first, found := true, false
	jsonscan.Elements(bytes.TrimSpace(body), func(element []byte) {
		if first {
			var m members
			found = jsonscan.Object(element, m.note) == nil && m.isError()
		}
		first = false
	})
	return found
}
