package exchange

import (
	"net/http"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/channel"
	"one-api/relay/format"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// Attempt is how an exchange ended.
type Attempt struct {
	Channel  *channel.Channel
	Call     *lane.Call
	Outcome  outcome.Outcome
	Class    outcome.Class    // for UpstreamStatus and UpstreamErrorEvent
	Failure  *outcome.Failure // nil: Completed
	Sent     bool             // false: it ended before anything was asked of the upstream, and counts for nobody
	Answered bool             // a header came
	Began    time.Time
	Duration time.Duration
	// FirstEvent is the time from the attempt's beginning to the first event with content (text, reasoning, a piece of a tool
	// call); 0: there was none, or the answer was not a stream.
	FirstEvent time.Duration
	// Events is how many events carried a part of the answer.
	Events int64
	// Waited is the part of Duration that was spent waiting for the upstream.
	Waited time.Duration
	Usage  wire.Usage
	key    *breaker.Key
	// Rested is true where it put its key to rest. No request does that twice.
	Rested bool
	// Made is the ids of what the upstream keeps of the answer.
	Made []string
	// Failing can end the client's stream in that stream's own words; nil: its format has none.
	Failing format.Failing
}

// longestAsked is the longest Retry-After that a request waits for before another try at the same channel. Where an upstream
// asks for more, its client is told, who can do something else in the meantime.
const longestAsked = 5 * time.Second

// Transient reports whether another attempt at the same channel may well succeed. begun: the client has a part of the answer,
// which the attempt would go on with. It never does after a timeout (the client has waited long enough), an answer that was too
// large or no answer (there would be the same again), or a call that an operator ended.
func (a *Attempt) Transient(begun bool) bool {
	f := a.Failure
	if f == nil || f.RetryAfter > longestAsked {
		return false
	}
	troubled := a.Class == outcome.ClassServer || a.Class == outcome.ClassKeyLimited || a.Class == outcome.ClassModelLimited
	switch a.Outcome {
	case outcome.ConnectFailed:
		return true
	case outcome.UpstreamReset:
		return begun || !a.Answered
	case outcome.UpstreamTruncated:
		return begun
	case outcome.UpstreamErrorEvent:
		return troubled
	case outcome.UpstreamStatus:
		switch f.Status {
		case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, outcome.StatusOverloaded:
			return troubled
		}
	}
	return false
}

// Refused reports whether the upstream found the request wrong in itself.
func (a *Attempt) Refused() bool {
	return a.Outcome == outcome.UpstreamStatus && a.Class == outcome.ClassRequest &&
		(a.Failure.Status == http.StatusBadRequest || a.Failure.Status == http.StatusUnprocessableEntity)
}

// Try is what its request has to remember of it.
func (a *Attempt) Try() channel.Try {
	return channel.Try{Channel: a.Channel, Key: a.key, Outcome: a.Outcome, Class: a.Class, Sent: a.Sent, Rested: a.Rested}
}

// leavesDoubt reports whether a refusal may be about the key, and is not known to be.
func leavesDoubt(f *outcome.Failure) bool {
	switch f.Status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden:
	default:
		return false
	}
	switch f.Class {
	case outcome.ClassUnauthorized, outcome.ClassForbidden, outcome.ClassElsewhere:
		return f.Outcome == outcome.UpstreamStatus || f.Outcome == outcome.UpstreamErrorEvent
	}
	return false
}
