package channel

import (
	"time"

	"one-api/relay/breaker"
)

// Slot is a place in a channel, with one of its keys, that selection has taken for one attempt. Whoever gets it gives it back by calling
// Conclude and then Leave, once each.
type Slot struct {
	Channel *Channel
	Key     *breaker.Key
	Began   time.Time
	Hurried bool   // another healthy channel is left, so that the wait for this one may be short
	Because string // why the request's attempt before this one failed; empty: there was none
	Resumes bool   // the client has the beginning of the answer

	probe    bool    // it is the one call that tries the channel after a cooldown
	keyProbe bool    // and the key
	spares   sparing // what an attempt of the request before this one has done to a key
	cuts     uint16  // how often an operator had ended the channel's calls by then, as far as it matters
}

// take takes a place in the channel and one of its keys. It reports false if there is none.
func (c *Channel) take(w *SelectRequest, now time.Time, how tolerance) (Slot, bool) {
	cuts := uint16(c.state.cuts.Load()) //nolint:gosec // only whether it changed matters
	if c.isDisabled() {
		return Slot{}, false
	}
	if n := c.state.inFlight.Add(1); c.MaxConcurrent > 0 && n > int64(c.MaxConcurrent) {
		c.state.inFlight.Add(-1)
		return Slot{}, false
	}
	ok, probe := c.state.health.Cooldown.Admit(now)
	if !ok && !how.panicMode {
		c.state.inFlight.Add(-1)
		return Slot{}, false
	}
	k, keyProbe := c.keys.Take(w.used, now)
	if k == nil && how.cooling {
		k = c.keys.Cooling(now)
	}
	if k == nil {
		if probe {
			c.state.health.Cooldown.Abandon()
		}
		c.state.inFlight.Add(-1)
		return Slot{}, false
	}
	c.pool.inFlight.Add(1)
	c.state.tries.Count(now)
	c.Transport.Enter()
	return Slot{
		Channel: c, Key: k, Began: now, Because: w.because, Resumes: w.broken != nil, probe: probe, keyProbe: keyProbe, spares: w.spared(c),
		cuts: cuts,
	}, true
}

// Question takes a place for a question of the relay's own, which no limit keeps out. Nothing is concluded from it.
func (c *Channel) Question(k *breaker.Key, now time.Time) Slot {
	c.state.inFlight.Add(1)
	c.pool.inFlight.Add(1)
	c.Transport.Enter()
	return Slot{Channel: c, Key: k, Began: now, cuts: uint16(c.state.cuts.Load())} //nolint:gosec // only whether it changed matters
}

// Open lists the attempt among the channel's open calls, by which an operator can end it. cut: he has ended them all since the place
// was taken; whether this one was in the list then, nobody knows.
func (s *Slot) Open(c *OpenCall) (cut bool) {
	s.Channel.state.calls.add(c)
	return uint16(s.Channel.state.cuts.Load()) != s.cuts //nolint:gosec // only whether it changed matters
}

// Leave gives the place back that an open call has taken.
func (c *Channel) Leave(call *OpenCall) {
	c.state.calls.remove(call)
	c.state.inFlight.Add(-1)
	c.pool.inFlight.Add(-1)
	c.Transport.Leave()
}

// Taken notes that the upstream has answered with a 2xx: it takes the key.
func (s *Slot) Taken() {
	if s.keyProbe {
		s.keyProbe = false
		s.Key.Accepted()
	}
	s.Key.Taken()
}

// AnswerBegan notes that the answer has begun: a channel that a half-open probe has been let into is in use again.
func (s *Slot) AnswerBegan() {
	if s.probe {
		s.probe = false
		s.Channel.state.health.ProbeSucceeded()
	}
}

// BodyOpened counts an answer's body that is open, BodyClosed one that is not any more, and Leaked one that only the safety net has closed.
func (c *Channel) BodyOpened() {
	c.state.openBodies.Add(1)
	c.pool.openBodies.Add(1)
}

// BodyClosed is the end of BodyOpened.
func (c *Channel) BodyClosed() {
	c.state.openBodies.Add(-1)
	c.pool.openBodies.Add(-1)
}

// Leaked counts a body that only the safety net has closed.
func (c *Channel) Leaked() { c.state.leaked.Add(1) }
