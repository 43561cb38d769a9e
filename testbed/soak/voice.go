package main

import (
	"net/http"
	"strings"
)

// voice is a provider's wire format.
type voice struct{ anthropic bool }

const (
	chatPath     = "/v1/chat/completions"
	messagesPath = "/v1/messages"
)

func voiceFor(r *http.Request) voice { return voice{strings.HasSuffix(r.URL.Path, "/messages")} }

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

// preamble is what comes before a stream's first word.
func (v voice) preamble() string {
	opening := v.opening("")
	return opening[:len(opening)-len(v.more(""))]
}

// ping is an event that says nothing, or a comment.
func (v voice) ping(comment bool) string {
	if v.anthropic && !comment {
		return event("ping", `{"type":"ping"}`)
	}
	return ": still here\n\n"
}

// more is one event with text.
func (v voice) more(text string) string {
	if v.anthropic {
		return event("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"`+text+`"}}`)
	}
	return event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{"content":"`+text+`"},"finish_reason":null}]}`)
}

// closing is the rest of a stream, terminator included.
func (v voice) closing() string {
	if v.anthropic {
		return v.beforeTerminator() + event("message_stop", `{"type":"message_stop"}`)
	}
	return v.beforeTerminator() + event("", "[DONE]")
}

func (v voice) beforeTerminator() string {
	if v.anthropic {
		return event("content_block_stop", `{"type":"content_block_stop","index":0}`) +
			event("message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":5}}`)
	}
	return event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`)
}

// complaint is an error as the body of an answer. Anthropic has no codes.
func (v voice) complaint(kind, code string) string {
	if v.anthropic {
		return `{"type":"error","error":{"type":"` + kind + `","message":"the soak says so"},"request_id":"req_1"}`
	}
	return `{"error":{"message":"the soak says so","type":"` + kind + `","param":null,"code":"` + code + `"}}`
}

// complaintInside is an error as an event of a stream.
func (v voice) complaintInside(kind, code string) string {
	if v.anthropic {
		return event("error", v.complaint(kind, code))
	}
	return event("", v.complaint(kind, code))
}

func event(name, data string) string {
	if name != "" {
		name = "event: " + name + "\n"
	}
	return name + "data: " + data + "\n\n"
}

// terminated tells whether the last bytes of a stream are a terminator, in either format.
func terminated(tail string) bool {
	return strings.Contains(tail, "data: [DONE]") || strings.Contains(tail, "event: message_stop")
}
