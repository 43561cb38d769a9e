package openai

import (
	"bytes"
	"encoding/json"
	"fmt"

	"one-api/relay/channel"
	"one-api/relay/wire"
)

// chatFromMessages makes the body of a chat completion from that of a Messages call. An error is a *wire.Error.
func chatFromMessages(call *channel.Call, target channel.Target) ([]byte, error) {
	in, problem := decodeMessagesRequest(call.Body)
	if problem != nil {
		return nil, problem
	}
	out := wire.ChatRequest{
		Model: target.Model, Temperature: in.Temperature, TopP: in.TopP,
	}
	if in.MaxTokens <= 0 {
		return nil, invalid("max_tokens", "is required and must be at least 1")
	}
	if target.MaxCompletionTokens() {
		out.MaxCompletionTokens = &in.MaxTokens
	} else {
		out.MaxTokens = &in.MaxTokens // compatible servers may know only the old name
	}
	if len(in.StopSequences) > 0 {
		out.Stop = encode(in.StopSequences)
	}
	if in.Metadata != nil {
		out.User = in.Metadata.UserID
	}
	if call.Stream { // which decides how the answer is read: the decoder also takes names for "stream" that are not ASCII
		out.Stream = true
		if target.AskUsage {
			out.StreamOptions = &wire.StreamOptions{IncludeUsage: true}
		}
	}
	if problem = addTools(&out, in); problem != nil {
		return nil, problem
	}
	if problem = addFormat(&out, in.OutputConfig); problem != nil {
		return nil, problem
	}
	if out.Messages, problem = chatMessages(in); problem != nil {
		return nil, problem
	}
	return encode(out), nil
}

func addTools(out *wire.ChatRequest, in *wire.MessagesRequest) *wire.Error {
	for i, tool := range in.Tools {
		path := fmt.Sprintf("tools[%d]", i)
		if tool.Type != "" && tool.Type != "custom" {
			return invalid(path+".type", fmt.Sprintf("%q is a tool of Anthropic's own, which this model's provider does not have", wire.Clip(tool.Type, longestQuote)))
		}
		if tool.Name == "" {
			return invalid(path+".name", "is required")
		}
		f := wire.ChatFunction{Name: tool.Name, Description: tool.Description, Strict: tool.Strict}
		switch kindOf(tool.InputSchema) {
		case '{':
			f.Parameters = tool.InputSchema
		case 0:
		default:
			return invalid(path+".input_schema", "must be an object")
		}
		out.Tools = append(out.Tools, wire.ChatTool{Type: "function", Function: f})
	}
	return addToolChoice(out, in.ToolChoice)
}

func addToolChoice(out *wire.ChatRequest, choice *wire.ToolChoice) *wire.Error {
	if choice == nil {
		return nil
	}
	switch choice.Type {
	case "auto", "none":
		out.ToolChoice = encode(choice.Type)
	case "any":
		out.ToolChoice = encode("required")
	case "tool":
		if choice.Name == "" {
			return invalid("tool_choice.name", "is required with the type tool")
		}
		type named struct {
			Name string `json:"name"`
		}
		out.ToolChoice = encode(struct {
			Type     string `json:"type"`
			Function named  `json:"function"`
		}{"function", named{choice.Name}})
	default:
		return invalid("tool_choice.type", "must be auto, any, tool or none")
	}
	if len(out.Tools) == 0 {
		if choice.Type == "any" || choice.Type == "tool" {
			return invalid("tool_choice", "asks for a tool, but tools is empty")
		}
		out.ToolChoice = nil // chat completions refuse it without tools
		return nil
	}
	if choice.DisableParallelToolUse {
		parallel := false
		out.ParallelToolCalls = &parallel
	}
	return nil
}

func addFormat(out *wire.ChatRequest, config *wire.OutputConfig) *wire.Error {
	if config == nil || config.Format == nil {
		return nil
	}
	if config.Format.Type != "json_schema" {
		return invalid("output_config.format.type", "must be json_schema")
	}
	if kindOf(config.Format.Schema) != '{' {
		return invalid("output_config.format.schema", "must be an object")
	}
	type schema struct {
		Name   string          `json:"name"`
		Schema json.RawMessage `json:"schema"`
		Strict bool            `json:"strict"`
	}
	out.ResponseFormat = encode(struct {
		Type       string `json:"type"`
		JSONSchema schema `json:"json_schema"`
	}{"json_schema", schema{"output", config.Format.Schema, true}})
	return nil
}

// invalid is the error for a place in the request that the client has to change.
func invalid(path, what string) *wire.Error { return wire.BadRequest(path, path+": "+what) }

// longestQuote is how many bytes of the request a message quotes.
const longestQuote = 64

// kindOf is the first byte of a JSON value, and 0 for null and for one that is absent.
func kindOf(value json.RawMessage) byte {
	if len(value) == 0 || value[0] == 'n' {
		return 0
	}
	return value[0]
}

// encode renders v, which holds nothing that cannot be said in JSON. Unlike json.Marshal it leaves <, > and & as they are:
// prompts are full of them.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
