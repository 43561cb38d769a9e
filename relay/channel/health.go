package channel

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// When a channel is passed over: after failuresToRest failures in a row, or as many as flapsToRest among its last recentCalls.
// It is for firstRest, doubling with each trial that fails, up to longestRest.
const (
	failuresToRest = 5
	recentCalls    = 20
	flapsToRest    = 10
	firstRest      = 5 * time.Second
	longestRest    = 10 * time.Second
)

// A trial that fails at once costs its client nothing, so a channel that refuses is tried often and is back soon after its
// trouble ends. One that makes the client of each trial wait rests restPerWait times that wait, at most longestCostlyRest.
const (
	restPerWait       = 30
	longestCostlyRest = time.Minute
)

// health passes a channel over that fails again and again, and lets single calls find out when it is well. Every call's end
// reads it, so it is atomics and no lock.
type health struct {
	failures atomic.Int32  // in a row
	recent   atomic.Uint32 // how the last recentCalls ended, the newest in the lowest bit; 1: it failed
	rests    atomic.Int32  // since the last recentCalls that were all well
	rest     rest
	since    atomic.Int64 // when the rest began, a moment

	// fruitless is how many attempts there were since the last that succeeded, of those that say something about the upstream.
	// It decides what the channel is said to be, and not whether it is asked: some of what it counts, such as models that there
	// are not, any client can bring about.
	fruitless atomic.Int32
	doubt     doubt // of what may be about the channel, or about what was asked of it
}

// note adds a call's end to the recent ones, and counts the failures among them.
func (h *health) note(failed uint32) (flaps int) {
	for {
		old := h.recent.Load()
		recent := (old<<1 | failed) & (1<<recentCalls - 1)
		if recent == old || h.recent.CompareAndSwap(old, recent) {
			return bits.OnesCount32(recent)
		}
	}
}

// blame counts the failure of a call that began at began.
func (h *health) blame(began, now time.Time, probe bool) {
	flaps := h.note(1)
	if h.failures.Add(1) < failuresToRest && flaps < flapsToRest && !probe {
		return
	}
	if h.rest.resting() && !probe {
		return // a call from before the rest: a wave that fails together is one reason, not many
	}
	longest := max(longestRest, min(restPerWait*now.Sub(began), longestCostlyRest))
	d := min(firstRest<<min(h.rests.Load(), 16), longest)
	if h.rest.begin(now, d, probe) {
		h.since.Store(moment(now))
		h.rests.Add(1)
	}
}

// worked takes note of a success. That of a call from before the rest does not end it: a channel that fails every other call
// has some of those under way whenever it is put to rest.
func (h *health) worked(began time.Time, probe bool) {
	if h.failures.Load() != 0 {
		h.failures.Store(0)
	}
	if h.note(0) == 0 && h.rests.Load() != 0 {
		h.rests.Store(0)
	}
	if h.rest.resting() && (probe || moment(began) >= h.since.Load()) {
		h.rest.clear()
	}
}

// askedFor lets the channel rest for as long as its upstream asks, within bounds.
func (h *health) askedFor(now time.Time, d time.Duration, probe bool) {
	if h.rest.begin(now, min(d, longestCooling), probe) {
		h.since.Store(moment(now))
	}
}

// fails notes an attempt that did not succeed.
func (h *health) fails() {
	if h.fruitless.Load() < 1<<20 { // it is shown, and must not run over
		h.fruitless.Add(1)
	}
}

// succeeds notes one that did.
func (h *health) succeeds() {
	if h.fruitless.Load() != 0 {
		h.fruitless.Store(0)
	}
	h.doubt.clear()
}

// clear forgets all failures.
func (h *health) clear() {
	h.fruitless.Store(0)
	h.doubt.clear()
	h.failures.Store(0)
	h.recent.Store(0)
	h.rests.Store(0)
	h.rest.clear()
}

// proved opens a channel again whose trial has got as far as a first event: nobody should have to wait for the end of a long
// stream. One more failure puts it back to rest.
func (h *health) proved() {
	h.failures.Store(failuresToRest - 1)
	h.rest.clear()
}
