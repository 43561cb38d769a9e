package channel

import (
	"iter"
	"time"
)

// Policy chooses among the channels that a request may go to.
type Policy interface {
	// Select returns one of the candidates, or nil if none will do. Many requests call it at once, and again if the place that it
	// chose was taken meanwhile.
	Select(from Candidates) *Channel
}

// Candidates is the channels that a request may go to now.
type Candidates struct {
	route   *route // nil: there are none
	request *SelectRequest
	now     time.Time
	how     tolerance
	random  func(n int) int
}

// All is all of them, the highest priority first, and in the order of the configuration among those of one priority.
func (c Candidates) All() iter.Seq[*Channel] {
	return func(yield func(*Channel) bool) {
		for of := range c.route.channels() {
			if c.request.Caller.reaches(of) && c.request.admits(of, c.now, c.how) && !yield(of) {
				return
			}
		}
	}
}

// Random is a number from 0 to n-1.
func (c Candidates) Random(n int) int { return c.random(n) }

// most is how many there can be.
func (c Candidates) most() (n int) {
	if c.route == nil {
		return 0
	}
	for i := range c.route.all {
		n += len(c.route.all[i].channels)
	}
	return n
}

// ByPriority is the policy of priorities and weights: the highest priority that has a channel available, at random by weight within it.
type ByPriority struct{}

// Select looks at one priority after the other.
func (ByPriority) Select(from Candidates) *Channel {
	r, w := from.route, from.request
	for rank := r.next(w.Caller, 0); rank >= 0; rank = r.next(w.Caller, rank+1) {
		if c := r.choose(w, rank, from.now, from.how, from.random); c != nil {
			return c
		}
	}
	return nil
}
