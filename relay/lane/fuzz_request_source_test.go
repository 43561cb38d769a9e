package lane_test

import (
	"encoding/json"

	"one-api/relay/wire"
)

// chatRequest is one that Anthropic's form has room for.
func (s *source) chatRequest() *wire.ChatRequest {
	most := 1 + s.number()
	r := &wire.ChatRequest{Model: "m", MaxTokens: &most, Stream: s.yes(), Tools: s.chatTools()}
	if s.yes() {
		r.User = s.text()
	}
	if s.yes() {
		r.Stop = json.RawMessage(unescapedJSON([]string{s.text(), s.text()}))
	}
	if len(r.Tools) > 0 {
		choices := []string{``, `"auto"`, `"none"`, `"required"`, `{"type":"function","function":{"name":` + quoted(r.Tools[0].Function.Name) + `}}`}
		if choice := choices[s.n(len(choices))]; choice != "" {
			r.ToolChoice = json.RawMessage(choice)
		}
	}
	if s.yes() {
		r.Messages = append(r.Messages, wire.ChatMessage{Role: []string{"system", "developer"}[s.n(2)], Content: s.chatText()})
	}
	calls := 0
	r.Messages = append(r.Messages, wire.ChatMessage{Role: "user", Content: s.chatContent()})
	for range s.n(6) {
		answer := wire.ChatMessage{Role: "assistant"}
		for range s.n(4) {
			answer.ToolCalls = append(answer.ToolCalls, wire.ChatToolCall{
				ID: s.id(calls), Type: "function", Function: wire.ChatFunctionCall{Name: s.name(), Arguments: s.object(2)},
			})
			calls++
		}
		if len(answer.ToolCalls) == 0 || s.yes() {
			answer.Content = s.chatText()
		}
		if s.n(8) == 7 {
			answer.Refusal = s.text()
		}
		r.Messages = append(r.Messages, answer)
		for _, c := range answer.ToolCalls {
			r.Messages = append(r.Messages, wire.ChatMessage{Role: "tool", ToolCallID: c.ID, Content: s.chatContent()})
		}
		if len(answer.ToolCalls) == 0 || s.yes() {
			r.Messages = append(r.Messages, wire.ChatMessage{Role: "user", Content: s.chatContent()})
		}
	}
	return r
}

func (s *source) chatTools() (tools []wire.ChatTool) {
	for range s.n(3) {
		f := wire.ChatFunction{Name: s.name(), Parameters: json.RawMessage(`{"type":"object","x":` + s.value(2) + `}`)}
		if s.yes() {
			f.Description = s.text()
		}
		if s.yes() {
			strict := s.yes()
			f.Strict = &strict
			if strict { // in a schema that OpenAI takes so; in another one it is left out
				f.Parameters = json.RawMessage(`{"type":"object","additionalProperties":false,"x":` + s.value(2) + `}`)
			}
		}
		tools = append(tools, wire.ChatTool{Type: "function", Function: f})
	}
	return tools
}

// chatText is a string or an array of texts.
func (s *source) chatText() json.RawMessage {
	if s.yes() {
		return json.RawMessage(quoted(s.text()))
	}
	parts := []wire.ChatPart{{Type: "text", Text: s.text()}}
	for range s.n(3) {
		parts = append(parts, wire.ChatPart{Type: "text", Text: s.text()})
	}
	return json.RawMessage(unescapedJSON(parts))
}

// chatContent is what a user may say or a tool may answer.
func (s *source) chatContent() json.RawMessage {
	if s.n(3) == 0 {
		return s.chatText()
	}
	var parts []wire.ChatPart
	for range 1 + s.n(4) {
		switch s.n(3) {
		case 0:
			parts = append(parts, wire.ChatPart{Type: "text", Text: s.text()})
		case 1:
			parts = append(parts, wire.ChatPart{Type: "image_url", ImageURL: &wire.ChatImageURL{URL: s.image()}})
		default:
			parts = append(parts, wire.ChatPart{Type: "file", File: s.file()})
		}
	}
	return json.RawMessage(unescapedJSON(parts))
}

func (s *source) image() string {
	return []string{
		"data:image/png;base64,iVBORw0KGgo=", "https://example.com/a.png?x=<1>&y=2", "DATA:Image/JPG;base64,/9j/4AAQ", "http://example.com/a,b;base64",
		"data:image/webp;charset=utf-8;BASE64,UklGRg==",
	}[s.n(5)]
}

