package exchange

import (
	"fmt"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/outcome"
	"one-api/relay/socket"
)

// Bounds of a session, if SessionOptions says nothing else.
const (
	sessionPing = 30 * time.Second
	pongTimeout = 20 * time.Second
	// longestSession is OpenAI's own, and longestIdle is how long neither side may say anything.
	longestSession = time.Hour
	longestIdle    = 15 * time.Minute
)

// SessionOptions bounds a session: how often either side is pinged, how long an answer to that may take, how long neither side may say
// anything, and how long the whole may last. Zero means the usual.
type SessionOptions struct{ Ping, Pong, Idle, Longest time.Duration }

func (o SessionOptions) filled() SessionOptions {
	for _, f := range [...]struct {
		value *time.Duration
		usual time.Duration
	}{{&o.Ping, sessionPing}, {&o.Pong, pongTimeout}, {&o.Idle, longestIdle}, {&o.Longest, longestSession}} {
		if *f.value == 0 {
			*f.value = f.usual
		}
	}
	return o
}

// watch looks after the session from time to time, in a timer's goroutine.
func (t *tunnel) watch() {
	t.ticks.Lock()
	defer t.ticks.Unlock()
	t.timer = time.AfterFunc(t.options.Ping, t.tick)
}

// stop ends the watch, and waits for a look that is being taken.
func (t *tunnel) stop() {
	t.ticks.Lock()
	defer t.ticks.Unlock()
	t.closed = true
	t.timer.Stop()
}

func (t *tunnel) tick() {
	t.ticks.Lock()
	defer t.ticks.Unlock()
	if t.closed {
		return
	}
	if end := t.look(); end != nil {
		t.ends(end)
		if end.failure == nil {
			t.up.Close(socket.GoingAway, "")
		}
		t.up.CloseNow() // which wakes the one that reads it
		return
	}
	t.timer.Reset(t.options.Ping)
	if t.draining.Load() { // perhaps only now
		t.timer.Reset(drainLook)
	}
}

// look says why the session has to end; nil if it goes on.
func (t *tunnel) look() *sessionEnd {
	x := t.x
	switch idle := time.Duration(breaker.Now() - t.last.Load()); {
	case time.Since(x.Began) > t.options.Longest:
		said := fmt.Sprintf("Your session hit the maximum duration of %d minutes.", int(t.options.Longest.Minutes()))
		return &sessionEnd{socket.Normal, said, nil, true}
	case idle > t.options.Idle:
		said := fmt.Sprintf("Nothing was said in your session for %d minutes.", int(t.options.Idle.Minutes()))
		return &sessionEnd{socket.Normal, said, nil, true}
	}
	if end := t.drained(); end != nil {
		return end
	}
	now := breaker.Now()
	if t.pinged != 0 && time.Duration(now-t.pinged) < t.options.Ping/2 {
		return nil
	}
	t.pinged = now
	if t.client.Ping(t.options.Pong) != nil {
		return &sessionEnd{socket.Policy, "no answer to a ping", outcome.Gone(), false}
	}
	if t.up.Ping(t.options.Pong) != nil {
		return &sessionEnd{socket.Broken, "the upstream does not answer a ping", outcome.TimedOut(outcome.IdleTimeout), true}
	}
	return nil
}
