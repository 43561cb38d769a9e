package chat

import (
	"bytes"
	"slices"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/provider"
)

// Clean is the body of a native request without what only this relay puts into the answers of others, which is sealed into the ids of tool
// calls, and with ids that the provider takes. Nearly always it is the body itself. lost: some of it was what another provider has thought.
func Clean(body []byte, q *provider.Quirks) (clean []byte, lost bool) {
	body, lost = format.Unseal(body)
	if q != nil && q.Bare {
		body = bare(body)
	}
	return withFittingIDs(body, q), lost
}

// emptyMembers are those that OpenAI's answers have whether they say anything or not, and its SDKs give back.
var emptyMembers = []string{"refusal", "annotations", "audio", "function_call"}

// bare is a native request whose messages have no members that say nothing.
func bare(body []byte) []byte {
	if !slices.ContainsFunc(emptyMembers, func(name string) bool { return bytes.Contains(body, []byte(`"`+name+`"`)) }) {
		return body
	}
	return format.WithEach(body, "messages", func(message []byte) []byte {
		var empty []string
		for _, name := range emptyMembers {
			if value := jsonscan.MemberOf(message, name); value != nil && format.IsEmpty(value) {
				empty = append(empty, name)
			}
		}
		return format.Without(message, empty...)
	})
}

// thoughtMembers are where those who speak this format have what a model has thought: in a message of an earlier answer.
var thoughtMembers = []string{thoughts, "reasoning", "reasoning_details", "thinking_blocks"}

// HoldsThoughts reports whether there may be reasoning of earlier turns in a native request, or what signs it.
func HoldsThoughts(body []byte) bool {
	return !isItself(body, Unthought(body))
}

// Unthought is a native request without the reasoning of earlier turns, in whichever form, and without the signatures of calls: what one
// provider has put there, another one may refuse. If there is none, it is the request itself.
func Unthought(body []byte) []byte {
	if !bytes.Contains(body, []byte(`"assistant"`)) {
		return body
	}
	return format.WithEach(body, "messages", func(message []byte) []byte {
		if string(jsonscan.MemberOf(message, "role")) != `"assistant"` {
			return message
		}
		message = format.Without(message, thoughtMembers...)
		if said := format.WithEach(message, "content", spoken); !isItself(said, message) {
			message = format.WithText(said, "content", func(text []byte) string {
				if string(text) == "[]" {
					return `""` // it was all thought
				}
				return string(text)
			})
		}
		return format.WithEach(message, "tool_calls", func(call []byte) []byte { return format.Without(call, "extra_content") })
	})
}

// spoken is a part of a message; nil if it is thought, as Mistral's models put it there.
func spoken(part []byte) []byte {
	if string(jsonscan.MemberOf(part, "type")) == `"thinking"` {
		return nil
	}
	return part
}

func isItself(a, b []byte) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }
