package anthropic

import (
	"fmt"
	"slices"

	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// turn is wire.Message with decoded content.
type turn struct {
	Role    string       `json:"role"`
	Content []wire.Block `json:"content"`
}

const (
	userRole      = "user"
	assistantRole = "assistant"
)

// conversation is a list of chat messages on its way to Anthropic's form: the instructions apart, and turns that alternate.
type conversation struct {
	system []wire.Block
	turns  []turn
}

// converse converts messages. An error is a *wire.Error that names the message.
func converse(messages []chatMessage) (system []wire.Block, turns []turn, err error) {
	var c conversation
	for i := range messages {
		if err := c.add(&messages[i], fmt.Sprintf("messages[%d]", i)); err != nil {
			return nil, nil, err
		}
	}
	if len(c.turns) == 0 {
		return nil, nil, wire.BadRequest("messages", "messages must have a user message that is not empty")
	}
	for i := range c.turns {
		slices.SortStableFunc(c.turns[i].Content, resultsFirst)
	}
	return c.system, c.turns, nil
}

func (c *conversation) add(m *chatMessage, at string) error {
	switch m.Role {
	case "system", "developer":
		blocks, err := contentBlocks(m.Content, m.Role, at)
		c.system = append(c.system, blocks...)
		return err
	case "user":
		blocks, err := contentBlocks(m.Content, m.Role, at)
		c.say(userRole, blocks)
		return err
	case "assistant":
		blocks, err := assistantBlocks(m, at)
		c.say(assistantRole, blocks)
		return err
	case "tool":
		block, err := toolResult(m, at)
		c.say(userRole, []wire.Block{block})
		return err
	case "function":
		return wire.BadRequest(at+".role", at+": messages of the role function are not supported by this provider: use tools")
	}
	return wire.BadRequest(at+".role", at+".role must be system, developer, user, assistant or tool")
}

// say adds to the last turn where the role has not changed: the results of parallel calls have to arrive in one turn.
func (c *conversation) say(role string, blocks []wire.Block) {
	if len(blocks) == 0 {
		return
	}
	if last := len(c.turns) - 1; last >= 0 && c.turns[last].Role == role {
		c.turns[last].Content = append(c.turns[last].Content, blocks...)
		return
	}
	c.turns = append(c.turns, turn{role, blocks})
}

// resultsFirst is the order that Anthropic demands of a turn that answers tool calls.
func resultsFirst(a, b wire.Block) int {
	switch {
	case a.Type == b.Type:
		return 0
	case a.Type == "tool_result":
		return -1
	case b.Type == "tool_result":
		return 1
	}
	return 0
}

func assistantBlocks(m *chatMessage, at string) ([]wire.Block, error) {
	if given(m.FunctionCall) {
		return nil, wire.BadRequest(at+".function_call", at+".function_call is not supported by this provider: use tool_calls")
	}
	blocks, err := contentBlocks(m.Content, m.Role, at)
	if err != nil {
		return nil, err
	}
	blocks = appendText(blocks, m.Refusal)
	for i := range m.ToolCalls {
		block, err := toolUse(&m.ToolCalls[i], fmt.Sprintf("%s.tool_calls[%d]", at, i))
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, block)
	}
	return blocks, nil
}

// toolResult keeps a plain string a string. A blank result is one without content.
func toolResult(m *chatMessage, at string) (wire.Block, error) {
	if m.ToolCallID == "" {
		return wire.Block{}, wire.BadRequest(at+".tool_call_id", at+".tool_call_id must name the tool call that this message answers")
	}
	result := wire.Block{Type: "tool_result", ToolUseID: toolID(m.ToolCallID)}
	var content any
	if s, ok := jsonscan.String(m.Content); ok {
		if blank(s) {
			return result, nil
		}
		content = s
	} else {
		blocks, err := contentBlocks(m.Content, m.Role, at)
		if err != nil || len(blocks) == 0 {
			return result, err
		}
		content = blocks
	}
	encoded, err := encode(content)
	if err != nil {
		return result, wire.BadRequest(at+".content", at+".content cannot be converted to this provider's format")
	}
	result.Content = encoded
	return result, nil
}

func appendText(blocks []wire.Block, s string) []wire.Block {
	if blank(s) {
		return blocks
	}
	return append(blocks, wire.Block{Type: "text", Text: &s})
}
