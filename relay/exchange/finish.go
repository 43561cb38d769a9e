package exchange

import (
	"context"
	"fmt"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"one-api/relay/channel"
	"one-api/relay/format"
	"one-api/relay/outcome"
	"one-api/relay/wire"
	"one-api/telemetry"
)

// End gives back everything that the exchange holds and records how it ended, once. failure nil: it completed. recovered is
// what recover returned, nil if there was no panic.
func (x *Exchange) End(failure *outcome.Failure, recovered any) Attempt {
	if x.ended {
		return Attempt{Channel: x.Channel, Call: x.call}
	}
	x.ended = true
	failure = x.truly(failure)
	defer pprof.SetGoroutineLabels(context.Background())
	x.net.Stop()
	x.hold.release()
	if recovered != nil {
		x.door.options.Log.ErrorContext(x.span.In(x.client), "panic in an attempt", "request_id", x.requestID(), "channel", x.Channel.Name,
			"panic", fmt.Sprint(recovered), "stack", string(debug.Stack()))
		failure = outcome.Panicked()
	}
	attempt := x.attempt(failure)
	x.conclude(&attempt)
	x.record(attempt)
	return attempt
}

// conclude has the channel and the key bear what the table says, and asks where a refusal leaves a doubt.
func (x *Exchange) conclude(a *Attempt) {
	end := channel.End{Failure: a.Failure, Sent: a.Sent, Events: a.Events, Waited: a.Waited}
	if x.call != nil {
		end.Token, end.RequestID = x.call.Token, x.call.RequestID
	}
	a.Rested = x.Conclude(&end)
	if a.Failure != nil && leavesDoubt(a.Failure) {
		x.door.wonder(x.Channel, x.Key)
	}
}

func (x *Exchange) attempt(failure *outcome.Failure) Attempt {
	a := Attempt{
		Channel: x.Channel, Call: x.call, Failure: failure, Sent: x.sent, Answered: x.answer.Status != 0,
		Began: x.Began, Duration: time.Since(x.Began), FirstEvent: x.firstEvent, Events: x.events, Waited: x.waited, key: x.Key,
	}
	a.Waited += x.body.waited
	if failure != nil {
		a.Outcome, a.Class = failure.Outcome, failure.Class
	}
	if x.translator != nil && a.Outcome != outcome.Panic {
		a.Usage = x.usage()
		a.Failing, _ = x.translator.(format.Failing)
		if maker, ok := x.translator.(format.Maker); ok {
			a.Made = maker.Made()
		}
	}
	return a
}

// record counts the attempt and tells the recorder. By now nothing is held any more: a recorder that panics costs a log line.
func (x *Exchange) record(a Attempt) {
	if !a.Sent && a.Outcome != outcome.Panic {
		return
	}
	x.Channel.Count(a.Outcome)
	if a.Failure != nil && a.Outcome != outcome.OperatorEnded && (outcome.Judge(a.Outcome, a.Class).MoveOn || x.Channel.Distrusted()) {
		x.Channel.Fails(&channel.LastFailure{At: time.Now().UTC().Truncate(time.Second), Outcome: a.Outcome.String(), Status: a.Failure.Status, Detail: wire.Clip(a.Failure.Detail, channel.LongestDetail)})
	}
	m := x.measured(a)
	x.endTrace(m)
	m.Span = x.span
	ctx := x.span.In(x.client)
	defer func() {
		if p := recover(); p != nil {
			x.door.options.Log.ErrorContext(ctx, "panic in the recorder", "request_id", x.requestID(), "channel", x.Channel.Name, "panic", fmt.Sprint(p))
		}
	}()
	x.Channel.Metrics.Attempt(m)
	if a.Outcome == outcome.Completed {
		x.noteUnknownEnd(ctx)
		x.noteDoubtfulUsage(ctx, a.Usage)
	}
	if x.Resumes {
		x.Channel.Metrics.Resume(x.Because, m.Outcome)
	}
	if record := x.door.options.Record; record != nil {
		record(ctx, a)
	}
}

// measured is the attempt as telemetry has it.
func (x *Exchange) measured(a Attempt) telemetry.Attempt {
	m := telemetry.Attempt{
		Outcome: a.Outcome.String(), Duration: a.Duration, FirstChunk: a.FirstEvent, Chunks: &x.chunks,
		Usage: telemetry.Usage{
			Input: a.Usage.Input(), Output: a.Usage.Output(), CacheRead: a.Usage.CacheRead, CacheWrite: a.Usage.CacheWrite(), Reasoning: a.Usage.Reasoning,
			AudioIn: a.Usage.AudioIn, ImageIn: a.Usage.ImageIn, AudioOut: a.Usage.AudioOut, ImageOut: a.Usage.ImageOut,
		},
		Answer: x.says.answer(x.Channel.Redact),
	}
	if a.Call != nil {
		m.Operation, m.Model = a.Call.Endpoint.Operation(), a.Call.Model
	}
	if a.Failure != nil {
		m.ErrorType = a.Failure.ErrorType()
	}
	m.Status, m.Unserved = x.answer.Status, a.Failure != nil && a.Class == outcome.ClassElsewhere
	return m
}
