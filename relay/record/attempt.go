package record

import (
	"net/http"
	"time"

	"one-api/relay/channel"
	"one-api/relay/format"
	"one-api/relay/outcome"
	"one-api/relay/wire"
	"one-api/telemetry"
)

// Attempt is how an attempt at a channel ended.
type Attempt struct {
	channel.Result
	Endpoint wire.Endpoint
	Model    string // as the client asked for it
	Because  string // why the request's attempt before this one failed; empty: there was none
	Resumes  bool   // it was to finish an answer that the client had the beginning of
	Status   int    // of the upstream's answer; 0: no header came
	Began    time.Time
	Duration time.Duration
	// FirstEvent is the time from the attempt's beginning to the first event with content (text, reasoning, a piece of a tool
	// call); 0: there was none, or the answer was not a stream.
	FirstEvent time.Duration
	// Asked is the model that the upstream was asked for, and Answered the one that its answer names; empty: none, or it is the same.
	Asked, Answered string
	// Tier is the service tier that the answer names (flex, priority, batch); empty: the usual one.
	Tier  string
	Usage wire.Usage
	Cost  Cost
	// Made is the ids of what the upstream keeps of the answer.
	Made []string
	// Failing can end the client's stream in that stream's own words; nil: its format has none.
	Failing format.Failing

	// What follows is for those who are told when the attempt ends, and is not there any more when the request does.

	Chunks *telemetry.ChunkTimes // the times between events with content
	Said   telemetry.Answer      // what the answer says of itself; empty: nobody records the span
	Span   telemetry.Span
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
		return begun || a.Status == 0
	case outcome.UpstreamTruncated:
		return begun
	case outcome.UpstreamErrorEvent:
		return troubled
	case outcome.UpstreamStatus:
		switch f.Status {
		case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable,
			outcome.StatusOverloaded:
			return troubled
		}
		return false
	default:
		return false
	}
}

// Refused reports whether the upstream found the request wrong in itself.
func (a *Attempt) Refused() bool {
	return a.Outcome == outcome.UpstreamStatus && a.Class == outcome.ClassRequest &&
		(a.Failure.Status == http.StatusBadRequest || a.Failure.Status == http.StatusUnprocessableEntity)
}

// ErrorType is the attempt's error.type; empty: it completed.
func (a *Attempt) ErrorType() string {
	if a.Failure == nil {
		return ""
	}
	return a.Failure.ErrorType()
}
