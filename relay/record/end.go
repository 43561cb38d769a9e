// Package record is what is told of the ends of requests, and whom it is told to.
package record

import (
	"net/http"
	"time"

	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// End is how a client's request ended: what the client experienced, whatever the channels did.
type End struct {
	RequestID string
	// ClientRequestID is what the client calls its request (X-Request-Id); empty: nothing that can be repeated. It need not be
	// unique.
	ClientRequestID string
	Endpoint        wire.Endpoint
	Token           string // name; empty: unknown
	Model           string // as the client wrote it: not fit for a metric
	Known           bool   // the configuration names the model
	Outcome         outcome.Outcome
	Status          int              // what the client was sent; 0: nothing
	Reason          outcome.Reason   // for Rejected
	Failure         *outcome.Failure // nil: Completed or Rejected
	Attempts        int
	Fallback        string // the larger model that was asked because the context of Model was too small; empty: none
	Resumed         int    // how many of them went on with a stream that had broken off
	Began           time.Time
	Duration        time.Duration
	// FirstToken is the time to the first content of a stream; 0: there was none.
	FirstToken time.Duration
	// Waited is the part of Duration that was spent waiting for upstreams and for the client.
	Waited time.Duration
}

// Failed reports whether the request failed through no doing of its client, which leaves, does not read, or asks for what it
// is refused with a 4xx: a server's span is no error then (OpenTelemetry's HTTP conventions).
func (e *End) Failed() bool {
	if e.Failure == nil || e.Outcome == outcome.ClientGone || e.Outcome == outcome.ClientStalled {
		return false
	}
	return e.Status < http.StatusBadRequest || e.Status >= http.StatusInternalServerError
}

// ErrorType is the request's error.type; empty: it completed.
func (e *End) ErrorType() string {
	if e.Failure == nil {
		return ""
	}
	return e.Failure.ErrorType()
}
