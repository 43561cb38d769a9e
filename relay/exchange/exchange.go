// Package exchange is one attempt at a call: one request to one upstream, and its answer, with all that it holds of the process until it
// ends. It is the only door to an upstream in this repository: nothing else holds an *http.Response or an HTTP client, and a linter
// says so.
package exchange

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"runtime/pprof"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/channel"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/upstream"
	"one-api/relay/wire"
	"one-api/telemetry"
)

// errorBodyBytes is how much is read of an error, however much its upstream sends.
const errorBodyBytes = 64 << 10

// Exchange is one attempt: one request to one upstream, and its answer. It is begun in a Slot and ended by End in the same
// function, used by that one goroutine, and good for one Send and one Relay. It is the only door to an upstream.
type Exchange struct {
	channel.Slot

	door      *Door
	client    context.Context // the client's request
	hold      *resources
	net       runtime.Cleanup // the safety net, from the answer's header on
	call      *lane.Call
	at        *upstream.Address // of the request
	converted *lane.Converted   // what the lane did to the request; nil: nothing, or the answer is there

	ended bool
	sent  bool
	// What the relay asks for on its own account: the usage of a stream.
	asksUsage bool // the request does
	denied    bool // its upstream has refused it for that
	withdrawn bool // and is asked without
	// What clients leave out of a conversation.
	unthought  bool // its upstream has refused it without the reasoning of earlier turns
	thoughtful bool // and is sent something in its place
	started    bool // the answer is this channel's: an event has been passed on, or the whole of it

	answer     upstream.Answer
	body       body
	translator lane.Translator
	out        writer
	quiet      quiet
	firstEvent time.Duration // with content, since the beginning; 0: none has come
	events     int64         // with content
	kept       int           // capacity of the translator's buffer
	chunks     telemetry.ChunkTimes
	waited     time.Duration // for the upstream
	span       telemetry.Span
	says       *says // nil: nobody records the span
}

// New begins an exchange in a place that selection has taken, and gives back with its end. ctx is the client's. The caller ends it in
// the same function.
func (d *Door) New(ctx context.Context, slot channel.Slot) *Exchange {
	x := &Exchange{Slot: slot, door: d, client: ctx}
	if x.tie() {
		x.Cut(outcome.ErrOperator)
	}
	pprof.SetGoroutineLabels(slot.Channel.Labels)
	return x
}

// tie makes what the exchange holds, and ties it to the client, whom it may outlive where its upstream is to be drained. cut: an
// operator has ended the channel's calls meanwhile.
func (x *Exchange) tie() (cut bool) {
	h := &resources{
		door: x.door, channel: x.Channel, call: channel.OpenCall{Began: breaker.Moment(x.Began)}, leash: canceler{client: x.client, drain: x.door.options.DrainClientGone},
	}
	h.leash.clock, h.clock.leash, h.call.Ends = &h.clock, &h.leash, &h.leash
	x.hold = h
	cut = x.Open(&h.call)
	if total := x.Channel.Timeouts.Total; total > 0 {
		h.clock.limitTo(x.Began.Add(total), outcome.Completed)
	}
	h.leash.watch()
	return cut
}

// Send asks the upstream. On success the answer is a 2xx and waits to be relayed.
func (x *Exchange) Send(call *lane.Call) *outcome.Failure {
	x.call = call
	x.chunks = x.Channel.Metrics.Chunks(call.Endpoint.Operation())
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
	x.Taken()
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
	if !x.sent && x.Because != "" {
		x.Channel.Metrics.Retry(x.Because)
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
	x.net = runtime.AddCleanup(x, (*resources).forgotten, x.hold)
	x.body = body{source: x.answer.Body, clock: &x.hold.clock}
	if x.call.Stream {
		x.body.silence = x.silencePhase
	} else {
		x.body.by(after(x.Began, x.Channel.Timeouts.Header), outcome.HeaderTimeout)
	}
}

// refused reads what there is of an error, and closes it.
func (x *Exchange) refused() *outcome.Failure {
	x.body.by(time.Now().Add(x.door.options.ErrorBodyTimeout), outcome.HeaderTimeout)
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
	if x.Channel.Correct != nil {
		x.Channel.Correct(f)
	}
}

// Cut ends the exchange, from another goroutine than the one that uses it and at any time: whatever it waits for fails.
func (x *Exchange) Cut(cause error) { x.hold.leash.End(cause) }
