package breaker

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// A channel is passed over after FailuresToCool failures in a row, or flapsToCool failures among its last recentCalls: for
// firstCooldown, doubling with each probe that fails, up to longestCooldown.
const (
	FailuresToCool  = 5
	recentCalls     = 20
	flapsToCool     = 10
	firstCooldown   = 5 * time.Second
	longestCooldown = 10 * time.Second
)

// A probe that fails at once costs its client nothing, so a channel that refuses is tried often and is back soon after its trouble ends.
// One that makes the client of each probe wait is passed over for cooldownPerWait times that wait, at most longestCostlyCooldown.
const (
	cooldownPerWait       = 30
	longestCostlyCooldown = time.Minute
)

// Breaker passes over a channel that fails again and again, and lets single calls probe whether it has recovered. It is read at the
// end of every call, so it uses atomics and no lock.
type Breaker struct {
	failures  atomic.Int32  // in a row
	recent    atomic.Uint32 // how the last recentCalls ended, the newest in the lowest bit; 1 means it failed
	cooldowns atomic.Int32  // since the last run of recentCalls without a failure
	Cooldown  Cooldown
	since     atomic.Int64 // when the cooldown began, a moment

	// fruitless counts the attempts since the last success, of those that say something about the upstream. It decides how the
	// channel is reported, not whether it is asked: any client can bring about some of what it counts, such as requests for models that
	// do not exist.
	fruitless atomic.Int32
	Doubt     Doubt // refusals that may be about the channel, or about what was asked of it
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

// CountSuccess counts a success. The success of a call from before the cooldown does not end it: a channel that fails every other call
// has some calls under way whenever it is passed over.
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

// InVain is how many attempts there were since the last success, of those that say something about the upstream.
func (b *Breaker) InVain() int32 { return b.fruitless.Load() }

// Fails notes an attempt that did not succeed.
func (b *Breaker) Fails() {
	if b.fruitless.Load() < 1<<20 { // it is shown to operators and must not overflow
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

// ProbeSucceeded puts a channel back into use whose probe has received its first event, so that nobody waits for the end of a long
// stream. One more failure takes it out again.
func (b *Breaker) ProbeSucceeded() {
	b.failures.Store(FailuresToCool - 1)
	b.Cooldown.Clear()
}
