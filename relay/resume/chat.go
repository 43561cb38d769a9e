package resume

import (
	"bytes"

	"one-api/relay/jsonscan"
	"one-api/relay/outcome"
	"one-api/relay/sse"
)

// chat is a stream of chat.completion.chunk objects (https://platform.openai.com/docs/api-reference/chat-streaming).
type chat struct {
	id, created []byte // of the first chunk that had them: one stream has one of each
}

func (f *chat) open() bool { return true }

func (f *chat) note(a *Account, event sse.Event) {
	if isTerminator(event.Data) {
		a.ended = true
		return
	}
	_ = jsonscan.Object(event.Data, func(m jsonscan.Member) { // a translator has read it already
		switch string(m.Key) {
		case "id":
			f.keep(&f.id, m.Value)
		case "created":
			f.keep(&f.created, m.Value)
		case "choices":
			jsonscan.Elements(m.Value, func(choice []byte) { f.noteChoice(a, choice) })
		}
	})
}

// keep keeps an id or a time, where it is no longer than those are.
func (f *chat) keep(at *[]byte, value []byte) {
	if *at == nil && len(value) <= longestID && !jsonscan.IsNull(value) && string(value) != `""` {
		*at = bytes.Clone(value)
	}
}

func (f *chat) noteChoice(a *Account, choice []byte) {
	_ = jsonscan.Object(choice, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "index":
			a.lost = a.lost || string(m.Value) != "0"
		case "finish_reason":
			a.ended = a.ended || !jsonscan.IsNull(m.Value)
		case "delta":
			_ = jsonscan.Object(m.Value, func(m jsonscan.Member) { f.noteDelta(a, m) })
		}
	})
}

func (f *chat) noteDelta(a *Account, m jsonscan.Member) {
	switch string(m.Key) {
	case "content":
		if text, ok := jsonscan.String(m.Value); ok {
			a.add(text)
		} else {
			a.lost = a.lost || !isEmpty(m.Value)
		}
	case "tool_calls", "function_call", "refusal", "audio":
		a.lost = a.lost || !isEmpty(m.Value)
	}
}

// fit gives a chunk the stream's id and time, and takes out of it what the client has: the role and what repeats. Reasoning
// belongs in front of the text, so that of a continuation is left out.
//
// Nothing is decoded but the text: what else there is goes over as it came. A chunk of two-byte elements, decoded, takes hundreds
// of times its size.
func (f *chat) fit(c *Continuation, event sse.Event) ([]byte, error) {
	if isTerminator(event.Data) {
		return f.fitEnd(c)
	}
	var choices, usage []byte
	err := jsonscan.Object(event.Data, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "choices":
			choices = m.Value
		case "usage":
			usage = m.Value
		}
	})
	if err != nil {
		return nil, outcome.Malformed("a chunk that cannot be read")
	}
	f.begin(c)
	_ = jsonscan.Object(event.Data, func(m jsonscan.Member) { // it has just been read
		switch key := string(m.Key); {
		case key == "choices", key == "id" && f.id != nil, key == "created" && f.created != nil:
		default:
			c.member(m.Key, m.Value)
		}
	})
	worth := !isEmpty(usage)
	if !isEmpty(choices) {
		c.key("choices")
		something, err := f.fitChoices(c, choices)
		if err != nil {
			return nil, err
		}
		worth = worth || something
	}
	if !worth {
		return nil, nil
	}
	c.json = append(c.json, '}')
	c.out = sse.Append(c.out, nil, c.json)
	return c.out, nil
}

// fitEnd sees to it that what was held back arrives before the end does.
func (f *chat) fitEnd(c *Continuation) ([]byte, error) {
	rest, err := c.rest()
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		f.begin(c)
		c.member([]byte("object"), []byte(`"chat.completion.chunk"`))
		c.key("choices")
		c.json = append(jsonscan.AppendString(append(c.json, `[{"index":0,"delta":{"content":`...), rest), `},"finish_reason":null}]}`...)
		c.out = sse.Append(c.out, nil, c.json)
	}
	c.out = append(c.out, "data: [DONE]\n\n"...)
	return c.out, nil
}

// begin begins a chunk of the client's stream.
func (f *chat) begin(c *Continuation) {
	c.json = append(c.json[:0], '{')
	if f.id != nil {
		c.member([]byte("id"), f.id)
	}
	if f.created != nil {
		c.member([]byte("created"), f.created)
	}
}

// fitChoices reports whether there is anything left in the choices that the client needs.
func (f *chat) fitChoices(c *Continuation, choices []byte) (worth bool, err error) {
	c.json = append(c.json, '[')
	isList := jsonscan.Elements(choices, func(choice []byte) {
		if err != nil {
			return
		}
		c.separate()
		var something bool
		something, err = f.fitChoice(c, choice)
		worth = worth || something
	})
	if !isList {
		return false, outcome.Malformed("a chunk whose choices cannot be read")
	}
	c.json = append(c.json, ']')
	return worth, err
}

func (f *chat) fitChoice(c *Continuation, choice []byte) (worth bool, err error) {
	var delta, finish, content []byte
	c.json = append(c.json, '{')
	if jsonscan.Object(choice, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "delta":
			delta = m.Value
			return
		case "finish_reason":
			finish = m.Value
		}
		c.member(m.Key, m.Value)
	}) != nil {
		return false, outcome.Malformed("a chunk whose choices cannot be read")
	}
	c.key("delta")
	c.json = append(c.json, '{')
	others := false
	if !isEmpty(delta) && jsonscan.Object(delta, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "content":
			content = m.Value
		case "role", "reasoning_content", "reasoning", "reasoning_details":
		default:
			if !isEmpty(m.Value) {
				others = true
				c.member(m.Key, m.Value)
			}
		}
	}) != nil {
		return false, outcome.Malformed("a chunk whose delta cannot be read")
	}
	finished := !isEmpty(finish)
	fresh, err := f.fitContent(c, content, finished || others)
	if err != nil {
		return false, err
	}
	if fresh != "" {
		c.key("content")
		c.json = jsonscan.AppendString(c.json, fresh)
	}
	c.json = append(c.json, "}}"...)
	return finished || others || fresh != "", nil
}

// fitContent is what is new in a piece of text, which may be nil. followed: by something that must not overtake the text.
func (f *chat) fitContent(c *Continuation, content []byte, followed bool) (fresh string, err error) {
	if content != nil && !jsonscan.IsNull(content) {
		text, ok := jsonscan.String(content)
		if !ok {
			return "", outcome.Malformed("a chunk whose content is no text")
		}
		if fresh, err = c.said(text); err != nil {
			return "", err
		}
	}
	if !followed {
		return fresh, nil
	}
	rest, err := c.rest()
	return fresh + rest, err
}

func isTerminator(data []byte) bool { return string(bytes.TrimSpace(data)) == "[DONE]" }

// isEmpty reports whether a JSON value, or none, says nothing.
func isEmpty(value []byte) bool {
	switch string(value) {
	case "", "null", `""`, "[]", "{}":
		return true
	}
	return false
}
