package channel

import (
	"time"

	"one-api/relay/breaker"
)

// A call that has been told to end (its client has left, a clock has run out, an operator said so) is over within moments, or as
// soon as its client takes or loses what is being written to it. One that is not is stuck somewhere that nothing reaches any
// more. That would be a bug of the relay, as a body that nobody closes is, and it is counted like one.
const (
	overdueAfter = 2 * time.Minute
	overdueLook  = 10 * time.Second
)

// Overdue is how many calls have not ended although they were told to, a while ago.
func (p *Pool) Overdue() int64 { return p.overdue.Load() }

// lookForOverdue counts them. It is for the goroutine that calls Trim.
func (p *Pool) lookForOverdue(now time.Time) {
	if now.Sub(p.looked) < overdueLook {
		return
	}
	p.looked = now
	all := int64(0)
	for name, s := range p.allStates() {
		n := s.calls.overdue(now)
		if all += n; n > s.overdue.Swap(n) {
			p.options.Log.Error("calls have not ended although they were told to: this is a bug in the relay",
				"channel", name, "calls", n, "told_seconds_ago", int(overdueAfter.Seconds()))
		}
	}
	p.overdue.Store(all)
}

func (p *Pool) allStates() map[string]*state {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make(map[string]*state, len(p.states))
	for name, s := range p.states {
		if s.inFlight.Load() > 0 || s.overdue.Load() > 0 {
			all[name] = s
		}
	}
	return all
}

// overdue counts the calls that were told to end before overdueAfter.
func (l *calls) overdue(now time.Time) (n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := l.first; c != nil; c = c.next {
		if told := c.Ends.Told(); told != 0 && breaker.Moment(now)-told > int64(overdueAfter) {
			n++
		}
	}
	return n
}
