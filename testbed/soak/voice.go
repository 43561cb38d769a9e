package main

import (
	"strings"

	"one-api/testbed/internal/voice"
)

const (
	chatPath     = "/v1/chat/completions"
	messagesPath = "/v1/messages"
)

// says is the message of every error that the soak's upstreams answer with.
const says = "the soak says so"

// ping is an event that says nothing, or a comment.
func ping(v voice.Voice, comment bool) string {
	if comment {
		return ": still here\n\n"
	}
	return v.KeepAlive()
}

// terminated reports whether the last bytes of a stream are a terminator, in either format.
func terminated(tail string) bool {
	return strings.Contains(tail, "data: [DONE]") || strings.Contains(tail, "event: message_stop")
}
