// Package exchange is one attempt at a call: one request to one upstream, and its answer, with all that it holds of the process until it
// ends. It is the only door to an upstream in this repository: nothing else holds an *http.Response or an HTTP client, and a linter
// says so.
//
// A file is a phase: send.go asks and waits for the header (asking.go is the exchange as its transport knows it), refused.go reads an
// error, whole.go and stream.go relay an answer, writer.go takes a stream to its client, finish.go ends it all. Every call into a format
// stands in lane.go. What goes through all phases are the clocks (clock.go, phases.go), what ends a call early (canceler.go), what it
// holds (resources.go, memory.go), and what its failures are (errors.go, censored.go). A session over websockets is opened and held by
// tunnel.go, passes its messages on in sessionmessage.go, and is looked after by sessionwatch.go and, at a shutdown, sessions.go.
package exchange

import (
	"context"
	"runtime/pprof"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/channel"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/upstream"
	"one-api/telemetry"
)

// Exchange is one attempt: one request to one upstream, and its answer. It is begun in a Slot and ended by End in the same
// function, used by that one goroutine, and good for one Send and one Relay. It is the only door to an upstream.
type Exchange struct {
	channel.Slot

	door      *Door
	client    context.Context // the client's request
	hold      *resources
	net       *safetyNet // from the answer's header on; nil: there is none
	call      *lane.Call
	at        *upstream.Address // of the request
	converted *lane.Converted   // what the lane did to the request; nil: nothing, or the answer is there

	ended  bool
	sent   bool
	remedy remedies // of what the upstream has refused the request for
	tried  remedies // what has been done about that
	// asksUsage means that the request asks for the usage of a stream, on the relay's own account.
	asksUsage  bool
	thoughtful bool    // something is sent in the place of reasoning that the client has left out of its conversation
	place      placing // where the model is served
	started    bool    // the answer is this channel's: an event has been passed on, or the whole of it

	answer     upstream.Answer
	body       body
	translator lane.Translator
	out        writer
	quiet      quiet
	firstEvent time.Duration // with content, since the beginning; 0: none has come
	events     uint32        // with content
	counted    counted       // what the answer says of itself, and how much has come
	kept       int32         // capacity of the translator's buffer
	chunks     telemetry.ChunkTimes
	waited     time.Duration // for the upstream
	span       telemetry.Span
	says       *says // nil: nobody records the span
}

// New begins an exchange in a place that selection has taken, and gives back with its end. ctx is the client's. The caller ends it in
// the same function.
func (d *Door) New(ctx context.Context, slot channel.Slot) *Exchange { return d.begin(ctx, slot, true) }

// NewUnwatched is New for a caller who watches over the client himself: he calls ClientLeaves when ctx ends, or is about to. A watch on a
// context costs as much as the whole of an exchange's bookkeeping, and who knows the client's connection is told anyway.
func (d *Door) NewUnwatched(ctx context.Context, slot channel.Slot) *Exchange {
	return d.begin(ctx, slot, false)
}

func (d *Door) begin(ctx context.Context, slot channel.Slot, watched bool) *Exchange {
	x := &Exchange{Slot: slot, door: d, client: ctx}
	cut := x.tie()
	if watched {
		x.hold.canceler.watch()
	}
	if cut {
		x.Cut(outcome.ErrOperator)
	}
	pprof.SetGoroutineLabels(slot.Channel.Labels) //nolint:contextcheck // labels are the goroutine's, not the call's
	return x
}

// tie makes what the exchange holds, and ties it to the client, whom it may outlive where its upstream is to be drained. cut: an
// operator has ended the channel's calls meanwhile.
func (x *Exchange) tie() (cut bool) {
	h := &resources{
		door: x.door, channel: x.Channel, call: channel.OpenCall{Began: breaker.Moment(x.Began)},
		canceler: canceler{client: x.client, drain: x.door.options.DrainClientGone},
	}
	h.canceler.clock, h.clock.canceler, h.call.Ends = &h.clock, &h.canceler, &h.canceler
	x.hold = h
	cut = x.Open(&h.call)
	if total := x.Channel.Timeouts.Total; total > 0 {
		h.clock.limitTo(x.Began.Add(total), outcome.Completed)
	}
	return cut
}

// ClientLeaves is told that the client's context has ended, or is about to. It may be called from any goroutine and at any time, waits
// for nothing, and does to the exchange what its own watch would.
func (x *Exchange) ClientLeaves() { go x.hold.canceler.leaves() }

// Cut ends the exchange, from another goroutine than the one that uses it and at any time: whatever it waits for fails.
func (x *Exchange) Cut(cause error) { x.hold.canceler.End(cause) }
