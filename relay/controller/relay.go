package controller

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"

	"one-api/relay/budget"
	"one-api/relay/channel"
	"one-api/relay/reply"
	"one-api/relay/resume"
	"one-api/relay/token"
	"one-api/relay/wire"
	"one-api/telemetry"
)

// relay serves one call: key, body, channel after channel until one answers, and the one place that records how it ended.
func (c *Controller) relay(g *gin.Context, endpoint wire.Endpoint) {
	c.active.Add(1)
	defer c.active.Add(-1)
	end := RequestEnd{RequestID: requestID(g), Route: endpoint.Path(), Operation: endpoint.Operation(), Began: time.Now()}
	scopeOf(g).end = &end
	ctx, span := c.Tracing.Request(g.Request.Context(), g.Request.Method, end.Route, g.Request.Header, end.Began)
	if ctx != g.Request.Context() {
		g.Request = g.Request.WithContext(ctx)
	}
	v := &visit{c: c, g: g, endpoint: endpoint, end: &end}
	v.held.Of(c.Budget)
	defer v.held.Release()
	defer func() {
		v.finish(recover())
		end.Duration = time.Since(end.Began)
		c.record(ctx, end, span)
	}()
	v.serve()
}

// visit is one client's request on its way through the relay.
type visit struct {
	c        *Controller
	g        *gin.Context
	endpoint wire.Endpoint
	end      *RequestEnd

	snapshot Snapshot
	token    *token.Token
	call     *channel.Call
	held     budget.Lease // of the request's body
	client   *reply.Writer
	account  *resume.Account  // of what the client has been sent; nil: a stream that breaks off stays so
	noted    int              // of its events, before the attempt at hand
	resuming bool             // the stream broke off and is being finished
	failed   *channel.Failure // what the client has to be told
}

func (v *visit) serve() {
	refusal := v.admit()
	if refusal != nil {
		leaveUnread(v.g.Writer)
		v.refuse(refusal)
		return
	}
	v.client = reply.New(v.g.Writer, v.endpoint.Format(), v.end.RequestID, v.keepAlive())
	want := &channel.Want{Caller: v.caller(), Endpoint: v.endpoint, Model: v.call.Model}
	if refusal := v.snapshot.Channels.Check(want); refusal != nil {
		v.refuse(refusal)
		return
	}
	v.end.Known = true
	if v.call.Stream && v.snapshot.Channels.Resumes(want) {
		v.account = resume.NewAccount(v.client, v.endpoint)
		v.call.Keep = v.account != nil
	}
	v.try(want)
}

// admit finds out who calls and what for.
func (v *visit) admit() *channel.Refusal {
	if v.c.draining.Load() {
		v.g.Header("Connection", "close")
		return refuseDraining()
	}
	v.snapshot = v.c.Snapshot()
	v.token = v.snapshot.Tokens.Find(presentedKey(v.g.Request, v.endpoint.Format()))
	if v.token == nil {
		return refuseKey(v.endpoint.Format())
	}
	v.end.Token = v.token.Name
	reading := time.Now()
	body, refusal := v.c.read(v.g.Writer, v.g.Request, &v.held)
	v.end.Waited += time.Since(reading)
	if refusal != nil {
		return refusal
	}
	v.call, refusal = parseCall(v.endpoint, body)
	if refusal != nil {
		return refusal
	}
	v.call.Held = &v.held
	v.call.RequestID, v.call.Header, v.call.Query = v.end.RequestID, v.g.Request.Header, v.g.Request.URL.RawQuery
	v.end.Model = v.call.Model
	return nil
}

func (v *visit) caller() channel.Caller {
	return channel.Caller{Groups: v.token.Groups, AllGroups: v.token.AllGroups, Allows: v.token.Allows}
}

func (v *visit) keepAlive() time.Duration {
	if !v.call.Stream {
		return 0
	}
	return v.c.Settings.KeepAlive
}

// try makes attempts until one completes, one may not be repeated, or none is left.
func (v *visit) try(want *channel.Want) {
	ctx := v.g.Request.Context()
	for range 1 + v.c.Settings.RetryTimes {
		attempt, refusal := v.attempt(ctx, want)
		if refusal != nil {
			if v.failed == nil {
				v.refuse(refusal)
			}
			return
		}
		if attempt.Sent {
			v.end.Attempts++
		}
		v.end.Waited += attempt.Waited
		if attempt.Failure == nil {
			v.failed = nil
			return
		}
		if !v.movesOn(ctx, want, attempt) {
			return
		}
		want.Tried(attempt)
	}
}

