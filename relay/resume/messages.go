package resume

import (
	"strconv"

	"one-api/relay/jsonscan"
	"one-api/relay/outcome"
	"one-api/relay/sse"
)

const (
	noBlock   = -1
	leftOut   = -2 // a block of the continuation that the client does not get
	textBlock = "text"
	// maxBlocks bounds what a continuation can make the relay remember of its blocks.
	maxBlocks = 1024
)

// messages is a stream of Anthropic's events (https://docs.claude.com/en/docs/build-with-claude/streaming).
type messages struct {
	block   int    // the index of the client's content block that is open, or noBlock
	kind    string // its type
	blocks  int    // how many the client has been sent
	started bool
}

func (f *messages) open() bool { return f.block == noBlock || f.kind == textBlock }

// heard is what of an event matters here. Its values share the event's memory.
type heard struct {
	kind  string
	index int
	// Of content_block: its type and its text, and of delta the same. nil: there is none.
	block, delta, text []byte
	stops              bool // the delta has a stop_reason
}

// hear reads an event; false: it is not what its type says. Nothing is decoded but what is asked for: a message_start alone can
// hold millions of empty blocks.
func hear(data []byte) (h heard, ok bool) {
	ok = true
	err := jsonscan.Object(data, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "type":
			h.kind = word(m.Value)
		case "index":
			n, isInt := jsonscan.Int(m.Value)
			h.index, ok = int(n), ok && isInt
		case "content_block":
			h.block, ok = h.part(m.Value), ok && isObjectOrNull(m.Value)
		case "delta":
			h.delta, ok = h.part(m.Value), ok && isObjectOrNull(m.Value)
		}
	})
	return h, ok && err == nil
}

// part is the type of a content_block or a delta; nil: it is null.
func (h *heard) part(value []byte) (kind []byte) {
	if jsonscan.IsNull(value) {
		return nil
	}
	kind = []byte(`""`)
	_ = jsonscan.Object(value, func(m jsonscan.Member) { // another kind of value has been noticed
		switch string(m.Key) {
		case "type":
			kind = m.Value
		case "text":
			h.text = m.Value
		case "stop_reason":
			h.stops = !jsonscan.IsNull(m.Value)
		}
	})
	return kind
}

func isObjectOrNull(value []byte) bool { return value[0] == '{' || jsonscan.IsNull(value) }

// word is a short string, such as a type, and empty for any other value.
func word(value []byte) (s string) {
	if len(value) <= longestID {
		s, _ = jsonscan.String(value)
	}
	return s
}

// said is the text; false: it is none.
func (h *heard) said() (text string, ok bool) {
	if h.text == nil || jsonscan.IsNull(h.text) {
		return "", true
	}
	return jsonscan.String(h.text)
}

func (f *messages) note(a *Account, event sse.Event) {
	e, ok := hear(event.Data)
	if !ok {
		a.lost = a.lost || len(event.Data) > 0
		return
	}
	switch e.kind {
	case "message_start":
		f.started = true
	case "content_block_start":
		f.block, f.blocks = e.index, e.index+1
		f.kind = word(e.block)
		f.noteText(a, &e)
		switch f.kind {
		case textBlock, "thinking", "redacted_thinking":
		default:
			a.lost = true
		}
	case "content_block_delta":
		if word(e.delta) == "text_delta" {
			f.noteText(a, &e)
		}
	case "content_block_stop":
		f.block = noBlock
	case "message_delta":
		a.ended = a.ended || e.stops
	case "message_stop":
		a.ended = true
	}
}

func (f *messages) noteText(a *Account, e *heard) {
	text, ok := e.said()
	a.lost = a.lost || !ok
	a.add(text)
}

