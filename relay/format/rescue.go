package format

import (
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// Rescue is what a format has to say of itself so that a stream that breaks off can be finished by another channel. The rest is done
// on events, in relay/resume, and is the same for every format.
type Rescue interface {
	// Continuable reports whether the rest of an answer to a client's request can be asked for: it is one answer, free in its form,
	// that does not itself continue something.
	Continuable(body []byte) bool
	// Continue is a request with the beginning of its answer as what the model said last, which a server is told in the words that it
	// understands.
	Continue(body []byte, beginning string, told Hint) []byte
	// Follow makes what reads along in a stream that goes to a client.
	Follow() Follower
}

// Follower reads what a client is sent, as a Decoder reads what a provider sends. Ids and signatures stay as they are.
type Follower interface {
	// Event reads an event. An error is a *Fault: where the stream is nobody can know any more.
	Event(event sse.Event, to llm.Sink) (Heard, error)
	// Complete reports whether the answer has said why it ends.
	Complete() bool
	// Resumable reports whether a text can continue from here: nothing is half said that no event has told of.
	Resumable() bool
	Usage() wire.Usage
	Retained() int
	// Resume makes the encoder of the rest for a client that has what was read: its ids, numbers and order continue from there.
	Resume(r *llm.Request) Encoder
}

// Hint is how a server wants to be told that the last message is the beginning of its answer. Most need not be.
type Hint string

// The hints.
const (
	HintPrefix        Hint = "prefix"                 // "prefix": true in the message
	HintContinueFinal Hint = "continue_final_message" // "continue_final_message": true in the request
)

// EndOf is where the list of that name ends in a request: the index of its bracket; -1 if there is none.
func EndOf(body []byte, list string) (at int) {
	at = -1
	_ = jsonscan.Object(body, func(m jsonscan.Member) { // it has been read before
		if string(m.Key) == list && m.Value[0] == '[' {
			at = m.End - 1
		}
	})
	return at
}

// Last is the last element of a list; nil if there is none.
func Last(list []byte) (last []byte) {
	jsonscan.Elements(list, func(element []byte) { last = element })
	return last
}
