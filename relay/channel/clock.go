package channel

import (
	"sync"
	"time"

	"one-api/relay/outcome"
)

// expired is the cancellation cause of an exchange whose clock ran out.
type expired struct{ outcome outcome.Outcome }

func (e expired) Error() string { return e.outcome.String() }

// clock bounds one phase of an exchange after the other with a single timer. It runs only while the exchange waits for its
// upstream, so that a client that reads slowly is never mistaken for a silent upstream. Setting a phase is cheap: the timer
// is left running and corrects itself when it fires early, which a stream of quick events never lets it do.
type clock struct {
	leash *leash

	mu       sync.Mutex
	timer    *time.Timer
	fires    time.Time       // when the timer goes off; zero: it does not
	deadline time.Time       // of this phase; zero: none is running
	outcome  outcome.Outcome // of this phase, should it expire
	limit    time.Time       // no phase may last beyond it; zero: none
	limitIs  outcome.Outcome // what passing the limit is called; Completed: whatever the phase is called
	stopped  bool
}

// until starts a phase. A zero deadline has no bound but the limit.
func (c *clock) until(deadline time.Time, outcome outcome.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.start(deadline, outcome)
}

func (c *clock) start(deadline time.Time, as outcome.Outcome) {
	if !c.limit.IsZero() && (deadline.IsZero() || c.limit.Before(deadline)) {
		deadline = c.limit
		if c.limitIs != outcome.Completed {
			as = c.limitIs
		}
	}
	c.deadline, c.outcome = deadline, as
	c.arm()
}

// off ends the phase.
func (c *clock) off() {
	c.mu.Lock()
	c.deadline = time.Time{}
	c.mu.Unlock()
}

// limitTo bounds the phase that is running and all that follow; an earlier limit stays. outcome Completed keeps each phase's
// own name.
func (c *clock) limitTo(at time.Time, outcome outcome.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.limit.IsZero() && c.limit.Before(at) {
		return
	}
	c.limit, c.limitIs = at, outcome
	if !c.deadline.IsZero() {
		c.start(c.deadline, c.outcome)
	}
}

// stop ends the clock for good.
func (c *clock) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	if c.timer != nil {
		c.timer.Stop()
	}
}

func (c *clock) arm() {
	if c.stopped || c.deadline.IsZero() {
		return
	}
	if !c.fires.IsZero() && !c.deadline.Before(c.fires) {
		return // it fires before the deadline and will see then
	}
	c.fires = c.deadline
	wait := time.Until(c.deadline)
	if c.timer == nil {
		c.timer = time.AfterFunc(wait, c.fire)
	} else {
		c.timer.Reset(wait)
	}
}

func (c *clock) fire() {
	c.mu.Lock()
	c.fires = time.Time{}
	if c.stopped || c.deadline.IsZero() {
		c.mu.Unlock()
		return
	}
	if time.Until(c.deadline) > 0 {
		c.arm()
		c.mu.Unlock()
		return
	}
	outcome := c.outcome
	c.mu.Unlock()
	c.leash.end(expired{outcome})
}
