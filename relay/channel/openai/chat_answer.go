package openai

import (
	"bytes"
	"encoding/json"
	"strings"

	"one-api/relay/channel"
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// choice is an answer of a chat completion, or what a chunk adds to one: the two differ in the member's name only. Members
// that conversion does not need are not read, so that a server's own idea of them fails nothing.
type choice struct {
	Index        int             `json:"index"`
	Message      said            `json:"message"`
	Delta        said            `json:"delta"`
	FinishReason json.RawMessage `json:"finish_reason"`
	Error        json.RawMessage `json:"error"` // OpenRouter's, beside the finish_reason "error"
}

// end is why the choice ended, if it has. An error is a *channel.Failure: it failed.
func (c *choice) end() (wire.EndReason, error) {
	reason := wire.EndReasonOf(c.FinishReason)
	switch {
	case holdsSomething(c.Error) && string(c.Error) != "false":
		return reason, failureInside(encode(map[string]json.RawMessage{"error": c.Error}))
	case reason == wire.EndedBadly:
		return reason, channel.BadEnd(wire.EndWord(c.FinishReason))
	}
	return reason, nil
}

// said is a message or a piece of one.
type said struct {
	Content          json.RawMessage `json:"content"`           // string | []contentPart | null
	ReasoningContent json.RawMessage `json:"reasoning_content"` // a string
	Reasoning        json.RawMessage `json:"reasoning"`         // OpenRouter's and vLLM's name for it; a string
	Refusal          json.RawMessage `json:"refusal"`           // a string
	ToolCalls        []toolCall      `json:"tool_calls"`
}

// toolCall is a call of a function; in a stream, a piece of one.
type toolCall struct {
	Index    *int   `json:"index"` // streams only
	ID       string `json:"id"`
	Function struct {
		Name      string        `json:"name"`
		Arguments argumentsText `json:"arguments"`
	} `json:"function"`
}

// argumentsText is a JSON object as text. Some servers put the object itself in its place: read, it becomes its text.
type argumentsText string

// UnmarshalJSON takes a string as it is, null as nothing, and every other value as text.
func (t *argumentsText) UnmarshalJSON(value []byte) error {
	switch kindOf(value) {
	case 0:
		return nil
	case '"':
		return json.Unmarshal(value, (*string)(t))
	}
	var text bytes.Buffer
	if err := json.Compact(&text, value); err != nil {
		return err
	}
	*t = argumentsText(text.String())
	return nil
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
	var choices []*choice
	if err := json.Unmarshal(value, &choices); err != nil {
		return nil, err
	}
	for _, c := range choices {
		if c != nil && c.Index == 0 {
			return c, nil
		}
	}
	return nil, nil
}

// refused is the text of a refusal; empty: it is none.
func (s *said) refused() string {
	text, _ := jsonscan.String(s.Refusal)
	return text
}

// speech sorts what was said into reasoning and answer. It is false where the content is of no known form.
func (s *said) speech() (thinking, text string, ok bool) {
	thinking, _ = jsonscan.String(s.ReasoningContent)
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
