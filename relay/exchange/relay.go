package exchange

import (
	"bytes"
	"errors"
	"io"
	"time"

	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/sse"
)

// Bounds of what is kept of an answer at a time.
const (
	maxAnswer = 64 << 20 // an answer that is not a stream: it is kept whole until it is known to be good
	maxEvent  = 16 << 20 // one event of a stream
	// What follows a terminator is read this far and this long, so that the connection can be used again.
	maxTail     = 4 << 10
	longestTail = 250 * time.Millisecond
)

// Relay passes the answer on to the client. nil: it was complete, and all of it was written.
func (x *Exchange) Relay(client Client) *outcome.Failure {
	if x.call.Stream {
		return x.relayStream(client)
	}
	return x.relayWhole(client)
}

// relayWhole keeps the answer back until it is complete and understood. Until then another channel can take over, and the
// client never sees half of it.
func (x *Exchange) relayWhole(client Client) *outcome.Failure {
	answer, failure := x.whole(nil)
	if failure != nil {
		return failure
	}
	if isEventStream(answer) {
		if answer, failure = x.unframed(answer); failure != nil {
			return failure
		}
	}
	out, failure := x.translate(answer)
	if failure != nil {
		return failure
	}
	x.started = true
	if x.client.Err() != nil {
		return x.interruptedOrGone()
	}
	if err := client.Whole(out); err != nil {
		return x.unwritable(err)
	}
	return nil
}

// whole reads the answer to its end. begun is what has been read of it before.
func (x *Exchange) whole(begun []byte) ([]byte, *outcome.Failure) {
	announced := x.answer.Length
	if x.body.packed {
		announced = -1 // of what it is packed in
	}
	if announced > maxAnswer {
		return nil, x.broken(sse.ErrTooLarge, true) // it need not come to be known
	}
	answer := x.hold.answer.Buffer(announced, maxAnswer)
	defer answer.Close()
	for {
		room, err := answer.Room()
		if err != nil {
			return nil, x.broken(err, true)
		}
		if len(begun) > 0 {
			n := copy(room, begun)
			begun = begun[n:]
			answer.Took(n)
			continue
		}
		n, err := x.body.Read(room)
		answer.Took(n)
		switch {
		case answer.Len() > maxAnswer:
			return nil, x.broken(sse.ErrTooLarge, true)
		case errors.Is(err, io.EOF):
			whole, err := answer.Body()
			if err != nil {
				return nil, x.broken(err, true)
			}
			return bytes.TrimPrefix(whole, byteOrderMark), nil
		case err != nil:
			return nil, x.broken(err, true)
		}
	}
}

func (x *Exchange) relayStream(client Client) *outcome.Failure {
	events := sse.NewReader(&x.body, maxEvent)
	events.Lease, events.Strays = &x.hold.answer, true
	x.out = writer{client: client, events: events}
	defer x.stopSending()
	if failure := x.notStream(events); failure != nil {
		return failure
	}
	anything := false
	for {
		if !events.Complete() && !x.send(!events.Buffered()) {
			return x.out.lost
		}
		event, err := events.Next()
		if err != nil {
			return x.ends(err, anything)
		}
		anything = true
		if over, failure := x.takes(event); over {
			return failure
		}
	}
}

// takes translates an event and passes it on; over: the stream ends with it. It is not on the stack of a stream that waits.
//
//go:noinline
func (x *Exchange) takes(event sse.Event) (over bool, failure *outcome.Failure) {
	if stray, named := x.out.events.Stray(); stray != nil {
		if failure := x.strayError(stray, named || string(event.Name) == errorName); failure != nil {
			x.send(false)
			return true, firstOf(x.out.lost, failure)
		}
		if isNothingElse(event) {
			return false, nil
		}
	}
	step, err := x.step(event)
	if err != nil {
		x.send(false)
		return true, firstOf(x.out.lost, x.spoilt(err, event))
	}
	if !x.goes(step, event) {
		return true, x.out.lost
	}
	if step.Done {
		x.send(true)
		x.tail()
		return true, x.out.lost
	}
	return false, nil
}

// goes notes what a step says, and passes it on; false: the client is lost, and the stream ends.
func (x *Exchange) goes(step lane.Step, event sse.Event) bool {
	if step.Content {
		if x.firstEvent == 0 {
			x.firstEvent = time.Since(x.Began)
		}
		x.events++
		x.chunks.Chunk(epoch.Add(x.body.came))
	}
	if x.says != nil {
		x.says.note(event.Data)
	}
	x.listens(step, x.out.heard(), x.translator.Complete())
	return x.pass(step, event)
}

// spoilt is the failure of an event that cannot be passed on.
func (x *Exchange) spoilt(err error, event sse.Event) *outcome.Failure {
	failure := x.said(err)
	if failure.Outcome == outcome.UpstreamMalformed && endsInALine(event) {
		return outcome.Truncated("the stream ended in the middle of an event")
	}
	return failure
}

// start marks that the answer is this channel's: the client gets the first of its events.
func (x *Exchange) start() {
	if x.started {
		return
	}
	x.started = true
	x.out.held = 0
	// From here on no other channel will be asked, except where streams are resumed: a long one need not keep a long prompt.
	x.hold.letGo()
	x.hold.request.Release()
	if !x.call.Keep {
		x.call.Held.Release()
		x.call.Body = nil
	}
	x.Proved()
}

// endsInALine tells whether an event is what was left of one when the stream ended.
func endsInALine(event sse.Event) bool {
	last := event.Raw[len(event.Raw)-1]
	return last != '\n' && last != '\r'
}

// ends says what it means that a stream ended before its terminator, and writes that if the answer is complete without it: then it
// is no matter whether it ended in good order or fell silent. anything: there was an event in it.
func (x *Exchange) ends(err error, anything bool) *outcome.Failure {
	x.send(false)
	if x.out.lost != nil {
		return x.out.lost
	}
	cut := x.interrupted()
	if !errors.Is(err, io.EOF) {
		cut = x.broken(err, true)
	}
	if cut != nil && !x.endsBySilence(cut) {
		return cut
	}
	if !anything && x.body.read > 0 {
		return outcome.Malformed("the answer is not an event stream")
	}
	step, err := x.translator.End()
	if err != nil {
		return x.said(err)
	}
	if !x.goes(step, sse.Event{}) || !x.send(true) {
		return x.out.lost
	}
	return nil
}

// tail reads what follows the terminator, usually nothing, to give the connection back instead of closing it.
func (x *Exchange) tail() {
	x.body.by(time.Now().Add(longestTail), outcome.IdleTimeout)
	_, _ = io.CopyN(io.Discard, &x.body, maxTail) // the answer is complete: nothing that comes now can change it
}

// said is the failure that a translator's error means, and hides what the client may not see.
func (x *Exchange) said(err error) *outcome.Failure {
	f := outcome.FailureOf(err)
	if f.Outcome == outcome.UpstreamErrorEvent {
		x.corrects(f)
	}
	return x.censored(f)
}

func (x *Exchange) interruptedOrGone() *outcome.Failure {
	if f := x.interrupted(); f != nil {
		return f
	}
	return outcome.Gone()
}

func firstOf(first, second *outcome.Failure) *outcome.Failure {
	if first != nil {
		return first
	}
	return second
}
