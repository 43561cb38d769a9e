package lane_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/format"
	"one-api/relay/lane"
	"one-api/relay/lane/lanetest"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// FuzzAnswerRoundTrip makes an answer of the bytes, says it in each format, whole and as a stream that is cut anywhere, and has
// it converted to the other format and back: after either step a client has the same texts, thoughts, calls and counts.
func FuzzAnswerRoundTrip(f *testing.F) {
	for seed := range byte(12) {
		b := make([]byte, 300)
		for i := range b {
			b[i] = byte(i)*(2*seed+1) ^ seed<<4
		}
		b[0] = 5 // a name, and then whatever comes
		f.Add(b)
	}
	f.Add([]byte{})
	whole := &lane.Call{Endpoint: wire.ChatCompletions, Body: []byte(`{}`)}
	streamed := &lane.Call{Endpoint: wire.ChatCompletions, Stream: true, Body: []byte(`{"messages":[{"role":"user","content":"a"}],"stream_options":{"include_usage":true}}`)}
	messagesWhole, messagesStreamed := &lane.Call{Endpoint: wire.Messages}, &lane.Call{Endpoint: wire.Messages, Stream: true}
	f.Fuzz(func(t *testing.T, input []byte) {
		s := &source{input}
		a := s.answer()
		want := a.view()
		for i := range want.Calls {
			want.Calls[i].Arguments = compact(t, want.Calls[i].Arguments)
		}

		said := a.messages(s)
		chat := atOnce(t, lanetest.Of(lane.Anthropic.Lanes), whole, said, want.Usage)
		requireView(t, want, chatView(t, chat), said)
		back := atOnce(t, lanetest.Of(lane.OpenAI.Lanes), messagesWhole, chat, want.Usage)
		requireView(t, want, messagesView(t, back), chat)

		said = a.chat()
		messages := atOnce(t, lanetest.Of(lane.OpenAI.Lanes), messagesWhole, said, want.Usage)
		requireView(t, want, messagesView(t, messages), said)
		back = atOnce(t, lanetest.Of(lane.Anthropic.Lanes), whole, messages, want.Usage)
		requireView(t, want, chatView(t, back), messages)

		said = a.messagesStream(s)
		chat, usage := through(t, lanetest.Of(lane.Anthropic.Lanes), streamed, said, s)
		require.Equal(t, want.Usage, usage)
		requireView(t, want, chatStreamView(t, chat), said)
		back, usage = through(t, lanetest.Of(lane.OpenAI.Lanes), messagesStreamed, chat, s)
		require.Equal(t, want.Usage, usage)
		requireView(t, want, messagesStreamView(t, back), chat)

		said = a.chatStream(s)
		messages, usage = through(t, lanetest.Of(lane.OpenAI.Lanes), messagesStreamed, said, s)
		require.Equal(t, want.Usage, usage)
		requireView(t, want, messagesStreamView(t, messages), said)
		back, usage = through(t, lanetest.Of(lane.Anthropic.Lanes), streamed, messages, s)
		require.Equal(t, want.Usage, usage)
		requireView(t, want, chatStreamView(t, back), messages)
	})
}

func requireView(t *testing.T, want, got *view, said []byte) {
	t.Helper()
	require.Equal(t, want.plain().String(), got.plain().String(), "of %s", said)
}

// plain is the view with the ids of calls as every provider takes them, and without what is sealed into them.
func (v *view) plain() *view {
	p := *v
	p.Calls = slices.Clone(v.Calls)
	for i := range p.Calls {
		p.Calls[i].ID = anthropicID(format.Unsealed(p.Calls[i].ID))
	}
	return &p
}

func atOnce(t *testing.T, a lanetest.Lanes, call *lane.Call, body []byte, usage wire.Usage) []byte {
	t.Helper()
	translator := a.Answer(call)
	out, err := translator.Whole(body)
	if err != nil {
		t.Fatalf("%#v in %s", err, body)
	}
	require.Equal(t, usage, translator.Usage())
	return out
}

func chatView(t *testing.T, body []byte) *view {
	t.Helper()
	var c wire.ChatCompletion
	mustDecode(t, body, &c)
	require.Len(t, c.Choices, 1)
	m := c.Choices[0].Message
	v := &view{ID: c.ID, Model: c.Model, Thought: m.ReasoningContent, Reason: c.Choices[0].FinishReason, Usage: c.Usage.Neutral()}
	if len(m.Content) > 0 && string(m.Content) != "null" {
		mustDecode(t, m.Content, &v.Text)
	}
	for _, c := range m.ToolCalls {
		v.Calls = append(v.Calls, call{c.ID, c.Function.Name, compact(t, c.Function.Arguments)})
	}
	return v
}

