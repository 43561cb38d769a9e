package messages

import (
	"bytes"

	"one-api/relay/format"
	"one-api/relay/llm"
	"one-api/relay/wire"
)

// encoder makes of events a stream of Anthropic's: message_start, then blocks one after the other (content_block_start,
// content_block_delta …, content_block_stop), then message_delta and message_stop
// (https://docs.claude.com/en/docs/build-with-claude/streaming).
//
// One block is open at a time, for that is what clients expect. What belongs to another one while a call's arguments are not whole
// is kept, and told once they are.
type encoder struct {
	out     format.JSON
	err     error
	started bool
	blocks  int   // how many have been opened; the open one has the index blocks-1
	open    entry // the block that is open
	isOpen  bool
	calls   int
	reason  wire.EndReason
	stopped string  // the stop sequence that ended the answer
	kept    []entry // blocks that have to wait, in their order
	size    int     // of what is kept
}

// entry is a block of the answer.
type entry struct {
	kind     llm.Kind
	call     int
	id, name string
	text     []byte // what of it has to wait
	sign     string
	whole    bool // of a call: its arguments have come to their end
}

// mostKept is how many bytes of an answer may have to wait.
const mostKept = 4 << 20

// Stream makes what turns the events of an answer into Anthropic's.
func (client) Stream(*llm.Request) format.Encoder { return &encoder{} }

func (e *encoder) Begin()        { e.out = e.out[:0] }
func (e *encoder) Out() []byte   { return e.out }
func (e *encoder) Err() error    { return e.err }
func (e *encoder) Retained() int { return e.size }

// Take adds what an event becomes.
func (e *encoder) Take(event *llm.Event) {
	switch event.Step {
	case llm.Started:
		e.start(event.ID, event.Model)
	case llm.Said, llm.Refused:
		e.say(llm.Text, event.Text)
	case llm.Thought:
		e.say(llm.Reasoning, event.Text)
	case llm.Signed:
		e.signed(event.Text)
	case llm.Sealed:
		e.enter(entry{kind: llm.Redacted, sign: event.Text})
	case llm.Called:
		e.calls++
		e.enter(entry{kind: llm.ToolCall, call: event.Call, id: event.ID, name: event.Name})
	case llm.Given:
		e.give(event.Call, event.Text)
	case llm.CallEnded:
		e.whole(event.Call)
	case llm.Finished:
		e.reason, e.stopped = event.Reason, event.Text
	case llm.Other: // the format has no place for it
	}
}

// busy reports whether the open block has to be told to its end before another one can begin.
func (e *encoder) busy() bool { return e.isOpen && e.open.kind == llm.ToolCall && !e.open.whole }

func (e *encoder) say(kind llm.Kind, text string) {
	switch {
	case text == "":
	case e.busy() || len(e.kept) > 0:
		if n := len(e.kept); n == 0 || e.kept[n-1].kind != kind {
			e.keep(entry{kind: kind})
		}
		last := &e.kept[len(e.kept)-1]
		last.text = append(last.text, text...)
		e.grow(len(text))
	default:
		if !e.isOpen || e.open.kind != kind || e.open.sign != "" {
			e.begin(entry{kind: kind})
		}
		e.delta(kind, text)
	}
}

func (e *encoder) enter(b entry) {
	if e.busy() || len(e.kept) > 0 {
		e.keep(b)
		return
	}
	e.begin(b)
}

// give adds to a call's arguments: of the one that is open, or of one that waits.
func (e *encoder) give(call int, text string) {
	if e.isOpen && e.open.kind == llm.ToolCall && e.open.call == call {
		e.delta(llm.ToolCall, text)
		return
	}
	for i := range e.kept {
		if b := &e.kept[i]; b.kind == llm.ToolCall && b.call == call {
			b.text = append(b.text, text...)
			e.grow(len(text))
			return
		}
	}
}

func (e *encoder) whole(call int) {
	if e.isOpen && e.open.kind == llm.ToolCall && e.open.call == call {
		e.open.whole = true
		e.release(false)
		return
	}
	for i := range e.kept {
		if b := &e.kept[i]; b.kind == llm.ToolCall && b.call == call {
			b.whole = true
		}
	}
}

func (e *encoder) signed(signature string) {
	if e.isOpen && e.open.kind == llm.Reasoning {
		e.event("content_block_delta", func(j *format.JSON) {
			j.Int("index", int64(e.blocks-1))
			j.Key("delta")
			j.Open('{')
			j.Literal("type", `"signature_delta"`)
			j.String("signature", signature)
			j.Close('}')
		})
		e.open.sign = signature
	}
}

func (e *encoder) keep(b entry) {
	e.kept = append(e.kept, b)
	e.grow(len(b.id) + len(b.name) + len(b.sign) + 128)
}

func (e *encoder) grow(n int) {
	if e.size += n; e.size > mostKept && e.err == nil {
		e.err = format.Malformed("the pieces of more tool calls are mixed than can be kept")
	}
}

// release tells what has waited, as far as that is possible now; all: the answer is at its end.
func (e *encoder) release(all bool) {
	for len(e.kept) > 0 && (all || !e.busy()) {
		b := e.kept[0]
		e.kept = e.kept[1:]
		text := b.text
		b.text = nil
		e.begin(b)
		if len(text) > 0 {
			e.delta(b.kind, string(text))
		}
	}
	if len(e.kept) == 0 {
		e.kept, e.size = nil, 0
	}
}

