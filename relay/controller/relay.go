package controller

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"one-api/relay/apikey"
	"one-api/relay/channel"
	"one-api/relay/exchange"
	"one-api/relay/gate"
	"one-api/relay/inflight"
	"one-api/relay/lane"
	"one-api/relay/membudget"
	"one-api/relay/outcome"
	"one-api/relay/record"
	"one-api/relay/reply"
	"one-api/relay/resume"
	"one-api/relay/wire"
	"one-api/telemetry"
)

// relay serves one call: key, body, channel after channel until one answers, and the one place that records how it ended.
//
// The other endpoints' middleware has no part in it: what that does, a visit does itself. A stream waits for minutes below
// this function and attempt, so these two keep nothing on the stack, and what they call beforehand has returned by then. That
// decides whether an open stream holds a stack of 8 KiB or of 16.
func (c *Controller) relay(w http.ResponseWriter, r *http.Request, endpoint wire.Endpoint) {
	v := c.newVisit(w, r, endpoint)
	defer v.leave()
	if v.begin() {
		for v.attempt() && v.goesOn() {
		}
	}
}

// visit is one client's request on its way through the relay.
type visit struct {
	c      *Controller
	w      http.ResponseWriter
	r      *http.Request
	ctx    context.Context // the request's, with the span of the call in it where that is traced
	id     gate.ID
	flight inflight.Entry
	end    record.End

	snapshot *Snapshot
	token    *apikey.Key
	call     *lane.Call // asked, or what has become of it
	asked    lane.Call  // as the client made it
	want     channel.SelectRequest
	held     membudget.Lease  // of the request's body
	owner    *membudget.Owner // the token's part of the budget
	client   reply.Writer
	exchange *exchange.Exchange // the attempt at hand; nil: none is being made
	failure  *outcome.Failure   // of the attempt at hand
	last     *record.Attempt    // that ended, if it failed; nil: it did not
	noted    int                // how often the client had been sent something before the attempt at hand
	failed   *outcome.Failure   // what the client has to be told

	transcript *resume.Transcript // of what the client has been sent; nil: a stream that breaks off stays so

	left     int8  // attempts that may be made; a hundred and one at the most
	method   uint8 // telemetry.MethodIndex
	turn     bool  // it is made on a websocket, and is no request of HTTP's
	entered  bool  // it counts as a call, and its end is recorded
	listed   bool  // among those in flight
	resuming bool  // the stream broke off and is being finished
	anew     bool  // and is begun anew for that: its upstream does not continue a message
	growth   int8  // how many larger models it has been given to
	repeats  repeats
}

//go:noinline
func (c *Controller) newVisit(w http.ResponseWriter, r *http.Request, endpoint wire.Endpoint) *visit {
	method := uint8(telemetry.MethodIndex(r.Method)) //nolint:gosec // there are few methods
	v := &visit{c: c, w: w, r: r, ctx: r.Context(), method: method}
	v.call, v.end.Endpoint, v.end.Began = &v.asked, endpoint, time.Now()
	c.handling[v.method].Add(1)
	return v
}

// begin lets the request in, or turns it away; true: an attempt is to be made.
//
//go:noinline
func (v *visit) begin() bool {
	closeIfAmbiguous(v.w.Header(), v.r)
	v.end.RequestID = v.id.Give(v.w.Header(), v.r)
	v.client.Init(v.w, v.end.Endpoint.Format(), v.end.RequestID)
	refusal := limitHeader(v.r.Header)
	var d detours // parts of the body, which a stream does not keep
	if refusal == nil {
		allowOrigin(v.w.Header(), v.r)
		v.enter()
		refusal = v.admit(&d)
	}
	if refusal != nil {
		readAway(v.w, v.r)
		if v.refuse(refusal); v.flight.Ended() {
			v.failed = outcome.Ended(outcome.ErrOperator)
		}
		return false
	}
	v.flight.For(v.call.Model)
	switch {
	case v.call.Stream && v.end.Endpoint.Media(): // which kind of answer it is to be, nobody knows before it comes
		v.client.PutOff(v.c.Settings.KeepAlive)
	case v.call.Stream:
		v.client.KeepAlive(v.c.Settings.KeepAlive)
	}
	v.want = channel.SelectRequest{Caller: v.caller(), Endpoint: v.end.Endpoint, Model: v.call.Model, Stream: v.call.Stream, Only: v.want.Only}
	if refusal = v.bind(); refusal == nil {
		refusal = v.snapshot.Channels.Check(&v.want)
	}
	if refusal == nil {
		refusal = v.checkDetours(&d)
	}
	if refusal != nil {
		v.refuse(refusal)
		return false
	}
	v.end.Known = true
	v.prepareRescue()
	v.left = int8(1 + v.c.Settings.RetryTimes)
	return true
}

