package chat

import (
	"bytes"
	"strings"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
)

// speech is what a message says.
type speech struct {
	text, reasoning, thinking, refusal string

	calls []byte
	old   []byte // function_call, as it was before tools
	other bool   // something that other formats have no word for
}

// onlyText reports whether the text is all that a message says.
func (s *speech) onlyText() bool {
	return s.text != "" && s.calls == nil && !s.other && s.reasoning == "" && s.thinking == "" && s.refusal == ""
}

func (s *speech) read(message []byte) {
	_ = jsonscan.Object(message, s.member) // it was read with the rest
}

// thought is the reasoning, which some servers have under two names.
func (s *speech) thought() string {
	if s.reasoning != "" {
		return s.reasoning
	}
	return s.thinking
}

func (s *speech) member(m jsonscan.Member) {
	switch string(m.Key) {
	case "content":
		s.content(m.Value)
	case "reasoning_content":
		if text := textIn(m.Value, deepestText); text != "" {
			s.reasoning = text
		}
	case "reasoning": // OpenRouter's, vLLM's and Ollama's name for it
		if text := textIn(m.Value, deepestText); text != "" && s.reasoning == "" {
			s.reasoning = text
		}
	case "refusal":
		s.refusal = textIn(m.Value, deepestText)
	case "tool_calls":
		s.calls = m.Value
	case "function_call":
		if !format.IsEmpty(m.Value) {
			s.old = m.Value
		}
	case "audio", "images":
		s.other = s.other || !format.IsEmpty(m.Value)
	}
}

// content sorts what was said into reasoning and answer: a string, or parts, as Mistral's reasoning models answer, streams
// included.
func (s *speech) content(value []byte) {
	if len(value) == 0 {
		return
	}
	if value[0] != '[' {
		s.text = textIn(value, deepestText)
		return
	}
	var texts, thoughts strings.Builder
	jsonscan.Elements(value, func(element []byte) {
		kind, thinking := "", []byte(nil)
		if format.IsObject(element) {
			_ = jsonscan.Object(element, func(m jsonscan.Member) {
				switch string(m.Key) {
				case "type":
					kind = wordOf(m.Value)
				case "thinking":
					thinking = m.Value
				}
			})
		}
		switch kind {
		case "thinking", "reasoning":
			if thinking == nil {
				thinking = element
			}
			thoughts.WriteString(textIn(thinking, deepestText))
		case "", "text", "output_text", "refusal":
			text := textIn(element, deepestText)
			texts.WriteString(text)
			s.other = s.other || text == "" && kind != ""
		default:
			s.other = true
		}
	})
	s.text, s.thinking = texts.String(), thoughts.String()
}

// deepestText is how deep a text is looked for.
const deepestText = 4

// textIn is the text in a value that should be one: a string, what an object has under one of the usual names, a list of those.
// What is not a text at all is as it stands, so that nothing is lost of an answer.
func textIn(value []byte, depth int) string {
	if len(value) == 0 || depth == 0 {
		return ""
	}
	switch value[0] {
	case '"':
		text, _ := jsonscan.String(value)
		return text
	case 'n', 't', 'f':
		return ""
	case '[':
		var all strings.Builder
		jsonscan.Elements(value, func(element []byte) { all.WriteString(textIn(element, depth-1)) })
		return all.String()
	case '{':
		text := ""
		_ = jsonscan.Object(value, func(m jsonscan.Member) {
			switch string(m.Key) {
			case "text", "content", "refusal", "thinking", "reasoning", "reasoningText", "reasoning_content":
				if text == "" {
					text = textIn(m.Value, depth-1)
				}
			}
		})
		return text
	}
	return string(value)
}

// wordOf is a short text, or a number in its place.
func wordOf(value []byte) string {
	if len(value) == 0 || jsonscan.IsNull(value) {
		return ""
	}
	if text, ok := jsonscan.String(value); ok {
		return text
	}
	if value[0] == '-' || value[0] >= '0' && value[0] <= '9' {
		return string(value)
	}
	return ""
}

// number is a number, or one in a text.
func number(value []byte, otherwise int64) int64 {
	n, ok := jsonscan.Int(bytes.Trim(value, `"`))
	if !ok {
		return otherwise
	}
	return n
}

// readPiece reads a tool call, or a piece of one; false if it is none.
func readPiece(element []byte) (p piece, ok bool) {
	if !format.IsObject(element) {
		return p, false
	}
	p.index = noIndex
	_ = jsonscan.Object(element, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "index":
			p.index = number(m.Value, noIndex)
		case "id":
			p.id = wordOf(m.Value)
		case "function":
			_ = jsonscan.Object(m.Value, func(m jsonscan.Member) {
				switch string(m.Key) {
				case "name":
					p.name = wordOf(m.Value)
				case "arguments":
					p.arguments = argumentsOf(m.Value)
				}
			})
		case "extra_content": // Gemini's (https://ai.google.dev/gemini-api/docs/thought-signatures)
			p.signature = wordOf(memberOf(memberOf(m.Value, "google"), "thought_signature"))
		}
	})
	return p, true
}

// argumentsOf is a JSON object as text. Some servers put the object itself in its place.
func argumentsOf(value []byte) string {
	switch {
	case !format.Given(value):
		return ""
	case value[0] == '"':
		text, _ := jsonscan.String(value)
		return text
	}
	return format.Compact(value)
}

// elements visits those of a list, or the one that stands in its place.
func elements(list []byte, visit func(element []byte)) {
	if format.IsObject(list) && memberOf(list, "function") != nil {
		visit(list)
		return
	}
	jsonscan.Elements(list, visit)
}
