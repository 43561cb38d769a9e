package anthropic

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"one-api/relay/channel"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// maxOpenBlocks bounds what a stream can make the relay remember. Anthropic has one block open at a time.
const maxOpenBlocks = 64

// stream is what has to be remembered between the events of a streamed answer.
type stream struct {
	includeUsage bool
	started      bool // message_start has come
	begun        bool // so has a content block
	finished     bool // the finish_reason has been sent
	stopped      bool // message_stop has come
	id, model    string
	blocks       map[int]*openBlock // by index
	tools        int                // tool calls begun
	out          bytes.Buffer       // what the event at hand becomes
	content      bool               // it carries a part of the answer
}

// openBlock is a content block between its start and its stop.
type openBlock struct {
	skipped bool            // of a kind that the chat format has no place for
	tool    int             // the tool call's number, from 0; -1: it is none
	input   json.RawMessage // what the start had in full; nil once arguments have been sent
}

func (t *chatAnswer) Event(event sse.Event) (channel.Step, error) {
	s := &t.stream
	s.out.Reset()
	s.content = false
	if isTerminator(event.Data) && !s.stopped {
		return t.End()
	}
	outside, err := scanEvent(event)
	if err != nil {
		return channel.Step{}, err
	}
	switch outside.kind {
	case messageStart, messageDelta, messageStop, contentBlockStart, contentBlockDelta, contentBlockStop:
	default:
		return channel.Step{}, nil
	}
	if s.started == (outside.kind == messageStart) || s.stopped {
		return channel.Step{}, channel.Malformed("the stream's events are out of order")
	}
	var e wire.StreamEvent
	if json.Unmarshal(event.Data, &e) != nil {
		return channel.Step{}, channel.Malformed("an event has a field of the wrong type")
	}
	switch outside.kind {
	case messageStart:
		t.usage.note(member(outside.message, "usage"))
		err = t.messageStart(e.Message)
	case messageDelta:
		t.usage.note(outside.usage)
		err = t.messageDelta(member(outside.delta, "stop_reason"))
	case messageStop:
		err = t.messageStop()
	case contentBlockStart:
		err = t.blockStart(e.Index, e.ContentBlock)
	case contentBlockDelta:
		err = t.blockDelta(e.Index, e.Delta)
	case contentBlockStop:
		err = t.blockStop(e.Index)
	}
	if err != nil {
		return channel.Step{}, err
	}
	preamble := outside.kind == messageStart // what it becomes is a chunk with a role
	return channel.Step{Out: s.out.Bytes(), Content: s.content, Preamble: preamble, Done: s.stopped, Held: s.held()}, nil
}

// End is for servers that leave message_stop out.
func (t *chatAnswer) End() (channel.Step, error) {
	s := &t.stream
	s.out.Reset()
	if !s.finished {
		return channel.Step{}, channel.Truncated("the stream ended without message_stop and without a stop_reason")
	}
	if err := t.messageStop(); err != nil {
		return channel.Step{}, err
	}
	return channel.Step{Out: s.out.Bytes(), Done: true}, nil
}

// held is how many bytes of the events so far are kept for later ones.
func (s *stream) held() int {
	n := len(s.id) + len(s.model)
	for _, block := range s.blocks {
		n += cap(block.input)
	}
	return n
}

func (t *chatAnswer) messageStart(message *wire.MessageAnswer) error {
	if message == nil {
		return channel.Malformed("message_start has no message")
	}
	s := &t.stream
	s.started, s.id, s.model = true, message.ID, message.Model
	s.blocks = make(map[int]*openBlock)
	var empty string
	t.send(wire.ChatDelta{Role: assistantRole, Content: &empty}, nil)
	return nil
}

func (t *chatAnswer) messageDelta(stopReason []byte) error {
	end, err := t.endOf(stopReason)
	if err == nil && end != wire.NotEnded {
		t.finish(end)
	}
	return err
}

func (t *chatAnswer) messageStop() error {
	s := &t.stream
	if !s.begun && !s.finished {
		return channel.Malformed("the stream ends without a message in it")
	}
	t.finish(wire.NotEnded) // where no message_delta has: a chat client waits for a reason
	if s.includeUsage {
		t.write(wire.ChatChunk{Choices: []wire.ChatChunkChoice{}, Usage: chatUsage(t.usage.neutral())})
	}
	s.out.WriteString("data: [DONE]\n\n")
	s.stopped = true
	return nil
}

