package harness

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"one-api/relay/wire"
)

// Voice is what a provider says in its wire format. Answers are chunked: a body that is short and has a Content-Length hides
// most of what these tests look for.
type Voice struct{ Anthropic bool }

// VoiceFor knows the provider by the path that it is asked on.
func VoiceFor(r *http.Request) Voice { return Voice{r.URL.Path == wire.Messages.Path()} }

// Whole is an answer in one piece. text must need no escape in JSON.
func (v Voice) Whole(text string) string {
	if v.Anthropic {
		return `{"id":"msg_1","type":"message","role":"assistant","model":"up","content":[{"type":"text","text":"` + text +
			`"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":5}}`
	}
	return `{"id":"c1","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"` +
		text + `"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}`
}

// Opening is a stream from its beginning up to the text.
func (v Voice) Opening(text string) string {
	if v.Anthropic {
		return Event("message_start", `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"up","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}}`) +
			Event("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`) + v.More(text)
	}
	return Event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`) +
		v.More(text)
}

// More is one event with text.
func (v Voice) More(text string) string {
	if v.Anthropic {
		return Event("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"`+text+`"}}`)
	}
	return Event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{"content":"`+text+`"},"finish_reason":null}]}`)
}

// Closing is the rest of a stream, terminator included.
func (v Voice) Closing() string { return v.BeforeTerminator() + v.Terminator() }

func (v Voice) BeforeTerminator() string {
	if v.Anthropic {
		return Event("content_block_stop", `{"type":"content_block_stop","index":0}`) +
			Event("message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":5}}`)
	}
	return Event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`)
}

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

func Event(name, data string) string {
	if name != "" {
		name = "event: " + name + "\n"
	}
	return name + "data: " + data + "\n\n"
}

// Header begins an answer of the kind that the variant's clients ask for.
func (v Variant) Header(w http.ResponseWriter) {
	v.Kind(w)
	_ = http.NewResponseController(w).Flush()
}

// Kind begins it too, and sends nothing yet.
func (v Variant) Kind(w http.ResponseWriter) {
	kind := "application/json"
	if v.Stream {
		kind = "text/event-stream"
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(http.StatusOK)
}

// AsIn is the variant with the kind of answer that a request asks for.
func (v Variant) AsIn(r *http.Request) Variant {
	v.Stream = asked(r).Stream
	return v
}

// Answer is a good answer, whole or as a stream.
func (v Variant) Answer(w http.ResponseWriter, r *http.Request, text string) {
	v.Header(w)
	if v.Stream {
		Say(w, VoiceFor(r).Opening(text)+VoiceFor(r).Closing())
		return
	}
	Say(w, VoiceFor(r).Whole(text))
}

// Begin is the first part of an answer: a stream up to the text, or half of a whole answer, the text included. It is sent in one
// piece with the header, so that the short clocks of those who fall silent behind it have nothing to measure before.
func (v Variant) Begin(w http.ResponseWriter, r *http.Request, text string) {
	v.Kind(w)
	if v.Stream {
		Say(w, VoiceFor(r).Opening(text))
		return
	}
	whole := VoiceFor(r).Whole(text)
	Say(w, whole[:len(whole)*3/4])
}

// Say sends text now.
func Say(w http.ResponseWriter, text string) {
	_, _ = io.WriteString(w, text)
	_ = http.NewResponseController(w).Flush()
}

// Every does something at the upstream's pace, until it says that it is done or the relay has gone.
func Every(r *http.Request, pace time.Duration, do func() bool) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for do() {
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}
