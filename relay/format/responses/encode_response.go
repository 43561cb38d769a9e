package responses

import (
	"cmp"

	"one-api/relay/format"
	"one-api/relay/llm"
	"one-api/relay/wire"
)

// snapshot is what of a response depends on when it is told.
type snapshot struct {
	status    string
	why       string      // incomplete_details.reason
	usage     *wire.Usage // nil if it is not known yet
	failed    *wire.Error
	requestID string
}

// ending is how a response ends.
func ending(reason wire.EndReason) snapshot {
	switch reason {
	case wire.EndedByLength:
		return snapshot{status: "incomplete", why: "max_output_tokens"}
	case wire.EndedByFilter:
		return snapshot{status: "incomplete", why: "content_filter"}
	case wire.NotEnded, wire.EndedItself, wire.EndedByCall, wire.EndedSomehow, wire.EndedBadly:
	}
	return snapshot{status: "completed"}
}

// response writes a whole response. The API's schema wants all of this, and clients read it with types that have it.
func (e *encoder) response(j *format.JSON, s snapshot) {
	j.Open('{')
	if e.own != "" {
		j.String("id", e.own)
	} else {
		j.Joined("id", "resp", ownMark, e.id)
	}
	j.Literal("object", `"response"`)
	j.Int("created_at", e.created)
	j.String("status", s.status)
	if s.status == "completed" {
		j.Int("completed_at", now())
	} else {
		j.Literal("completed_at", "null")
	}
	j.Literal("background", "false")
	if s.failed != nil {
		j.Value("error", wire.ResponseError(s.failed, s.requestID))
	} else {
		j.Literal("error", "null")
	}
	if s.why != "" {
		j.Key("incomplete_details")
		j.Open('{')
		j.String("reason", s.why)
		j.Close('}')
	} else {
		j.Literal("incomplete_details", "null")
	}
	j.String("model", e.model)
	j.Key("output")
	j.Open('[')
	if s.status != "in_progress" {
		for _, i := range e.items {
			e.item(j, i, cmp.Or(i.status, "incomplete"))
		}
	}
	j.Close(']')
	echo := e.kept.echo
	if echo == nil {
		echo = unsaidEcho
	}
	j.Members(echo)
	j.Literal("previous_response_id", "null")
	j.Literal("store", "false")
	j.Literal("tools", "[]")
	if s.usage != nil {
		usage(j, *s.usage)
	} else {
		j.Literal("usage", "null")
	}
	j.Close('}')
}

// item writes an item as it is by now.
func (e *encoder) item(j *format.JSON, i *entry, status string) {
	if i.whole != nil {
		j.Raw(format.Compact(i.whole)) // an event is one line
		return
	}
	j.Open('{')
	e.itemID(j, "id", i)
	switch i.kind {
	case aMessage:
		j.Literal("type", `"message"`)
		j.String("status", status)
		j.Literal("role", `"assistant"`)
		j.Key("content")
		j.Open('[')
		for n := range i.texts {
			i.texts[n].write(j)
		}
		j.Close(']')
	case aReasoning:
		j.Literal("type", `"reasoning"`)
		j.Key("summary")
		j.Open('[')
		if len(i.text) > 0 {
			summaryOf(j, i.text)
		}
		j.Close(']')
		if i.sealed != "" {
			j.String("encrypted_content", i.sealed)
		}
	case aCall:
		j.Literal("type", `"function_call"`)
		j.String("status", status)
		i.callee(j)
		j.Key("arguments")
		j.Bytes(i.text)
	case aTextCall:
		j.Literal("type", `"custom_tool_call"`)
		j.String("status", status)
		i.callee(j)
		j.Key("input")
		j.Bytes(i.text)
	}
	j.Close('}')
}

// callee says what is called.
func (i *entry) callee(j *format.JSON) {
	j.String("call_id", i.call)
	j.String("name", i.name.name)
	j.Said("namespace", i.name.space)
}

func (p *piece) write(j *format.JSON) {
	j.Open('{')
	if p.refusal {
		j.Literal("type", `"refusal"`)
		j.Key("refusal")
		j.Bytes(p.text)
	} else {
		j.Literal("type", `"output_text"`)
		j.Key("text")
		j.Bytes(p.text)
		j.Literal("annotations", "[]")
		j.Literal("logprobs", "[]")
	}
	j.Close('}')
}

func summaryOf(j *format.JSON, text []byte) {
	j.Open('{')
	j.Literal("type", `"summary_text"`)
	j.Key("text")
	j.Bytes(text)
	j.Close('}')
}

// usage is what an answer cost, as OpenAI counts: what came from the cache or was written to it is part of the input, and reasoning
// of the output.
func usage(j *format.JSON, u wire.Usage) {
	j.Key("usage")
	j.Open('{')
	j.Int("input_tokens", u.Input())
	j.Key("input_tokens_details")
	j.Open('{')
	j.Int("cached_tokens", u.CacheRead)
	j.Int("cache_write_tokens", u.CacheWrite())
	j.Close('}')
	j.Int("output_tokens", u.Output())
	j.Key("output_tokens_details")
	j.Open('{')
	j.Int("reasoning_tokens", u.Reasoning)
	j.Close('}')
	j.Int("total_tokens", u.Input()+u.Output())
	j.Close('}')
}

// Whole renders a whole answer: what its stream would have ended with.
func (client) Whole(r *llm.Request, a *llm.Answer, u wire.Usage) []byte {
	e := newEncoder(r)
	e.started, e.model = true, a.Model
	for i := range a.Blocks {
		e.block(&a.Blocks[i])
	}
	s := ending(a.Reason)
	s.usage = &u
	if n := len(e.items); n > 0 && s.why != "" {
		e.items[n-1].status = "incomplete"
	}
	j := make(format.JSON, 0, sizeOf(a))
	e.response(&j, s)
	return j
}

// block adds a block of a whole answer, without a word of how it came.
func (e *encoder) block(b *llm.Block) {
	i := &entry{index: len(e.items), done: true, status: "completed"}
	switch b.Kind {
	case llm.Text, llm.Refusal:
		p := piece{b.Kind == llm.Refusal, []byte(b.Text)}
		if n := len(e.items); n > 0 && e.items[n-1].kind == aMessage { // one message, as in its stream
			e.items[n-1].texts = append(e.items[n-1].texts, p)
			return
		}
		i.texts = []piece{p}
	case llm.Reasoning:
		i.kind, i.text, i.sealed = aReasoning, []byte(b.Text), b.Signature
	case llm.Redacted:
		i.kind, i.sealed = aReasoning, b.Text
	case llm.ToolCall:
		i.kind, i.call, i.name, i.text = aCall, b.ID, e.kept.of(b.Name), []byte(format.Compact(b.Input()))
		if e.kept.custom[b.Name] {
			i.kind = aTextCall
			i.input.add(b.Text)
			i.text = []byte(i.input.next() + i.input.rest())
		}
	case llm.Image, llm.Document, llm.Audio, llm.Video, llm.ToolResult:
		return
	}
	e.items = append(e.items, i)
}

func sizeOf(a *llm.Answer) int {
	n := 1024
	for i := range a.Blocks {
		b := &a.Blocks[i]
		n += len(b.Text) + len(b.Text)/8 + len(b.ID) + len(b.Name) + len(b.Signature) + 192
	}
	return n
}
