package exchange

import (
	"errors"
	"fmt"
	"math"
	"runtime/debug"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/lane"
	"one-api/relay/membudget"
	"one-api/relay/outcome"
	"one-api/relay/record"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// converts reports whether the channel speaks another format than the client.
func (x *Exchange) converts() bool { return x.lane().Converts() }

// lane is the call's way to the channel.
func (x *Exchange) lane() lane.Lane {
	if x.place != whereOthersAre {
		return x.Channel.ResponsesLanes[x.call.Endpoint]
	}
	way := x.Channel.Lanes[x.call.Endpoint]
	if models, ok := way.(lane.ByModel); ok {
		return models.Of(x.Channel.UpstreamModel(x.call.Model))
	}
	return way
}

// prepare makes the upstream request, if there is room for it.
func (x *Exchange) prepare(call *lane.Call) (lane.Outgoing, *outcome.Failure) {
	takes := int64(0)
	if x.converts() {
		takes = Conversion(call.Body) + perByte*int64(len(call.Prefix))
	}
	if call.Prefix != "" || x.Channel.UpstreamModel(call.Model) != call.Model { // a copy, or two
		takes = max(takes, 2*int64(len(call.Body)+perByte*len(call.Prefix)))
	}
	asksUsage := x.asksForUsage(call)
	if asksUsage {
		takes = max(takes, int64(len(call.Body))) // a copy
	}
	thoughts := x.givesThoughts(call)
	if thoughts || x.has(unsigned) {
		takes = max(takes, 3*int64(len(call.Body))) // the messages, and all with them in it
	}
	if err := x.hold.work.Hold(takes); err != nil {
		return lane.Outgoing{}, outcome.NoRoomForRequest(err)
	}
	call = x.asContinuation(call)
	request, err := x.lane().Request(call, lane.Destination{
		Model: x.Channel.UpstreamModel(call.Model), Official: x.Channel.Official, Quirks: x.quirks(),
		Hint: hints[x.Channel.Resume], AskUsage: asksUsage, Thoughts: thoughts, Unsigned: x.has(unsigned),
	})
	x.hold.work.Release()
	if err != nil {
		return lane.Outgoing{}, x.unsayable(err)
	}
	x.conversion(request.Converted)
	if !shared(request.Body, x.call.Body) {
		if err := x.hold.request.Hold(int64(cap(request.Body))); err != nil {
			return lane.Outgoing{}, outcome.NoRoomForRequest(err)
		}
	}
	return request, nil
}

// conversion notes what the lane did to the request, and counts what it had to leave out.
func (x *Exchange) conversion(c *lane.Converted) {
	x.tried &^= unread
	if x.converted = c; c == nil {
		return
	}
	if c.Lost {
		x.tried |= unread
	}
	for _, feature := range c.Dropped {
		x.door.options.Metrics.FormatDropped(c.From, c.To, feature)
	}
}

// unsayable is the failure of a call that the lane cannot say in the provider's format.
func (x *Exchange) unsayable(err error) *outcome.Failure {
	var e *wire.Error
	if !errors.As(err, &e) {
		e = wire.BadRequest("", "the request cannot be sent to this model's provider")
	}
	return &outcome.Failure{Outcome: outcome.Rejected, Err: e, Detail: "the request cannot be said in the provider's format: " + e.Message}
}

// translates begins to translate the answer, whose header has come.
func (x *Exchange) translates() {
	x.translator = x.lane().Answer(x.call, x.converted)
	x.converted = nil
	if x.asksUsage {
		if hider, ok := x.translator.(lane.UsageHider); ok {
			hider.HideUsage()
		}
	}
}

// translate turns a whole answer into the client's, if there is room for it.
func (x *Exchange) translate(answer []byte) ([]byte, *outcome.Failure) {
	converts := x.converts()
	if converts {
		if err := x.hold.work.Hold(Conversion(answer)); err != nil {
			return nil, x.broken(err, true)
		}
		if len(answer) > longConversion && x.client.Err() != nil {
			return nil, x.interruptedOrGone() // it may take seconds, and nobody waits for what comes of it
		}
	}
	out, err := x.translator.Whole(answer)
	if err != nil {
		return nil, x.said(err)
	}
	x.looks(answer)
	if !x.call.Endpoint.Media() && !x.call.Endpoint.Embeds() && x.uncounted() {
		x.counted.hear(format.Spoken(answer))
	}
	if x.says != nil {
		x.says.note(answer)
	}
	if converts {
		_ = x.hold.work.Hold(int64(cap(out))) // nearly always less than before; else what was held is enough to count
	}
	return out, nil
}

// step translates an event, if there is room for it. An error that is a *Failure is final as it is; any other is the translator's.
func (x *Exchange) step(event *sse.Event) (lane.Chunk, error) {
	if data := jsonscan.WithoutBOM(event.Data); len(data) != len(event.Data) {
		event = &sse.Event{Raw: event.Raw, Name: event.Name, Data: data} // which is not clean
	}
	if len(event.Raw) <= smallEvent && int(x.kept)+int(x.out.held) <= smallEvent {
		step, err := x.translator.Event(*event)
		if err == nil && step.Retained > smallEvent && x.hold.work.Hold(int64(step.Retained)) != nil {
			return lane.Chunk{}, x.broken(membudget.ErrFull, true)
		}
		return step, err
	}
	takes := int64(len(event.Raw)) // even where it goes through, for it may have to be made clean
	if x.converts() {
		takes = Conversion(event.Data)
	}
	if err := x.hold.work.Hold(int64(x.kept) + int64(x.out.held) + takes); err != nil {
		return lane.Chunk{}, x.broken(err, true)
	}
	step, err := x.translator.Event(*event)
	if err != nil {
		return step, err
	}
	if !shared(step.Out, event.Raw) {
		x.kept = max(x.kept, int32(min(keptTwice*cap(step.Out), math.MaxInt32)))
	}
	if err := x.hold.work.Hold(int64(x.kept) + int64(step.Retained) + int64(x.out.held)); err != nil {
		return lane.Chunk{}, x.broken(err, true)
	}
	return step, nil
}

// said is the failure that a translator's error means, and hides what the client may not see.
func (x *Exchange) said(err error) *outcome.Failure {
	f := outcome.FailureOf(err)
	if f.Outcome == outcome.UpstreamErrorEvent {
		x.corrects(f)
	}
	return x.censored(f)
}

// concludes asks the translator what there is to know of the answer: what it cost, what the upstream keeps of it, and how its stream is
// ended. By now the client has been served: a panic costs the figures and a log line, not the attempt's record.
func (x *Exchange) concludes(a *record.Attempt) {
	defer x.survives("usage")
	a.Failing, _ = x.translator.(format.Failing)
	if maker, ok := x.translator.(format.Maker); ok {
		a.Made = maker.Made()
	}
	a.Usage = x.translator.Usage()
	a.Usage.Bound()
}

// uncounted reports whether the answer says nothing of its usage. The client has not been served yet, so that a panic costs nothing here;
// concludes meets it again, and tells of it.
func (x *Exchange) uncounted() (is bool) {
	defer func() { _ = recover() }()
	return x.translator.Usage() == (wire.Usage{})
}

// unknownEnd is the end reason of the answer if it is in no table; else it is empty.
func (x *Exchange) unknownEnd() string {
	defer x.survives("end reason")
	return x.translator.UnknownEnd()
}

// survives logs a panic in what a lane is asked once its answer is over. It is deferred.
func (x *Exchange) survives(asked string) {
	if p := recover(); p != nil {
		x.door.options.Log.ErrorContext(x.span.In(x.client), "panic in a lane's "+asked, "request_id", x.requestID(), "channel", x.Channel.Name,
			"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	}
}

// over is how a stream ends if its upstream sent no terminator.
func (x *Exchange) over() (lane.Chunk, error) { return x.translator.End() }

// complete reports whether nothing is missing of the answer any more but what ends the stream.
func (x *Exchange) complete() bool { return x.translator.Complete() }

// watcher sees the bytes of an answer that is passed on as it comes; nil if nobody looks at them.
func (x *Exchange) watcher() format.Watcher {
	watcher, _ := x.translator.(format.Watcher)
	return watcher
}

// reports is the error that an event reports; nil if it reports none.
func (x *Exchange) reports(event sse.Event) error {
	_, err := x.translator.Event(event)
	return err
}
