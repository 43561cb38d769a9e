package exchange

import (
	"runtime"

	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/sse"
)

// writer is a stream's way to the client. Events that came together and go through as they are leave in one piece.
type writer struct {
	client    Downstream
	events    *sse.Reader
	run       sse.Run // events that have not been written yet
	unflushed bool
	held      int32            // bytes that the client holds back
	lost      *outcome.Failure // of the client, while its upstream is drained
}

// heard counts the events and comments that have come.
func (o *writer) heard() int {
	if o.events == nil {
		return 0
	}
	return o.events.Heard()
}

// pass takes what an event became to the client, at once or with the events behind it. It reports false if the client is lost, and the
// stream ends.
func (x *Exchange) pass(step *lane.Chunk, event *sse.Event) bool {
	o := &x.out
	if len(step.Out) == 0 || o.lost != nil {
		return true
	}
	switch {
	case x.started:
	case step.Preamble:
		return x.holdBack(step.Out)
	default:
		return x.first(step.Out)
	}
	if asItIs := shared(step.Out, event.Raw) && len(step.Out) == len(event.Raw); !asItIs {
		return x.send(false) && x.write(step.Out)
	}
	return o.run.Add(*event) || x.send(false) && o.run.Add(*event) // an empty run takes any
}

// holdBack is for events that promise nothing. As long as there are no others, another channel can take over.
func (x *Exchange) holdBack(events []byte) bool {
	o := &x.out
	o.held += int32(len(events)) //nolint:gosec // an event has its bounds, and what is held back has too
	if o.held > smallEvent && x.hold.work.Hold(int64(x.kept)+int64(o.held)) != nil {
		return x.first(events) // no room to keep them: then the answer is this channel's
	}
	committed, err := o.client.Hold(events)
	if err != nil {
		return x.loses(err)
	}
	if committed {
		x.start()
		o.unflushed = true
	}
	return true
}

// first passes on what people wait for. It does so at once, and a stream that has much to say does not keep the others from
// their first word.
func (x *Exchange) first(events []byte) bool {
	x.start()
	if !x.write(events) || !x.send(true) {
		return false
	}
	runtime.Gosched()
	return true
}

// send writes what waits and, if flush is set, flushes it. It reports false if the client is lost, and the stream ends.
func (x *Exchange) send(flush bool) bool {
	o := &x.out
	run := o.run
	o.run = sse.Run{}
	if run != (sse.Run{}) && !x.write(o.events.Bytes(run)) {
		return false
	}
	if !flush || !o.unflushed {
		return true
	}
	o.unflushed = false
	if err := o.client.Flush(); err != nil {
		return x.loses(err)
	}
	return true
}

func (x *Exchange) write(events []byte) bool {
	o := &x.out
	if o.lost != nil {
		return true
	}
	if err := o.client.Write(events); err != nil {
		return x.loses(err)
	}
	o.unflushed = true
	return true
}

// loses notes that nothing more can be written to the client. It reports whether the upstream is read on without it.
func (x *Exchange) loses(err error) bool {
	x.out.lost, x.out.unflushed = x.unwritable(err), false
	return x.door.options.DrainClientGone > 0 && x.out.lost.Outcome == outcome.ClientGone
}

// stopSending ends the stream's way. If a translator panics, what it had finished before still reaches the client.
func (x *Exchange) stopSending() {
	defer x.out.events.Close()
	x.send(false)
}
