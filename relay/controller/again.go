package controller

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"

	"one-api/relay/exchange"
	"one-api/relay/outcome"
)

// The wait before another try at the same channel, where its upstream does not say how long: different for each request, so
// that those that failed together do not come back together.
const (
	shortestPause = 200 * time.Millisecond
	longestPause  = time.Second
)

// repeats is what a request has to do with the channel that it asked last.
type repeats struct {
	made int8 // how often it was tried again
	now  bool // it is to be tried again, before any other
	once bool // a channel was asked once more because there was no other: that happens once a request
}

// staysAt reports whether the channel that just failed is tried again before another one is, because its configuration says so
// (retry_same): what an upstream remembers of a long prompt is worth more than a quick answer from one that does not.
func (c *call) staysAt() bool {
	return c.left > 0 && !c.Client.Started() && int(c.repeats.made) < c.last.Channel.RetrySame && c.last.Transient(false)
}

// onceMore reports whether the channel that failed last is asked once more although it has failed: there is no other.
func (c *call) onceMore() bool {
	if c.repeats.once || c.repeats.made > 0 || c.last == nil || !c.last.Transient(c.Client.Started()) {
		return false
	}
	c.repeats.once = c.last.Channel.OnceMore(&c.Select)
	return c.repeats.once
}

// again begins an exchange with the channel that was asked last, after a pause; nil: there is none to be had, or the request
// has ended meanwhile.
func (c *call) again() *exchange.Exchange {
	if !c.anew { // else its upstream is well, and has nothing to recover from
		c.repeats.made++
		if !c.pause(c.last.Failure.RetryAfter) {
			return nil
		}
	}
	slot, ok := c.Directory.Channels.Again(&c.Select, c.last.Channel)
	if !ok {
		return nil
	}
	return c.begins(slot)
}

// pause waits before another try: for as long as the upstream asked, or a while. The request holds no place at a channel then,
// and no goroutine but its own; its keep-alives go on. false: it has ended, and what its client is told is noted.
func (c *call) pause(asked time.Duration) bool {
	wait := cmp.Or(asked, c.of.Pause)
	if wait == 0 {
		wait = shortestPause + rand.N(longestPause-shortestPause) //nolint:gosec // jitter need not be secret
	}
	began := time.Now()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	ended := c.Flight.Pause()
	defer c.Flight.Resume()
	defer func() { c.End.Waited += time.Since(began) }()
	select {
	case <-timer.C:
	case <-c.Ctx.Done():
	case <-ended:
	}
	// Both may have come: an end counts first.
	switch {
	case c.Ctx.Err() != nil:
		c.failed = outcome.Ended(context.Cause(c.Ctx))
	case c.Flight.Ended():
		c.failed = outcome.Ended(outcome.ErrOperator)
	default:
		return true
	}
	return false
}
