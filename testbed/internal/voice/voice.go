// Package voice is what a provider says in its wire format, OpenAI's chat completions or Anthropic's messages: answers in one piece,
// the parts of a stream, and errors, as bytes that a proof or a suite can cut, spoil and delay.
package voice

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
)

// Voice is a provider's. The zero value is OpenAI's.
type Voice struct {
	Anthropic bool
	Model     string // that answers; empty: up
	In, Out   int    // tokens of every answer; 0: 3 and 5
}

// For knows the provider by the path that it is asked on.
func For(r *http.Request) Voice { return Voice{Anthropic: strings.HasSuffix(r.URL.Path, "/messages")} }

func (v Voice) model() string { return cmp.Or(v.Model, "up") }

func (v Voice) in() int { return cmp.Or(v.In, 3) }

func (v Voice) out() int { return cmp.Or(v.Out, 5) }

// usage is what chat completions say of it.
func (v Voice) usage() string {
	return fmt.Sprintf(`"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`, v.in(), v.out(), v.in()+v.out())
}

// chunk is an event of chat completions.
func (v Voice) chunk(rest string) string {
	return Event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"`+v.model()+`",`+rest+`}`)
}

// Whole is an answer in one piece. text must need no escape in JSON.
func (v Voice) Whole(text string) string {
	if v.Anthropic {
		return `{"id":"msg_1","type":"message","role":"assistant","model":"` + v.model() + `","content":[{"type":"text","text":"` + text +
			`"}],"stop_reason":"end_turn","stop_sequence":null,` + fmt.Sprintf(`"usage":{"input_tokens":%d,"output_tokens":%d}}`, v.in(), v.out())
	}
	return `{"id":"c1","object":"chat.completion","created":1,"model":"` + v.model() + `","choices":[{"index":0,"message":{"role":"assistant","content":"` +
		text + `"},"finish_reason":"stop"}],` + v.usage() + `}`
}

// Preamble is what comes before a stream's first word.
func (v Voice) Preamble() string {
	if v.Anthropic {
		return Event("message_start", `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"`+v.model()+
			`","content":[],"stop_reason":null,"stop_sequence":null,`+fmt.Sprintf(`"usage":{"input_tokens":%d,"output_tokens":1}}}`, v.in())) +
			Event("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`)
	}
	return v.chunk(`"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]`)
}

// Opening is a stream from its beginning up to the text.
func (v Voice) Opening(text string) string { return v.Preamble() + v.More(text) }

// More is one event with text.
func (v Voice) More(text string) string {
	if v.Anthropic {
		return Event("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"`+text+`"}}`)
	}
	return v.chunk(`"choices":[{"index":0,"delta":{"content":"` + text + `"},"finish_reason":null}]`)
}

// Closing is the rest of a stream, terminator included.
func (v Voice) Closing() string { return v.BeforeTerminator() + v.Terminator() }

// BeforeTerminator says why the stream ends, and is not yet its end.
func (v Voice) BeforeTerminator() string {
	if v.Anthropic {
		return Event("content_block_stop", `{"type":"content_block_stop","index":0}`) +
			Event("message_delta", fmt.Sprintf(`{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":%d}}`, v.out()))
	}
	return v.chunk(`"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]`)
}

// Usage is the event that tells what a stream has cost, before its terminator; empty: BeforeTerminator has told it.
func (v Voice) Usage() string {
	if v.Anthropic {
		return ""
	}
	return v.chunk(`"choices":[],` + v.usage())
}

// Terminator is the end of a stream.
func (v Voice) Terminator() string {
	if v.Anthropic {
		return Event("message_stop", `{"type":"message_stop"}`)
	}
	return Event("", "[DONE]")
}

// KeepAlive is how a provider shows that it is alive while it has nothing to say.
func (v Voice) KeepAlive() string {
	if v.Anthropic {
		return Event("ping", `{"type":"ping"}`)
	}
	return ": OPENROUTER PROCESSING\n\n"
}

// Complaint is an error as the body of an answer. Anthropic has no codes.
func (v Voice) Complaint(kind, code, message string) string {
	if v.Anthropic {
		return fmt.Sprintf(`{"type":"error","error":{"type":%q,"message":%q},"request_id":"req_1"}`, kind, message)
	}
	return fmt.Sprintf(`{"error":{"message":%q,"type":%q,"param":null,"code":%q}}`, message, kind, code)
}

// ComplaintInside is an error as an event of a stream.
func (v Voice) ComplaintInside(kind, code, message string) string {
	name := ""
	if v.Anthropic {
		name = "error"
	}
	return Event(name, v.Complaint(kind, code, message))
}

// Event is an event of server-sent events; without a name: its data alone.
func Event(name, data string) string {
	if name != "" {
		name = "event: " + name + "\n"
	}
	return name + "data: " + data + "\n\n"
}