// movesOn tells whether another channel is tried after a failure, and notes which failure the client is to be told of.
func (v *visit) movesOn(ctx context.Context, want *channel.Want, attempt channel.Attempt) bool {
	if v.client.Started() && v.account != nil {
		return v.resumes(ctx, want, attempt)
	}
	verdict := attempt.Failure.Verdict()
	final := !verdict.MoveOn || v.client.Started() || ctx.Err() != nil
	// The client is told of the failure that ended its call, or, when the channels run out, of the most telling one.
	if final || v.failed == nil || verdict.Telling > v.failed.Verdict().Telling {
		v.failed = attempt.Failure
	}
	return !final
}

// resumes is movesOn for a stream that broke off and that another channel may finish. What the client is told of, if none can,
// is why it broke off, and not why it could not be finished.
func (v *visit) resumes(ctx context.Context, want *channel.Want, attempt channel.Attempt) bool {
	verdict := attempt.Failure.Verdict()
	ours := ctx.Err() != nil
	switch attempt.Outcome {
	case channel.ClientGone, channel.ClientStalled, channel.Shutdown, channel.Panic:
		ours = true
	}
	added := v.account.Noted() > v.noted
	v.noted = v.account.Noted()
	switch {
	case ours:
		v.failed = attempt.Failure
		return false
	case !added:
		return true // asked for the rest, and it had none to give: the next one may
	}
	v.failed = attempt.Failure
	if !verdict.MoveOn || !v.account.Resumable() || !v.resuming && !v.call.Continuable() {
		return false
	}
	v.resuming, v.call.Prefix = true, v.account.Text()
	want.BreaksOff(attempt, v.call.Prefix != "")
	return true
}

// attempt is one exchange: begun, used and ended here, whatever happens in between.
func (v *visit) attempt(ctx context.Context, want *channel.Want) (attempt channel.Attempt, refusal *channel.Refusal) {
	exchange, refusal := v.snapshot.Channels.Begin(ctx, want)
	if refusal != nil {
		return attempt, refusal
	}
	var failure *channel.Failure
	defer func() { attempt = exchange.End(failure, recover()) }()
	if failure = exchange.Send(v.call); failure == nil {
		failure = exchange.Relay(v.way(exchange))
	}
	return attempt, nil
}

// way is the exchange's way to the client.
func (v *visit) way(exchange *channel.Exchange) channel.Client {
	switch {
	case v.resuming:
		v.end.Resumed++
		return v.account.Continue(exchange.HidesSpace())
	case v.account != nil:
		return v.account
	}
	return v.client
}

// refuse turns the request away.
func (v *visit) refuse(r *channel.Refusal) {
	v.end.Outcome, v.end.Reason = channel.Rejected, r.Reason
	v.failed = &channel.Failure{Outcome: channel.Rejected, Err: r.Err}
}

// finish tells the client how its call ended, unless that was with an answer. recovered is a panic outside of any attempt.
func (v *visit) finish(recovered any) {
	if recovered != nil {
		v.c.Log.ErrorContext(v.g.Request.Context(), "panic in a request", "request_id", v.end.RequestID, "panic", fmt.Sprint(recovered), "stack", string(debug.Stack()))
		v.failed = channel.Panicked()
	}
	if v.client == nil {
		v.client = reply.New(v.g.Writer, v.endpoint.Format(), v.end.RequestID, 0)
	}
	defer v.client.Close()
	if f := v.failed; f != nil {
		v.end.Outcome, v.end.Failure = f.Outcome, f
		if f.Reason != "" {
			v.end.Reason = f.Reason
		}
		if f.Outcome != channel.ClientGone && f.Outcome != channel.ClientStalled {
			v.client.Fail(f.Err)
		}
	}
	v.end.Status = v.client.Status()
	v.end.Waited += v.client.Waited()
	if first := v.client.First(); !first.IsZero() {
		v.end.FirstToken = first.Sub(v.end.Began)
	}
}

func (c *Controller) record(ctx context.Context, end RequestEnd, span telemetry.Span) {
	defer func() {
		if p := recover(); p != nil {
			c.Log.ErrorContext(ctx, "panic in the recorder", "request_id", end.RequestID, "panic", fmt.Sprint(p))
		}
	}()
	ctx = context.WithoutCancel(ctx)
	request := telemetry.Request{
		Route: end.Route, Operation: end.Operation, Model: end.Model, Known: end.Known, Outcome: end.Outcome.String(),
		ErrorType: end.ErrorType(), Rejected: string(end.Reason), Attempts: end.Attempts, Duration: end.Duration,
		FirstToken: end.FirstToken, Overhead: max(0, end.Duration-end.Waited),
		ID: end.RequestID, Status: end.Status, Failed: end.failed(),
	}
	span.EndRequest(request)
	c.Metrics.Request(request)
	if c.Record != nil {
		c.Record(ctx, end)
	}
}
