package messages

import (
	"bytes"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
)

// Clean is the body of a request without what only others put into a conversation, or this relay into the answers of others, and
// Anthropic refuses: reasoning that nobody signed, what is sealed into the ids of tool calls, and ids that it does not take. Nearly always
// that is the body itself. lost: some of it was what another provider has thought.
func Clean(body []byte) (clean []byte, lost bool) {
	body, lost = format.Unseal(body) // which leaves reasoning that others have signed without a signature
	if holdsUnsigned(body) {
		whole := len(body)
		body = without(body, isUnsigned, false)
		lost = lost || len(body) != whole
	}
	return withFittingIDs(body), lost
}

// withFittingIDs is a body whose ids of tool calls are such as Anthropic takes: other servers of its API, and providers of other formats
// whose answers clients have said in this one themselves, name their calls otherwise.
func withFittingIDs(body []byte) []byte {
	odd := func(id []byte) bool { return !format.Fits(id, longestID) }
	if !format.HoldsID(body, odd, `"id"`, `"tool_use_id"`) {
		return body
	}
	fit := func(id string) string { return format.FitID(id, longestID) }
	return format.WithEach(body, "messages", func(message []byte) []byte {
		return format.WithEach(message, "content", func(block []byte) []byte { return format.WithIDs(block, fit, "id", "tool_use_id") })
	})
}

// Unsigned is the body of a request without the reasoning of earlier turns, whoever has signed it: only its maker takes it back. If calls
// are answered now, the model is told not to think: "When `thinking` is enabled, a final `assistant` message must start with a thinking
// block", and another provider may have made them without.
func Unsigned(body []byte) []byte {
	if !HoldsSigned(body) && !HoldsCalls(body) {
		return body
	}
	return without(body, isThought, true)
}

// HoldsCalls reports whether there may be calls of tools in a body.
func HoldsCalls(body []byte) bool { return bytes.Contains(body, []byte(`"tool_use"`)) }

// HoldsSigned reports whether there may be signed reasoning in a body.
func HoldsSigned(body []byte) bool {
	return bytes.Contains(body, []byte(`"thinking"`)) && bytes.Contains(body, []byte(`"signature"`)) || bytes.Contains(body, []byte(`"redacted_thinking"`))
}

func isThought(block []byte) bool {
	if !format.IsObject(block) {
		return false
	}
	kind := jsonscan.MemberOf(block, "type")
	return isText(kind, "thinking") || isText(kind, "redacted_thinking")
}

// holdsUnsigned reports whether an empty signature, or empty data, stands anywhere in a body.
func holdsUnsigned(body []byte) bool {
	return holdsEmpty(body, `"signature"`) || holdsEmpty(body, `"data"`)
}

func holdsEmpty(body []byte, name string) bool {
	const space = " \t\r\n"
	for {
		at := bytes.Index(body, []byte(name))
		if at < 0 {
			return false
		}
		body = body[at+len(name):]
		rest, ok := bytes.CutPrefix(bytes.TrimLeft(body, space), []byte(":"))
		if ok && bytes.HasPrefix(bytes.TrimLeft(rest, space), []byte(`""`)) {
			return true
		}
	}
}

// without leaves out thinking that is left out; a message with nothing else in it goes as a whole. If it was in the
// answer whose calls are answered now, Anthropic would miss it while it thinks by a budget: that is switched off for this request. off: so
// it is if there was none.
func without(body []byte, leftOut func(block []byte) bool, off bool) []byte {
	var messages, thinking jsonscan.Member
	_ = jsonscan.Object(body, func(m jsonscan.Member) { // it has been read before
		switch string(m.Key) {
		case "messages":
			messages = m
		case "thinking":
			thinking = m
		}
	})
	all := format.Count(messages.Value)
	list, unthought, n := make([]byte, 0, len(messages.Value)), false, 0
	list = append(list, '[')
	jsonscan.Elements(messages.Value, func(message []byte) {
		n++
		kept, cut := keptOf(message, leftOut)
		unthought = unthought || (cut || off) && n >= all-1 && bytes.Contains(message, []byte(`"tool_use"`))
		if kept != nil {
			list = appendElement(list, kept)
		}
	})
	if string(list) == "[" {
		return body // nothing would be left: let Anthropic say what it makes of it
	}
	list = append(list, ']')
	if unthought && (bytes.Contains(thinking.Value, []byte(`"enabled"`)) || bytes.Contains(thinking.Value, []byte(`"adaptive"`))) {
		off := []byte(`{"type":"disabled"}`)
		if thinking.Start > messages.End {
			return splice(splice(body, thinking, off), messages, list)
		}
		return splice(splice(body, messages, list), thinking, off)
	}
	return splice(body, messages, list)
}

// keptOf is a message without the blocks that are left out; nil if nothing is left of it. cut: there was some.
func keptOf(message []byte, leftOut func(block []byte) bool) (kept []byte, cut bool) {
	var content jsonscan.Member
	if !format.IsObject(message) || jsonscan.Object(message, func(m jsonscan.Member) {
		if string(m.Key) == "content" {
			content = m
		}
	}) != nil || len(content.Value) == 0 || content.Value[0] != '[' {
		return message, false
	}
	list := append(make([]byte, 0, len(content.Value)), '[')
	jsonscan.Elements(content.Value, func(block []byte) {
		if leftOut(block) {
			cut = true
			return
		}
		list = appendElement(list, block)
	})
	switch {
	case !cut:
		return message, false
	case len(list) == 1:
		return nil, true
	}
	return splice(message, content, append(list, ']')), true
}

func isUnsigned(block []byte) bool {
	if !format.IsObject(block) {
		return false
	}
	kind := jsonscan.MemberOf(block, "type")
	return isText(kind, "thinking") && string(jsonscan.MemberOf(block, "signature")) == `""` ||
		isText(kind, "redacted_thinking") && string(jsonscan.MemberOf(block, "data")) == `""`
}

func appendElement(list, element []byte) []byte {
	if len(list) > 1 {
		list = append(list, ',')
	}
	return append(list, element...)
}

// splice puts another value in the place of a member's.
func splice(body []byte, m jsonscan.Member, value []byte) []byte {
	out := make([]byte, 0, len(body)+len(value)-len(m.Value))
	return append(append(append(out, body[:m.Start]...), value...), body[m.End:]...)
}