// enter counts the call in.
func (v *visit) enter() {
	v.entered = true
	v.c.active.Add(1)
	v.held.Of(v.c.Budget)
	v.end.ClientRequestID = v.id.Client()
}

// trace begins the span of the call. It does so for those whose key is known: what strangers send is counted, not traced.
func (v *visit) trace() {
	v.ctx, v.end.Span = v.c.Tracing.Request(v.ctx, v.r.Method, v.end.Endpoint.Path(), v.r.Header, v.end.Began)
}

// leave ends the visit, however it went: its client is answered, and its end is recorded.
func (v *visit) leave() {
	recovered := recover()
	defer v.gone()
	v.finish(recovered)
	v.end.Duration = time.Since(v.end.Began)
	if v.entered {
		v.c.Record.End(v.ctx, &v.end)
	}
}

// gone takes the request out of the counts. It comes last, even after a panic in what should have dealt with panics.
func (v *visit) gone() {
	if p := recover(); p != nil {
		v.logPanic(p)
		if v.client.Status() == 0 {
			v.client.Fail(outcome.Panicked().Err)
			v.end.Status = v.client.Status()
		}
	}
	errorType := ""
	if v.entered {
		errorType = v.end.ErrorType()
		v.end.Free()
		v.held.Release()
		v.transcript.Close()
		v.owner.Leave()
		if v.listed {
			v.c.InFlight.Remove(&v.flight)
		}
		v.c.active.Add(-1)
	}
	if v.turn {
		return
	}
	v.c.handling[v.method].Add(-1)
	v.c.Metrics.HTTP(telemetry.HTTP{
		Method: v.r.Method, Route: v.end.Endpoint.Path(), Status: v.end.Status, ErrorType: errorType, Duration: time.Since(v.end.Began), Span: v.end.Span,
	})
}

// admit finds out who calls and what for, and what else the request may be asking for.
func (v *visit) admit(d *detours) *outcome.Refusal {
	if v.c.draining.Load() {
		v.trace()
		v.w.Header().Set("Connection", "close")
		return refuseDraining()
	}
	v.snapshot = v.c.Snapshot()
	v.token = v.snapshot.Tokens.FindIn(v.r.Header)
	if v.token == nil {
		v.c.Throttle.Refused(v.r)
		v.end.Waited = time.Since(v.end.Began)
		return refuseKey(v.end.Endpoint.Format())
	}
	v.trace()
	v.end.Token, v.call.Token = v.token.Name, v.token.Name
	v.c.InFlight.Add(&v.flight, &v.end, &v.client) // what is in flight is somebody's: strangers are counted and bounded elsewhere
	v.listed = true
	v.owner = v.c.Budget.Owner(v.token.Name)
	v.owner.Enter()
	v.held.By(v.owner)
	reading := time.Now()
	body, refusal := v.c.read(v.w, v.r, &v.held, v.flight.Ended)
	v.end.Waited += time.Since(reading)
	v.flight.Is(inflight.Choosing)
	if refusal != nil {
		return refusal
	}
	if v.end.Endpoint.ByID() {
		refusal = v.find()
	} else {
		*d, refusal = parseCall(v.call, v.end.Endpoint, body)
	}
	if refusal != nil {
		return refusal
	}
	v.call.Held = &v.held
	v.call.RequestID, v.call.Header, v.call.Query = v.end.RequestID, v.r.Header, v.snapshot.Tokens.WithoutKeys(v.r.URL.RawQuery)
	v.end.Model = v.call.Model
	return nil
}

func (v *visit) caller() channel.Caller { return callerOf(v.token) }

func callerOf(k *apikey.Key) channel.Caller {
	return channel.Caller{Groups: k.Groups, AllGroups: k.AllGroups, Allows: k.Allowance()}
}

// choose begins an exchange with a channel; false: there is none that is left to be asked.
//
//go:noinline
func (v *visit) choose() bool {
	v.left--
	if v.flight.Ended() {
		v.failed = outcome.Ended(outcome.ErrOperator)
		return false
	}
	if v.exchange = v.next(); v.exchange == nil {
		return false
	}
	v.flight.Begin(v.exchange)
	return true
}

