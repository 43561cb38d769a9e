package resume

import (
	"encoding/json"

	"one-api/relay/channel"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

const (
	noBlock   = -1
	leftOut   = -2 // a block of the continuation that the client does not get
	textBlock = "text"
)

// messages is a stream of Anthropic's events (https://docs.claude.com/en/docs/build-with-claude/streaming).
type messages struct {
	block   int    // the index of the client's content block that is open, or noBlock
	kind    string // its type
	blocks  int    // how many the client has been sent
	started bool
}

func (f *messages) open() bool { return f.block == noBlock || f.kind == textBlock }

func (f *messages) note(a *Account, event sse.Event) {
	var e wire.StreamEvent
	if json.Unmarshal(event.Data, &e) != nil {
		a.lost = a.lost || len(event.Data) > 0
		return
	}
	switch e.Type {
	case "message_start":
		f.started = true
	case "content_block_start":
		f.block, f.blocks = e.Index, e.Index+1
		f.kind = ""
		if e.ContentBlock != nil {
			f.kind = e.ContentBlock.Type
			if e.ContentBlock.Text != nil {
				a.text = append(a.text, *e.ContentBlock.Text...)
			}
		}
		switch f.kind {
		case textBlock, "thinking", "redacted_thinking":
		default:
			a.lost = true
		}
	case "content_block_delta":
		if e.Delta != nil && e.Delta.Type == "text_delta" {
			a.text = append(a.text, e.Delta.Text...)
		}
	case "content_block_stop":
		f.block = noBlock
	case "message_delta":
		a.ended = a.ended || e.Delta != nil && e.Delta.StopReason != nil
	case "message_stop":
		a.ended = true
	}
}

// fit gives the events of a continuation their place in the client's message: its first text goes on in the block that is
// open, later blocks are counted on. Its message_start is left out, and so is its thinking, which belongs in front of the text.
func (f *messages) fit(c *Continuation, event sse.Event) ([]byte, error) {
	c.out = c.out[:0]
	var e wire.StreamEvent
	if json.Unmarshal(event.Data, &e) != nil {
		if len(event.Data) == 0 {
			return nil, nil // a ping without a word
		}
		return nil, channel.Malformed("an event that cannot be read")
	}
	switch e.Type {
	case "message_start":
		if f.started {
			return nil, nil
		}
		return event.Raw, nil
	case "content_block_start":
		return f.fitStart(c, &e, event)
	case "content_block_delta":
		return f.fitDelta(c, &e, event)
	case "content_block_stop":
		at, known := c.blocks[e.Index]
		switch {
		case known && at == leftOut:
			return nil, nil
		case known && at == f.block:
			return c.out, f.close(c)
		}
		return nil, channel.Malformed("a content block stops that is not open")
	case "message_delta", "message_stop":
		if err := f.close(c); err != nil {
			return nil, err
		}
	}
	c.out = append(c.out, event.Raw...)
	return c.out, nil
}

func (f *messages) fitStart(c *Continuation, e *wire.StreamEvent, event sse.Event) ([]byte, error) {
	if e.ContentBlock == nil {
		return nil, channel.Malformed("content_block_start has no content_block")
	}
	text := ""
	switch e.ContentBlock.Type {
	case "thinking", "redacted_thinking":
		c.blocks[e.Index] = leftOut
		return nil, nil
	case textBlock:
		if e.ContentBlock.Text != nil {
			text = *e.ContentBlock.Text
		}
		if f.block == noBlock || f.kind != textBlock {
			empty := ""
			f.begin(c, e.Index, wire.Block{Type: textBlock, Text: &empty})
		} else {
			c.blocks[e.Index] = f.block
		}
		return c.out, f.say(c, c.blocks[e.Index], text)
	}
	if err := f.close(c); err != nil {
		return nil, err
	}
	c.blocks[e.Index] = f.blocks
	c.emit(event, f.blocks)
	return c.out, nil
}

func (f *messages) begin(c *Continuation, index int, block wire.Block) {
	c.blocks[index] = f.blocks
	c.out = sse.Append(c.out, []byte("content_block_start"), encoded(map[string]any{
		"type": "content_block_start", "index": f.blocks, "content_block": block,
	}))
}

func (f *messages) fitDelta(c *Continuation, e *wire.StreamEvent, event sse.Event) ([]byte, error) {
	at, known := c.blocks[e.Index]
	switch {
	case !known:
		return nil, channel.Malformed("a content block goes on that is not open")
	case at == leftOut:
		return nil, nil
	case e.Delta != nil && e.Delta.Type == "text_delta":
		return c.out, f.say(c, at, e.Delta.Text)
	}
	c.emit(event, at)
	return c.out, nil
}

// say adds what is new in a piece of text.
func (f *messages) say(c *Continuation, at int, text string) error {
	fresh, err := c.said(text)
	if err == nil && fresh != "" {
		c.delta(at, fresh)
	}
	return err
}

// close ends the client's block that is open, if there is one.
func (f *messages) close(c *Continuation) error {
	if f.block == noBlock {
		return nil
	}
	rest, err := c.rest()
	if err != nil {
		return err
	}
	if rest != "" {
		c.delta(f.block, rest)
	}
	c.out = sse.Append(c.out, []byte("content_block_stop"), encoded(map[string]any{"type": "content_block_stop", "index": f.block}))
	return nil
}

func (c *Continuation) delta(at int, text string) {
	c.out = sse.Append(c.out, []byte("content_block_delta"), encoded(map[string]any{
		"type": "content_block_delta", "index": at, "delta": map[string]string{"type": "text_delta", "text": text},
	}))
}

// emit passes an event on with another index.
func (c *Continuation) emit(event sse.Event, index int) {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(event.Data, &members) // it has been decoded before
	members["index"] = encoded(index)
	c.out = sse.Append(c.out, event.Name, encoded(members))
}
