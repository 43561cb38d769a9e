// Package inflight is the requests that are being served, as an operator sees them and can end them.
package inflight

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/channel"
	"one-api/relay/exchange"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/record"
	"one-api/relay/reply"
)

// Phase is what a request is waiting for. The list is closed: the README has it.
type Phase uint32

// The phases. A stream of which something has been sent is Streaming, whatever its phase says.
const (
	Reading   Phase = iota // its body
	Choosing               // nothing: it is being checked, or converted
	Asking                 // the upstream's header: connecting and sending are part of it
	Answering              // the upstream's answer, of which nothing has been sent yet
	Streaming              // the upstream's next event
	Writing                // the client, to take what is sent
	Pausing                // the time of another try

	phases
)

var phaseNames = [phases]string{"reading", "choosing", "asking", "answering", "streaming", "writing", "waiting"}

// Entry is a request as far as the operator sees it and can end it. It is a part of its request: being listed costs no allocation.
type Entry struct {
	prev, next *Entry // guarded by the list
	end        *record.End
	client     *reply.Writer
	phase      atomic.Uint32
	ended      atomic.Bool // by an operator; it is set under mu

	mu       sync.Mutex
	over     bool               // the response belongs to net/http again, and soon to another request
	leaving  bool               // the client has left, or is about to
	watched  bool               // whoever reads the client's connection says when it leaves; set before the first attempt
	call     *lane.Call         // nil: it is not known yet
	channel  *channel.Channel   // that was asked last; nil: none was
	exchange *exchange.Exchange // the attempt at hand
	spent    *spent             // by the attempts before it; nil: nothing
	wake     chan struct{}      // closed to end a pause; nil: there is none
}

// For says what the request asks for: its model, endpoint, token and input do not change from here on.
func (e *Entry) For(call *lane.Call) {
	e.mu.Lock()
	e.call = call
	e.mu.Unlock()
}

// Begin notes the attempt at hand. One that begins after the request's end was ordered is ended at once.
func (e *Entry) Begin(x *exchange.Exchange) {
	e.mu.Lock()
	e.exchange, e.channel = x, x.Channel
	ended, leaving := e.ended.Load(), e.leaving && e.watched
	e.mu.Unlock()
	e.Is(Asking)
	if ended {
		x.Cut(outcome.ErrOperator)
	}
	if leaving {
		x.ClientLeaves()
	}
}

// Watch says that whoever reads the client's connection calls ClientLeaves, so that no attempt need watch over the client.
func (e *Entry) Watch() {
	e.mu.Lock()
	e.watched = true
	e.mu.Unlock()
}

// Watched reports whether somebody calls ClientLeaves. It is the request's own goroutine that asks, as it was for Watch.
func (e *Entry) Watched() bool { return e.watched }

// ClientLeaves is told that the context of the request has ended, or is about to: its client has left, or the relay stops. The attempt at
// hand is told, and those that follow.
func (e *Entry) ClientLeaves() {
	e.mu.Lock()
	e.leaving = true
	x := e.exchange
	if !e.watched {
		x = nil // it sees for itself
	}
	e.mu.Unlock()
	if x != nil {
		x.ClientLeaves()
	}
}

// Done notes that the attempt is over.
func (e *Entry) Done() {
	e.mu.Lock()
	e.exchange = nil
	e.mu.Unlock()
	e.Is(Choosing)
}

// Is says which phase the request is in.
func (e *Entry) Is(p Phase) { e.phase.Store(uint32(p)) }

// Ended reports whether an operator has ended the request.
func (e *Entry) Ended() bool { return e.ended.Load() }

// Pause begins one. What it returns is closed if an operator ends the request before Resume is called.
func (e *Entry) Pause() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.wake = make(chan struct{})
	if e.ended.Load() {
		close(e.wake)
	}
	e.Is(Pausing)
	return e.wake
}

// Resume ends the pause.
func (e *Entry) Resume() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.wake = nil
	e.Is(Choosing)
}

// End ends the request, whatever it is doing.
func (e *Entry) End(cause error) {
	e.mu.Lock()
	again := e.ended.Swap(true)
	exchange, wake := e.exchange, e.wake
	e.mu.Unlock()
	if again {
		return
	}
	if exchange != nil {
		exchange.Cut(cause)
	}
	if wake != nil {
		close(wake)
	}
	if Phase(e.phase.Load()) == Reading {
		// Its reader looks whether the request is ended after it has moved the deadline, so that this one holds.
		e.onConnection((*http.ResponseController).SetReadDeadline)
	}
}

// CutWrite ends the write to the client that is under way, if one is.
func (e *Entry) CutWrite() {
	if e.client.Writing() {
		e.onConnection((*http.ResponseController).SetWriteDeadline)
	}
}

// onConnection passes a deadline of the connection, so that what waits there fails; not once the request is over.
func (e *Entry) onConnection(set func(*http.ResponseController, time.Time) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.over {
		_ = set(e.client.Connection(), time.Unix(1, 0)) // fails on no connection that can be slow
	}
}
