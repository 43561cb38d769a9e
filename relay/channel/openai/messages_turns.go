package openai

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"one-api/relay/wire"
)

// chatMessages converts the system prompt and the turns.
func chatMessages(in *wire.MessagesRequest) ([]wire.ChatMessage, *wire.Error) {
	if len(in.Messages) == 0 {
		return nil, invalid("messages", "at least one message is required")
	}
	out := make([]wire.ChatMessage, 0, len(in.Messages)+1)
	if kindOf(in.System) != 0 {
		system, problem := textOnly(in.System, "system", "\n\n")
		if problem != nil {
			return nil, problem
		}
		if system != "" {
			out = append(out, wire.ChatMessage{Role: "system", Content: encode(system)})
		}
	}
	for i, message := range in.Messages {
		path := fmt.Sprintf("messages[%d]", i)
		if message.Role != "user" && message.Role != "assistant" {
			return nil, invalid(path+".role", "must be user or assistant")
		}
		whole, blocks, problem := decodeContent(message.Content, path+".content")
		if problem != nil {
			return nil, problem
		}
		switch {
		case whole != nil:
			out = append(out, wire.ChatMessage{Role: message.Role, Content: encode(*whole)})
		case message.Role == "user":
			out, problem = appendUserTurn(out, blocks, path+".content")
		default:
			out, problem = appendAssistantTurn(out, blocks, path+".content")
		}
		if problem != nil {
			return nil, problem
		}
	}
	return out, nil
}

// appendUserTurn adds a turn's tool results, each a message of its own, and then one message with the rest. Images and
// documents in tool results come first in that one: OpenAI takes only text from tools.
func appendUserTurn(out []wire.ChatMessage, blocks []wire.Block, path string) ([]wire.ChatMessage, *wire.Error) {
	var shown, parts []wire.ChatPart // from tool results; from the turn itself
	results := false
	for j, block := range blocks {
		path := fmt.Sprintf("%s[%d]", path, j)
		if block.Type == "tool_result" {
			message, attached, problem := toolMessage(&block, path)
			if problem != nil {
				return nil, problem
			}
			out, shown, results = append(out, message), append(shown, attached...), true
			continue
		}
		part, problem := chatPart(&block, path)
		if problem != nil {
			return nil, problem
		}
		parts = append(parts, part)
	}
	parts = append(shown, parts...)
	if len(parts) == 0 && results {
		return out, nil
	}
	return append(out, wire.ChatMessage{Role: "user", Content: partsContent(parts)}), nil
}

// partsContent is a plain string where every part is text, since not every compatible server knows parts.
func partsContent(parts []wire.ChatPart) json.RawMessage {
	texts := make([]string, 0, len(parts))
	for _, part := range parts {
		if part.Type == "text" {
			texts = append(texts, part.Text)
		}
	}
	if len(texts) == len(parts) {
		return encode(strings.Join(texts, "\n"))
	}
	// OpenAI refuses an empty text beside an image.
	return encode(slices.DeleteFunc(parts, func(p wire.ChatPart) bool { return p.Type == "text" && p.Text == "" }))
}

func toolMessage(block *wire.Block, path string) (wire.ChatMessage, []wire.ChatPart, *wire.Error) {
	message := wire.ChatMessage{Role: "tool", ToolCallID: block.ToolUseID}
	if block.ToolUseID == "" {
		return message, nil, invalid(path+".tool_use_id", "is required")
	}
	var content string
	var attached []wire.ChatPart
	if kindOf(block.Content) != 0 {
		whole, blocks, problem := decodeContent(block.Content, path+".content")
		if problem != nil {
			return message, nil, problem
		}
		var texts []string
		if whole != nil {
			texts = append(texts, *whole)
		}
		for k, inner := range blocks {
			part, problem := chatPart(&inner, fmt.Sprintf("%s.content[%d]", path, k))
			if problem != nil {
				return message, nil, problem
			}
			if part.Type == "text" {
				texts = append(texts, part.Text)
			} else {
				attached = append(attached, part)
			}
		}
		content = strings.Join(texts, "\n")
	}
	if block.IsError && !strings.HasPrefix(content, "Error:") {
		content = "Error: " + content
	}
	message.Content = encode(content)
	return message, attached, nil
}

// appendAssistantTurn adds an earlier answer: its text, which Anthropic splits in the middle of sentences where it cites, and
// its tool calls.
func appendAssistantTurn(out []wire.ChatMessage, blocks []wire.Block, path string) ([]wire.ChatMessage, *wire.Error) {
	message := wire.ChatMessage{Role: "assistant"}
	var said strings.Builder
	for j, block := range blocks {
		path := fmt.Sprintf("%s[%d]", path, j)
		switch block.Type {
		case "text":
			if block.Text == nil {
				return nil, invalid(path+".text", "is required")
			}
			said.WriteString(*block.Text)
		case "tool_use":
			call, problem := chatToolCall(&block, path)
			if problem != nil {
				return nil, problem
			}
			message.ToolCalls = append(message.ToolCalls, call)
		case "thinking", "redacted_thinking": // signed for Anthropic's models, of no use to others
		default:
			return nil, unknownBlock(&block, path)
		}
	}
	if said.Len() > 0 || len(message.ToolCalls) == 0 {
		message.Content = encode(said.String())
	}
	return append(out, message), nil
}

func chatToolCall(block *wire.Block, path string) (wire.ChatToolCall, *wire.Error) {
	call := wire.ChatToolCall{ID: block.ID, Type: "function", Function: wire.ChatFunctionCall{Name: block.Name, Arguments: "{}"}}
	switch {
	case block.ID == "":
		return call, invalid(path+".id", "is required")
	case block.Name == "":
		return call, invalid(path+".name", "is required")
	}
	switch kindOf(block.Input) {
	case '{':
		call.Function.Arguments = string(block.Input)
	case 0:
	default:
		return call, invalid(path+".input", "must be an object")
	}
	return call, nil
}

// textOnly reads content that may be a string or text blocks.
func textOnly(value json.RawMessage, path, separator string) (string, *wire.Error) {
	whole, blocks, problem := decodeContent(value, path)
	if problem != nil {
		return "", problem
	}
	if whole != nil {
		return *whole, nil
	}
	texts := make([]string, len(blocks))
	for i, block := range blocks {
		switch {
		case block.Type != "text":
			return "", unknownBlock(&block, fmt.Sprintf("%s[%d]", path, i))
		case block.Text == nil:
			return "", invalid(fmt.Sprintf("%s[%d].text", path, i), "is required")
		}
		texts[i] = *block.Text
	}
	return strings.Join(texts, separator), nil
}

func unknownBlock(block *wire.Block, path string) *wire.Error {
	if block.Type == "" {
		return invalid(path+".type", "is required")
	}
	return invalid(path, fmt.Sprintf("a block of type %q cannot be sent to this model's provider from here", wire.Clip(block.Type, longestQuote)))
}
