package chat

import (
	"cmp"
	"time"

	"one-api/relay/format"
	"one-api/relay/llm"
	"one-api/relay/wire"
)

// now is when an answer was made. Not every provider says; when it begins to come is near enough.
var now = func() int64 { return time.Now().Unix() }

// encoder makes of events a stream of chunks (https://platform.openai.com/docs/api-reference/chat-streaming).
type encoder struct {
	out          format.JSON
	head         []byte // what every chunk begins with
	created      int64
	includeUsage bool
	given        []bool // of each call, whether the client has got arguments
	finished     bool
	goesOn       bool   // the client has the beginning of the stream, which was of this format
	id           string // of that stream
}

// Stream makes what turns the events of an answer into chunks.
func (client) Stream(r *llm.Request) format.Encoder {
	return &encoder{created: now(), includeUsage: r != nil && r.IncludeUsage}
}

func (e *encoder) Begin()        { e.out = e.out[:0] }
func (e *encoder) Out() []byte   { return e.out }
func (e *encoder) Err() error    { return nil }
func (e *encoder) Retained() int { return cap(e.head) + cap(e.given) }

// Take adds what an event becomes.
func (e *encoder) Take(event *llm.Event) {
	switch event.Step {
	case llm.Started:
		e.start(event)
	case llm.Said:
		e.piece(`"content":`, event.Text)
	case llm.Refused:
		if e.goesOn {
			e.piece(`"refusal":`, event.Text)
			return
		}
		e.piece(`"content":`, event.Text)
	case llm.Thought:
		e.piece(`"reasoning_content":`, event.Text)
	case llm.Called:
		for len(e.given) <= event.Call {
			e.given = append(e.given, false)
		}
		e.open()
		e.call(event.Call)
		e.out.String("id", event.ID)
		e.out.Literal("type", `"function"`)
		e.out.Key("function")
		e.out.Open('{')
		e.out.String("name", event.Name)
		e.out.String("arguments", "")
		e.out.Close('}')
		if event.Text != "" { // Gemini's (https://ai.google.dev/gemini-api/docs/thought-signatures)
			e.out.Key("extra_content")
			e.out = append(e.out, `{"google":{`...)
			e.out.String("thought_signature", event.Text)
			e.out = append(e.out, "}}"...)
		}
		e.close(`}]},"finish_reason":null}]}`)
	case llm.Given:
		e.arguments(event.Call, event.Text)
	case llm.CallEnded:
		if event.Call < len(e.given) && !e.given[event.Call] {
			e.arguments(event.Call, "{}") // clients parse what they got, and nothing is not valid JSON
		}
	case llm.Finished:
		e.finish(event.Reason)
	case llm.Signed, llm.Sealed, llm.Other: // the format has no place for it
	}
}

func (e *encoder) start(event *llm.Event) {
	head := format.JSON("data: ")
	head = append(head, '{')
	head.String("id", cmp.Or(e.id, event.ID))
	head.Literal("object", `"chat.completion.chunk"`)
	head.Int("created", e.created)
	head.String("model", event.Model)
	e.head = head
	if e.goesOn {
		return
	}
	e.open()
	e.close(`"role":"assistant","content":""},"finish_reason":null}]}`)
}

// open begins a chunk, up to what its delta has in it.
func (e *encoder) open() {
	if e.head == nil {
		e.start(&llm.Event{})
	}
	e.out = append(append(e.out, e.head...), `,"choices":[{"index":0,"delta":{`...)
}

func (e *encoder) close(rest string) { e.out = append(append(e.out, rest...), "\n\n"...) }

func (e *encoder) piece(name, text string) {
	if text == "" {
		return
	}
	e.open()
	e.out = append(e.out, name...)
	e.out.Text(text)
	e.close(`},"finish_reason":null}]}`)
}

func (e *encoder) call(n int) {
	e.out = append(e.out, `"tool_calls":[{`...)
	e.out.Int("index", int64(n))
}

