package openai

import (
	"encoding/json"
	"strings"

	"one-api/relay/channel"
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// messagesTranslator turns chat completions into answers for Messages clients.
type messagesTranslator struct {
	usage   tally
	stream  messagesStream
	unknown string // an end reason in no table
}

func (t *messagesTranslator) UnknownEnd() string { return t.unknown }

func (t *messagesTranslator) Usage() wire.Usage { return t.usage.neutral() }

func (t *messagesTranslator) Whole(body []byte) ([]byte, error) {
	var seen members
	if err := seen.answer(body); err != nil {
		return nil, err
	}
	t.usage.note(seen.cost())
	first, err := decodeChoices(seen.choices)
	if err != nil {
		return nil, channel.Malformed("choices that are not those of a chat completion")
	}
	if first == nil {
		return nil, channel.Malformed("a chat completion without a choice")
	}
	end, err := t.endOf(first)
	if err != nil {
		return nil, err
	}
	answer := newMessage(&seen)
	if answer.Content, err = answerContent(first, end, answer.ID); err != nil {
		return nil, err
	}
	reason := end.Messages(len(first.Message.ToolCalls) > 0)
	answer.StopReason = &reason
	answer.Usage = messagesUsage(t.usage.neutral())
	return encode(answer), nil
}

// endOf is why a choice ended, and notes a reason that nobody knows.
func (t *messagesTranslator) endOf(c *choice) (wire.EndReason, error) {
	end, err := c.end()
	if end == wire.EndedSomehow {
		t.unknown = wire.EndWord(c.FinishReason)
	}
	return end, err
}

// newMessage is a message without content yet. The model is what the upstream said.
func newMessage(seen *members) messageAnswer {
	m := messageAnswer{Type: "message", Role: "assistant", Content: []any{}}
	m.ID, _ = jsonscan.String(seen.id)
	m.Model, _ = jsonscan.String(seen.model)
	return m
}

func answerContent(c *choice, end wire.EndReason, answerID string) ([]any, error) {
	content := []any{}
	thinking, text, ok := c.Message.speech()
	if !ok {
		return nil, channel.Malformed("a message whose content is neither text nor parts")
	}
	if thinking != "" {
		content = append(content, thinkingBlock{Type: "thinking", Thinking: thinking})
	}
	for _, s := range []string{text, c.Message.refused()} {
		if s != "" {
			content = append(content, textBlock{"text", s})
		}
	}
	ids := toolIDs{answer: answerID}
	for i, call := range c.Message.ToolCalls {
		if call.Function.Name == "" {
			return nil, channel.Malformed("a tool call without a name")
		}
		input := json.RawMessage(strings.TrimSpace(string(call.Function.Arguments)))
		if len(input) == 0 {
			input = json.RawMessage("{}")
		}
		if err := jsonscan.Object(input, func(jsonscan.Member) {}); err != nil {
			if end == wire.EndedByLength {
				break // the client's own limit cut the call: the stop reason says so, and half a call must not be made
			}
			return nil, channel.Malformed("a tool call whose arguments are no JSON object")
		}
		content = append(content, toolUseBlock{"tool_use", ids.assign(call.ID, i), call.Function.Name, input})
	}
	return content, nil
}
