package exchange

import (
	"sync"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/outcome"
)

// expired is the cancellation cause of an exchange whose clock ran out.
type expired struct{ outcome outcome.Outcome }

func (e expired) Error() string { return e.outcome.String() }

// clock bounds one phase of an exchange after the other with a single timer. It runs only while the exchange waits for its
// upstream, so that a client that reads slowly is never mistaken for a silent upstream. Setting a phase is cheap: the timer
// is left running and corrects itself when it fires early, which a stream of quick events never lets it do.
type clock struct {
	canceler *canceler

	mu      sync.Mutex
	outcome outcome.Outcome // of this phase, should it expire
	limitIs outcome.Outcome // what passing the limit is called; Completed: whatever the phase is called
	stopped bool
	timer   *time.Timer
	// Moments, as package breaker has them: a third of a time's memory.
	fires    int64 // when the timer goes off; 0: it does not
	deadline int64 // of this phase; 0: none is running
	limit    int64 // no phase may last beyond it; 0: none
	// What others may know of a stream.
	so    soFar
	came  int64 // a moment: when so was last found to have grown; 0: never
	input saidInput
}

// until starts a phase, now, which is a moment. A zero deadline has no bound but the limit.
func (c *clock) until(now int64, deadline time.Time, outcome outcome.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin(now, deadline, outcome)
}

// untilMore is until for a stream of which so much has come.
func (c *clock) untilMore(now int64, deadline time.Time, outcome outcome.Outcome, so soFar) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if so != c.so {
		c.so, c.came = so, now
	}
	c.begin(now, deadline, outcome)
}

func (c *clock) begin(now int64, deadline time.Time, outcome outcome.Outcome) {
	at := int64(0)
	if !deadline.IsZero() {
		at = breaker.Moment(deadline)
	}
	c.start(now, at, outcome)
}

func (c *clock) start(now, deadline int64, as outcome.Outcome) {
	if c.limit != 0 && (deadline == 0 || c.limit < deadline) {
		deadline = c.limit
		if c.limitIs != outcome.Completed {
			as = c.limitIs
		}
	}
	c.deadline, c.outcome = deadline, as
	c.arm(now)
}

// off ends the phase.
func (c *clock) off() {
	c.mu.Lock()
	c.deadline = 0
	c.mu.Unlock()
}

// limitTo bounds the phase that is running and all that follow; an earlier limit stays. outcome Completed keeps each phase's
// own name.
func (c *clock) limitTo(at time.Time, outcome outcome.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	limit := breaker.Moment(at)
	if c.limit != 0 && c.limit < limit {
		return
	}
	c.limit, c.limitIs = limit, outcome
	if c.deadline != 0 {
		c.start(breaker.Now(), c.deadline, c.outcome)
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

func (c *clock) arm(now int64) {
	if c.stopped || c.deadline == 0 {
		return
	}
	if c.fires != 0 && c.deadline >= c.fires {
		return // it fires before the deadline and will see then
	}
	c.fires = c.deadline
	wait := time.Duration(c.deadline - now)
	if c.timer == nil {
		c.timer = time.AfterFunc(wait, c.fire)
	} else {
		c.timer.Reset(wait)
	}
}

func (c *clock) fire() {
	c.mu.Lock()
	c.fires = 0
	if c.stopped || c.deadline == 0 {
		c.mu.Unlock()
		return
	}
	if now := breaker.Now(); now < c.deadline {
		c.arm(now)
		c.mu.Unlock()
		return
	}
	outcome := c.outcome
	c.mu.Unlock()
	c.canceler.End(expired{outcome})
}
