package suite

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"one-api/relay/wire"
)

// voice is what a provider says in its wire format. Answers are chunked: a body that is short and has a Content-Length hides
// most of what these tests look for.
type voice struct{ anthropic bool }

// voiceFor knows the provider by the path that it is asked on.
func voiceFor(r *http.Request) voice { return voice{r.URL.Path == wire.Messages.Path()} }

// whole is an answer in one piece. text must need no escape in JSON.
func (v voice) whole(text string) string {
	if v.anthropic {
		return `{"id":"msg_1","type":"message","role":"assistant","model":"up","content":[{"type":"text","text":"` + text +
			`"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":5}}`
	}
	return `{"id":"c1","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"` +
		text + `"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}`
}

// opening is a stream from its beginning up to the text.
func (v voice) opening(text string) string {
	if v.anthropic {
		return event("message_start", `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"up","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}}`) +
			event("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`) + v.more(text)
	}
	return event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`) +
		v.more(text)
}

// more is one event with text.
func (v voice) more(text string) string {
	if v.anthropic {
		return event("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"`+text+`"}}`)
	}
	return event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{"content":"`+text+`"},"finish_reason":null}]}`)
}

// closing is the rest of a stream, terminator included.
func (v voice) closing() string { return v.beforeTerminator() + v.terminator() }

func (v voice) beforeTerminator() string {
	if v.anthropic {
		return event("content_block_stop", `{"type":"content_block_stop","index":0}`) +
			event("message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":5}}`)
	}
	return event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`)
}

func (v voice) terminator() string {
	if v.anthropic {
		return event("message_stop", `{"type":"message_stop"}`)
	}
	return event("", "[DONE]")
}

// keepAlive is how a provider shows that it is alive while it has nothing to say.
func (v voice) keepAlive() string {
	if v.anthropic {
		return event("ping", `{"type":"ping"}`)
	}
	return ": OPENROUTER PROCESSING\n\n"
}

// complaint is an error as the body of an answer. Anthropic has no codes.
func (v voice) complaint(kind, code, message string) string {
	if v.anthropic {
		return fmt.Sprintf(`{"type":"error","error":{"type":%q,"message":%q},"request_id":"req_1"}`, kind, message)
	}
	return fmt.Sprintf(`{"error":{"message":%q,"type":%q,"param":null,"code":%q}}`, message, kind, code)
}

// complaintInside is an error as an event of a stream.
func (v voice) complaintInside(kind, code, message string) string {
	name := ""
	if v.anthropic {
		name = "error"
	}
	return event(name, v.complaint(kind, code, message))
}

func event(name, data string) string {
	if name != "" {
		name = "event: " + name + "\n"
	}
	return name + "data: " + data + "\n\n"
}

// header begins an answer of the kind that the variant's clients ask for.
func (v variant) header(w http.ResponseWriter) {
	v.kind(w)
	_ = http.NewResponseController(w).Flush()
}

// kind begins it too, and sends nothing yet.
func (v variant) kind(w http.ResponseWriter) {
	kind := "application/json"
	if v.stream {
		kind = "text/event-stream"
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(http.StatusOK)
}

// asIn is the variant with the kind of answer that a request asks for.
func (v variant) asIn(r *http.Request) variant {
	v.stream = asked(r).Stream
	return v
}

// answer is a good answer, whole or as a stream.
func (v variant) answer(w http.ResponseWriter, r *http.Request, text string) {
	v.header(w)
	if v.stream {
		say(w, voiceFor(r).opening(text)+voiceFor(r).closing())
		return
	}
	say(w, voiceFor(r).whole(text))
}

// begin is the first part of an answer: a stream up to the text, or half of a whole answer, the text included. It is sent in one
// piece with the header, so that the short clocks of those who fall silent behind it have nothing to measure before.
func (v variant) begin(w http.ResponseWriter, r *http.Request, text string) {
	v.kind(w)
	if v.stream {
		say(w, voiceFor(r).opening(text))
		return
	}
	whole := voiceFor(r).whole(text)
	say(w, whole[:len(whole)*3/4])
}

// say sends text now.
func say(w http.ResponseWriter, text string) {
	_, _ = io.WriteString(w, text)
	_ = http.NewResponseController(w).Flush()
}

// every does something at the upstream's pace, until it says that it is done or the relay has gone.
func every(r *http.Request, pace time.Duration, do func() bool) {
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
