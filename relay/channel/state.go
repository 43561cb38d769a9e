package channel

import (
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/outcome"
)

// state is what a channel knows of its own past and present. It belongs to the channel's name and outlives reloads.
type state struct {
	inFlight   atomic.Int64
	openBodies atomic.Int64
	leaked     atomic.Int64 // bodies closed by the safety net
	attempts   [outcome.Count]atomic.Int64
	nextKey    atomic.Uint32
	health     breaker.Breaker
	disabled   atomic.Pointer[bool] // the operator's word; nil: the configuration's stands
	last       atomic.Pointer[LastFailure]
	wondered   atomic.Int64 // when the upstream was last asked for its models, a moment; 0: never

	calls   calls
	overdue atomic.Int64 // calls, when they were looked at last
	tries   breaker.RetryBudget
	cuts    atomic.Int64 // how often an operator has ended them all
}

// LastFailure is the newest failure that counted against a channel.
type LastFailure struct {
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome"`
	Status  int       `json:"status,omitempty"`
	Detail  string    `json:"detail,omitempty"`
}

// calls lists the open calls of a channel, oldest first. An entry is a part of what its exchange holds, and does not lead to
// the exchange, so that the list keeps none alive that everybody else has forgotten.
type calls struct {
	mu          sync.Mutex
	first, last *call
}

type call struct {
	began      time.Time
	leash      *leash // to end it by; a part of the same holding
	prev, next *call
}

func (l *calls) add(c *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.prev = l.last; c.prev == nil {
		l.first = c
	} else {
		c.prev.next = c
	}
	l.last = c
}

func (l *calls) remove(c *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.prev == nil {
		l.first = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		l.last = c.prev
	} else {
		c.next.prev = c.prev
	}
}

// oldest is the age of the oldest open call; 0: none is open.
func (l *calls) oldest(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == nil {
		return 0
	}
	return now.Sub(l.first.began)
}
