package channel

import (
	"sync/atomic"
	"time"
)

// epoch is what rests count from, by Go's monotonic clock: a wall clock that is set, by a time server or by hand, must neither
// end a rest nor make an hour of a second.
var epoch = time.Now()

// moment is a point in time as rests keep it: nanoseconds since epoch.
func moment(t time.Time) int64 { return int64(t.Sub(epoch)) }

// rest keeps a channel or a key out of use for a while, and then lets one call at a time try it until one succeeds.
// The zero value is in use. It is read by every selection, so it is two atomics and no lock.
type rest struct {
	until   atomic.Int64 // a moment; 0: in use
	probing atomic.Bool  // a call is trying it
}

// ready tells whether admit would say yes.
func (r *rest) ready(now time.Time) bool {
	until := r.until.Load()
	return until == 0 || (moment(now) >= until && !r.probing.Load())
}

// admit lets a call in. probe is true for the one call that tries it after a rest: that call has to end with clear, begin or
// abandon.
func (r *rest) admit(now time.Time) (ok, probe bool) {
	until := r.until.Load()
	if until == 0 {
		return true, false
	}
	if moment(now) < until || !r.probing.CompareAndSwap(false, true) {
		return false, false
	}
	return true, true
}

// resting tells whether it is out of use, or only being tried.
func (r *rest) resting() bool { return r.until.Load() != 0 }

// wait is how long it will still be out of use.
func (r *rest) wait(now time.Time) time.Duration {
	until := r.until.Load()
	if until == 0 {
		return 0
	}
	return max(0, time.Duration(until-moment(now)))
}

// begin starts a rest, or makes the one that runs longer. fresh is true where none was running: a wave of calls that all fail
// together is one reason to rest, not many.
func (r *rest) begin(now time.Time, d time.Duration, probe bool) (fresh bool) {
	until := moment(now.Add(d))
	if until == 0 {
		until = 1
	}
	for {
		old := r.until.Load()
		fresh = old == 0 || probe
		if old != 0 && old >= until {
			break
		}
		if r.until.CompareAndSwap(old, until) {
			break
		}
	}
	if probe {
		r.probing.Store(false)
	}
	return fresh
}

// clear puts it back into use.
func (r *rest) clear() {
	r.until.Store(0)
	r.probing.Store(false)
}

// abandon ends a probe that proved nothing.
func (r *rest) abandon() { r.probing.Store(false) }
