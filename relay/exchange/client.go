package exchange

import (
	"errors"
	"os"

	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// Downstream is the way back to the client of a call. Its errors are final: nothing more can be written. One that is a *Failure is
// the answer's fault and not the client's.
type Downstream interface {
	// Whole sends a complete answer and sees it off.
	Whole(body []byte) error
	// Hold adds whole events to the stream that promise nothing. The client gets them with the next Write, or when it has waited
	// too long or they are too many: committed reports whether it has got some by now.
	Hold(events []byte) (committed bool, err error)
	// Write adds whole events to the stream; the first one commits the answer. They may stay in a buffer until Flush.
	Write(events []byte) error
	// Flush sends what Write left in a buffer.
	Flush() error
}

// PassingClient is a Client of an answer of any type, which passes by.
type PassingClient interface {
	Downstream
	// Begin sends the header of an answer of so many bytes; negative: nobody knows how many. Write adds its bytes then.
	Begin(contentType string, length int64)
	// Alive has signs of life sent from now on, while nothing else is.
	Alive()
}

// unwritable says how a write to the client failed: it missed its time, or there is nobody to write to.
func (x *Exchange) unwritable(err error) *outcome.Failure {
	var unfit *outcome.Failure
	if errors.As(err, &unfit) {
		return unfit // it was not the client: what came cannot be fitted to what it has
	}
	// A write also fails because the relay ends the request.
	ended := x.interrupted()
	if ended != nil && ended.Outcome == outcome.OperatorEnded {
		return ended
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &outcome.Failure{Outcome: outcome.ClientStalled, Err: &wire.Error{Status: 499,
			Message: "the client did not read its answer in time"}}
	}
	if ended != nil && ended.Outcome == outcome.Shutdown {
		return ended
	}
	return outcome.Gone()
}
