package channel

import (
	"context"
	"fmt"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/format"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/wire"
	"one-api/telemetry"
)

// longestDetail is how many bytes of a failure's detail a channel remembers.
const longestDetail = 300

// Attempt is how an exchange ended.
type Attempt struct {
	Channel  *Channel
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
	// Failing can end the client's stream in that stream's own words; nil: its format has none.
	Failing format.Failing
}

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
		x.Channel.pool.options.Log.ErrorContext(x.span.In(x.client), "panic in an attempt", "request_id", x.requestID(), "channel", x.Channel.Name,
			"panic", fmt.Sprint(recovered), "stack", string(debug.Stack()))
		failure = outcome.Panicked()
	}
	attempt := x.attempt(failure)
	x.conclude(&attempt)
	x.record(attempt)
	return attempt
}

func (x *Exchange) attempt(failure *outcome.Failure) Attempt {
	a := Attempt{
		Channel: x.Channel, Call: x.call, Failure: failure, Sent: x.sent, Answered: x.answer.Status != 0,
		Began: x.began, Duration: time.Since(x.began), FirstEvent: x.firstEvent, Events: x.events, Waited: x.waited, key: x.key,
	}
	a.Waited += x.body.waited
	if failure != nil {
		a.Outcome, a.Class = failure.Outcome, failure.Class
	}
	if x.translator != nil && a.Outcome != outcome.Panic {
		a.Usage = x.usage()
		a.Failing, _ = x.translator.(format.Failing)
	}
	return a
}

// usage asks the lane's translator what the answer cost. By now the client has been served: a panic costs the figure and a log line, not
// the attempt's record.
func (x *Exchange) usage() wire.Usage {
	defer func() {
		if p := recover(); p != nil {
			x.Channel.pool.options.Log.ErrorContext(x.span.In(x.client), "panic in a lane's usage", "request_id", x.requestID(), "channel", x.Channel.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	return x.translator.Usage()
}

// record counts the attempt and tells the recorder. By now nothing is held any more: a recorder that panics costs a log line.
func (x *Exchange) record(a Attempt) {
	if !a.Sent && a.Outcome != outcome.Panic {
		return
	}
	s := x.Channel.state
	s.attempts[a.Outcome].Add(1)
	if a.Failure != nil && a.Outcome != outcome.OperatorEnded && (outcome.Judge(a.Outcome, a.Class).MoveOn || x.Channel.distrusted()) {
		s.last.Store(&LastFailure{At: time.Now().UTC().Truncate(time.Second), Outcome: a.Outcome.String(), Status: a.Failure.Status, Detail: wire.Clip(a.Failure.Detail, longestDetail)})
	}
	m := x.measured(a)
	x.endTrace(m)
	m.Span = x.span
	ctx := x.span.In(x.client)
	defer func() {
		if p := recover(); p != nil {
			x.Channel.pool.options.Log.ErrorContext(ctx, "panic in the recorder", "request_id", x.requestID(), "channel", x.Channel.Name, "panic", fmt.Sprint(p))
		}
	}()
	x.Channel.metrics.Attempt(m)
	if a.Outcome == outcome.Completed {
		x.noteUnknownEnd(ctx)
		x.noteDoubtfulUsage(ctx, a.Usage)
	}
	if x.resumes {
		x.Channel.metrics.Resume(x.because, m.Outcome)
	}
	if record := x.Channel.pool.options.Record; record != nil {
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
		Answer: x.says.answer(x.Channel.redact),
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
