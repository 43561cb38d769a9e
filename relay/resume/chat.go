package resume

import (
	"bytes"
	"encoding/json"

	"one-api/relay/channel"
	"one-api/relay/jsonscan"
	"one-api/relay/sse"
)

// chat is a stream of chat.completion.chunk objects (https://platform.openai.com/docs/api-reference/chat-streaming).
type chat struct {
	id, created json.RawMessage // of the first chunk that had them: one stream has one of each
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

func (f *chat) keep(at *json.RawMessage, value []byte) {
	if *at == nil && !jsonscan.IsNull(value) && string(value) != `""` {
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
			a.text = append(a.text, text...)
		} else {
			a.lost = a.lost || !isEmpty(m.Value)
		}
	case "tool_calls", "function_call", "refusal", "audio":
		a.lost = a.lost || !isEmpty(m.Value)
	}
}

// fit gives a chunk the stream's id and time, and takes out of it what the client has: the role and what repeats. Reasoning
// belongs in front of the text, so that of a continuation is left out.
func (f *chat) fit(c *Continuation, event sse.Event) ([]byte, error) {
	c.out = c.out[:0]
	if isTerminator(event.Data) {
		rest, err := c.rest()
		if err != nil {
			return nil, err
		}
		if rest != "" {
			c.put(map[string]json.RawMessage{"object": json.RawMessage(`"chat.completion.chunk"`), "choices": contentOnly(rest)}, f)
		}
		c.out = append(c.out, "data: [DONE]\n\n"...)
		return c.out, nil
	}
	var chunk map[string]json.RawMessage
	if json.Unmarshal(event.Data, &chunk) != nil {
		return nil, channel.Malformed("a chunk that cannot be read")
	}
	var choices []map[string]json.RawMessage
	if raw := chunk["choices"]; !isEmpty(raw) && json.Unmarshal(raw, &choices) != nil {
		return nil, channel.Malformed("a chunk whose choices cannot be read")
	}
	worth := !isEmpty(chunk["usage"])
	for _, choice := range choices {
		something, err := f.fitChoice(c, choice)
		if err != nil {
			return nil, err
		}
		worth = worth || something
	}
	if !worth {
		return nil, nil
	}
	if len(choices) > 0 {
		chunk["choices"] = encoded(choices)
	}
	c.put(chunk, f)
	return c.out, nil
}

// fitChoice tells whether there is anything left in the choice that the client needs.
func (f *chat) fitChoice(c *Continuation, choice map[string]json.RawMessage) (worth bool, err error) {
	delta := map[string]json.RawMessage{}
	if raw := choice["delta"]; !isEmpty(raw) && json.Unmarshal(raw, &delta) != nil {
		return false, channel.Malformed("a chunk whose delta cannot be read")
	}
	fresh := ""
	if raw := delta["content"]; raw != nil && !jsonscan.IsNull(raw) {
		text, ok := jsonscan.String(raw)
		if !ok {
			return false, channel.Malformed("a chunk whose content is no text")
		}
		if fresh, err = c.said(text); err != nil {
			return false, err
		}
	}
	for _, key := range [...]string{"role", "content", "reasoning_content", "reasoning", "reasoning_details"} {
		delete(delta, key)
	}
	for key, value := range delta {
		if isEmpty(value) {
			delete(delta, key)
		}
	}
	finished := !isEmpty(choice["finish_reason"])
	if finished || len(delta) > 0 { // what follows the text must not overtake it
		rest, err := c.rest()
		if err != nil {
			return false, err
		}
		fresh += rest
	}
	if fresh != "" {
		delta["content"] = encoded(fresh)
	}
	choice["delta"] = encoded(delta)
	return finished || len(delta) > 0, nil
}

func (c *Continuation) put(chunk map[string]json.RawMessage, f *chat) {
	if f.id != nil {
		chunk["id"] = f.id
	}
	if f.created != nil {
		chunk["created"] = f.created
	}
	c.out = append(append(append(c.out, "data: "...), encoded(chunk)...), "\n\n"...)
}

func contentOnly(text string) json.RawMessage {
	return encoded([]any{map[string]any{"index": 0, "delta": map[string]string{"content": text}, "finish_reason": nil}})
}

func isTerminator(data []byte) bool { return string(bytes.TrimSpace(data)) == "[DONE]" }

// isEmpty tells whether a JSON value, or none, says nothing.
func isEmpty(value []byte) bool {
	switch string(value) {
	case "", "null", `""`, "[]", "{}":
		return true
	}
	return false
}

// encoded is v as JSON in one line.
func encoded(v any) json.RawMessage {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil { // strings, and JSON that was decoded before: cannot fail
		panic(err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
