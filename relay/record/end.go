package record

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"one-api/relay/outcome"
	"one-api/relay/wire"
	"one-api/telemetry"
)

// End is how a client's request ended: what the client experienced, and each attempt that was made for it. It belongs to whoever
// records it, and is good until the recorder that is told of it returns: one that keeps it clones it.
type End struct {
	RequestID string
	// ClientRequestID is what the client calls its request (X-Request-Id); empty: nothing that can be repeated. It need not be
	// unique.
	ClientRequestID string
	Endpoint        wire.Endpoint
	Outcome         outcome.Outcome
	Known           bool             // the configuration names the model
	Token           string           // name; empty: unknown
	Model           string           // as the client wrote it: not fit for a metric
	Status          int              // what the client was sent; 0: nothing
	Reason          outcome.Reason   // for Rejected
	Failure         *outcome.Failure // nil: Completed
	// Attempts is those that were made, in their order: what each cost, at which channel, and how it ended.
	Attempts []Attempt
	Fallback string // the larger model that was asked because the context of Model was too small; empty: none
	Resumed  int    // how many attempts went on with a stream that had broken off
	Began    time.Time
	Duration time.Duration
	// FirstToken is the time to the first content of a stream; 0: there was none.
	FirstToken time.Duration
	// Waited is the part of Duration that was spent waiting for upstreams and for the client.
	Waited time.Duration
	Span   telemetry.Span // of the call; its zero value if that is not traced

	room *room
}

// room is for the attempts of one request: most make one. It is taken when the first of them ends, so that an open stream holds none.
type room [2]Attempt

var rooms = sync.Pool{New: func() any { return new(room) }}

// Add adds an attempt, which the caller fills in.
func (e *End) Add() *Attempt {
	if e.room == nil {
		e.room = rooms.Get().(*room)
		e.Attempts = e.room[:0]
	}
	e.Attempts = append(e.Attempts, Attempt{})
	return &e.Attempts[len(e.Attempts)-1]
}

// Free gives back what the attempts took. Nothing reads them afterwards.
func (e *End) Free() {
	e.Attempts = nil
	if e.room != nil {
		clear(e.room[:])
		rooms.Put(e.room)
		e.room = nil
	}
}

// Clone is the end for who keeps it.
func (e *End) Clone() *End {
	c := new(End)
	e.copyTo(c)
	return c
}

// copyTo makes a copy that shares no memory with e but what nobody changes, in the room that the attempts of the former one took.
func (e *End) copyTo(to *End) {
	attempts := to.Attempts
	*to = *e
	to.room, to.Span, to.Attempts = nil, telemetry.Span{}, append(attempts[:0], e.Attempts...)
	for i := range to.Attempts {
		to.Attempts[i].Made = slices.Clone(to.Attempts[i].Made)
	}
}

// Asked is how many attempts asked an upstream for something.
func (e *End) Asked() (n int) {
	for i := range e.Attempts {
		if e.Attempts[i].Sent {
			n++
		}
	}
	return n
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
