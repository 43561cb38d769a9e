package chat

import (
	"bytes"
	"cmp"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

// rescue is how a stream of chunks is finished by another channel.
type rescue struct{}

// Continuable reports whether the rest of an answer can be asked for.
func (rescue) Continuable(body []byte) bool {
	lists, one := 0, true
	var last []byte
	err := jsonscan.Object(body, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "messages":
			lists++
			last = format.Last(m.Value)
		case "n":
			one = one && (jsonscan.IsNull(m.Value) || string(m.Value) == "1")
		case "response_format":
			one = one && (jsonscan.IsNull(m.Value) || wordOf(memberOf(m.Value, "type")) == "text")
		case "logprobs":
			one = one && string(m.Value) != "true"
		}
	})
	return err == nil && one && lists == 1 && last != nil && wordOf(memberOf(last, "role")) != "assistant"
}

// Continue adds the beginning as an assistant's message. The API itself has no word for what is meant by that: most servers continue
// with such a message when they find one.
func (rescue) Continue(body []byte, beginning string, told format.Hint) []byte {
	at := format.EndOf(body, "messages")
	if at < 0 {
		return body
	}
	message := format.JSON(`,{"role":"assistant"`)
	message.String("content", beginning)
	if told == format.HintPrefix { // https://api-docs.deepseek.com/guides/chat_prefix_completion, https://docs.mistral.ai/capabilities/completion/prefix
		message.Literal("prefix", "true")
	}
	message.Close('}')
	edits := []jsonscan.Edit{{From: at, To: at, Text: string(message)}}
	if told == format.HintContinueFinal { // https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#chat-api
		end := bytes.LastIndexByte(body, '}')
		edits = append(edits, jsonscan.Edit{From: end, To: end, Text: `,"continue_final_message":true,"add_generation_prompt":false`})
	}
	return jsonscan.Splice(body, edits...)
}

// Follow makes what reads along in a stream of chunks.
func (rescue) Follow() format.Follower { return &decoder{same: true} }

// longestKept is how many bytes an id may have that is kept for as long as a stream.
const longestKept = 512

// keep keeps the stream's id and time, of the first chunk that has them: one stream has one of each.
func (d *decoder) keep(seen *members) {
	if id := wordOf(seen.id); d.id == "" && len(id) <= longestKept {
		d.id = id
	}
	if d.created == 0 {
		d.created = number(seen.created, 0)
	}
}

// Resumable reports whether no tool call has begun, not even one without a name.
func (d *decoder) Resumable() bool { return len(d.calls.all) == 0 }

// Resume makes the encoder of the rest. The model is that of who goes on: the client can see who it was.
func (d *decoder) Resume(r *llm.Request) format.Encoder {
	e := &encoder{created: cmp.Or(d.created, now()), includeUsage: r.IncludeUsage}
	if d.started {
		e.goesOn, e.id = true, d.id
	}
	return e
}
