package wire

import "encoding/json"

// The Anthropic Messages shapes, as far as conversion needs them (https://docs.claude.com/en/api/messages).

// MessagesRequest is the body of POST /v1/messages.
type MessagesRequest struct {
	Model         string          `json:"model"`
	MaxTokens     int64           `json:"max_tokens"`
	System        json.RawMessage `json:"system,omitempty"` // string | []Block
	Messages      []Message       `json:"messages"`
	Tools         []Tool          `json:"tools,omitempty"`
	ToolChoice    *ToolChoice     `json:"tool_choice,omitempty"`
	StopSequences []string        `json:"stop_sequences,omitempty"`
	Temperature   *float64        `json:"temperature,omitempty"`
	TopP          *float64        `json:"top_p,omitempty"`
	TopK          *int64          `json:"top_k,omitempty"`
	Stream        bool            `json:"stream,omitempty"`
	Metadata      *Metadata       `json:"metadata,omitempty"`
	OutputConfig  *OutputConfig   `json:"output_config,omitempty"`
	Thinking      json.RawMessage `json:"thinking,omitempty"`
}

// Metadata names the end user, pseudonymously.
type Metadata struct {
	UserID string `json:"user_id,omitempty"`
}

// OutputConfig asks for structured output (https://platform.claude.com/docs/en/build-with-claude/structured-outputs).
type OutputConfig struct {
	Format *OutputFormat `json:"format,omitempty"`
	Effort string        `json:"effort,omitempty"`
}

// OutputFormat is a JSON schema that the answer's text must satisfy.
type OutputFormat struct {
	Type   string          `json:"type"` // json_schema
	Schema json.RawMessage `json:"schema"`
}

// Message is one turn of a conversation.
type Message struct {
	Role    string          `json:"role"`    // user | assistant
	Content json.RawMessage `json:"content"` // string | []Block
}

// Block is a piece of a turn. Which fields matter depends on Type.
type Block struct {
	Type      string          `json:"type"`                  // text | image | document | tool_use | tool_result | thinking | redacted_thinking | …
	Text      *string         `json:"text,omitempty"`        // text
	Source    *Source         `json:"source,omitempty"`      // image, document
	ID        string          `json:"id,omitempty"`          // tool_use
	Name      string          `json:"name,omitempty"`        // tool_use
	Input     json.RawMessage `json:"input,omitempty"`       // tool_use: an object
	ToolUseID string          `json:"tool_use_id,omitempty"` // tool_result
	Content   json.RawMessage `json:"content,omitempty"`     // tool_result: string | []Block
	IsError   bool            `json:"is_error,omitempty"`    // tool_result
	Thinking  string          `json:"thinking,omitempty"`    // thinking
	Signature string          `json:"signature,omitempty"`   // thinking
	Title     string          `json:"title,omitempty"`       // document
}

// Source is where an image or a document comes from.
type Source struct {
	Type      string `json:"type"` // base64 | url | text
	MediaType string `json:"media_type,omitempty"`
	Data      string `json:"data,omitempty"`
	URL       string `json:"url,omitempty"`
}

// Tool is a function that the model may call, or a tool of the provider (Type set and not "custom").
type Tool struct {
	Type        string          `json:"type,omitempty"`
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	InputSchema json.RawMessage `json:"input_schema,omitempty"`
	Strict      *bool           `json:"strict,omitempty"`
}

// ToolChoice says whether and which tool must be used.
type ToolChoice struct {
	Type                   string `json:"type"` // auto | any | tool | none
	Name                   string `json:"name,omitempty"`
	DisableParallelToolUse bool   `json:"disable_parallel_tool_use,omitempty"`
}

// MessageAnswer is a whole answer.
type MessageAnswer struct {
	ID           string        `json:"id"`
	Type         string        `json:"type"` // message
	Role         string        `json:"role"` // assistant
	Model        string        `json:"model"`
	Content      []Block       `json:"content"`
	StopReason   *string       `json:"stop_reason"`
	StopSequence *string       `json:"stop_sequence"`
	Usage        MessagesUsage `json:"usage"`
}

// MessagesUsage counts tokens: cached ones are not part of InputTokens.
type MessagesUsage struct {
	InputTokens              int64 `json:"input_tokens"`
	CacheCreationInputTokens int64 `json:"cache_creation_input_tokens"`
	CacheReadInputTokens     int64 `json:"cache_read_input_tokens"`
	OutputTokens             int64 `json:"output_tokens"`

	OutputTokensDetails *OutputTokensDetails `json:"output_tokens_details,omitempty"`
}

// OutputTokensDetails says how much of the output was reasoning.
type OutputTokensDetails struct {
	ThinkingTokens int64 `json:"thinking_tokens"`
}

// Neutral is the usage without its format.
func (u *MessagesUsage) Neutral() Usage {
	if u == nil {
		return Usage{}
	}
	n := Usage{
		Uncached: u.InputTokens, CacheRead: u.CacheReadInputTokens, CacheWrite5m: u.CacheCreationInputTokens, Text: u.OutputTokens,
	}
	if u.OutputTokensDetails != nil {
		n.Reasoning = u.OutputTokensDetails.ThinkingTokens
	}
	return n
}

// StreamEvent is the data of one event of a streamed answer. Which fields are set depends on Type
// (https://docs.claude.com/en/docs/build-with-claude/streaming).
type StreamEvent struct {
	Type         string         `json:"type"`
	Message      *MessageAnswer `json:"message,omitempty"`       // message_start
	Index        int            `json:"index"`                   // content_block_*
	ContentBlock *Block         `json:"content_block,omitempty"` // content_block_start
	Delta        *StreamDelta   `json:"delta,omitempty"`         // content_block_delta, message_delta
	Usage        *MessagesUsage `json:"usage,omitempty"`         // message_delta
}

// StreamDelta is what an event adds.
type StreamDelta struct {
	Type         string  `json:"type,omitempty"` // text_delta | input_json_delta | thinking_delta | signature_delta
	Text         string  `json:"text,omitempty"`
	PartialJSON  string  `json:"partial_json,omitempty"`
	Thinking     string  `json:"thinking,omitempty"`
	Signature    string  `json:"signature,omitempty"`
	StopReason   *string `json:"stop_reason,omitempty"` // message_delta
	StopSequence *string `json:"stop_sequence,omitempty"`
}
