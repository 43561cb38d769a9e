package chat

import (
	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/provider"
)

// nothingThought stands for reasoning that a client has not given back, or that there never was, if the provider refuses turns
// without any: DeepSeek V4 and Kimi take an empty text for none.
const nothingThought = " "

const thoughts = "reasoning_content"

// Thoughtful is a request, of a provider's own format, whose answers of earlier turns all have some reasoning. If they have it
// already, that is the request itself.
func Thoughtful(body []byte) []byte {
	var messages jsonscan.Member
	_ = jsonscan.Object(body, func(m jsonscan.Member) { // it has been read before
		if string(m.Key) == "messages" {
			messages = m
		}
	})
	list, changed := append(make([]byte, 0, len(messages.Value)+64), '['), false
	jsonscan.Elements(messages.Value, func(message []byte) {
		if len(list) > 1 {
			list = append(list, ',')
		}
		given, added := withThoughts(message)
		list, changed = append(list, given...), changed || added
	})
	if !changed {
		return body
	}
	out := make([]byte, 0, len(body)+len(list))
	return append(append(append(append(out, body[:messages.Start]...), list...), ']'), body[messages.End:]...)
}

func withThoughts(message []byte) (out []byte, added bool) {
	var role []byte
	var said jsonscan.Member
	if !format.IsObject(message) {
		return message, false
	}
	_ = jsonscan.Object(message, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "role":
			role = m.Value
		case thoughts:
			said = m
		}
	})
	text, _ := jsonscan.String(said.Value)
	switch {
	case string(role) != `"assistant"` || text != "":
		return message, false
	case said.End > 0:
		out = append(out, message[:said.Start]...)
		return append(append(out, `"`+nothingThought+`"`...), message[said.End:]...), true
	}
	return append(append(out, `{"`+thoughts+`":"`+nothingThought+`",`...), message[1:]...), true
}

// thought gives back what an earlier answer came of, to those who take it. It reports whether it did.
func (b *builder) thought(text string, called bool) bool {
	back := b.quirks.Reasoning
	switch {
	case back == provider.BackNever, b.habits.noThoughts && back == provider.BackUnsigned:
		return false
	case text == "" && (b.t.Thoughts || back == provider.BackAlways || back == provider.BackUnsigned && called && b.habits.wantsThinks):
		b.String(thoughts, nothingThought)
		return false
	case text == "":
		return false
	case back == provider.BackDetails:
		b.Key("reasoning_details")
		b.Open('[')
		b.Open('{')
		b.Literal("type", `"reasoning.text"`)
		b.String("text", text)
		b.Close('}')
		b.Close(']')
	default:
		b.String(thoughts, text)
	}
	return true
}