func (e *encoder) start(id, model string) {
	if e.started {
		return
	}
	e.started = true
	e.event("message_start", func(j *format.JSON) {
		j.Key("message")
		j.Open('{')
		head(j, id, model)
		j.Key("content")
		j.Open('[')
		j.Close(']')
		j.Literal("stop_reason", "null")
		j.Literal("stop_sequence", "null")
		usage(j, wire.Usage{})
		j.Close('}')
	})
}

func head(j *format.JSON, id, model string) {
	j.String("id", id)
	j.Literal("type", `"message"`)
	j.Literal("role", `"assistant"`)
	j.String("model", model)
}

func (e *encoder) begin(b entry) {
	e.close()
	e.start("", "")
	e.event("content_block_start", func(j *format.JSON) {
		j.Int("index", int64(e.blocks))
		j.Key("content_block")
		j.Open('{')
		switch b.kind {
		case llm.Reasoning:
			j.Literal("type", `"thinking"`)
			j.String("thinking", "")
			j.String("signature", "")
		case llm.Redacted:
			j.Literal("type", `"redacted_thinking"`)
			j.String("data", b.sign)
		case llm.ToolCall:
			j.Literal("type", `"tool_use"`)
			j.String("id", b.id)
			j.String("name", b.name)
			j.Literal("input", "{}")
		default:
			j.Literal("type", `"text"`)
			j.String("text", "")
		}
		j.Close('}')
	})
	b.sign = ""
	e.open, e.isOpen = b, true
	e.blocks++
}

func (e *encoder) close() {
	if e.isOpen {
		e.event("content_block_stop", func(j *format.JSON) { j.Int("index", int64(e.blocks-1)) })
		e.isOpen = false
	}
}

var deltas = map[llm.Kind][2]string{
	llm.Text: {`"text_delta"`, "text"}, llm.Reasoning: {`"thinking_delta"`, "thinking"}, llm.ToolCall: {`"input_json_delta"`, "partial_json"},
}

func (e *encoder) delta(kind llm.Kind, text string) {
	of := deltas[kind]
	j := e.out
	j = append(j, "event: content_block_delta\ndata: "...)
	j.Open('{')
	j.Literal("type", `"content_block_delta"`)
	j.Int("index", int64(e.blocks-1))
	j.Key("delta")
	j.Open('{')
	j.Literal("type", of[0])
	j.String(of[1], text)
	e.out = append(j, "}}\n\n"...)
}

// event adds an event of Anthropic's.
func (e *encoder) event(name string, members func(j *format.JSON)) {
	j := append(append(append(e.out, "event: "...), name...), "\ndata: "...)
	j.Open('{')
	j.String("type", name)
	members(&j)
	j.Close('}')
	e.out = append(j, "\n\n"...)
}

// End adds what ends a stream in good order.
func (e *encoder) End(u wire.Usage) {
	e.start("", "")
	e.release(true)
	e.close()
	e.event("message_delta", func(j *format.JSON) {
		j.Key("delta")
		j.Open('{')
		if e.stopped != "" {
			j.Literal("stop_reason", `"stop_sequence"`)
			j.String("stop_sequence", e.stopped)
		} else {
			j.String("stop_reason", e.reason.Messages(e.calls > 0))
			j.Literal("stop_sequence", "null")
		}
		j.Close('}')
		usage(j, u)
	})
	e.event("message_stop", func(*format.JSON) {})
}

// usage is what an answer cost, as Anthropic counts: what came from the cache, or was written to it, is not part of the input.
func usage(j *format.JSON, u wire.Usage) {
	j.Key("usage")
	j.Open('{')
	j.Int("input_tokens", u.Input()-u.CacheRead-u.CacheWrite())
	j.Int("cache_creation_input_tokens", u.CacheWrite())
	j.Int("cache_read_input_tokens", u.CacheRead)
	j.Int("output_tokens", u.Output())
	if u.Reasoning > 0 {
		j.Key("output_tokens_details")
		j.Open('{')
		j.Int("thinking_tokens", u.Reasoning)
		j.Close('}')
	}
	j.Close('}')
}

// Whole renders a whole answer.
func (client) Whole(_ *llm.Request, a *llm.Answer, u wire.Usage) []byte {
	n := 512
	for i := range a.Blocks {
		b := &a.Blocks[i]
		n += len(b.Text) + len(b.Text)/8 + len(b.ID) + len(b.Name) + len(b.Signature) + 96
	}
	j := make(format.JSON, 0, n)
	j.Open('{')
	head(&j, a.ID, a.Model)
	j.Key("content")
	j.Open('[')
	for i := range a.Blocks {
		wholeBlock(&j, &a.Blocks[i])
	}
	j.Close(']')
	j.String("stop_reason", a.Reason.Messages(a.Calls > 0))
	j.Literal("stop_sequence", "null")
	usage(&j, u)
	j.Close('}')
	return j
}

func wholeBlock(j *format.JSON, b *llm.Block) {
	j.Open('{')
	switch b.Kind {
	case llm.Reasoning:
		j.Literal("type", `"thinking"`)
		j.String("thinking", b.Text)
		j.String("signature", b.Signature)
	case llm.Redacted:
		j.Literal("type", `"redacted_thinking"`)
		j.String("data", b.Text)
	case llm.ToolCall:
		j.Literal("type", `"tool_use"`)
		j.String("id", b.ID)
		j.String("name", b.Name)
		j.Value("input", bytes.TrimSpace(b.Input()))
	default:
		j.Literal("type", `"text"`)
		j.String("text", b.Text)
	}
	j.Close('}')
}
