package outcome

import (
	"errors"
	"net/http"

	"one-api/relay/wire"
)

// ErrShutdown is the cancellation cause of requests that the relay ends because it stops.
var ErrShutdown = errors.New("the relay is shutting down")

// ErrOperator is why a call was ended that an operator ended.
var ErrOperator = errors.New("an operator has ended the call")

// Ended is the failure of a call that was ended from outside, for this cause of its context or its canceler: the relay stops, an
// operator ended it, or its client has left.
func Ended(cause error) *Failure {
	switch {
	case errors.Is(cause, ErrShutdown):
		return &Failure{Outcome: Shutdown, Err: &wire.Error{
			Status: http.StatusServiceUnavailable, Type: "api_error", Code: "shutdown",
			Message: "the relay is shutting down and had to end this call",
		}}
	case errors.Is(cause, ErrOperator):
		return &Failure{Outcome: OperatorEnded, Err: &wire.Error{
			Status: http.StatusServiceUnavailable, Type: "api_error", Code: OperatorEnded.String(),
			Message: "the operator of this relay has ended this call",
		}}
	}
	return Gone()
}

// Gone is the failure of a call whose client has left.
func Gone() *Failure {
	// 499 is nginx's. Nearly always there is nobody left to read it; who does has closed but the sending side of its connection.
	return &Failure{Outcome: ClientGone, Err: &wire.Error{Status: 499, Type: "invalid_request_error", Code: ClientGone.String(),
		Message: "the client closed its side of the connection before the answer was complete, which ends a call: keep it open, and send " +
			"nothing on it, until the answer has been read"}}
}

// TimedOut is the failure of a call one of whose clocks ran out, by what its passing is called.
func TimedOut(outcome Outcome) *Failure {
	if outcome == ClientGone { // the bounded drain of a client that left
		return Gone()
	}
	message := map[Outcome]string{
		ConnectFailed:     "the upstream could not be reached in time",
		UpstreamReset:     "the connection to the upstream broke, and another one could not be made in time",
		HeaderTimeout:     "the upstream did not answer in time",
		FirstTokenTimeout: "the upstream did not begin its answer in time",
		IdleTimeout:       "the upstream fell silent in the middle of its answer",
	}[outcome]
	return &Failure{Outcome: outcome, Err: &wire.Error{Status: http.StatusGatewayTimeout, Code: outcome.String(), Message: message}}
}