func (t *chatAnswer) finish(end wire.EndReason) {
	s := &t.stream
	if s.finished {
		return
	}
	for _, index := range slices.Sorted(maps.Keys(s.blocks)) { // some servers leave the stops out
		t.sendInput(s.blocks[index])
	}
	clear(s.blocks)
	s.finished = true
	reason := end.Chat(s.tools > 0)
	t.send(wire.ChatDelta{}, &reason)
}

func (t *chatAnswer) blockStart(index int, started *wire.Block) error {
	s := &t.stream
	switch {
	case started == nil:
		return channel.Malformed("content_block_start has no content_block")
	case s.finished:
		return channel.Malformed("a content block starts after the answer's end")
	case s.blocks[index] != nil:
		return channel.Malformed("a content block starts twice")
	case len(s.blocks) == maxOpenBlocks:
		return channel.Malformed("too many content blocks are open at once")
	}
	s.begun = true
	block := &openBlock{tool: -1}
	s.blocks[index] = block
	switch started.Type {
	case "text":
		if started.Text != nil {
			t.sendText(*started.Text)
		}
	case "thinking":
		t.sendReasoning(started.Thinking)
	case "tool_use":
		block.tool, block.input = s.tools, started.Input
		if block.input == nil {
			block.input = json.RawMessage("{}")
		}
		s.tools++
		t.sendToolCall(wire.ChatToolCall{
			Index: &block.tool, ID: started.ID, Type: "function", Function: wire.ChatFunctionCall{Name: started.Name},
		})
	default:
		block.skipped = true
	}
	return nil
}

func (t *chatAnswer) blockDelta(index int, delta *wire.StreamDelta) error {
	block := t.stream.blocks[index]
	switch {
	case block == nil:
		return channel.Malformed("a content block goes on that is not open")
	case delta == nil:
		return channel.Malformed("content_block_delta has no delta")
	case block.skipped:
		return nil
	}
	switch delta.Type {
	case "text_delta":
		t.sendText(delta.Text)
	case "thinking_delta":
		t.sendReasoning(delta.Thinking)
	case "input_json_delta":
		if block.tool < 0 {
			return channel.Malformed("a content block that is no tool call has input")
		}
		if delta.PartialJSON != "" {
			block.input = nil
			t.sendArguments(block, delta.PartialJSON)
		}
	}
	return nil
}

func (t *chatAnswer) blockStop(index int) error {
	block := t.stream.blocks[index]
	if block == nil {
		if t.stream.finished { // finish has closed it
			return nil
		}
		return channel.Malformed("a content block stops that is not open")
	}
	t.sendInput(block)
	delete(t.stream.blocks, index)
	return nil
}

// sendInput sends the arguments of a tool call whose start had them in full, or that has none: clients parse what they got,
// and nothing is not valid JSON.
func (t *chatAnswer) sendInput(block *openBlock) {
	if block.input != nil {
		t.sendArguments(block, arguments(block.input))
		block.input = nil
	}
}

func (t *chatAnswer) sendArguments(block *openBlock, text string) {
	t.sendToolCall(wire.ChatToolCall{Index: &block.tool, Function: wire.ChatFunctionCall{Arguments: text}})
}

func (t *chatAnswer) sendToolCall(call wire.ChatToolCall) {
	t.stream.content = true
	t.send(wire.ChatDelta{ToolCalls: []wire.ChatToolCall{call}}, nil)
}

func (t *chatAnswer) sendText(text string) {
	if text != "" {
		t.stream.content = true
		t.send(wire.ChatDelta{Content: &text}, nil)
	}
}

func (t *chatAnswer) sendReasoning(text string) {
	if text != "" {
		t.stream.content = true
		t.send(wire.ChatDelta{ReasoningContent: &text}, nil)
	}
}

func (t *chatAnswer) send(delta wire.ChatDelta, finish *string) {
	t.write(wire.ChatChunk{Choices: []wire.ChatChunkChoice{{Delta: delta, FinishReason: finish}}})
}

// write adds a chunk to the event at hand. Encoded JSON has no line break, so it is one line of data.
func (t *chatAnswer) write(chunk wire.ChatChunk) {
	s := &t.stream
	chunk.ID, chunk.Object, chunk.Created, chunk.Model = s.id, "chat.completion.chunk", t.created, s.model
	s.out.WriteString("data: ")
	encoder := json.NewEncoder(&s.out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(chunk) // strings and numbers: cannot fail. It ends with one line break, and the event needs two
	s.out.WriteByte('\n')
}
