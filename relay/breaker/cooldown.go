// Package breaker is what keeps a channel or a key out of use for a while: the cooldown that both have, the channel's circuit
// breaker, the ring of its keys, doubts that have to add up first, and the budget of calls that may be repeated. It is told how
// attempts ended and what time it is; it asks nobody.
package breaker

import (
	"sync/atomic"
	"time"
)

// epoch is what cooldowns count from, by Go's monotonic clock: setting the wall clock, by a time server or by hand, must neither end a
// cooldown nor turn a second into an hour.
var epoch = time.Now()

// Moment is a point in time as cooldowns keep it: nanoseconds since epoch.
func Moment(t time.Time) int64 { return int64(t.Sub(epoch)) }

// Time is the time of a moment.
func Time(moment int64) time.Time { return epoch.Add(time.Duration(moment)) }

// Now is the current moment. It takes half as long as time.Now, which reads two clocks.
func Now() int64 { return int64(time.Since(epoch)) }

// Cooldown keeps a channel or a key out of use for a while, and then lets one call at a time try it until one succeeds.
// The zero value is in use. It is read by every selection, so it uses two atomics and no lock.
type Cooldown struct {
	// OnTransition is told of each change of state, by whoever has brought it about: it does not wait. It is set before the first
	// use; nil: nobody is told. Changes that come close together may be told in another order.
	OnTransition func(from, to State)

	until   atomic.Int64 // a moment; 0 means in use
	probing atomic.Bool  // a call is trying it
}

// Ready reports whether Admit would let a call in.
func (c *Cooldown) Ready(now time.Time) bool {
	until := c.until.Load()
	return until == 0 || (Moment(now) >= until && !c.probing.Load())
}

// Admit lets a call in. probe is true for the one call that tries the channel or key after a cooldown; that call must end with Clear,
// Start or Abandon.
func (c *Cooldown) Admit(now time.Time) (ok, probe bool) {
	until := c.until.Load()
	if until == 0 {
		return true, false
	}
	if Moment(now) < until || !c.probing.CompareAndSwap(false, true) {
		return false, false
	}
	c.changed(Open, HalfOpen)
	return true, true
}

// Active reports whether it is out of use, or only being tried.
func (c *Cooldown) Active() bool { return c.until.Load() != 0 }

// Remaining is how long it will still be out of use.
func (c *Cooldown) Remaining(now time.Time) time.Duration {
	until := c.until.Load()
	if until == 0 {
		return 0
	}
	return max(0, time.Duration(until-Moment(now)))
}

// Start begins a cooldown, or makes the one that runs longer. fresh is true if none was running: a wave of calls that all fail
// together is one reason, not many.
func (c *Cooldown) Start(now time.Time, d time.Duration, probe bool) (fresh bool) {
	until := Moment(now.Add(d))
	if until == 0 {
		until = 1
	}
	for {
		old := c.until.Load()
		fresh = old == 0 || probe
		if old != 0 && old >= until {
			break
		}
		if c.until.CompareAndSwap(old, until) {
			break
		}
	}
	switch {
	case probe:
		c.probing.Store(false)
		c.changed(HalfOpen, Open)
	case fresh:
		c.changed(Closed, Open)
	}
	return fresh
}

// Clear puts it back into use.
func (c *Cooldown) Clear() {
	was := Closed
	if c.until.Swap(0) != 0 {
		was = Open
	}
	if c.probing.Swap(false) {
		was = HalfOpen
	}
	if was != Closed {
		c.changed(was, Closed)
	}
}

// Abandon ends a probe that proved nothing.
func (c *Cooldown) Abandon() {
	if c.probing.Swap(false) {
		c.changed(HalfOpen, Open)
	}
}

func (c *Cooldown) changed(from, to State) {
	if c.OnTransition != nil {
		c.OnTransition(from, to)
	}
}