// next begins an exchange: with the channel that was just asked where that is to be tried again first, with another one, or
// where none is left once more with the same; nil: with none.
func (v *visit) next() *exchange.Exchange {
	v.want.Last = v.left == 0
	if v.repeats.now {
		if x := v.again(); x != nil || v.over() {
			return x
		}
		v.want.Exclude(&v.last.Result) // it was disabled meanwhile, or is full
		v.continues()
	}
	slot, refusal := v.snapshot.Channels.Begin(&v.want)
	switch {
	case refusal == nil:
		v.repeats.made = 0
		return v.c.Door.New(v.ctx, slot)
	case v.failed == nil:
		v.refuse(refusal)
	case v.onceMore():
		return v.again()
	}
	return nil
}

// attempt is one exchange: begun, used and ended here, whatever happens in between. false: there was none to be begun.
func (v *visit) attempt() (made bool) {
	if !v.choose() {
		return false
	}
	defer v.ended()
	made = true // even if there is a panic
	if v.failure = v.exchange.Send(v.call); v.failure == nil {
		v.flight.Is(inflight.Answering)
		v.failure = v.exchange.Relay(v.way())
	}
	return made
}

func (v *visit) ended() {
	v.flight.Done()
	attempt := v.exchange.End(&v.end, v.failure, recover())
	v.exchange, v.last = nil, nil
	v.remember(attempt)
	v.end.Waited += attempt.Waited
	if v.end.FirstToken == 0 && attempt.FirstEvent > 0 {
		v.end.FirstToken = attempt.Began.Sub(v.end.Began) + attempt.FirstEvent
	}
	if attempt.Failure != nil {
		v.last = attempt
	}
}

// goesOn makes of an attempt what it means for the call; true: there is to be another one.
//
//go:noinline
func (v *visit) goesOn() bool {
	v.client.Drop()
	if v.transcript != nil {
		v.transcript.Settle(v.client.Started())
	}
	if v.last == nil {
		v.failed = nil
		return false
	}
	if !v.movesOn(v.last) {
		return v.grows()
	}
	if v.repeats.now = v.staysAt() || v.beginsAnew(); v.repeats.now {
		v.want.Repeat(&v.last.Result)
	} else {
		v.want.Exclude(&v.last.Result)
	}
	return v.left > 0
}

// movesOn tells whether another channel is tried after a failure, and notes which failure the client is to be told of.
func (v *visit) movesOn(attempt *record.Attempt) bool {
	if v.client.Started() && v.transcript != nil {
		return v.resumes(attempt)
	}
	verdict := attempt.Failure.Verdict()
	final := !verdict.MoveOn || v.client.Started() || v.over()
	// The client is told of the failure that ended its call, or, when the channels run out, of the most telling one.
	if final || v.failed == nil || verdict.Precedence > v.failed.Verdict().Precedence {
		v.failed = attempt.Failure
	}
	return !final
}

// over tells whether the request has ended from outside: then no other attempt is made for it.
func (v *visit) over() bool { return v.ctx.Err() != nil || v.flight.Ended() }

// refuse turns the request away.
func (v *visit) refuse(r *outcome.Refusal) {
	v.end.Outcome, v.end.Reason = outcome.Rejected, r.Reason
	v.failed = &outcome.Failure{Outcome: outcome.Rejected, Err: r.Err}
}

// finish tells the client how its call ended, unless that was with an answer. recovered is a panic outside of any attempt.
func (v *visit) finish(recovered any) {
	defer v.client.Close()
	if recovered != nil {
		v.logPanic(recovered)
		leaveUnread(v.w) // wherever it was
		v.failed = outcome.Panicked()
	}
	if f := v.failed; f != nil {
		v.shrinks()
		v.end.Outcome, v.end.Failure = f.Outcome, f
		if f.Reason != "" {
			v.end.Reason = f.Reason
		}
		// A client that has left may still read: without a word of ours, net/http would make up an empty 200 for it.
		if f.Outcome != outcome.ClientStalled {
			v.tell(f.Err)
		}
	}
	v.end.Status = v.client.Status()
	v.end.Waited += v.client.Waited()
}

// tell tells the client of the error: in the words of its stream, if that has begun and its format has any.
func (v *visit) tell(e *wire.Error) {
	if v.last != nil && v.last.Failing != nil && v.client.Started() {
		if event := v.last.Failing.Failed(e, v.end.RequestID); event != nil {
			v.client.End(event)
			return
		}
	}
	v.client.Fail(e)
}

func (v *visit) logPanic(p any) {
	v.c.Log.ErrorContext(v.ctx, "panic in a request", "request_id", v.end.RequestID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
}
