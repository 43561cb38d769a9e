package breaker

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// When a channel is passed over: after FailuresToCool failures in a row, or as many as flapsToCool among its last recentCalls.
// It is for firstCooldown, doubling with each probe that fails, up to longestCooldown.
const (
	FailuresToCool  = 5
	recentCalls     = 20
	flapsToCool     = 10
	firstCooldown   = 5 * time.Second
	longestCooldown = 10 * time.Second
)

// A probe that fails at once costs its client nothing, so a channel that refuses is tried often and is back soon after its
// trouble ends. One that makes the client of each probe wait is passed over for cooldownPerWait times that wait, at most longestCostlyCooldown.
const (
	cooldownPerWait       = 30
	longestCostlyCooldown = time.Minute
)

// Breaker passes a channel over that fails again and again, and lets single calls find out when it is well. Every call's end
// reads it, so it is atomics and no lock.
type Breaker struct {
	failures  atomic.Int32  // in a row
	recent    atomic.Uint32 // how the last recentCalls ended, the newest in the lowest bit; 1 means it failed
	cooldowns atomic.Int32  // since the last recentCalls that were all well
	Cooldown  Cooldown
	since     atomic.Int64 // when the cooldown began, a moment

	// fruitless is how many attempts there were since the last that succeeded, of those that say something about the upstream.
	// It decides what the channel is said to be, and not whether it is asked: some of what it counts, such as models that there
	// are not, any client can bring about.
	fruitless atomic.Int32
	Doubt     Doubt // of what may be about the channel, or about what was asked of it
}

// note adds a call's end to the recent ones, and counts the failures among them.
func (b *Breaker) note(failed uint32) (flaps int) {
	for {
		old := b.recent.Load()
		recent := (old<<1 | failed) & (1<<recentCalls - 1)
		if recent == old || b.recent.CompareAndSwap(old, recent) {
			return bits.OnesCount32(recent)
		}
	}
}

// CountFailure counts the failure of a call that began at began.
func (b *Breaker) CountFailure(began, now time.Time, probe bool) {
	flaps := b.note(1)
	if b.failures.Add(1) < FailuresToCool && flaps < flapsToCool && !probe {
		return
	}
	if b.Cooldown.Active() && !probe {
		return // a call from before the cooldown: a wave that fails together is one reason, not many
	}
	longest := max(longestCooldown, min(cooldownPerWait*now.Sub(began), longestCostlyCooldown))
	d := min(firstCooldown<<min(b.cooldowns.Load(), 16), longest)
	if b.Cooldown.Start(now, d, probe) {
		b.since.Store(Moment(now))
		b.cooldowns.Add(1)
	}
}

// CountSuccess takes note of a success. That of a call from before the cooldown does not end it: a channel that fails every other call
// has some of those under way whenever it is passed over.
func (b *Breaker) CountSuccess(began time.Time, probe bool) {
	if b.failures.Load() != 0 {
		b.failures.Store(0)
	}
	if b.note(0) == 0 && b.cooldowns.Load() != 0 {
		b.cooldowns.Store(0)
	}
	if b.Cooldown.Active() && (probe || Moment(began) >= b.since.Load()) {
		b.Cooldown.Clear()
	}
}

// CoolFor passes the channel over for as long as its upstream asks, within bounds.
func (b *Breaker) CoolFor(now time.Time, d time.Duration, probe bool) {
	if b.Cooldown.Start(now, min(d, longestCooling), probe) {
		b.since.Store(Moment(now))
	}
}

// InARow is how many failures there were since the last success.
func (b *Breaker) InARow() int32 { return b.failures.Load() }

// InVain is how many attempts there were, of those that say something about the upstream, since the last that succeeded.
func (b *Breaker) InVain() int32 { return b.fruitless.Load() }

// Fails notes an attempt that did not succeed.
func (b *Breaker) Fails() {
	if b.fruitless.Load() < 1<<20 { // it is shown, and must not run over
		b.fruitless.Add(1)
	}
}

// Succeeds notes one that did.
func (b *Breaker) Succeeds() {
	if b.fruitless.Load() != 0 {
		b.fruitless.Store(0)
	}
	b.Doubt.Clear()
}

// Clear forgets all failures.
func (b *Breaker) Clear() {
	b.fruitless.Store(0)
	b.Doubt.Clear()
	b.failures.Store(0)
	b.recent.Store(0)
	b.cooldowns.Store(0)
	b.Cooldown.Clear()
}

// Proved opens a channel again whose probe has got as far as a first event: nobody should have to wait for the end of a long
// stream. One more failure closes it again.
func (b *Breaker) Proved() {
	b.failures.Store(FailuresToCool - 1)
	b.Cooldown.Clear()
}
