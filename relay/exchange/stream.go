package exchange

import (
	"errors"
	"io"
	"time"

	"one-api/relay/lane"
	"one-api/relay/membudget"
	"one-api/relay/outcome"
	"one-api/relay/sse"
	"one-api/relay/upstream/eventstream"
)

// relayStream passes a stream on as it comes, whatever it is framed in. Amazon's frames are binary, and only the label says that they are
// there: it is believed.
func (x *Exchange) relayStream(client Downstream) *outcome.Failure {
	if eventstream.Is(x.answer.Type) {
		return x.relayMessages(client)
	}
	return x.relayEvents(client, &x.body)
}

// relayMessages is for Amazon's frames.
func (x *Exchange) relayMessages(client Downstream) *outcome.Failure {
	messages := eventstream.NewReader(&x.body, maxEvent)
	messages.Lease = &membudget.Lease{}
	messages.Lease.As(&x.hold.answer)
	defer messages.Close()
	return x.relayEvents(client, messages)
}

// relayEvents passes events on.
func (x *Exchange) relayEvents(client Downstream, from io.Reader) *outcome.Failure {
	events := sse.NewReader(from, maxEvent)
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
		if over, failure := x.takes(&event); over {
			return failure
		}
	}
}

// takes translates an event and passes it on. over reports whether the stream ends with it. It is not on the stack of a stream that
// waits.
//
//go:noinline
func (x *Exchange) takes(event *sse.Event) (over bool, failure *outcome.Failure) {
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
	if !x.goes(&step, event) {
		return true, x.out.lost
	}
	if step.Done {
		x.send(true)
		x.tail()
		return true, x.out.lost
	}
	return false, nil
}

// goes notes what a step says, and passes it on. It reports false if the client is lost, and the stream ends.
func (x *Exchange) goes(step *lane.Chunk, event *sse.Event) bool {
	if step.Content {
		if x.firstEvent == 0 {
			x.firstEvent = time.Since(x.Began)
			x.notesInput()
		}
		x.events++
		x.chunks.Chunk(time.Duration(x.body.came))
	}
	x.hears(event.Data, step.Content, step.Said)
	if x.says != nil {
		x.says.note(event.Data)
	}
	x.listens(step, x.out.heard(), x.complete())
	return x.pass(step, event)
}

// spoilt is the failure of an event that cannot be passed on.
func (x *Exchange) spoilt(err error, event *sse.Event) *outcome.Failure {
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
	x.AnswerBegan()
}

// endsInALine reports whether an event is what was left of one when the stream ended.
func endsInALine(event *sse.Event) bool {
	last := event.Raw[len(event.Raw)-1]
	return last != '\n' && last != '\r'
}

// ends deals with a stream that ended before its terminator, and writes that if the answer is complete without it. In that case it does
// not matter whether the stream ended in good order or fell silent. anything means that there was an event in it.
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
	step, err := x.over()
	if err != nil {
		return x.said(err)
	}
	if !x.goes(&step, &sse.Event{}) || !x.send(true) {
		return x.out.lost
	}
	return nil
}

// tail reads what follows the terminator, usually nothing, to give the connection back instead of closing it.
func (x *Exchange) tail() {
	x.body.by(time.Now().Add(longestTail), outcome.IdleTimeout)
	_, _ = io.CopyN(io.Discard, &x.body, maxTail) // the answer is complete: nothing that comes now can change it
}

func firstOf(first, second *outcome.Failure) *outcome.Failure {
	if first != nil {
		return first
	}
	return second
}
