package anthropic

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"one-api/relay/channel"
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// chatAnswer is the translator for clients that speak the chat format.
type chatAnswer struct {
	created int64 // Unix seconds. Anthropic does not say when; the start of the attempt's answer is near enough
	usage   tally
	stream  stream
	unknown string // an end reason in no table
}

func newChatAnswer(call *channel.Call) *chatAnswer {
	t := &chatAnswer{created: time.Now().Unix()}
	t.stream.includeUsage = call.Stream && wantsUsage(call.Body)
	return t
}

// wantsUsage reads stream_options.include_usage. The body has been decoded for the request, and what was wrong with it has
// been said then.
func wantsUsage(body []byte) bool {
	var options wire.StreamOptions
	_ = jsonscan.Object(body, func(m jsonscan.Member) {
		if string(m.Key) == "stream_options" {
			_ = json.Unmarshal(m.Value, &options)
		}
	})
	return options.IncludeUsage
}

func (t *chatAnswer) Usage() wire.Usage { return t.usage.neutral() }

func (t *chatAnswer) UnknownEnd() string { return t.unknown }

// endOf is why the answer ends, if it does. An error is a *channel.Failure.
func (t *chatAnswer) endOf(stopReason []byte) (wire.EndReason, error) {
	end, unknown, err := endOf(stopReason)
	if unknown != "" {
		t.unknown = unknown
	}
	return end, err
}

func (t *chatAnswer) Whole(body []byte) ([]byte, error) {
	outside, err := scanWhole(body)
	if err != nil {
		return nil, err
	}
	if outside.kind != wholeMessage {
		return nil, channel.Malformed("the answer is not of the type message")
	}
	var answer wire.MessageAnswer
	if json.Unmarshal(body, &answer) != nil {
		return nil, channel.Malformed("the answer has a field of the wrong type")
	}
	if answer.Content == nil {
		return nil, channel.Malformed("the answer has no content")
	}
	end, err := t.endOf(outside.stopReason)
	if err != nil {
		return nil, err
	}
	if end == wire.NotEnded && len(answer.Content) == 0 {
		return nil, channel.Malformed("the answer has neither a content block nor a stop_reason")
	}
	t.usage.note(outside.usage)
	message := chatMessageOf(answer.Content)
	out, err := encode(wire.ChatCompletion{
		ID: answer.ID, Object: "chat.completion", Created: t.created, Model: answer.Model,
		Choices: []wire.ChatChoice{{Message: message, FinishReason: end.Chat(len(message.ToolCalls) > 0)}},
		Usage:   chatUsage(t.usage.neutral()),
	})
	if err != nil {
		return nil, channel.Malformed("the answer cannot be converted")
	}
	return out, nil
}

// chatMessageOf joins what Anthropic keeps in order: the chat format has one text, one reasoning and a list of calls. Blocks
// of tools that the provider runs itself have no place there.
func chatMessageOf(blocks []wire.Block) wire.ChatMessage {
	message := wire.ChatMessage{Role: assistantRole}
	var text, reasoning strings.Builder
	for i := range blocks {
		switch b := &blocks[i]; b.Type {
		case "text":
			if b.Text != nil {
				text.WriteString(*b.Text)
			}
		case "thinking":
			reasoning.WriteString(b.Thinking)
		case "tool_use":
			message.ToolCalls = append(message.ToolCalls, wire.ChatToolCall{
				ID: b.ID, Type: "function", Function: wire.ChatFunctionCall{Name: b.Name, Arguments: arguments(b.Input)},
			})
		}
	}
	message.ReasoningContent = reasoning.String()
	if text.Len() > 0 || len(message.ToolCalls) == 0 {
		message.Content, _ = encode(text.String()) // a string cannot fail
	}
	return message
}

// arguments is a tool's input as compact JSON text. A call without input has no arguments, not invalid ones.
func arguments(input json.RawMessage) string {
	if !given(input) || string(input) == `""` {
		return "{}"
	}
	var b bytes.Buffer
	if json.Compact(&b, input) != nil { // it was decoded, so it is valid
		return "{}"
	}
	return b.String()
}

func chatUsage(u wire.Usage) *wire.ChatUsage {
	usage := &wire.ChatUsage{
		PromptTokens: u.Input(), CompletionTokens: u.Output(), TotalTokens: u.Input() + u.Output(),
		PromptTokensDetails: &wire.PromptTokensDetails{CachedTokens: u.CacheRead, CacheWriteTokens: u.CacheWrite()},
	}
	if u.Reasoning > 0 {
		usage.CompletionTokensDetails = &wire.CompletionTokensDetails{ReasoningTokens: u.Reasoning}
	}
	return usage
}
