package channel

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"runtime/pprof"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/upstream"
	"one-api/relay/wire"
	"one-api/telemetry"
)

// Bounds of what is read of an error, however much its upstream sends.
const (
	errorBodyBytes   = 64 << 10
	errorBodyTimeout = 5 * time.Second
)

// Exchange is one attempt: one request to one upstream, and its answer. It is begun by Set.Begin and ended by End in the same
// function, used by that one goroutine, and good for one Send and one Relay. It is the only door to an upstream.
type Exchange struct {
	Channel *Channel

	client    context.Context // the client's request
	hold      *holding
	net       runtime.Cleanup // the safety net, from the answer's header on
	began     time.Time
	key       *breaker.Key
	call      *lane.Call
	at        *upstream.Address // of the request
	converted *lane.Converted   // what the lane did to the request; nil: nothing, or the answer is there

	trial  bool // the channel is being tried after a rest
	keyTry bool // the key is
	ended  bool
	sent   bool
	// What the relay asks for on its own account: the usage of a stream.
	asksUsage bool // the request does
	denied    bool // its upstream has refused it for that
	withdrawn bool // and is asked without
	// What clients leave out of a conversation.
	unthought  bool // its upstream has refused it without the reasoning of earlier turns
	thoughtful bool // and is sent something in its place

	hurried bool    // another healthy channel is left: nobody need wait for this one as long as for the last
	started bool    // the answer is this channel's: an event has been passed on, or the whole of it
	resumes bool    // the client has the beginning of the answer
	spares  sparing // what an attempt of the request before this one has done to a key

	answer     upstream.Answer
	body       body
	translator lane.Translator
	out        outflow
	quiet      quiet
	firstEvent time.Duration // with content, since the beginning; 0: none has come
	events     int64         // with content
	kept       int           // capacity of the translator's buffer
	chunks     telemetry.ChunkTimes
	waited     time.Duration // for the upstream
	because    string        // why the request's attempt before this one failed; empty: there was none
	span       telemetry.Span
	says       *says // nil: nobody records the span
}

// begin takes a place in the channel and a key; nil: there is none.
func (c *Channel) begin(ctx context.Context, w *Want, now time.Time, how manner) *Exchange {
	cuts := c.state.cuts.Load()
	if c.isDisabled() {
		return nil
	}
	if n := c.state.inFlight.Add(1); c.MaxConcurrent > 0 && n > int64(c.MaxConcurrent) {
		c.state.inFlight.Add(-1)
		return nil
	}
	ok, trial := c.state.health.Cooldown.Admit(now)
	if !ok && !how.desperate {
		c.state.inFlight.Add(-1)
		return nil
	}
	k, keyTry := c.keys.Take(w.used, now)
	if k == nil && how.cooling {
		k = c.keys.Cooling(now)
	}
	if k == nil {
		if trial {
			c.state.health.Cooldown.Abandon()
		}
		c.state.inFlight.Add(-1)
		return nil
	}
	c.pool.inFlight.Add(1)
	c.state.tries.Count(now)
	c.transport.Enter()
	x := &Exchange{Channel: c, client: ctx, began: now, key: k, trial: trial, keyTry: keyTry}
	x.tie()
	if c.state.cuts.Load() != cuts {
		x.Cut(outcome.ErrOperator) // all that were let in before: whether this one was in the list then, nobody knows
	}
	pprof.SetGoroutineLabels(c.labels)
	return x
}

// tie makes what the exchange holds, and ties it to the client, whom it may outlive where its upstream is to be drained.
func (x *Exchange) tie() {
	pool := x.Channel.pool
	h := &holding{
		pool: pool, channel: x.Channel, call: call{began: x.began}, leash: leash{client: x.client, drain: pool.options.DrainClientGone},
	}
	h.leash.clock, h.clock.leash, h.call.leash = &h.clock, &h.leash, &h.leash
	x.hold = h
	h.channel.state.calls.add(&h.call)
	if total := x.Channel.Timeouts.Total; total > 0 {
		h.clock.limitTo(x.began.Add(total), outcome.Completed)
	}
	h.leash.watch()
}

