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
	wondered   atomic.Int64  // when the upstream was last asked for its models, a moment; 0: never
	worked     atomic.Uint64 // the endpoints of which a call has succeeded, a bit each

	silence atomic.Pointer[Silence]
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

// longestDetail is how many bytes of a failure's detail a channel remembers.
const longestDetail = 300

// calls lists the open calls of a channel, oldest first. An entry is a part of what its exchange holds, and does not lead to
// the exchange, so that the list keeps none alive that everybody else has forgotten.
type calls struct {
	mu          sync.Mutex
	first, last *OpenCall
}

// OpenCall is a call's entry in the list of its channel's open ones.
type OpenCall struct {
	Began      int64 // a moment
	Ends       Ender // to end it by; a part of the same resources
	prev, next *OpenCall
}

// Ender ends a call before its time, from whatever goroutine.
type Ender interface {
	End(cause error)
	// Told is the moment at which the call was told to end (breaker.Moment); 0: it was not.
	Told() int64
}

func (l *calls) add(c *OpenCall) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.prev = l.last; c.prev == nil {
		l.first = c
	} else {
		c.prev.next = c
	}
	l.last = c
}

func (l *calls) remove(c *OpenCall) {
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
	return time.Duration(breaker.Moment(now) - l.first.Began)
}
