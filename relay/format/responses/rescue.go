package responses

import (
	"bytes"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// rescue is how a stream of the Responses API is finished by another channel.
type rescue struct{}

// Continuable reports whether the rest of an answer can be asked for: it depends on nothing that only one provider keeps, and is free in
// its form.
func (rescue) Continuable(body []byte) bool {
	lists, free := 0, true
	var input []byte
	err := jsonscan.Object(body, func(m jsonscan.Member) {
		switch name := string(m.Key); {
		case name == "input":
			lists++
			input = m.Value
		case stateful[name]:
			free = free && !format.Given(m.Value)
		case name == "background":
			free = free && string(m.Value) != "true"
		case name == "text":
			kind := textOf(jsonscan.MemberOf(jsonscan.MemberOf(m.Value, "format"), "type"))
			free = free && (kind == "" || kind == "text")
		case name == "top_logprobs":
			n, _ := jsonscan.Int(m.Value)
			free = free && n == 0
		case name == "include":
			free = free && !bytes.Contains(m.Value, []byte("logprobs"))
		}
	})
	if err != nil || !free || lists != 1 || len(input) == 0 {
		return false
	}
	if input[0] == '"' {
		return true
	}
	last := format.Last(input)
	return last != nil && textOf(jsonscan.MemberOf(last, "role")) != "assistant"
}

// Continue adds the beginning as an assistant's message that is not at its end. The API has no word for what is meant by that; some
// servers continue with such a message when they find one (https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html).
func (rescue) Continue(body []byte, beginning string, _ format.Hint) []byte {
	message := format.JSON(`,{"type":"message","role":"assistant","status":"in_progress","content":[{"type":"output_text"`)
	message.String("text", beginning)
	message.Literal("annotations", "[]")
	message = append(message, "}]}"...)
	if at := format.EndOf(body, "input"); at >= 0 {
		return jsonscan.Splice(body, jsonscan.Edit{From: at, To: at, Text: string(message)})
	}
	input := jsonscan.Find(body, "input")
	if len(input.Value) == 0 || input.Value[0] != '"' {
		return body
	}
	list := `[{"type":"message","role":"user","content":` + string(input.Value) + `}` + string(message) + `]`
	return jsonscan.Splice(body, jsonscan.Edit{From: input.Start, To: input.End, Text: list})
}

// Follow makes what reads along in a stream.
func (rescue) Follow() format.Follower { return &follower{} }

// follower reads what a client is sent, and keeps what the end of the stream has to repeat. What cannot be continued by another channel
// is told as a step of no conversation (llm.Other): tools that the provider runs, annotations, logprobs.
type follower struct {
	decoder
	id, model string
	created   int64
	number    int64 // the next sequence_number
	numbered  bool
	echo      []byte // the response as it was when it began
	items     []*entry
	current   *entry // the one that is open
	half      bool   // its part has been ended, and it has not
	bound     bool   // something has come that only the provider that made it can read
	size      int
}

// Event reads an event.
func (f *follower) Event(event sse.Event, to llm.Sink) (heard format.Heard, err error) {
	if len(bytes.TrimSpace(event.Data)) > 0 && !format.IsTerminator(event.Data) {
		f.notes(event, to)
	}
	return f.decoder.Event(event, to)
}

// notes keeps what is to be known of an event beside what it says.
func (f *follower) notes(event sse.Event, to llm.Sink) {
	var o outside
	if jsonscan.Object(event.Data, o.member) != nil {
		return // which the decoder says
	}
	if n, ok := jsonscan.Int(o.number); ok && len(o.number) > 0 {
		f.number, f.numbered = n+1, true
	}
	switch kind := textOf(o.kindOfValue); kind {
	case "response.created", "response.in_progress", "response.queued":
		f.begins(&o)
	case "response.output_item.added":
		f.added(&o, to)
	case "response.output_item.done":
		f.finished(&o)
	case "response.content_part.added":
		part := textOf(look(jsonscan.MemberOf(event.Data, "part")).kindOfValue)
		if n, _ := jsonscan.Int(jsonscan.MemberOf(event.Data, "content_index")); part == "output_text" && n != 0 {
			to.Take(&llm.Event{Step: llm.Other})
		}
	case "response.output_text.delta":
		f.says(o.delta, false)
		if probabilities := jsonscan.MemberOf(event.Data, "logprobs"); format.Given(probabilities) && !format.IsEmpty(probabilities) {
			to.Take(&llm.Event{Step: llm.Other})
		}
	case "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
		f.says(o.delta, true)
		f.half = kind == "response.reasoning_text.delta" || o.summaryIndex > 0 // the end of which would be told otherwise
	case "response.output_text.done", "response.content_part.done":
		f.half = f.current != nil && f.current.kind == aMessage
	case "response.reasoning_summary_part.added", "response.reasoning_summary_part.done": // its text is told
	default:
		if o.kind == anotherKind {
			to.Take(&llm.Event{Step: llm.Other})
		}
	}
}

func (f *follower) begins(o *outside) {
	if f.id != "" {
		return
	}
	response := look(o.response)
	f.id, f.model = keep(response.id), keep(response.model)
	f.created, _ = jsonscan.Int(response.created)
	if len(o.response) <= mostEcho {
		f.echo = bytes.Clone(o.response)
	}
}

// mostEcho is how many bytes are kept of a response as it began.
const mostEcho = 16 << 10

func (f *follower) added(o *outside, to llm.Sink) {
	item := look(o.item)
	i := &entry{kind: aMessage, index: int(o.index), own: keep(item.id)}
	switch textOf(item.kindOfValue) {
	case "message":
	case "reasoning":
		i.kind = aReasoning
	case "function_call":
		return // which the decoder tells of
	default:
		to.Take(&llm.Event{Step: llm.Other})
		return
	}
	f.current, f.half = i, false
	f.items = append(f.items, i)
	f.size += 128
}

// says notes what the open item says.
func (f *follower) says(delta []byte, thought bool) {
	i, text := f.current, textOf(delta)
	if i == nil || text == "" {
		return
	}
	f.size += len(text)
	if thought {
		i.text, i.summary = append(i.text, text...), true
		return
	}
	if len(i.texts) == 0 {
		i.texts = []piece{{}}
	}
	i.texts[0].text = append(i.texts[0].text, text...)
}

// finished keeps an item as the end of the stream repeats it.
func (f *follower) finished(o *outside) {
	item := look(o.item)
	f.bound = f.bound || textOf(item.sealed) != ""
	if i := f.current; i != nil && int(o.index) == i.index {
		i.done, i.status, i.whole = true, "completed", bytes.Clone(o.item)
		f.size += len(i.whole) - len(i.text)
		i.text, i.texts = nil, nil
	}
	f.current, f.half = nil, false
}

// Resumable reports whether a text can go on from here: the stream counts its events, and nothing in it is for its maker alone.
func (f *follower) Resumable() bool {
	return !f.bound && !f.half && f.calls == 0 && (f.id == "" || f.numbered)
}

// Retained is what is kept for the end of the stream.
func (f *follower) Retained() int { return f.size + len(f.echo) }

// Failed is format.Failing's, of all that the client has been sent, whoever said it.
func (f *follower) Failed(e *wire.Error, requestID string) []byte {
	if f.ended || f.id == "" {
		return nil
	}
	f.ended = true
	return wire.FailedResponse{ID: f.id, Model: f.model, Created: f.created, Number: f.number}.Event(e, requestID)
}

// Resume makes the encoder of the rest: the response is the same, its events and its items are counted on, and the message that is open
// continues.
func (f *follower) Resume(r *llm.Request) format.Encoder {
	e := newEncoder(r)
	if f.id == "" {
		return e
	}
	e.started, e.own, e.model, e.number = true, f.id, f.model, f.number
	if f.created != 0 {
		e.created = f.created
	}
	said := map[string][]byte{}
	_ = jsonscan.Object(f.echo, func(m jsonscan.Member) { said[string(m.Key)] = m.Value }) // nil says nothing
	k := &kept{}
	k.repeats(said)
	e.kept = k
	for _, i := range f.items {
		one := *i
		one.text = bytes.Clone(i.text)
		one.texts = nil
		for _, p := range i.texts {
			one.texts = append(one.texts, piece{p.refusal, bytes.Clone(p.text)})
		}
		e.items = append(e.items, &one)
		if i == f.current {
			e.current = &one
		}
	}
	e.grow(f.size)
	return e
}
