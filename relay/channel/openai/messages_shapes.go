package openai

import (
	"encoding/json"

	"one-api/relay/wire"
)

// What is sent to a Messages client (https://docs.claude.com/en/api/messages,
// https://docs.claude.com/en/docs/build-with-claude/streaming). Unlike the types in package wire, which read and so leave out
// what is empty, these have every field that the API always sends: Anthropic's own clients add to an empty "text", "thinking"
// or "input", and need it to be there.

type messageAnswer struct {
	ID           string             `json:"id"`
	Type         string             `json:"type"` // message
	Role         string             `json:"role"` // assistant
	Model        string             `json:"model"`
	Content      []any              `json:"content"` // textBlock | thinkingBlock | toolUseBlock
	StopReason   *string            `json:"stop_reason"`
	StopSequence *string            `json:"stop_sequence"`
	Usage        wire.MessagesUsage `json:"usage"`
}

type textBlock struct {
	Type string `json:"type"` // text
	Text string `json:"text"`
}

type thinkingBlock struct {
	Type      string `json:"type"` // thinking
	Thinking  string `json:"thinking"`
	Signature string `json:"signature"` // always empty: only Anthropic signs
}

type toolUseBlock struct {
	Type  string          `json:"type"` // tool_use
	ID    string          `json:"id"`
	Name  string          `json:"name"`
	Input json.RawMessage `json:"input"`
}

type messageStart struct {
	Type    string        `json:"type"`
	Message messageAnswer `json:"message"`
}

type blockStart struct {
	Type         string `json:"type"`
	Index        int    `json:"index"`
	ContentBlock any    `json:"content_block"`
}

type blockDelta struct {
	Type  string `json:"type"`
	Index int    `json:"index"`
	Delta any    `json:"delta"` // textDelta | thinkingDelta | inputDelta
}

type textDelta struct {
	Type string `json:"type"` // text_delta
	Text string `json:"text"`
}

type thinkingDelta struct {
	Type     string `json:"type"` // thinking_delta
	Thinking string `json:"thinking"`
}

type inputDelta struct {
	Type        string `json:"type"` // input_json_delta
	PartialJSON string `json:"partial_json"`
}

type blockStop struct {
	Type  string `json:"type"`
	Index int    `json:"index"`
}

type messageDelta struct {
	Type  string             `json:"type"`
	Delta stopDelta          `json:"delta"`
	Usage wire.MessagesUsage `json:"usage"`
}

type stopDelta struct {
	StopReason   string  `json:"stop_reason"`
	StopSequence *string `json:"stop_sequence"`
}

type messageStop struct {
	Type string `json:"type"`
}
