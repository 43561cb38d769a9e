package openai

import (
	"bytes"
	"encoding/json"

	"one-api/relay/channel"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// messagesStream is the state of a stream of chunks that becomes a stream of Anthropic's events: message_start, then blocks one
// after the other (content_block_start, content_block_delta …, content_block_stop), then message_delta and message_stop.
type messagesStream struct {
	started bool
	open    string // the type of the block that is open: text | thinking | tool_use; empty: none
	blocks  int    // how many have been opened; the open one has the index blocks-1
	calls   callTracker
	begun   bool           // there was a choice
	reason  wire.EndReason // why it ended; NotEnded: it has not

	out     []byte // the events of one Step, reused
	json    bytes.Buffer
	encoder *json.Encoder
}

func (t *messagesTranslator) Event(event sse.Event) (channel.Step, error) {
	s := &t.stream
	s.out = s.out[:0]
	if isTerminator(event.Data) {
		return s.end(t.usage.neutral())
	}
	if isKeepAlive(event) {
		return channel.Step{}, nil
	}
	var seen members // not kept: they share the event's memory, which may be large, and the next one may be long in coming
	if err := seen.chunk(event); err != nil {
		return channel.Step{}, err
	}
	t.usage.note(seen.cost())
	c, err := decodeChoices(seen.choices)
	if err != nil {
		return channel.Step{}, channel.Malformed("a chunk whose choices are not those of a chat completion")
	}
	// Azure's first chunk says nothing but what its filter found in the prompt: neither id nor model nor choice.
	if !s.started && (c != nil || holdsText(seen.model) || holdsText(seen.id)) {
		s.start(newMessage(&seen))
	}
	if c == nil {
		return channel.Step{Out: s.out, Preamble: true}, nil // message_start, if anything
	}
	s.begun = true
	reason, err := t.endOf(c)
	if err != nil {
		return channel.Step{}, err
	}
	content, err := s.add(&c.Delta)
	if err != nil {
		return channel.Step{}, err
	}
	if reason != wire.NotEnded {
		s.reason = reason
	}
	return channel.Step{Out: s.out, Content: content, Preamble: !content}, nil
}

// End is for servers that leave the terminator out.
func (t *messagesTranslator) End() (channel.Step, error) {
	s := &t.stream
	s.out = s.out[:0]
	if s.reason == wire.NotEnded {
		return channel.Step{}, channel.Truncated("the stream ended without its terminator and without a finish_reason")
	}
	return s.end(t.usage.neutral())
}

func holdsText(value []byte) bool { return len(value) > 0 && holdsSomething(value) }

func (s *messagesStream) start(m messageAnswer) {
	s.started = true
	s.calls.ids.answer = identifier(m.ID) // the rest of a long one is not kept for as long as the stream
	s.put("message_start", messageStart{"message_start", m})
}

// add turns a delta into events. It tells whether there was anything in it.
func (s *messagesStream) add(delta *said) (content bool, err error) {
	thinking, text, ok := delta.speech()
	if !ok {
		return false, channel.Malformed("a chunk whose content is neither text nor parts")
	}
	if thinking != "" {
		s.enter("thinking", thinkingBlock{Type: "thinking"})
		s.put("content_block_delta", blockDelta{"content_block_delta", s.blocks - 1, thinkingDelta{"thinking_delta", thinking}})
		content = true
	}
	for _, piece := range [...]string{text, delta.refused()} {
		if piece != "" {
			s.enter("text", textBlock{Type: "text"})
			s.put("content_block_delta", blockDelta{"content_block_delta", s.blocks - 1, textDelta{"text_delta", piece}})
			content = true
		}
	}
	for i := range delta.ToolCalls {
		if err := s.addCall(&delta.ToolCalls[i]); err != nil {
			return false, err
		}
		content = true
	}
	return content, nil
}

func (s *messagesStream) addCall(call *toolCall) error {
	fresh, problem := s.calls.place(call, s.open == "tool_use")
	if problem != "" {
		return channel.Malformed(problem)
	}
	if fresh {
		if call.Function.Name == "" {
			return channel.Malformed("a tool call that begins without a name")
		}
		s.close()
		s.begin("tool_use", toolUseBlock{"tool_use", s.calls.assign(call.ID), call.Function.Name, json.RawMessage("{}")})
	}
	if call.Function.Arguments != "" {
		s.put("content_block_delta", blockDelta{"content_block_delta", s.blocks - 1, inputDelta{"input_json_delta", string(call.Function.Arguments)}})
	}
	return nil
}

// end is the end of the stream in good order. Some servers leave the finish_reason out: their terminator says as much as that
// they have stopped.
func (s *messagesStream) end(usage wire.Usage) (channel.Step, error) {
	if !s.begun {
		return channel.Step{}, channel.Malformed("a stream that ends without a single choice")
	}
	s.close()
	s.put("message_delta", messageDelta{
		Type: "message_delta", Delta: stopDelta{StopReason: s.reason.Messages(s.calls.count > 0)}, Usage: messagesUsage(usage),
	})
	s.put("message_stop", messageStop{"message_stop"})
	return channel.Step{Out: s.out, Done: true}, nil
}

// enter makes sure that a block of the kind is open.
func (s *messagesStream) enter(kind string, empty any) {
	if s.open != kind {
		s.close()
		s.begin(kind, empty)
	}
}

func (s *messagesStream) begin(kind string, empty any) {
	s.put("content_block_start", blockStart{"content_block_start", s.blocks, empty})
	s.open = kind
	s.blocks++
}

func (s *messagesStream) close() {
	if s.open != "" {
		s.put("content_block_stop", blockStop{"content_block_stop", s.blocks - 1})
		s.open = ""
	}
}

func (s *messagesStream) put(name string, v any) {
	if s.encoder == nil {
		s.encoder = json.NewEncoder(&s.json)
		s.encoder.SetEscapeHTML(false)
	}
	s.json.Reset()
	if err := s.encoder.Encode(v); err != nil { // strings and numbers only: cannot fail
		panic(err)
	}
	s.out = sse.Append(s.out, []byte(name), bytes.TrimSuffix(s.json.Bytes(), []byte("\n")))
}
