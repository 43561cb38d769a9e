package openai

import (
	"bytes"

	"one-api/relay/jsonscan"
)

// contentScan finds out whether a chunk's choices carry a part of the answer, without decoding them. Its functions are bound
// once, so that a scan allocates nothing.
type contentScan struct {
	content bool

	choice       func([]byte)
	choiceMember func(jsonscan.Member)
	deltaMember  func(jsonscan.Member)
}

func (s *contentScan) bind() {
	s.choice = s.readChoice
	s.choiceMember = s.readChoiceMember
	s.deltaMember = s.readDeltaMember
}

// written is how most chunks begin what they have to say. Inside a string its quotes would be escaped.
var written = []byte(`"content":"`)

// found reads the value of "choices", which may be nil.
func (s *contentScan) found(choices []byte) bool {
	if at := bytes.Index(choices, written); at >= 0 && choices[at+len(written)] != '"' {
		return true
	}
	s.content = false
	jsonscan.Elements(choices, s.choice)
	return s.content
}

// The values are known to be valid JSON, so the only error left is that one is not an object: then it holds no content.

func (s *contentScan) readChoice(choice []byte) { _ = jsonscan.Object(choice, s.choiceMember) }

func (s *contentScan) readChoiceMember(m jsonscan.Member) {
	switch string(m.Key) {
	case "delta":
		_ = jsonscan.Object(m.Value, s.deltaMember)
	case "text": // of /v1/completions
		s.content = s.content || holdsSomething(m.Value)
	}
}

func (s *contentScan) readDeltaMember(m jsonscan.Member) {
	switch string(m.Key) {
	case "content", "reasoning_content", "reasoning", "refusal", "tool_calls":
		s.content = s.content || holdsSomething(m.Value)
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
