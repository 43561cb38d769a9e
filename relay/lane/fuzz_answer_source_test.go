package lane_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"one-api/relay/wire"
)

// answer is what a model says, in order and whatever the format.
type answer struct {
	ID, Model string
	Pieces    []piece
	Reason    string // OpenAI's word: stop | length | tool_calls | content_filter
	Usage     wire.Usage
}

// piece is a text, a thought or a call: the one that is set.
type piece struct {
	Text, Thought string
	Call          *call
}

func (s *source) answer() answer {
	a := answer{ID: "msg_" + s.name(), Model: s.text(), Usage: s.usage()}
	calls := 0
	for range s.n(7) {
		switch s.n(3) {
		case 0:
			a.Pieces = append(a.Pieces, piece{Text: s.text()})
		case 1:
			a.Pieces = append(a.Pieces, piece{Thought: s.text()})
		default:
			a.Pieces = append(a.Pieces, piece{Call: &call{s.id(calls), s.name(), s.object(2)}})
			calls++
		}
	}
	a.Reason = []string{"stop", "length", "content_filter"}[s.n(3)]
	if calls > 0 && a.Reason == "stop" {
		a.Reason = "tool_calls"
	}
	return a
}

// usage is consistent: what was thought is output.
func (s *source) usage() wire.Usage {
	u := wire.Usage{Uncached: s.number(), CacheRead: s.number(), CacheWrite5m: s.number(), Text: s.number()}
	u.Reasoning = s.number() % (u.Text + 1)
	return u
}

var anthropicReasons = map[string][]string{
	"stop": {"end_turn", "stop_sequence"}, "length": {"max_tokens"}, "tool_calls": {"tool_use"}, "content_filter": {"refusal"},
}

// messages is the answer as Anthropic gives it whole.
func (a *answer) messages(s *source) []byte {
	reasons := anthropicReasons[a.Reason]
	m := wire.MessageAnswer{ID: a.ID, Type: "message", Role: "assistant", Model: a.Model, Content: []wire.Block{}, StopReason: &reasons[s.n(len(reasons))]}
	for _, p := range a.Pieces {
		m.Content = append(m.Content, p.block())
	}
	m.Usage = a.messagesUsage()
	return []byte(unescapedJSON(m))
}

func (p *piece) block() wire.Block {
	switch {
	case p.Call != nil:
		return wire.Block{Type: "tool_use", ID: p.Call.ID, Name: p.Call.Name, Input: json.RawMessage(p.Call.Arguments)}
	case p.Thought != "":
		return wire.Block{Type: "thinking", Thinking: p.Thought, Signature: "c2ln"}
	}
	return wire.Block{Type: "text", Text: &p.Text}
}

func (a *answer) messagesUsage() wire.MessagesUsage {
	u := wire.MessagesUsage{
		InputTokens: a.Usage.Uncached, CacheCreationInputTokens: a.Usage.CacheWrite5m, CacheReadInputTokens: a.Usage.CacheRead,
		OutputTokens: a.Usage.Output(),
	}
	if a.Usage.Reasoning > 0 {
		u.OutputTokensDetails = &wire.OutputTokensDetails{ThinkingTokens: a.Usage.Reasoning}
	}
	return u
}

// messagesStream is the answer as Anthropic streams it. Its counts are cumulative.
func (a *answer) messagesStream(s *source) []byte {
	var b strings.Builder
	usage := a.messagesUsage()
	begun := usage
	begun.OutputTokens, begun.OutputTokensDetails = min(begun.OutputTokens, 1), nil
	s.event(&b, "message_start", wire.StreamEvent{Type: "message_start", Message: &wire.MessageAnswer{
		ID: a.ID, Type: "message", Role: "assistant", Model: a.Model, Content: []wire.Block{}, Usage: begun,
	}})
	for i, p := range a.Pieces {
		started, deltas := p.block(), []wire.StreamDelta{}
		switch {
		case p.Call == nil && s.n(4) == 3: // in full, as some compatible servers do
		case p.Call != nil && s.n(4) == 3:
		case p.Call != nil:
			started.Input = json.RawMessage("{}")
			for _, text := range s.pieces(p.Call.Arguments) {
				deltas = append(deltas, wire.StreamDelta{Type: "input_json_delta", PartialJSON: text})
			}
		case p.Thought != "":
			started.Thinking, started.Signature = "", ""
			for _, text := range s.pieces(p.Thought) {
				deltas = append(deltas, wire.StreamDelta{Type: "thinking_delta", Thinking: text})
			}
			deltas = append(deltas, wire.StreamDelta{Type: "signature_delta", Signature: "c2ln"})
		default:
			started.Text = new(string)
			for _, text := range s.pieces(p.Text) {
				deltas = append(deltas, wire.StreamDelta{Type: "text_delta", Text: text})
			}
		}
		s.event(&b, "content_block_start", wire.StreamEvent{Type: "content_block_start", Index: i, ContentBlock: &started})
		for _, d := range deltas {
			s.event(&b, "content_block_delta", wire.StreamEvent{Type: "content_block_delta", Index: i, Delta: &d})
		}
		s.event(&b, "content_block_stop", wire.StreamEvent{Type: "content_block_stop", Index: i})
	}
	reason := anthropicReasons[a.Reason][0]
	s.event(&b, "message_delta", wire.StreamEvent{Type: "message_delta", Delta: &wire.StreamDelta{StopReason: &reason}, Usage: &usage})
	s.event(&b, "message_stop", wire.StreamEvent{Type: "message_stop"})
	return []byte(b.String())
}

