// Package standin imitates providers for tests: what they refuse it refuses, with their words, and what they send it sends. So a request
// that is made wrongly fails the call instead of passing unseen. Nothing of the relay itself uses it.
package standin

import "net/http"

// Dialect is one provider's API.
type Dialect interface {
	// Type is that of the channels that speak it.
	Type() string
	// Model is what its chat model is asked for by.
	Model() string
	// Refuse says what is wrong with a request, whose body is decoded; nil: nothing.
	Refuse(r *http.Request, body map[string]any) *Refusal
	// ErrorBody is an error as the provider words it.
	ErrorBody(*Refusal) string
	// Whole is an answer in one piece.
	Whole(Answer) string
	// Events is an answer as a stream: what it says, and the events that end it. asked is the request.
	Events(a Answer, asked map[string]any) (content, ending []string)
	// ErrorEvent is an overload that the provider reports in the middle of a stream.
	ErrorEvent() string
	// Headers is response headers that are between the provider and the operator.
	Headers() map[string]string
}

// Streamer is a Dialect whose requests say by their path whether they ask for a stream, and what else they ask for.
type Streamer interface {
	// Streams reports whether a stream is asked for.
	Streams(r *http.Request) bool
	// Other is the answer to a question for something else than a model's answer; false: it is none.
	Other(r *http.Request, body map[string]any) (answer string, is bool)
}

// Refusal is an error answer.
type Refusal struct {
	Status            int
	Kind, Code, Param string
	Message           string
	Details           string // what clients' programs go by, as JSON
}

// Answer is what a model says.
type Answer struct {
	Thought string
	Text    []string // in the pieces in which it is streamed
	Calls   []Call   // after the text
	Ends    string   // the provider's own word for why it ends; empty: the usual one
	Stop    string   // the stop sequence that ended it, where the provider says which
}

// Call is a call of a tool. The arguments are the pieces they are streamed in.
type Call struct {
	ID, Name  string
	Arguments []string
}

// Key is the only one that is not refused.
const Key = "sk-up-a"

// What every answer costs: OpenAI counts 25 tokens of input, of which 10 were cached; Anthropic counts them apart, as 12 that were
// neither read from the cache nor written to it, 3 written and 10 read.
const (
	Input   = 25
	Fresh   = 12
	Written = 3
	Cached  = 10
	Output  = 7
	Counted = 31 // what a question for the number of tokens is answered
)