func messagesView(t *testing.T, body []byte) *view {
	t.Helper()
	var m wire.MessageAnswer
	mustDecode(t, body, &m)
	v := &view{ID: m.ID, Model: m.Model, Reason: chatReason(t, m.StopReason), Usage: m.Usage.Neutral()}
	for _, b := range m.Content {
		v.add(t, &b)
	}
	return v
}

func (v *view) add(t *testing.T, b *wire.Block) {
	switch b.Type {
	case "text":
		v.Text += *b.Text
	case "thinking":
		v.Thought += b.Thinking
	default:
		v.Calls = append(v.Calls, call{b.ID, b.Name, compact(t, string(b.Input))})
	}
}

func chatReason(t *testing.T, stopReason *string) string {
	t.Helper()
	require.NotNil(t, stopReason)
	for reason, words := range anthropicReasons {
		if slices.Contains(words, *stopReason) {
			return reason
		}
	}
	t.Fatalf("no stop reason of Anthropic's: %q", *stopReason)
	return ""
}

// chatStreamView adds a stream of chunks up, as OpenAI's clients do.
func chatStreamView(t *testing.T, stream []byte) *view {
	t.Helper()
	v := &view{}
	ended := false
	eachEvent(t, stream, func(_ string, data []byte) {
		require.False(t, ended, "%q follows [DONE]", data)
		if ended = string(data) == "[DONE]"; ended {
			return
		}
		var c wire.ChatChunk
		mustDecode(t, data, &c)
		v.ID, v.Model = c.ID, c.Model
		if c.Usage != nil {
			v.Usage = c.Usage.Neutral()
		}
		for _, choice := range c.Choices {
			if choice.FinishReason != nil {
				v.Reason = *choice.FinishReason
			}
			d := choice.Delta
			for _, text := range []*string{d.Content, d.Refusal} {
				if text != nil {
					v.Text += *text
				}
			}
			if d.ReasoningContent != nil {
				v.Thought += *d.ReasoningContent
			}
			for _, piece := range d.ToolCalls {
				if *piece.Index == len(v.Calls) {
					v.Calls = append(v.Calls, call{ID: piece.ID, Name: piece.Function.Name})
				}
				v.Calls[*piece.Index].Arguments += piece.Function.Arguments
			}
		}
	})
	require.True(t, ended, "no [DONE] in %q", stream)
	for i := range v.Calls {
		v.Calls[i].Arguments = compact(t, v.Calls[i].Arguments)
	}
	return v
}

// messagesStreamView adds a stream of events up, as Anthropic's clients do: one block is open at a time, and indexes count up.
func messagesStreamView(t *testing.T, stream []byte) *view {
	t.Helper()
	v := &view{}
	var open *wire.Block
	var input strings.Builder
	next, ended := 0, false
	eachEvent(t, stream, func(name string, data []byte) {
		var e wire.StreamEvent
		mustDecode(t, data, &e)
		require.Equal(t, name, e.Type)
		require.False(t, ended, "%q follows message_stop", data)
		switch e.Type {
		case "message_start":
			v.ID, v.Model = e.Message.ID, e.Message.Model
		case "content_block_start":
			require.Nil(t, open)
			require.Equal(t, next, e.Index)
			open = e.ContentBlock
			input.Reset()
			if open.Text == nil {
				open.Text = new(string)
			}
		case "content_block_delta":
			require.Equal(t, next, e.Index)
			*open.Text += e.Delta.Text
			open.Thinking += e.Delta.Thinking
			input.WriteString(e.Delta.PartialJSON)
		case "content_block_stop":
			require.Equal(t, next, e.Index)
			if input.Len() > 0 {
				open.Input = []byte(input.String())
			}
			v.add(t, open)
			open = nil
			next++
		case "message_delta":
			v.Reason, v.Usage = chatReason(t, e.Delta.StopReason), e.Usage.Neutral()
		case "message_stop":
			ended = true
		}
	})
	require.True(t, ended, "no message_stop in %q", stream)
	return v
}

func eachEvent(t *testing.T, stream []byte, do func(name string, data []byte)) {
	t.Helper()
	events := sse.NewReader(bytes.NewReader(stream), 1<<20)
	defer events.Close()
	for {
		event, err := events.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		do(string(event.Name), event.Data)
	}
}
