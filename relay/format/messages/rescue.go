package messages

import (
	"bytes"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

// rescue is how a stream of Anthropic's events is finished by another channel.
type rescue struct{}

// Continuable reports whether the rest of an answer can be asked for.
func (rescue) Continuable(body []byte) bool {
	lists, free := 0, true
	var last []byte
	err := jsonscan.Object(body, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "messages":
			lists++
			last = format.Last(m.Value)
		case "output_config", "output_format": // a form that has to hold from the first byte to the last
			free = free && !bytes.Contains(m.Value, []byte("schema"))
		}
	})
	return err == nil && free && lists == 1 && last != nil && textOf(jsonscan.MemberOf(last, "role")) != "assistant"
}

// Continue adds the beginning as an assistant's message, which the API goes on with.
func (rescue) Continue(body []byte, beginning string, _ format.Hint) []byte {
	at := format.EndOf(body, "messages")
	if at < 0 {
		return body
	}
	message := format.JSON(`,{"role":"assistant"`)
	message.String("content", beginning)
	message.Close('}')
	return jsonscan.Splice(body, jsonscan.Edit{From: at, To: at, Text: string(message)})
}

// Follow makes what reads along in a stream of Anthropic's events.
func (rescue) Follow() format.Follower { return &decoder{} }

// Resumable reports whether at most one block is open. The others are told of.
func (d *decoder) Resumable() bool { return len(d.blocks) <= 1 }

// Resume makes the encoder of the rest: the message has begun, its blocks are counted on, and the one that is open continues.
func (d *decoder) Resume(*llm.Request) format.Encoder {
	e := &encoder{started: d.started, blocks: d.next}
	if b := d.blocks[int64(d.next)-1]; b != nil {
		e.isOpen, e.open.kind = true, b.kind
	}
	return e
}
