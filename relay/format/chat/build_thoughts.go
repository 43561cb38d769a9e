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
	return format.WithEach(body, "messages", withThoughts)
}

// withThoughts is a message with some reasoning, if it is an answer without any; else it is the message itself.
func withThoughts(message []byte) (out []byte) {
	var role []byte
	var said jsonscan.Member
	if !format.IsObject(message) {
		return message
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
		return message
	case said.End > 0:
		out = append(out, message[:said.Start]...)
		return append(append(out, `"`+nothingThought+`"`...), message[said.End:]...)
	}
	return append(append(out, `{"`+thoughts+`":"`+nothingThought+`",`...), message[1:]...)
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
