package responses

import (
	"bytes"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
)

// HoldsSealed reports whether there may be reasoning in a body that only its maker can read.
func HoldsSealed(body []byte) bool { return bytes.Contains(body, []byte(`"encrypted_content"`)) }

// Unsealed is the body of a request without the reasoning of earlier turns, whoever has encrypted it, and without the ids of what followed
// it: with one of those the API looks for the reasoning that belongs to it.
func Unsealed(body []byte) []byte {
	if !HoldsSealed(body) {
		return body
	}
	var input jsonscan.Member
	_ = jsonscan.Object(body, func(m jsonscan.Member) { // it has been read before
		if string(m.Key) == "input" {
			input = m
		}
	})
	if len(input.Value) == 0 || input.Value[0] != '[' {
		return body
	}
	list := append(make([]byte, 0, len(input.Value)), '[')
	jsonscan.Elements(input.Value, func(element []byte) {
		if element = withoutID(element); element == nil {
			return
		}
		if len(list) > 1 {
			list = append(list, ',')
		}
		list = append(list, element...)
	})
	if len(list) == 1 {
		return body // nothing would be left
	}
	list = append(list, ']')
	return jsonscan.Splice(body, jsonscan.Edit{From: input.Start, To: input.End, Text: string(list)})
}

// withoutID is an item of an answer without its id; nil if it is reasoning.
func withoutID(item []byte) []byte {
	if !format.IsObject(item) {
		return item
	}
	kind := textOf(jsonscan.MemberOf(item, "type"))
	switch kind {
	case "reasoning":
		return nil
	case "message", "function_call", "custom_tool_call":
	default:
		return item
	}
	return format.Without(item, "id")
}
