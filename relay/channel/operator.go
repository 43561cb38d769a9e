package channel

import "one-api/relay/outcome"

// Cut ends the exchange, from another goroutine than the one that uses it and at any time: whatever it waits for fails.
func (x *Exchange) Cut(cause error) { x.hold.leash.end(cause) }

// Cut ends every call that the channel has in flight, and tells how many there were. A call that is just beginning and was let
// in before the channel was disabled is among them.
func (c *Channel) Cut() int {
	c.state.cuts.Add(1)
	calls := c.state.calls.all()
	for _, l := range calls {
		l.end(outcome.ErrOperator) // with no lock held: it may have a connection to close
	}
	return len(calls)
}

// all is the leashes of the open calls.
func (l *calls) all() (leashes []*leash) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := l.first; c != nil; c = c.next {
		leashes = append(leashes, c.leash)
	}
	return leashes
}
