package exchange

import (
	"net/http"
	"time"

	"one-api/relay/outcome"
)

// Bounds of what is kept of an answer at a time.
const (
	maxAnswer = 64 << 20 // an answer that is not a stream: it is kept whole until it is known to be good
	maxEvent  = 16 << 20 // one event of a stream
	// What follows a terminator is read this far and this long, so that the connection can be used again.
	maxTail     = 4 << 10
	longestTail = 250 * time.Millisecond
)

// Limits is the part of a good answer's header that tells clients of their limits; nil if there is none.
func (x *Exchange) Limits() http.Header {
	var told http.Header
	if x.answer.Header != nil {
		told = outcome.ForClients(x.answer.Header)
	}
	if x.droppedReasoning() {
		if told == nil {
			told = http.Header{}
		}
		told[DroppedHeader] = []string{droppedIsReasoning}
	}
	return told
}

// Relay passes the answer on to the client. It returns nil if the answer was complete and all of it was written.
func (x *Exchange) Relay(client Downstream) *outcome.Failure {
	if passing, ok := client.(PassingClient); ok && x.passesBy() {
		return x.relayMedia(passing)
	}
	if x.call.Stream {
		return x.relayStream(client)
	}
	return x.relayWhole(client)
}
