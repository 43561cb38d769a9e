package channel

import "one-api/relay/outcome"

// Cut ends every call that the channel has in flight, and tells how many there were. A call that is just beginning and was let
// in before the channel was disabled is among them.
func (c *Channel) Cut() int {
	c.state.cuts.Add(1)
	calls := c.state.calls.all()
	for _, l := range calls {
		l.End(outcome.ErrOperator) // with no lock held: it may have a connection to close
	}
	return len(calls)
}

// all is what ends the open calls.
func (l *calls) all() (enders []Ender) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := l.first; c != nil; c = c.next {
		enders = append(enders, c.Ends)
	}
	return enders
}
