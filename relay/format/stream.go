package format

import (
	"bytes"

	"one-api/relay/sse"
)

// Terminator is the data with which chat completions end every stream, and with which some servers end streams of other formats.
const Terminator = "[DONE]"

// IsTerminator reports whether an event's data is the Terminator.
func IsTerminator(data []byte) bool { return string(bytes.TrimSpace(data)) == Terminator }

// IsSilent reports whether an event has nothing in it: some servers keep a connection alive that way, and a reader that keeps to the
// standard does not even hear of it (WHATWG HTML, 9.2.6).
func IsSilent(event sse.Event) bool {
	return len(bytes.TrimSpace(event.Data)) == 0 && string(event.Name) != "error"
}
