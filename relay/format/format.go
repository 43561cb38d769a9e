// Package format is what a wire format is made of. Each format is a folder beside this file, written once, with up to three faces:
// what clients say in it (Client), what providers say in it (Server), and what reads an answer that is passed on as it is
// (Translator). It does no I/O and knows nothing of channels.
package format

import (
	"one-api/relay/llm"
	"one-api/relay/provider"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// Format is one wire format.
type Format struct {
	Name   string
	Client Client // nil if requests in it are never converted
	Server Server // nil if nothing is converted to it
	// Column is what becomes in this format of what not every format has.
	Column Column
	// Inspect makes what reads one answer that is passed on. choices is how many answers the client asked for; 0 if it did not say.
	Inspect func(choices int) Translator
	// Rescue is how streams of its clients are finished that break off; nil if they are not.
	Rescue Rescue
	// Counts is set in a format that asks for numbers of tokens.
	Counts *Counts
}

// Client is the side of a format that clients speak.
type Client interface {
	// Parse reads a request. An error names the member that is wrong.
	Parse(body []byte) (*llm.Request, *Problem)
	// Stream makes what turns the events of an answer into a stream. Of the request there is left what was kept of it.
	Stream(r *llm.Request) Encoder
	// Whole renders a whole answer.
	Whole(r *llm.Request, a *llm.Answer, u wire.Usage) []byte
}

// Encoder makes of events what a client gets of a stream.
type Encoder interface {
	llm.Sink
	// Begin forgets what came of the events before.
	Begin()
	// Out is what came of the events since: whole SSE events.
	Out() []byte
	// End adds what ends a stream in good order.
	End(u wire.Usage)
	// Retained is how many bytes the encoder keeps for later.
	Retained() int
	// Err is why the events cannot be said; nil if they can.
	Err() error
}

// Failing is what can tell a client that its stream has failed in the words of that very stream: an Encoder or a Translator of a
// format whose errors have a number and a name in it.
type Failing interface {
	// Failed is the event that ends the stream, with what the client is told; nil if it has not begun.
	Failed(e *wire.Error, requestID string) []byte
}

// Maker is a Translator of answers that a provider keeps, and that clients refer to later.
type Maker interface {
	// Made is the ids of what is kept.
	Made() []string
}

// Server is the side of a format that providers speak.
type Server interface {
	// Build says a request in the format. What the format has no place for is left out; dropped has what of that costs money or
	// changes the answer. An error names the member of the client's request.
	Build(r *llm.Request, t *Target) (body []byte, dropped []llm.Feature, problem *Problem)
	// Decode makes what turns one answer into events.
	Decode(t *Target) Decoder
}

// Decoder turns what a provider sends into events.
type Decoder interface {
	// Whole reads a whole answer. An error is a *Fault.
	Whole(body []byte, to llm.Sink) error
	// Event reads an event of a stream. An error is a *Fault.
	Event(event sse.Event, to llm.Sink) (Heard, error)
	// End is called if a stream has ended in good order and no event was its end. An error is a *Fault: it was not complete.
	End(to llm.Sink) error
	// Complete reports whether a stream has said all that it has to, except for what ends it: End would have no complaint.
	Complete() bool
	Usage() wire.Usage
	// UnknownEnd is an end reason that is in no table; empty if there was none.
	UnknownEnd() string
	// Retained is how many bytes the decoder keeps for later.
	Retained() int
}

// Heard is what an event of a stream is, beside what it says.
type Heard struct {
	Content  bool // it carries a part of the answer
	Preamble bool // it is on the list of those that promise nothing
	Done     bool // it ends the stream
}

// Target is where a request goes, as far as a format has to know.
type Target struct {
	Model string
	// Official means that the provider itself answers, and not something that is compatible with it.
	Official bool
	Quirks   *provider.Quirks // nil if nothing is known
	Seal     *Seal
	// AskUsage has a stream's usage asked for, if that has to be said. Asked is set by Build if it was.
	AskUsage, Asked bool
	// Thoughts has something put into the place of reasoning that is not given back.
	Thoughts bool
	// Unsigned has reasoning of earlier turns left out, whoever has signed or encrypted it: the provider has refused it.
	Unsigned bool
	// Lost is set by Build if reasoning of earlier turns is left out because the provider could not read it, and Gave if it is given some
	// that it has signed or encrypted itself.
	Lost, Gave bool
	// Names is what became of names of tools that are too long for the provider; the answer has to be told of it. It is made by
	// Build.
	Names map[string]string
}

// Translator turns one answer into the client's format. It belongs to one attempt and one goroutine.
type Translator interface {
	// Whole turns a complete answer, of any content, into the client's. The result may share body's memory.
	Whole(body []byte) ([]byte, error)

	// Event turns one event of a stream into a Chunk. An error says that the stream is over and the event is not passed on.
	Event(event sse.Event) (Chunk, error)

	// End is called if a stream has ended in good order and no Chunk was Done. If the answer is complete all the same, the Chunk
	// has what is missing, such as the terminator, and is Done. If not, there is an error.
	End() (Chunk, error)

	// Complete reports whether a stream has said all that it has to, except for what ends it: every choice has its end reason, and
	// End would have no complaint.
	Complete() bool

	// Usage is what the answer has said so far of its cost.
	Usage() wire.Usage

	// UnknownEnd is an end reason of the answer's that is in no table, in the upstream's words; empty if there was none.
	UnknownEnd() string
}

// Watcher is a Translator of answers that pass by without being kept: sound, text, JSON with pictures in it. Of those that are short
// and JSON, Whole is asked as ever; of streams, Event.
type Watcher interface {
	// See looks at the next piece. It keeps nothing of it.
	See(piece []byte)
	// Seen is called if all of it has come, as far as its transport can tell. An error is a *Fault: it was not complete.
	Seen() error
}

// Chunk is what one upstream event becomes.
type Chunk struct {
	// Out is what the client gets, whole SSE events; empty means nothing. Valid until the next call of Event or of the SSE reader.
	Out []byte
	// Content is true if the event carries a part of the answer: text, reasoning, a piece of a tool call. An empty one is none.
	Content bool
	// Preamble is true if the event is on the closed list of those that promise nothing: message_start, ping, the start of an
	// empty text block, a chunk with nothing but a role, empty or null choices. As long as nothing else has come, another
	// channel can still be asked. Every other event with an Out commits the answer, those that nobody knows included.
	Preamble bool
	// Ping is true if the event says nothing but that the upstream is alive. It is a Preamble, if it has an Out.
	Ping bool
	// Done is true for the provider's terminator: the answer is complete.
	Done bool
	// Said is how many bytes of text the part of the answer has, if Content; 0 if nobody has counted them.
	Said int
	// Retained is how many bytes of this event and those before it the translator keeps for later ones, if that can be many.
	Retained int
}
