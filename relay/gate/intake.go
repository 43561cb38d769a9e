package gate

import (
	"net/http"
	"sync/atomic"
	"time"

	"one-api/relay/outcome"
	"one-api/relay/wire"
	"one-api/telemetry"
)

// Intake counts calls, and takes no more of them once it is stopped.
type Intake struct {
	tracing  *telemetry.Tracing
	draining atomic.Bool
	drained  chan struct{} // closed when no more calls are taken
	active   atomic.Int64
}

// Drain stops the intake: health says so, and new calls are turned away.
func (i *Intake) Drain() {
	if !i.draining.Swap(true) {
		close(i.drained)
	}
}

// Drained is closed once no more calls are taken.
func (i *Intake) Drained() <-chan struct{} { return i.drained }

// Draining reports whether the intake was stopped.
func (i *Intake) Draining() bool { return i.draining.Load() }

// Active is how many calls are being served.
func (i *Intake) Active() int64 { return i.active.Load() }

// Enter counts the call in.
func (i *Intake) Enter(a *Admission) *outcome.Refusal {
	i.active.Add(1)
	a.Counted = true
	a.End.ClientRequestID = a.ClientID()
	refusal := i.Refusal()
	if refusal != nil {
		a.trace(i.tracing)
		a.W.Header().Set("Connection", "close")
	}
	return refusal
}

// Refusal is what a client is told if no more calls are taken; nil: they are.
func (i *Intake) Refusal() *outcome.Refusal {
	if !i.draining.Load() {
		return nil
	}
	return &outcome.Refusal{Reason: outcome.NoChannel, Err: &wire.Error{
		Status: http.StatusServiceUnavailable, Type: "api_error", Code: "shutdown", RetryAfter: time.Second,
		Message: "The relay is shutting down and takes no new calls.",
	}}
}

// Exit counts it out.
func (i *Intake) Exit(*Admission) { i.active.Add(-1) }
