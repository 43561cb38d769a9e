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
	made int32 // how often it was tried again
	now  bool  // it is to be tried again, before any other
	once bool  // a channel was asked once more because there was no other: that happens once a request
}

// staysAt reports whether the channel that just failed is tried again before another one is, because its configuration says so
// (retry_same): what an upstream remembers of a long prompt is worth more than a quick answer from one that does not.
func (v *visit) staysAt() bool {
	return v.left > 0 && !v.client.Started() && int(v.repeats.made) < v.last.Channel.RetrySame && v.last.Transient(false)
}

// onceMore reports whether the channel that failed last is asked once more although it has failed: there is no other.
func (v *visit) onceMore() bool {
	if v.repeats.once || v.repeats.made > 0 || v.last == nil || !v.last.Transient(v.client.Started()) {
		return false
	}
	v.repeats.once = v.last.Channel.OnceMore(&v.want)
	return v.repeats.once
}

// again begins an exchange with the channel that was asked last, after a pause; nil: there is none to be had, or the request
// has ended meanwhile.
func (v *visit) again() *exchange.Exchange {
	if !v.anew { // else its upstream is well, and has nothing to recover from
		v.repeats.made++
		if !v.pause(v.last.Failure.RetryAfter) {
			return nil
		}
	}
	slot, ok := v.snapshot.Channels.Again(&v.want, v.last.Channel)
	if !ok {
		return nil
	}
	return v.c.Door.New(v.ctx, slot)
}

// pause waits before another try: for as long as the upstream asked, or a while. The request holds no place at a channel then,
// and no goroutine but its own; its keep-alives go on. false: it has ended, and what its client is told is noted.
func (v *visit) pause(asked time.Duration) bool {
	wait := cmp.Or(asked, v.c.Pause)
	if wait == 0 {
		wait = shortestPause + rand.N(longestPause-shortestPause) //nolint:gosec // jitter need not be secret
	}
	began := time.Now()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	ended := v.flight.Pause()
	defer v.flight.Resume()
	defer func() { v.end.Waited += time.Since(began) }()
	select {
	case <-timer.C:
	case <-v.ctx.Done():
	case <-ended:
	}
	// Both may have come: an end counts first.
	switch {
	case v.ctx.Err() != nil:
		v.failed = outcome.Ended(context.Cause(v.ctx))
	case v.flight.Ended():
		v.failed = outcome.Ended(outcome.ErrOperator)
	default:
		return true
	}
	return false
}