// fit gives the events of a continuation their place in the client's message: its first text goes on in the block that is
// open, later blocks are counted on. Its message_start is left out, and so is its thinking, which belongs in front of the text.
func (f *messages) fit(c *Continuation, event sse.Event) ([]byte, error) {
	e, ok := hear(event.Data)
	if !ok {
		if len(event.Data) == 0 {
			return nil, nil // a ping without a word
		}
		return nil, outcome.Malformed("an event that cannot be read")
	}
	switch e.kind {
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
		at, known := c.blocks[e.index]
		switch {
		case known && at == leftOut:
			return nil, nil
		case known && at == f.block:
			err := f.close(c)
			return c.out, err
		}
		return nil, outcome.Malformed("a content block stops that is not open")
	case "message_delta", "message_stop":
		if err := f.close(c); err != nil {
			return nil, err
		}
	}
	c.out = append(c.out, event.Raw...)
	return c.out, nil
}

func (f *messages) fitStart(c *Continuation, e *heard, event sse.Event) ([]byte, error) {
	if e.block == nil {
		return nil, outcome.Malformed("content_block_start has no content_block")
	}
	if len(c.blocks) >= maxBlocks {
		return nil, outcome.Malformed("more content blocks than an answer may have")
	}
	switch word(e.block) {
	case "thinking", "redacted_thinking":
		c.blocks[e.index] = leftOut
		return nil, nil
	case textBlock:
		if f.block == noBlock || f.kind != textBlock {
			f.begin(c, e.index)
		} else {
			c.blocks[e.index] = f.block
		}
		err := f.say(c, c.blocks[e.index], e)
		return c.out, err
	}
	if err := f.close(c); err != nil {
		return nil, err
	}
	c.blocks[e.index] = f.blocks
	c.emit(event, f.blocks)
	return c.out, nil
}

// begin begins a block of text.
func (f *messages) begin(c *Continuation, index int) {
	c.blocks[index] = f.blocks
	c.json = append(strconv.AppendInt(append(c.json[:0], `{"type":"content_block_start","index":`...), int64(f.blocks), 10),
		`,"content_block":{"type":"text","text":""}}`...)
	c.out = sse.Append(c.out, []byte("content_block_start"), c.json)
}

func (f *messages) fitDelta(c *Continuation, e *heard, event sse.Event) ([]byte, error) {
	at, known := c.blocks[e.index]
	switch {
	case !known:
		return nil, outcome.Malformed("a content block goes on that is not open")
	case at == leftOut:
		return nil, nil
	case word(e.delta) == "text_delta":
		err := f.say(c, at, e)
		return c.out, err
	}
	c.emit(event, at)
	return c.out, nil
}

// say adds what is new in a piece of text.
func (f *messages) say(c *Continuation, at int, e *heard) error {
	text, ok := e.said()
	if !ok {
		return outcome.Malformed("a content block whose text is none")
	}
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
	c.json = append(strconv.AppendInt(append(c.json[:0], `{"type":"content_block_stop","index":`...), int64(f.block), 10), '}')
	c.out = sse.Append(c.out, []byte("content_block_stop"), c.json)
	return nil
}

func (c *Continuation) delta(at int, text string) {
	c.json = strconv.AppendInt(append(c.json[:0], `{"type":"content_block_delta","index":`...), int64(at), 10)
	c.json = jsonscan.AppendString(append(c.json, `,"delta":{"type":"text_delta","text":`...), text)
	c.json = append(c.json, "}}"...)
	c.out = sse.Append(c.out, []byte("content_block_delta"), c.json)
}

// emit passes an event on with another index.
func (c *Continuation) emit(event sse.Event, index int) {
	c.json = append(c.json[:0], '{')
	_ = jsonscan.Object(event.Data, func(m jsonscan.Member) { // it has been read before
		if string(m.Key) != "index" {
			c.member(m.Key, m.Value)
		}
	})
	c.key("index")
	c.json = append(strconv.AppendInt(c.json, int64(index), 10), '}')
	c.out = sse.Append(c.out, event.Name, c.json)
}
