package exchange

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/channel"
	"one-api/relay/outcome"
	"one-api/relay/record"
	"one-api/telemetry"
)

// End gives back everything that the exchange holds and records, once, how it ended, in the end of its request. failure is nil if it
// completed. recovered is what recover returned, nil if there was no panic. A second call does nothing and returns nil.
func (x *Exchange) End(of *record.End, failure *outcome.Failure, recovered any) *record.Attempt {
	if x.ended {
		return nil
	}
	x.ended = true
	failure = x.truly(failure)
	defer pprof.SetGoroutineLabels(context.Background())
	x.unspread()
	now := breaker.Now()
	x.hold.release(now)
	if recovered != nil {
		x.door.options.Log.ErrorContext(x.span.In(x.client), "panic in an attempt", "request_id", x.requestID(), "channel", x.Channel.Name,
			"panic", fmt.Sprint(recovered), "stack", string(debug.Stack()))
		failure = outcome.Panicked()
	}
	a := of.Add()
	a.Began, a.Duration = x.Began, time.Duration(now-x.hold.call.Began)
	x.attempt(a, failure)
	x.Conclude(&a.Result)
	if failure == nil && a.Sent {
		x.Channel.Worked(a.Endpoint)
	}
	if failure != nil && leavesDoubt(failure) {
		x.door.wonder(x.Channel, x.Key)
	}
	x.record(a)
	return a
}

// attempt fills in how it ended.
func (x *Exchange) attempt(a *record.Attempt, failure *outcome.Failure) {
	a.Result = channel.Result{Channel: x.Channel, Key: x.Key, Failure: failure, Sent: x.sent, Events: int64(x.events),
		Waited: x.waited + x.body.waited}
	if a.Failure != nil {
		a.Silence = channel.SilenceOf(min(a.Waited, x.SilentFor(time.Now())))
	}
	a.Because, a.Resumes, a.Status = x.Because, x.Resumes, x.answer.Status
	a.FirstEvent, a.Chunks = x.firstEvent, &x.chunks
	if failure != nil {
		a.Outcome, a.Class = failure.Outcome, failure.Class
	}
	if c := x.call; c != nil {
		a.Stream = c.Stream
		a.RequestID, a.Endpoint, a.Model = c.RequestID, c.Endpoint, c.Model
		if c.Token != nil {
			a.Token = c.Token.Name
		}
		a.Asked = x.Channel.UpstreamModel(c.Model)
	}
	if x.translator != nil && a.Outcome != outcome.Panic {
		x.concludes(a)
	}
	x.counts(a)
}

// record counts the attempt and tells the recorders. By now nothing is held any more.
func (x *Exchange) record(a *record.Attempt) {
	if a.Sent || a.Outcome == outcome.Panic {
		x.beginTraceLate()
		a.Said, a.Span = x.says.answer(x.Channel.Redact), x.span
		ctx := x.span.In(x.client)
		if a.Outcome == outcome.Completed {
			x.notes(ctx, a)
		}
		x.door.options.Record.Attempt(ctx, a)
	}
	a.Chunks, a.Said, a.Span = nil, telemetry.Answer{}, telemetry.Span{}
}

// leavesDoubt reports whether a refusal may be about the key without being known to be.
func leavesDoubt(f *outcome.Failure) bool {
	switch f.Status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden:
	default:
		return false
	}
	switch f.Class {
	case outcome.ClassUnauthorized, outcome.ClassForbidden, outcome.ClassElsewhere:
		return f.Outcome == outcome.UpstreamStatus || f.Outcome == outcome.UpstreamErrorEvent
	default:
		return false
	}
}
