package format

import (
	"errors"

	"one-api/relay/jsonscan"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// Bystander passes on whole answers that are no model's, such as numbers of tokens. It looks whether they are errors, and changes nothing.
type Bystander struct{}

// Whole is Translator's.
func (Bystander) Whole(body []byte) ([]byte, error) {
	var signs wire.ErrorSigns
	switch err := jsonscan.Object(body, signs.Note); {
	case errors.Is(err, jsonscan.ErrTruncated):
		return nil, Truncated("the answer's JSON is cut off")
	case err != nil:
		return nil, Malformed("the answer is not a JSON object")
	case signs.IsError(false):
		return nil, Reported(body)
	}
	return body, nil
}

// Event is Translator's: there are no streams of such answers.
func (Bystander) Event(sse.Event) (Chunk, error) {
	return Chunk{}, Malformed("a stream, where there is none")
}

// End is Translator's.
func (b Bystander) End() (Chunk, error) { return b.Event(sse.Event{}) }

// Complete is Translator's.
func (Bystander) Complete() bool { return false }

// Usage is Translator's: it is not said.
func (Bystander) Usage() wire.Usage { return wire.Usage{} }

// UnknownEnd is Translator's.
func (Bystander) UnknownEnd() string { return "" }