// event writes one, with the line ends, comments and pings that servers and proxies put there.
func (s *source) event(b *strings.Builder, name string, data any) {
	end := []string{"\n", "\n", "\n", "\r\n"}[s.n(4)]
	if s.n(16) == 15 {
		b.WriteString(": keep-alive" + end + end)
	}
	if name != "" {
		b.WriteString("event: " + name + end)
		if s.n(16) == 15 {
			b.WriteString("id: 1" + end)
		}
	}
	text, raw := data.(string)
	if !raw {
		text = unescapedJSON(data)
	}
	b.WriteString("data: " + text + end + end)
	if name == "message_start" && s.yes() {
		b.WriteString("event: ping" + end + `data: {"type": "ping"}` + end + end)
	}
}

// chat is the answer as OpenAI gives it whole: without the order of its kinds.
func (a *answer) chat() []byte {
	m := wire.ChatMessage{Role: "assistant"}
	view := a.view()
	m.ReasoningContent = view.Thought
	if view.Text != "" || len(view.Calls) == 0 {
		m.Content = json.RawMessage(quoted(view.Text))
	}
	for _, p := range a.Pieces {
		if p.Call != nil {
			m.ToolCalls = append(m.ToolCalls, wire.ChatToolCall{
				ID: p.Call.ID, Type: "function", Function: wire.ChatFunctionCall{Name: p.Call.Name, Arguments: p.Call.Arguments},
			})
		}
	}
	return []byte(unescapedJSON(wire.ChatCompletion{
		ID: a.ID, Object: "chat.completion", Created: 1, Model: a.Model,
		Choices: []wire.ChatChoice{{Message: m, FinishReason: a.Reason}}, Usage: a.chatUsage(),
	}))
}

func (a *answer) chatUsage() *wire.ChatUsage {
	return &wire.ChatUsage{
		PromptTokens: a.Usage.Input(), CompletionTokens: a.Usage.Output(), TotalTokens: a.Usage.Input() + a.Usage.Output(),
		PromptTokensDetails:     &wire.PromptTokensDetails{CachedTokens: a.Usage.CacheRead, CacheWriteTokens: a.Usage.CacheWrite5m},
		CompletionTokensDetails: &wire.CompletionTokensDetails{ReasoningTokens: a.Usage.Reasoning},
	}
}

// chatStream is the answer as OpenAI and the servers that are compatible with it stream it.
func (a *answer) chatStream(s *source) []byte {
	var b strings.Builder
	last := wire.ChatChunk{Choices: []wire.ChatChunkChoice{}, Usage: a.chatUsage()}
	send := func(chunk wire.ChatChunk) {
		chunk.ID, chunk.Object, chunk.Created, chunk.Model = a.ID, "chat.completion.chunk", 1, a.Model
		s.event(&b, "", chunk)
	}
	delta := func(d wire.ChatDelta) { send(wire.ChatChunk{Choices: []wire.ChatChunkChoice{{Delta: d}}}) }
	delta(wire.ChatDelta{Role: "assistant", Content: new(string)})
	calls := 0
	for _, p := range a.Pieces {
		for _, text := range s.pieces(p.Text) {
			delta(wire.ChatDelta{Content: &text})
		}
		for _, text := range s.pieces(p.Thought) {
			delta(wire.ChatDelta{ReasoningContent: &text})
		}
		if p.Call == nil {
			continue
		}
		index := &calls
		if s.n(8) == 7 {
			index = nil // some servers leave it out
		}
		opened := wire.ChatToolCall{Index: index, ID: p.Call.ID, Type: "function", Function: wire.ChatFunctionCall{Name: p.Call.Name}}
		pieces := s.pieces(p.Call.Arguments)
		if s.yes() {
			opened.Function.Arguments, pieces = pieces[0], pieces[1:]
		}
		delta(wire.ChatDelta{ToolCalls: []wire.ChatToolCall{opened}})
		for _, text := range pieces {
			delta(wire.ChatDelta{ToolCalls: []wire.ChatToolCall{{Index: index, Function: wire.ChatFunctionCall{Arguments: text}}}})
		}
		calls++
	}
	ended := wire.ChatChunk{Choices: []wire.ChatChunkChoice{{FinishReason: &a.Reason}}}
	if s.n(4) == 3 {
		ended.Usage = last.Usage // xAI's way
		send(ended)
	} else {
		send(ended)
		send(last)
	}
	s.event(&b, "", "[DONE]")
	return []byte(b.String())
}

// view is what a client keeps of an answer: in OpenAI's format texts, thoughts and calls have no order between them.
type view struct {
	ID, Model, Text, Thought string
	Calls                    []call
	Reason                   string
	Usage                    wire.Usage
}

func (v *view) String() string { return fmt.Sprintf("%+v", *v) }

func (a *answer) view() *view {
	v := &view{ID: a.ID, Model: a.Model, Reason: a.Reason, Usage: a.Usage}
	for _, p := range a.Pieces {
		v.Text += p.Text
		v.Thought += p.Thought
		if p.Call != nil {
			v.Calls = append(v.Calls, *p.Call)
		}
	}
	return v
}
