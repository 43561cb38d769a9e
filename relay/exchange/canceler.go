package exchange

import (
	"context"
	"errors"
	"sync"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/outcome"
)

// canceler ties an upstream call to its client and its clock: whatever ends the call before its time goes through it, once. It is
// what a context would be, for a call that needs none of a context's goroutines and channels.
type canceler struct {
	client context.Context
	drain  time.Duration // how long the call may outlive its client; 0: not at all
	clock  *clock
	stop   func() bool // ends the watch on the client; nil if its owner tells the exchange when the client leaves

	mu    sync.Mutex
	cause error  // why the call was ended; nil: it was not
	ended int64  // when, a moment; 0: it was not
	abort func() // ends what the call waits for; nil: it waits for nothing, or has been ended
}

// watch begins to look after the client.
func (l *canceler) watch() { l.stop = context.AfterFunc(l.client, l.left) }

// unwatch ends that.
func (l *canceler) unwatch() {
	if l.stop != nil {
		l.stop()
	}
}

// leaves waits for the end of the client's context, which is a moment away, and then for nothing.
func (l *canceler) leaves() {
	<-l.client.Done()
	l.left()
}

// left is called when the client's context ends: it has left, or the relay stops.
func (l *canceler) left() {
	cause := context.Cause(l.client)
	if l.drain > 0 && !errors.Is(cause, outcome.ErrShutdown) {
		l.clock.limitTo(time.Now().Add(l.drain), outcome.ClientGone)
		return
	}
	l.End(cause)
}

// End ends the call.
func (l *canceler) End(cause error) { l.endAt(breaker.Now(), cause) }

func (l *canceler) endAt(now int64, cause error) {
	l.mu.Lock()
	if l.cause == nil {
		l.cause, l.ended = cause, now
	}
	abort := l.abort
	l.abort = nil
	l.mu.Unlock()
	if abort != nil {
		abort()
	}
}

// Hold sets how the call is ended from here on. If it has been ended already, abort is called at once.
func (l *canceler) Hold(abort func()) {
	l.mu.Lock()
	ended := l.cause != nil
	if !ended {
		l.abort = abort
	}
	l.mu.Unlock()
	if ended {
		abort()
	}
}

// Drop takes Hold back. It reports false if it came too late: abort has been called, or is being called.
func (l *canceler) Drop() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	intime := l.abort != nil
	l.abort = nil
	return intime
}

// Why is the reason why the call was ended; nil if it was not. That the client has left counts even before the watch has seen it.
func (l *canceler) Why() error {
	l.mu.Lock()
	cause := l.cause
	l.mu.Unlock()
	if cause == nil && l.drain == 0 {
		cause = context.Cause(l.client)
	}
	return cause
}

// Told is the moment at which the call was told to end; 0: it was not.
func (l *canceler) Told() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}
