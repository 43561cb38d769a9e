package messages

import (
	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// inspector is the translator for clients that speak the provider's format: it looks, and changes nothing.
type inspector struct {
	usage   tally
	started bool // message_start has come
	begun   bool // so has a content block
	said    bool // so has something in one
	ended   bool // so has a stop_reason
	unknown string
	scratch []byte
	like    jsonscan.Pattern // of the text deltas
}

func (t *inspector) Whole(body []byte) ([]byte, error) {
	answer, err := scanWhole(body)
	if err != nil {
		return nil, err
	}
	if len(answer.content) == 0 || answer.content[0] != '[' {
		return nil, format.Malformed("the answer has no content")
	}
	end, unknown, err := endOf(answer.stopReason)
	if err != nil {
		return nil, err
	}
	if end == wire.NotEnded && !saysSomething(answer.content) {
		return nil, format.Malformed("the answer has neither something in its content nor a stop_reason")
	}
	t.unknown = unknown
	t.usage.note(answer.usage)
	return body, nil
}

func (t *inspector) Event(event sse.Event) (format.Chunk, error) {
	if said, like := t.like.Length(event.Data); like && string(event.Name) != "error" {
		return format.Chunk{Out: t.pass(event, contentBlockDelta), Content: true, Said: said}, nil
	}
	if format.IsTerminator(event.Data) {
		return t.End()
	}
	if format.IsSilent(event) && string(event.Name) != "ping" {
		return format.Chunk{}, nil // Anthropic's clients decode what is in every event
	}
	e, err := scanEvent(event)
	if err != nil {
		return format.Chunk{}, err
	}
	step, err := t.read(&e, event)
	if err != nil {
		return format.Chunk{}, err
	}
	t.said = t.said || step.Content
	step.Out = t.pass(event, e.kind)
	return step, nil
}

// read notes what an event says. The Chunk lacks what the client gets.
func (t *inspector) read(e *envelope, event sse.Event) (step format.Chunk, err error) {
	switch e.kind {
	case messageStart:
		t.started, step.Preamble = true, true
		t.usage.note(jsonscan.MemberOf(e.message, "usage"))
	case pingKind:
		step.Preamble, step.Ping = true, true
	case messageDelta:
		if err = t.ends(jsonscan.MemberOf(e.delta, "stop_reason")); err == nil {
			t.usage.note(e.usage)
		}
	case contentBlockStart:
		t.begun = true
		step.Content, step.Preamble = startsWith(e.contentBlock)
	case contentBlockDelta:
		t.begun, step.Preamble = true, addsNothing(e.delta)
		if step.Content = !step.Preamble && adds(e.delta); step.Content {
			t.like.Learn(event.Data, `"text":"`)
		}
	case contentBlockStop:
		step.Preamble = !t.said // of an empty block
	case messageStop:
		if !t.started || !t.begun && !t.ended {
			return step, format.Malformed("the stream ends without a block in its message, and without a stop_reason")
		}
		t.usage.noteMetrics(e.metrics)
		step.Done = true
	case unknownKind, noKind, wholeMessage, errorKind:
	}
	return step, err
}

// ends takes in a stop_reason, which may be nil.
func (t *inspector) ends(stopReason []byte) error {
	end, unknown, err := endOf(stopReason)
	if unknown != "" {
		t.unknown = unknown
	}
	t.ended = t.ended || end != wire.NotEnded
	return err
}

// End is for servers that leave message_stop out.
func (t *inspector) End() (format.Chunk, error) {
	if !t.ended {
		return format.Chunk{}, format.Truncated("the stream ended without message_stop and without a stop_reason")
	}
	return format.Chunk{Out: endOfMessage, Done: true}, nil
}

func (t *inspector) Complete() bool { return t.ended }

var endOfMessage = []byte("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")

// pass returns the event as it came, if a client can read it: Anthropic's own tell events apart by their names, which some servers
// leave out, and others have all the same.
func (t *inspector) pass(event sse.Event, of kind) []byte {
	if name := of.name(); name != nil && string(event.Name) != string(name) {
		event.Name, event.Clean = name, false
	}
	return event.PassedOn(&t.scratch)
}

func (t *inspector) UnknownEnd() string { return t.unknown }

func (t *inspector) Usage() wire.Usage { return t.usage.neutral() }

// startsWith says what the start of a content block says. A call of the client's tools has its name, which is part of the
// answer, and a call without arguments may bring nothing else. An empty text promises nothing, nor does a thought before its first
// word.
func startsWith(block []byte) (content, preamble bool) {
	kind := jsonscan.MemberOf(block, "type")
	for _, of := range [...]struct{ kind, says string }{{"text", "text"}, {"thinking", "thinking"}, {"redacted_thinking", "data"}} {
		if isText(kind, of.kind) {
			empty := isEmpty(jsonscan.MemberOf(block, of.says)) && isEmpty(jsonscan.MemberOf(block, "signature"))
			return !empty, empty
		}
	}
	return isText(kind, "tool_use"), false
}

// addsNothing reports whether a delta is of text or of thought, and empty, which is how some servers begin a block.
func addsNothing(delta []byte) bool {
	kind := jsonscan.MemberOf(delta, "type")
	return isText(kind, "text_delta") && isEmpty(jsonscan.MemberOf(delta, "text")) || isText(kind, "thinking_delta") &&
		isEmpty(jsonscan.MemberOf(delta, "thinking"))
}

// adds reports whether a delta holds anything beside its type, whatever that is.
func adds(delta []byte) (something bool) {
	_ = jsonscan.Object(delta, func(m jsonscan.Member) {
		something = something || string(m.Key) != "type" && !isEmpty(m.Value)
	})
	return something
}

// isEmpty is true of nothing, null and "".
func isEmpty(value []byte) bool {
	return len(value) == 0 || jsonscan.IsNull(value) || string(value) == `""`
}

// saysSomething reports whether the content of a whole answer has anything in it: a text, or a block with more than a type.
func saysSomething(content []byte) (something bool) {
	if len(content) > 0 && content[0] == '"' {
		return !isEmpty(content)
	}
	jsonscan.Elements(content, func(block []byte) { something = something || adds(block) })
	return something
}