// Send asks the upstream. On success the answer is a 2xx and waits to be relayed.
func (x *Exchange) Send(call *lane.Call) *outcome.Failure {
	x.call = call
	x.chunks = x.Channel.metrics.Chunks(call.Endpoint.Operation())
	x.lease(call)
	failure := x.request(call)
	for failure != nil && x.withdraws() {
		failure = x.request(call)
	}
	if failure != nil {
		return failure
	}
	if x.withdrawn || x.thoughtful {
		x.told(x.span.In(x.client))
	}
	if x.keyTry {
		x.keyTry = false
		x.key.Accepted()
	}
	x.key.Taken()
	if !x.body.unpack(x.answer.Encoding) {
		return outcome.Malformed("the answer has a Content-Encoding that was not asked for")
	}
	x.translator = x.lane().Answer(call, x.converted)
	x.converted = nil
	if x.asksUsage {
		if hider, ok := x.translator.(lane.UsageHider); ok {
			hider.HideUsage()
		}
	}
	return nil
}

// request sends the request, and waits for the header of a 2xx.
func (x *Exchange) request(call *lane.Call) *outcome.Failure {
	request, failure := x.prepare(call)
	if failure != nil {
		return failure
	}
	x.asksUsage = request.AsksUsage
	request.Header["Accept-Encoding"] = unpacked
	if failure := x.address(&request); failure != nil {
		return failure
	}
	if !x.sent && x.because != "" {
		x.Channel.metrics.Retry(x.because)
	}
	x.sent = true
	asked := sinceEpoch()
	x.hold.clock.until(x.headerPhase())
	connected, err := x.ask(&request)
	x.hold.clock.off()
	x.waited += sinceEpoch() - asked
	if err != nil {
		return x.broken(err, connected)
	}
	x.opened()
	if x.answer.Status < 200 || x.answer.Status > 299 {
		return x.refused()
	}
	return nil
}

// unpacked asks for answers as they are. What comes packed all the same is unpacked, if it is gzip; but asked for it, a provider
// would hold events back to pack them better, and for whole answers both ends would spend more time on packing than the network
// on sending them.
var unpacked = []string{"identity"}

func (x *Exchange) unsayable(err error) *outcome.Failure {
	var e *wire.Error
	if !errors.As(err, &e) {
		e = wire.BadRequest("", "the request cannot be sent to this model's provider")
	}
	return &outcome.Failure{Outcome: outcome.Rejected, Err: e, Detail: "the request cannot be said in the provider's format: " + e.Message}
}

func (x *Exchange) opened() {
	x.hold.opened(x.answer.Body, x.answer.CloseFirst)
	x.net = runtime.AddCleanup(x, (*holding).forgotten, x.hold)
	x.body = body{source: x.answer.Body, clock: &x.hold.clock}
	if x.call.Stream {
		x.body.silence = x.silencePhase
	} else {
		x.body.by(after(x.began, x.Channel.Timeouts.Header), outcome.HeaderTimeout)
	}
}

// refused reads what there is of an error, and closes it.
func (x *Exchange) refused() *outcome.Failure {
	x.body.by(time.Now().Add(x.Channel.pool.options.ErrorBodyTimeout), outcome.HeaderTimeout)
	var text []byte
	if x.body.unpack(x.answer.Encoding) {
		// An error of reading is no news: what counts is the status, which has arrived.
		text, _ = io.ReadAll(io.LimitReader(&x.body, errorBodyBytes))
	}
	x.hold.closeBody()
	if f := x.interrupted(); f != nil && f.Outcome != outcome.HeaderTimeout {
		return f
	}
	x.denied, x.unthought = x.refusesUsage(text), x.missesThoughts(text)
	f := outcome.StatusFailure(x.answer.Status, x.answer.Header, bytes.TrimPrefix(text, byteOrderMark))
	x.corrects(f)
	if f.Class == outcome.ClassMisplaced {
		f.Detail = x.explained(f)
	}
	return x.censored(f)
}

// corrects gives a failure that the upstream has reported what the provider's own idea of it is.
func (x *Exchange) corrects(f *outcome.Failure) {
	if x.Channel.correct != nil {
		x.Channel.correct(f)
	}
}
