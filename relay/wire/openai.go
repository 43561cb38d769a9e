package wire

import "encoding/json"

// The OpenAI Chat Completions shapes, as far as conversion needs them
// (https://platform.openai.com/docs/api-reference/chat). Content that is either a string or an array of parts stays raw.

// ChatRequest is the body of POST /v1/chat/completions.
type ChatRequest struct {
	Model               string          `json:"model"`
	Messages            []ChatMessage   `json:"messages"`
	Tools               []ChatTool      `json:"tools,omitempty"`
	ToolChoice          json.RawMessage `json:"tool_choice,omitempty"` // "auto" | "none" | "required" | {"type":"function","function":{"name"}}
	ParallelToolCalls   *bool           `json:"parallel_tool_calls,omitempty"`
	MaxTokens           *int64          `json:"max_tokens,omitempty"`
	MaxCompletionTokens *int64          `json:"max_completion_tokens,omitempty"`
	Temperature         *float64        `json:"temperature,omitempty"`
	TopP                *float64        `json:"top_p,omitempty"`
	N                   *int64          `json:"n,omitempty"`
	Stop                json.RawMessage `json:"stop,omitempty"` // string | []string | null
	ResponseFormat      json.RawMessage `json:"response_format,omitempty"`
	Stream              bool            `json:"stream,omitempty"`
	StreamOptions       *StreamOptions  `json:"stream_options,omitempty"`
	User                string          `json:"user,omitempty"`
	Logprobs            *bool           `json:"logprobs,omitempty"`
	Functions           json.RawMessage `json:"functions,omitempty"` // the API before tools
}

// StreamOptions asks for a last chunk that carries usage.
type StreamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

// ChatMessage is one message of a conversation, or of an answer.
type ChatMessage struct {
	Role             string          `json:"role"`
	Content          json.RawMessage `json:"content"` // string | []ChatPart | null
	ReasoningContent string          `json:"reasoning_content,omitempty"`
	Refusal          string          `json:"refusal,omitempty"`
	Name             string          `json:"name,omitempty"`
	ToolCalls        []ChatToolCall  `json:"tool_calls,omitempty"`
	ToolCallID       string          `json:"tool_call_id,omitempty"`
}

// ChatPart is a piece of a message's content.
type ChatPart struct {
	Type       string          `json:"type"` // text | image_url | input_audio | file | refusal
	Text       string          `json:"text,omitempty"`
	Refusal    string          `json:"refusal,omitempty"`
	ImageURL   *ChatImageURL   `json:"image_url,omitempty"`
	File       *ChatFile       `json:"file,omitempty"`
	InputAudio json.RawMessage `json:"input_audio,omitempty"`
}

// ChatImageURL is an image as a link or as a data URL.
type ChatImageURL struct {
	URL    string `json:"url"`
	Detail string `json:"detail,omitempty"`
}

// ChatFile is a document in a message.
type ChatFile struct {
	FileData string `json:"file_data,omitempty"` // data URL
	FileID   string `json:"file_id,omitempty"`
	Filename string `json:"filename,omitempty"`
}

// ChatTool is a function that the model may call.
type ChatTool struct {
	Type     string       `json:"type"` // function
	Function ChatFunction `json:"function"`
}

// ChatFunction describes a function by JSON schema.
type ChatFunction struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
	Strict      *bool           `json:"strict,omitempty"`
}

// ChatToolCall is a call of a function; in a stream, a piece of one.
type ChatToolCall struct {
	Index    *int             `json:"index,omitempty"` // streams only
	ID       string           `json:"id,omitempty"`
	Type     string           `json:"type,omitempty"`
	Function ChatFunctionCall `json:"function"`
}

// ChatFunctionCall carries a call's arguments as JSON text.
type ChatFunctionCall struct {
	Name      string `json:"name,omitempty"`
	Arguments string `json:"arguments"`
}

// ChatCompletion is a whole answer.
type ChatCompletion struct {
	ID      string       `json:"id"`
	Object  string       `json:"object"` // chat.completion
	Created int64        `json:"created"`
	Model   string       `json:"model"`
	Choices []ChatChoice `json:"choices"`
	Usage   *ChatUsage   `json:"usage,omitempty"`
}

// ChatChoice is one answer of a ChatCompletion.
type ChatChoice struct {
	Index        int         `json:"index"`
	Message      ChatMessage `json:"message"`
	FinishReason string      `json:"finish_reason"`
}

// ChatChunk is one event of a streamed answer.
type ChatChunk struct {
	ID      string            `json:"id"`
	Object  string            `json:"object"` // chat.completion.chunk
	Created int64             `json:"created"`
	Model   string            `json:"model"`
	Choices []ChatChunkChoice `json:"choices"`
	Usage   *ChatUsage        `json:"usage,omitempty"`
}

// ChatChunkChoice is what a chunk adds to a choice.
type ChatChunkChoice struct {
	Index        int       `json:"index"`
	Delta        ChatDelta `json:"delta"`
	FinishReason *string   `json:"finish_reason"`
}

// ChatDelta is a piece of an assistant message.
type ChatDelta struct {
	Role             string         `json:"role,omitempty"`
	Content          *string        `json:"content,omitempty"`
	ReasoningContent *string        `json:"reasoning_content,omitempty"`
	Refusal          *string        `json:"refusal,omitempty"`
	ToolCalls        []ChatToolCall `json:"tool_calls,omitempty"`
}

// ChatUsage counts tokens: cached and reasoning ones are part of the totals.
type ChatUsage struct {
	PromptTokens            int64                    `json:"prompt_tokens"`
	CompletionTokens        int64                    `json:"completion_tokens"`
	TotalTokens             int64                    `json:"total_tokens"`
	PromptTokensDetails     *PromptTokensDetails     `json:"prompt_tokens_details,omitempty"`
	CompletionTokensDetails *CompletionTokensDetails `json:"completion_tokens_details,omitempty"`
}

// PromptTokensDetails says how much of the prompt was cached. OpenRouter's name for what was written to a cache is one that OpenAI
// has none for.
type PromptTokensDetails struct {
	CachedTokens     int64 `json:"cached_tokens"`
	CacheWriteTokens int64 `json:"cache_write_tokens,omitempty"`
}

// CompletionTokensDetails says how much of the completion was reasoning.
type CompletionTokensDetails struct {
	ReasoningTokens int64 `json:"reasoning_tokens"`
}

// Neutral is the usage without its format.
func (u *ChatUsage) Neutral() Usage {
	if u == nil {
		return Usage{}
	}
	n := Usage{Uncached: u.PromptTokens, Text: u.CompletionTokens}
	if d := u.PromptTokensDetails; d != nil {
		n.CacheRead, n.CacheWrite5m = d.CachedTokens, d.CacheWriteTokens
		n.Uncached -= d.CachedTokens + d.CacheWriteTokens
	}
	if u.CompletionTokensDetails != nil {
		n.Reasoning = u.CompletionTokensDetails.ReasoningTokens
	}
	return n
}
