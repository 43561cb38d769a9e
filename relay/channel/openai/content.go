package openai

import (
	"bytes"

	"one-api/relay/jsonscan"
)

// written is how most chunks begin what they have to say. Inside a string its quotes would be escaped.
const written = `"content":"`

// holdsContent finds out whether a chunk's choices carry a part of the answer, without decoding them. choices is the value of
// "choices", which may be nil.
func holdsContent(choices []byte) bool {
	if at := bytes.Index(choices, []byte(written)); at >= 0 && choices[at+len(written)] != '"' {
		return true
	}
	var found contentScan
	jsonscan.Elements(choices, found.choice)
	return bool(found)
}

// contentScan is true once a part of the answer has been seen. The values are known to be valid JSON, so the only error left is
// that one is not an object: then it holds no content.
type contentScan bool

func (s *contentScan) choice(choice []byte) { _ = jsonscan.Object(choice, s.choiceMember) }

func (s *contentScan) choiceMember(m jsonscan.Member) {
	switch string(m.Key) {
	case "delta":
		_ = jsonscan.Object(m.Value, s.deltaMember)
	case "text": // of /v1/completions
		*s = *s || contentScan(holdsSomething(m.Value))
	}
}

func (s *contentScan) deltaMember(m jsonscan.Member) {
	switch string(m.Key) {
	case "content", "reasoning_content", "reasoning", "refusal", "tool_calls":
		*s = *s || contentScan(holdsSomething(m.Value))
	}
}

// holdsSomething is false for null and for what is empty.
func holdsSomething(value []byte) bool {
	switch string(value) {
	case "null", `""`, "[]", "{}":
		return false
	}
	return true
}
