package exchange

import (
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/format/realtime"
	"one-api/relay/socket"
)

// A session may last an hour, and a shutdown a minute. So the shutdown does not wait for a session in which nothing is under way: its
// client is told that the relay goes away, and connects to another one. A session in the middle of a response, or of what its user
// says, is looked at again until that is done or the shutdown's time is over.

const (
	drainLook = 250 * time.Millisecond // how often a session is looked at then
	drainIdle = time.Second            // how long the provider has said nothing in one that is idle
)

// sessions are those that are open.
type sessions struct {
	mu       sync.Mutex
	open     map[*tunnel]struct{}
	draining bool
}

func (s *sessions) add(t *tunnel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[*tunnel]struct{}{}
	}
	s.open[t] = struct{}{}
	if s.draining {
		t.drains()
	}
}

func (s *sessions) remove(t *tunnel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, t)
}

func (s *sessions) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	for t := range s.open {
		t.drains()
	}
}

// activity is what is under way in a session, by what its provider says.
type activity struct {
	last              atomic.Int64 // when it last said something, a moment
	responds, listens atomic.Bool  // it is answering; its user is speaking
}

func (a *activity) note(message []byte) {
	a.last.Store(breaker.Now())
	switch realtime.Turn(message) {
	case realtime.Responding:
		a.responds.Store(true)
	case realtime.Responded:
		a.responds.Store(false)
	case realtime.Listening:
		a.listens.Store(true)
	case realtime.Listened:
		a.listens.Store(false)
	case realtime.NoTurn:
	}
}

func (a *activity) idle() bool {
	return !a.responds.Load() && !a.listens.Load() && time.Duration(breaker.Now()-a.last.Load()) > drainIdle
}

// drains has the session looked at from now on. It does not wait for a look that is being taken.
func (t *tunnel) drains() {
	t.draining.Store(true)
	t.timer.Reset(0) // a tick that comes behind the end does nothing
}

// drained is the end of a session that the relay need not wait for; nil: it goes on.
func (t *tunnel) drained() *sessionEnd {
	if !t.draining.Load() || !t.activity.idle() {
		return nil
	}
	return &sessionEnd{socket.GoingAway, "the relay is shutting down", nil, false}
}
