package channel

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"one-api/relay/config"
	"one-api/relay/wire"
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
type AskForList func(c *Channel, tell Tell)

// Tell takes what an upstream said. news: clients see no list now, and that is since this answer.
type Tell func(names []string, ok bool) (news bool)

// listed gives the models that the channel's globs cover, as far as is known now. pending is closed when more is; nil: it will not be. ask
// nil: nobody is asked.
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
	if ask != nil && l.done == nil && (l.asked.IsZero() || now.Sub(l.asked) >= kept) {
		l.asked, l.done = now, make(chan struct{})
		ask(c, func(names []string, ok bool) bool { return l.told(names, ok) && len(l.known(c)) == 0 })
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

// told takes note of what was said. news: it is the first failure, or the first one after another answer.
func (l *listing) told(names []string, ok bool) (news bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	news = !ok && !l.failed
	if l.failed = !ok; ok {
		l.names = names
	}
	close(l.done)
	l.done, l.ended = nil, true
	return news
}

// known is what the upstream said or, if it never said anything, what is well known of it: at its own address, and at any other of those
// that have no list, as a cloud's private one.
func (l *listing) known(c *Channel) []string {
	if l.names == nil && (c.Official || c.Asks == nil) {
		return c.Of.WellKnown
	}
	return l.names
}

// said reports whether the channel's upstream has ever told a list with something on it.
func (l *listing) said() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.names) > 0
}

// ListModels lists, sorted, the models that a token may ask for: those that its groups' channels name or map and, for their globs, those
// that their upstreams list, or that the token names if an upstream has no list. It waits for upstreams that have never been asked, a
// moment and no longer than ctx.
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
		names = append(names, c.globbed(who, listed)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// globbed is what the channel's globs cover of a list, or of the names that the token has if there is none.
func (c *Channel) globbed(who Caller, listed []string) (names []string) {
	if who.Allows != nil && !c.isDisabled() && !c.listing.said() {
		listed = slices.Concat(listed, slices.DeleteFunc(slices.Clone(*who.Allows), isGlob))
	}
	for _, name := range listed {
		if c.covers(name) && who.allows(name) {
			names = append(names, name)
		}
	}
	return names
}

// WhatThereIs says in a sentence which models a token may ask for, and where they are listed if anything is known to be on that list.
func (s *Set) WhatThereIs(who Caller) string {
	patterns, listed := who.patterns(s), len(s.Models(who)) > 0
	for _, c := range s.channels {
		if !listed && who.reaches(c) {
			known, _ := c.listed(time.Time{}, nil)
			listed = len(c.globbed(who, known)) > 0
		}
	}
	switch {
	case listed && who.Allows != nil:
		return "This key may use " + patterns + "; GET /v1/models lists the models."
	case listed:
		return "GET /v1/models lists the models that this key may use."
	case patterns == "":
		return "No channel of this key's groups has any model; the operator of this relay has to look at that."
	}
	return "This key may use " + patterns + ". No names of such models are known here: ask for one that you know, or have the relay's " +
		"operator name it in the channel's models."
}

// Bounds of what is said of patterns.
const (
	mostPatterns   = 8
	longestPattern = 60
)

// patterns is what the token may ask for, in words: its own patterns or, if it has none, the globs of the channels that it reaches; empty:
// it reaches none.
func (w Caller) patterns(s *Set) string {
	var all []string
	for _, c := range s.channels {
		switch {
		case !w.reaches(c):
		case w.Allows != nil:
			all = *w.Allows
		default:
			all = append(all, slices.DeleteFunc(slices.Clone(c.Models), func(model string) bool { return !isGlob(model) })...)
		}
	}
	shown := make([]string, 0, mostPatterns+1)
	for _, pattern := range all {
		if pattern = wire.Clip(pattern, longestPattern); pattern == "*" {
			return "whatever its channels' upstreams have"
		} else if !slices.Contains(shown, pattern) {
			shown = append(shown, pattern)
		}
		if len(shown) > mostPatterns {
			shown[mostPatterns] = "others"
			break
		}
	}
	return strings.Join(shown, ", ")
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
