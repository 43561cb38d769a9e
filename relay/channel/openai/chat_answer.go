package openai

import (
	"encoding/json"
	"strings"

	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// choice is an answer of a chat completion, or what a chunk adds to one: the two differ in the member's name only. Members
// that conversion does not need are not read, so that a server's own idea of them fails nothing.
type choice struct {
	Index        int    `json:"index"`
	Message      said   `json:"message"`
	Delta        said   `json:"delta"`
	FinishReason string `json:"finish_reason"`
}

// said is a message or a piece of one.
type said struct {
	Content          json.RawMessage     `json:"content"` // string | []contentPart | null
	ReasoningContent string              `json:"reasoning_content"`
	Reasoning        json.RawMessage     `json:"reasoning"` // OpenRouter's and vLLM's name for it; a string
	Refusal          string              `json:"refusal"`
	ToolCalls        []wire.ChatToolCall `json:"tool_calls"`
}

// contentPart is a piece of content. Mistral's reasoning models answer in those, streams included.
type contentPart struct {
	Type     string          `json:"type"` // text | refusal | thinking | …
	Text     string          `json:"text"`
	Refusal  string          `json:"refusal"`
	Thinking json.RawMessage `json:"thinking"` // []contentPart
}

// decodeChoices reads the value of "choices", which may be nil. It returns choice 0, the only one that was asked for; nil: the
// list does not hold it.
func decodeChoices(value []byte) (*choice, error) {
	if value == nil {
		return nil, nil
	}
	var choices []choice
	if err := json.Unmarshal(value, &choices); err != nil {
		return nil, err
	}
	for i := range choices {
		if choices[i].Index == 0 {
			return &choices[i], nil
		}
	}
	return nil, nil
}

// speech sorts what was said into reasoning and answer. It is false where the content is of no known form.
func (s *said) speech() (thinking, text string, ok bool) {
	thinking = s.ReasoningContent
	if thinking == "" {
		thinking, _ = jsonscan.String(s.Reasoning)
	}
	switch kindOf(s.Content) {
	case 0:
	case '"':
		text, _ = jsonscan.String(s.Content)
	case '[':
		var parts []contentPart
		if json.Unmarshal(s.Content, &parts) != nil {
			return "", "", false
		}
		var texts, thoughts strings.Builder
		for _, part := range parts {
			switch part.Type {
			case "text":
				texts.WriteString(part.Text)
			case "refusal":
				texts.WriteString(part.Refusal)
			case "thinking":
				var inner []contentPart
				if json.Unmarshal(part.Thinking, &inner) != nil {
					continue // an unknown way to think aloud is no reason to lose the answer
				}
				for _, thought := range inner {
					thoughts.WriteString(thought.Text)
				}
			}
		}
		text = texts.String()
		thinking += thoughts.String()
	default:
		return "", "", false
	}
	return thinking, text, true
}

// stopReason converts a finish_reason; calls tells whether the answer has tool calls, which some servers end with "stop".
func stopReason(finish string, calls bool) string {
	switch finish {
	case "length":
		return "max_tokens"
	case "content_filter":
		return "refusal"
	case "tool_calls", "function_call":
		return "tool_use"
	case "stop":
		if calls {
			return "tool_use"
		}
	}
	return "end_turn"
}