func (e *encoder) arguments(n int, text string) {
	if text == "" {
		return
	}
	if n < len(e.given) {
		e.given[n] = true
	}
	e.open()
	e.call(n)
	e.out.Key("function")
	e.out.Open('{')
	e.out.String("arguments", text)
	e.close(`}}]},"finish_reason":null}]}`)
}

func (e *encoder) finish(reason wire.EndReason) {
	if e.finished {
		return
	}
	e.finished = true
	e.open()
	e.close(`},"finish_reason":"` + reason.Chat(len(e.given) > 0) + `"}]}`)
}

// End adds what ends a stream in good order.
func (e *encoder) End(u wire.Usage) {
	e.finish(wire.NotEnded) // if no event has: a client waits for a reason
	if e.includeUsage {
		e.out = append(e.out, e.head...)
		e.out = append(e.out, `,"choices":[]`...)
		usage(&e.out, u)
		e.close("}")
	}
	e.out = append(e.out, endOfStream...)
}

func usage(j *format.JSON, u wire.Usage) {
	j.Key("usage")
	j.Open('{')
	j.Int("prompt_tokens", u.Input())
	j.Int("completion_tokens", u.Output())
	j.Int("total_tokens", u.Input()+u.Output())
	j.Key("prompt_tokens_details")
	j.Open('{')
	j.Int("cached_tokens", u.CacheRead)
	if u.CacheWrite() > 0 {
		j.Int("cache_write_tokens", u.CacheWrite())
	}
	j.Close('}')
	if u.Reasoning > 0 {
		j.Key("completion_tokens_details")
		j.Open('{')
		j.Int("reasoning_tokens", u.Reasoning)
		j.Close('}')
	}
	j.Close('}')
}

// Whole renders a whole answer. It joins what others keep in order: the format has one text, one reasoning and a list of calls.
func (client) Whole(_ *llm.Request, a *llm.Answer, u wire.Usage) []byte {
	j := make(format.JSON, 0, sizeOf(a))
	j.Open('{')
	j.String("id", a.ID)
	j.Literal("object", `"chat.completion"`)
	j.Int("created", now())
	j.String("model", a.Model)
	j.Key("choices")
	j.Open('[')
	j.Open('{')
	j.Int("index", 0)
	j.Key("message")
	j.Open('{')
	j.Literal("role", `"assistant"`)
	text, refusal := textsOf(a, llm.Text), textsOf(a, llm.Refusal)
	if len(text)+len(refusal) > 0 || a.Calls == 0 {
		j.Joined("content", append(text, refusal...)...)
	} else {
		j.Literal("content", "null")
	}
	if thought := textsOf(a, llm.Reasoning); thought != nil {
		j.Joined("reasoning_content", thought...)
	}
	wholeCalls(&j, a)
	j.Close('}')
	j.String("finish_reason", a.Reason.Chat(a.Calls > 0))
	j.Close('}')
	j.Close(']')
	usage(&j, u)
	j.Close('}')
	return j
}

func wholeCalls(j *format.JSON, a *llm.Answer) {
	if a.Calls == 0 {
		return
	}
	j.Key("tool_calls")
	j.Open('[')
	for i := range a.Blocks {
		if b := &a.Blocks[i]; b.Kind == llm.ToolCall {
			j.Open('{')
			j.String("id", b.ID)
			j.Literal("type", `"function"`)
			j.Key("function")
			j.Open('{')
			j.String("name", b.Name)
			j.String("arguments", format.Compact(b.Input()))
			j.Close('}')
			j.Close('}')
		}
	}
	j.Close(']')
}

// textsOf is the texts of a kind; nil if there is none.
func textsOf(a *llm.Answer, kind llm.Kind) (all []string) {
	for i := range a.Blocks {
		if b := &a.Blocks[i]; b.Kind == kind && b.Text != "" {
			all = append(all, b.Text)
		}
	}
	return all
}

func sizeOf(a *llm.Answer) int {
	n := 512
	for i := range a.Blocks {
		b := &a.Blocks[i]
		n += len(b.Text) + len(b.Text)/8 + len(b.ID) + len(b.Name) + 96
	}
	return n
}
