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
	left := 0
	unsealed := format.WithEach(body, "input", func(item []byte) []byte {
		if item = withoutID(item); item != nil {
			left++
		}
		return item
	})
	if left == 0 {
		return body
	}
	return unsealed
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
