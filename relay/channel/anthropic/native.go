package anthropic

import (
	"one-api/relay/channel"
	"one-api/relay/jsonscan"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

func nativeBody(call *channel.Call, target channel.Target) []byte {
	if target.Model == call.Model {
		return call.Body
	}
	return jsonscan.Replace(call.Body, call.ModelFrom, call.ModelTo, target.Model)
}

// passThrough is the translator for clients that speak the provider's format: it looks, and changes nothing.
type passThrough struct {
	usage   wire.Usage
	begun   bool // anything but a ping has come
	started bool // message_start has
	scratch []byte
	like    jsonscan.Pattern // of the text deltas
}

func (t *passThrough) Whole(body []byte) ([]byte, error) {
	answer, err := scanWhole(body)
	if err != nil {
		return nil, err
	}
	if len(answer.content) == 0 || answer.content[0] != '[' {
		return nil, channel.Malformed("the answer has no content")
	}
	t.take(answer.usage)
	return body, nil
}

func (t *passThrough) Event(event sse.Event) (channel.Step, error) {
	if t.like.Matches(event.Data) && string(event.Name) != "error" {
		return channel.Step{Out: t.pass(event), Content: true}, nil
	}
	e, err := scanEvent(event)
	if err != nil {
		return channel.Step{}, err
	}
	if e.kind == pingKind && !t.begun {
		return channel.Step{}, nil // it is no beginning: another channel can still take over
	}
	if !t.started && e.kind == messageStop {
		return channel.Step{}, channel.Malformed("the stream ends before its message_start")
	}
	t.begun, t.started = true, t.started || e.kind == messageStart
	step := channel.Step{Out: t.pass(event)}
	switch e.kind {
	case messageStart:
		t.take(usageOf(e.message))
	case messageDelta:
		t.take(e.usage)
	case contentBlockStart:
		step.Content = startsToolUse(e.contentBlock)
	case contentBlockDelta:
		step.Content = true
		t.like.Learn(event.Data, `"text":"`)
	case messageStop:
		step.Done = true
	}
	return step, nil
}

func (t *passThrough) pass(event sse.Event) []byte {
	if event.Clean {
		return event.Raw
	}
	t.scratch = event.AppendTo(t.scratch[:0])
	return t.scratch
}

func (t *passThrough) Usage() wire.Usage { return t.usage }

// take counts what it can read: figures in an unexpected form are no reason to withhold an answer from a client that may well
// understand them.
func (t *passThrough) take(usage []byte) {
	if len(usage) == 0 {
		return
	}
	var input, created, cached, output, thinking int64
	_ = jsonscan.Object(usage, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "input_tokens":
			input, _ = jsonscan.Int(m.Value)
		case "cache_creation_input_tokens":
			created, _ = jsonscan.Int(m.Value)
		case "cache_read_input_tokens":
			cached, _ = jsonscan.Int(m.Value)
		case "output_tokens":
			output, _ = jsonscan.Int(m.Value)
		case "output_tokens_details":
			_ = jsonscan.Object(m.Value, func(m jsonscan.Member) {
				if string(m.Key) == "thinking_tokens" {
					thinking, _ = jsonscan.Int(m.Value)
				}
			})
		}
	})
	t.usage = t.usage.Merge(wire.Usage{Input: input + created + cached, Output: output, Cached: cached, Reasoning: thinking})
}

// usageOf is the usage in a message; nil: it has none.
func usageOf(message []byte) (usage []byte) {
	_ = jsonscan.Object(message, func(m jsonscan.Member) {
		if string(m.Key) == "usage" {
			usage = m.Value
		}
	})
	return usage
}

// startsToolUse tells whether a content block is a call of the client's tools. Its name is part of the answer, and a call
// without arguments may bring nothing else.
func startsToolUse(block []byte) bool {
	var toolUse bool
	err := jsonscan.Object(block, func(m jsonscan.Member) {
		if string(m.Key) == "type" {
			toolUse = string(m.Value) == `"tool_use"`
		}
	})
	return err == nil && toolUse
}
