package exchange

import (
	"math"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/format"
	"one-api/relay/wire"
)

// soFar is how much of a stream had come when its upstream was last waited for. The clock keeps it, because its lock is taken then anyway:
// an operator who looks costs the stream nothing.
type soFar struct {
	events, text uint32 // with content; bytes of what was said
}

// saidInput is the input as the provider has counted it where an answer began, tokens in their classes. All zero: it has not.
type saidInput struct{ uncached, cacheRead, cacheWrite5m, cacheWrite1h uint32 }

func small(n int64) uint32 { return uint32(min(max(0, n), math.MaxUint32)) }

// notesInput keeps for others what the provider has said of the input by the first content of a stream: Anthropic's begin with it.
func (x *Exchange) notesInput() {
	defer func() { _ = recover() }() // concludes meets it again, and tells of it
	u := x.translator.Usage()
	if u.Input() == 0 {
		return
	}
	c := &x.hold.clock
	c.mu.Lock()
	c.input = saidInput{small(u.Uncached), small(u.CacheRead), small(u.CacheWrite5m), small(u.CacheWrite1h)}
	c.mu.Unlock()
}

// UsageSoFar is what a stream has used up to now, as far as that can be known before its end: the input that the provider has said or, if
// it has not, guess, and the output that has come. It may be called by any goroutine that knows the exchange not to have ended.
func (x *Exchange) UsageSoFar(guess int32) (u wire.Usage) {
	c := &x.hold.clock
	c.mu.Lock()
	so, in := c.so, c.input
	c.mu.Unlock()
	if in == (saidInput{}) {
		in.uncached = small(int64(guess))
	}
	u.Uncached, u.CacheRead = int64(in.uncached), int64(in.cacheRead)
	u.CacheWrite5m, u.CacheWrite1h = int64(in.cacheWrite5m), int64(in.cacheWrite1h)
	u.Text = max(format.TokensOf(int(so.text)), int64(so.events))
	return u
}

// SilentFor is for how long nothing has come of the answer that says something. It may be called as UsageSoFar may.
func (x *Exchange) SilentFor(now time.Time) time.Duration {
	c := &x.hold.clock
	c.mu.Lock()
	came := c.came
	c.mu.Unlock()
	return time.Duration(breaker.Moment(now) - max(came, breaker.Moment(x.Began)))
}