func (s *source) file() *wire.ChatFile {
	name := []string{"", "a.pdf", "é<b>.pdf"}[s.n(3)]
	return &wire.ChatFile{Filename: name, FileData: []string{
		"data:application/pdf;base64,JVBERi0=", "data:text/plain;base64,aGVsbG8K", "data:text/plain,50%25%20%C3%A9",
	}[s.n(3)]}
}

// messagesRequest is one that OpenAI's form has room for.
func (s *source) messagesRequest() *wire.MessagesRequest {
	r := &wire.MessagesRequest{Model: "m", MaxTokens: 1 + s.number(), Stream: s.yes()}
	for _, tool := range s.chatTools() {
		f := tool.Function
		r.Tools = append(r.Tools, wire.Tool{Name: f.Name, Description: f.Description, InputSchema: f.Parameters, Strict: f.Strict})
	}
	if len(r.Tools) > 0 {
		r.ToolChoice = []*wire.ToolChoice{
			nil, {Type: "auto"}, {Type: "any", DisableParallelToolUse: s.yes()}, {Type: "none"}, {Type: "tool", Name: r.Tools[0].Name},
		}[s.n(5)]
	}
	if s.yes() {
		r.Metadata = &wire.Metadata{UserID: s.text()}
	}
	for range s.n(3) {
		r.StopSequences = append(r.StopSequences, s.text())
	}
	if s.yes() {
		r.System = s.blocksOf(s.textBlock)
	}
	var unanswered []string
	calls := 0
	for i := range 1 + 2*s.n(4) {
		m := wire.Message{Role: "user"}
		if i%2 == 0 {
			m.Content, unanswered = s.userTurn(unanswered), nil
		} else {
			m.Role = "assistant"
			m.Content, unanswered = s.assistantTurn(&calls)
		}
		r.Messages = append(r.Messages, m)
	}
	return r
}

func (s *source) userTurn(unanswered []string) json.RawMessage {
	if len(unanswered) == 0 {
		return s.blocksOf(s.userBlock)
	}
	var turn []wire.Block
	for _, id := range unanswered {
		b := wire.Block{Type: "tool_result", ToolUseID: id, IsError: s.yes()}
		if s.yes() {
			b.Content = s.blocksOf(s.userBlock)
		}
		turn = append(turn, b)
	}
	for range s.n(3) {
		turn = append(turn, s.userBlock())
	}
	return json.RawMessage(unescapedJSON(turn))
}

func (s *source) assistantTurn(calls *int) (content json.RawMessage, called []string) {
	turn := []wire.Block{}
	for range 1 + s.n(4) {
		switch s.n(3) {
		case 0:
			turn = append(turn, s.textBlock())
		case 1:
			id := s.id(*calls)
			*calls++
			called = append(called, id)
			turn = append(turn, wire.Block{Type: "tool_use", ID: id, Name: s.name(), Input: json.RawMessage(s.object(2))})
		default:
			turn = append(turn, wire.Block{Type: "thinking", Thinking: s.text(), Signature: "c2ln"})
		}
	}
	return json.RawMessage(unescapedJSON(turn)), called
}

// blocksOf is a string or an array of blocks.
func (s *source) blocksOf(block func() wire.Block) json.RawMessage {
	if s.yes() {
		return json.RawMessage(quoted(s.text()))
	}
	list := []wire.Block{block()}
	for range s.n(3) {
		list = append(list, block())
	}
	return json.RawMessage(unescapedJSON(list))
}

func (s *source) textBlock() wire.Block {
	text := s.text()
	return wire.Block{Type: "text", Text: &text}
}

func (s *source) userBlock() wire.Block {
	switch s.n(5) {
	case 0, 1:
		return s.textBlock()
	case 2:
		return wire.Block{Type: "image", Source: &wire.Source{Type: "base64", MediaType: "image/png", Data: "iVBORw0KGgo="}}
	case 3:
		return wire.Block{Type: "image", Source: &wire.Source{Type: "url", URL: "https://example.com/a.png?x=<1>&y=2"}}
	}
	return wire.Block{Type: "document", Title: []string{"", "a.pdf"}[s.n(2)], Source: []*wire.Source{
		{Type: "base64", MediaType: "application/pdf", Data: "JVBERi0="}, {Type: "text", MediaType: "text/plain", Data: s.text()},
	}[s.n(2)]}
}
