package channel

import (
	"context"
	"slices"
	"sync"
	"time"

	"one-api/relay/config"
)

// Only the upstream knows what a glob stands for. It is asked in the background when somebody wants to see a list; the first who does
// waits a moment for it. The answer is kept, and asked for again when it is old.
const (
	listingKept  = 10 * time.Minute
	listingRetry = time.Minute // after a failure
	listingWait  = 2 * time.Second
)

// listing is the models that a channel's upstream lists.
type listing struct {
	mu     sync.Mutex
	names  []string
	failed bool          // the last time
	ended  bool          // it has been asked, well or not
	asked  time.Time     // zero: never
	done   chan struct{} // is closed when the answer is there; nil: nobody is asking
}

// AskForList asks a channel's upstream for its models, in the background, and tells what it said; ok: it said something.
type AskForList func(c *Channel, tell func(names []string, ok bool))

// listed gives the models that the channel's globs cover, as far as is known now. pending is closed when more is; nil: it will not be.
func (c *Channel) listed(now time.Time, ask AskForList) (names []string, pending <-chan struct{}) {
	if c.Of.ListsMore && c.names() || !slices.ContainsFunc(c.Models, isGlob) || c.isDisabled() {
		return nil, nil
	}
	l := &c.listing
	if c.Asks == nil { // it has no list of its own
		return l.known(c), nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := listingKept
	if l.failed {
		kept = listingRetry
	}
	if l.done == nil && (l.asked.IsZero() || now.Sub(l.asked) >= kept) {
		l.asked, l.done = now, make(chan struct{})
		ask(c, l.told)
	}
	if !l.ended {
		pending = l.done
	}
	return l.known(c), pending
}

// names reports whether the configuration names a model of the channel's.
func (c *Channel) names() bool {
	return len(c.ModelMapping) > 0 || slices.ContainsFunc(c.Models, func(model string) bool { return !isGlob(model) })
}

// told takes note of what was said.
func (l *listing) told(names []string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed = !ok; ok {
		l.names = names
	}
	close(l.done)
	l.done, l.ended = nil, true
}

// known is what the upstream said or, if it never said anything, what is well known of it.
func (l *listing) known(c *Channel) []string {
	if l.names == nil && c.Official {
		return c.Of.WellKnown
	}
	return l.names
}

// ListModels lists, sorted, the models that a token may ask for: those that its groups' channels name or map and, for their globs, those
// that their upstreams list. It waits for upstreams that have never been asked, a moment and no longer than ctx.
func (s *Set) ListModels(ctx context.Context, who Caller, ask AskForList) []string {
	deadline := time.NewTimer(listingWait)
	defer deadline.Stop()
	names := s.Models(who)
	for _, c := range s.channels {
		if !who.reaches(c) {
			continue
		}
		listed, pending := c.listed(time.Now(), ask)
		if pending != nil {
			select {
			case <-pending:
			case <-deadline.C:
				deadline.Reset(0) // nor is there any time for the others
			case <-ctx.Done():
			}
			listed, _ = c.listed(time.Now(), ask)
		}
		for _, name := range listed {
			if c.covers(name) && who.allows(name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// covers reports whether one of the channel's globs matches.
func (c *Channel) covers(name string) bool {
	return slices.ContainsFunc(c.Models, func(pattern string) bool { return isGlob(pattern) && config.Match(pattern, name) })
}

// Serves reports whether a token may ask for a model, by whatever endpoint: a glob that covers it is enough.
func (s *Set) Serves(who Caller, model string) bool {
	if model == "" || !who.allows(model) {
		return false
	}
	for c := range s.routes.of(model).channels() {
		if who.reaches(c) {
			return true
		}
	}
	return false
}
