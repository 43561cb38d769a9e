package anthropic

import (
	"bytes"
	"encoding/json"
	"strings"

	"one-api/relay/channel"
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// chatRequest is wire.ChatRequest and what must not be overlooked although it cannot be converted.
type chatRequest struct {
	wire.ChatRequest
	Messages         []chatMessage   `json:"messages"`
	FunctionCall     json.RawMessage `json:"function_call"`
	Modalities       []string        `json:"modalities"`
	Audio            json.RawMessage `json:"audio"`
	WebSearchOptions json.RawMessage `json:"web_search_options"`
}

// chatMessage adds the call of the API before tools, which is as much a part of a conversation as a tool call.
type chatMessage struct {
	wire.ChatMessage
	FunctionCall json.RawMessage `json:"function_call"`
}

// messagesRequest is wire.MessagesRequest with blocks that are encoded once, not once on their own and again with the rest:
// they may be images.
type messagesRequest struct {
	wire.MessagesRequest
	System   []wire.Block `json:"system,omitempty"`
	Messages []turn       `json:"messages"`
}

// messagesBody converts a chat request. An error is a *wire.Error.
func messagesBody(call *channel.Call, target channel.Target) ([]byte, error) {
	var chat chatRequest
	if err := json.Unmarshal(call.Body, &chat); err != nil {
		return nil, decodeError("", err)
	}
	if err := refuse(&chat); err != nil {
		return nil, err
	}
	var out messagesRequest
	out.Model = target.Model
	out.Stream = call.Stream
	out.MaxTokens = maxTokens(&chat, target.Model)
	out.Temperature, out.TopP = sampling(&chat)
	if chat.User != "" {
		out.Metadata = &wire.Metadata{UserID: chat.User}
	}
	var err error
	if out.System, out.Messages, err = converse(chat.Messages); err != nil {
		return nil, err
	}
	if out.Tools, err = tools(chat.Tools); err != nil {
		return nil, err
	}
	if out.ToolChoice, err = toolChoice(&chat); err != nil {
		return nil, err
	}
	if out.StopSequences, err = stopSequences(chat.Stop); err != nil {
		return nil, err
	}
	if out.OutputConfig, err = outputConfig(chat.ResponseFormat); err != nil {
		return nil, err
	}
	body, err := encode(out)
	if err != nil {
		return nil, wire.BadRequest("", "the request cannot be converted to this provider's format")
	}
	return body, nil
}

// refuse names what was asked for and cannot be had: leaving it out would give an answer to another question.
func refuse(chat *chatRequest) error {
	switch {
	case given(chat.Functions):
		return wire.BadRequest("functions", "functions is not supported by this provider: use tools")
	case given(chat.FunctionCall):
		return wire.BadRequest("function_call", "function_call is not supported by this provider: use tool_choice")
	case chat.N != nil && *chat.N > 1:
		return wire.BadRequest("n", "this provider gives one choice: n must be 1")
	case chat.Logprobs != nil && *chat.Logprobs:
		return wire.BadRequest("logprobs", "this provider does not give logprobs")
	case given(chat.Audio):
		return wire.BadRequest("audio", "this provider does not answer with audio")
	case given(chat.WebSearchOptions):
		return wire.BadRequest("web_search_options", "web_search_options is not supported by this provider")
	}
	for _, modality := range chat.Modalities {
		if modality == "audio" {
			return wire.BadRequest("modalities", "this provider does not answer with audio")
		}
	}
	return nil
}

// given tells whether an optional field was sent with a value.
func given(value []byte) bool { return len(value) > 0 && !jsonscan.IsNull(value) }

// maxTokens is required by Anthropic. Without the client's word it is what the model is sure to accept: more than its limit is
// an error.
func maxTokens(chat *chatRequest, model string) int64 {
	switch {
	case chat.MaxCompletionTokens != nil:
		return *chat.MaxCompletionTokens
	case chat.MaxTokens != nil:
		return *chat.MaxTokens
	}
	for _, old := range []string{"claude-2", "claude-instant", "claude-3-opus", "claude-3-sonnet", "claude-3-haiku"} {
		if strings.Contains(model, old) {
			return 4096
		}
	}
	if strings.Contains(model, "claude-3-5") {
		return 8192
	}
	return 16384
}

// sampling caps the temperature, whose range is 0 to 2 for OpenAI and 0 to 1 for Anthropic. A top_p of 1 changes nothing, and
// newer models refuse it beside a temperature, while many clients always send both.
func sampling(chat *chatRequest) (temperature, topP *float64) {
	temperature, topP = chat.Temperature, chat.TopP
	if temperature == nil {
		return nil, topP
	}
	if topP != nil && *topP == 1 {
		topP = nil
	}
	capped := min(*temperature, 1)
	return &capped, topP
}

func stopSequences(stop json.RawMessage) ([]string, error) {
	if !given(stop) {
		return nil, nil
	}
	var all []string
	if s, ok := jsonscan.String(stop); ok {
		all = []string{s}
	} else if json.Unmarshal(stop, &all) != nil {
		return nil, wire.BadRequest("stop", "stop must be a string or an array of strings")
	}
	var kept []string
	for _, s := range all {
		if !blank(s) {
			kept = append(kept, s)
		}
	}
	return kept, nil
}

func outputConfig(format json.RawMessage) (*wire.OutputConfig, error) {
	if !given(format) {
		return nil, nil
	}
	var f struct {
		Type       string `json:"type"`
		JSONSchema struct {
			Schema json.RawMessage `json:"schema"`
		} `json:"json_schema"`
	}
	if err := json.Unmarshal(format, &f); err != nil {
		return nil, decodeError("response_format", err)
	}
	switch f.Type {
	case "text":
		return nil, nil
	case "json_schema":
		if !isObject(f.JSONSchema.Schema) {
			return nil, wire.BadRequest("response_format.json_schema.schema", "response_format.json_schema.schema must be a JSON schema object")
		}
		return &wire.OutputConfig{Format: &wire.OutputFormat{Type: "json_schema", Schema: f.JSONSchema.Schema}}, nil
	case "json_object":
		return nil, wire.BadRequest("response_format.type", "this provider cannot guarantee JSON without a schema: use a response_format of type json_schema")
	}
	return nil, wire.BadRequest("response_format.type", "response_format.type must be text or json_schema for this provider")
}

// isObject is for values inside a decoded request, which are valid JSON.
func isObject(value []byte) bool { return len(value) > 0 && value[0] == '{' }

// blank tells whether Anthropic would refuse a text as empty.
func blank(s string) bool { return strings.TrimSpace(s) == "" }

// encode leaves <, > and & as they are: code and markup are common in prompts, and six bytes for one adds up.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
