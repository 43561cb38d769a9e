package channel

import (
	"sync/atomic"
	"time"
)

// When a channel is passed over: after failuresToRest failures in a row, for firstRest, doubling with each trial that fails,
// up to longestRest.
const (
	failuresToRest = 5
	firstRest      = 5 * time.Second
	longestRest    = time.Minute
)

// health passes a channel over that fails again and again, and lets single calls find out when it is well.
type health struct {
	failures atomic.Int32 // in a row
	rests    atomic.Int32 // in a row
	rest     rest
}

// blame counts a failure.
func (h *health) blame(now time.Time, probe bool) {
	if h.failures.Add(1) < failuresToRest && !probe {
		return
	}
	if h.rest.resting() && !probe {
		return // a call from before the rest: a wave that fails together is one reason, not many
	}
	d := min(firstRest<<min(h.rests.Load(), 16), longestRest)
	if h.rest.begin(now, d, probe) {
		h.rests.Add(1)
	}
}

// clear forgets all failures.
func (h *health) clear() {
	if h.failures.Load() != 0 || h.rest.resting() {
		h.failures.Store(0)
		h.rests.Store(0)
		h.rest.clear()
	}
}

// proved opens a channel again whose trial has got as far as a first event: nobody should have to wait for the end of a long
// stream. One more failure puts it back to rest.
func (h *health) proved() {
	h.failures.Store(failuresToRest - 1)
	h.rest.clear()
}
