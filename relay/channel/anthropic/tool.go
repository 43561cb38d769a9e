package anthropic

import (
	"encoding/json"
	"fmt"
	"strings"

	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

var emptySchema = json.RawMessage(`{"type":"object","properties":{}}`)

func tools(chat []wire.ChatTool) ([]wire.Tool, error) {
	var out []wire.Tool
	for i := range chat {
		at := fmt.Sprintf("tools[%d]", i)
		f := &chat[i].Function
		if chat[i].Type != "function" {
			return nil, wire.BadRequest(at+".type", at+".type must be function for this provider")
		}
		if f.Name == "" {
			return nil, wire.BadRequest(at+".function.name", at+".function.name is missing")
		}
		schema, err := inputSchema(f.Parameters, at+".function.parameters")
		if err != nil {
			return nil, err
		}
		out = append(out, wire.Tool{Name: f.Name, Description: f.Description, InputSchema: schema, Strict: f.Strict})
	}
	return out, nil
}

// inputSchema adds the type that OpenAI lets clients leave out and Anthropic requires.
func inputSchema(parameters json.RawMessage, at string) (json.RawMessage, error) {
	if !given(parameters) {
		return emptySchema, nil
	}
	members, typed := 0, false
	err := jsonscan.Object(parameters, func(m jsonscan.Member) {
		members++
		typed = typed || string(m.Key) == "type"
	})
	switch {
	case err != nil:
		return nil, wire.BadRequest(at, at+" must be a JSON schema object")
	case members == 0:
		return emptySchema, nil
	case !typed:
		return append(json.RawMessage(`{"type":"object",`), parameters[1:]...), nil
	}
	return parameters, nil
}

// toolChoice converts tool_choice and parallel_tool_calls. Both need tools: Anthropic refuses a choice without any.
func toolChoice(chat *chatRequest) (*wire.ToolChoice, error) {
	choice, err := namedChoice(chat.ToolChoice)
	if err != nil {
		return nil, err
	}
	if len(chat.Tools) == 0 {
		if choice != nil && choice.Type != "auto" && choice.Type != "none" {
			return nil, wire.BadRequest("tool_choice", "tool_choice asks for a tool, but there are no tools")
		}
		return nil, nil
	}
	if chat.ParallelToolCalls == nil || *chat.ParallelToolCalls {
		return choice, nil
	}
	if choice == nil {
		choice = &wire.ToolChoice{Type: "auto"}
	}
	choice.DisableParallelToolUse = choice.Type != "none"
	return choice, nil
}

func namedChoice(value json.RawMessage) (*wire.ToolChoice, error) {
	if !given(value) {
		return nil, nil
	}
	wrong := wire.BadRequest("tool_choice", `tool_choice must be "auto", "none", "required" or a named function for this provider`)
	if name, ok := jsonscan.String(value); ok {
		switch name {
		case "auto", "none":
			return &wire.ToolChoice{Type: name}, nil
		case "required":
			return &wire.ToolChoice{Type: "any"}, nil
		}
		return nil, wrong
	}
	var named struct {
		Type     string `json:"type"`
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	if json.Unmarshal(value, &named) != nil || named.Type != "function" || named.Function.Name == "" {
		return nil, wrong
	}
	return &wire.ToolChoice{Type: "tool", Name: named.Function.Name}, nil
}

// toolUse converts a call in an assistant's message. OpenAI's arguments are JSON text, as the model wrote it; Anthropic's are
// an object.
func toolUse(call *wire.ChatToolCall, at string) (wire.Block, error) {
	if call.Type != "function" && call.Type != "" {
		return wire.Block{}, wire.BadRequest(at+".type", at+".type must be function for this provider")
	}
	if call.ID == "" {
		return wire.Block{}, wire.BadRequest(at+".id", at+".id is missing")
	}
	if call.Function.Name == "" {
		return wire.Block{}, wire.BadRequest(at+".function.name", at+".function.name is missing")
	}
	input := json.RawMessage("{}")
	if text := strings.TrimSpace(call.Function.Arguments); text != "" {
		input = json.RawMessage(text)
		if jsonscan.Object(input, func(jsonscan.Member) {}) != nil {
			at += ".function.arguments"
			return wire.Block{}, wire.BadRequest(at, at+" must be the JSON text of an object: this provider takes no other arguments")
		}
	}
	return wire.Block{Type: "tool_use", ID: toolID(call.ID), Name: call.Function.Name, Input: input}, nil
}

// toolID makes an id one that Anthropic takes. A conversation may have begun with a provider that names its calls otherwise,
// such as functions.get_time:0.
func toolID(id string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '_'
	}, id)
}
