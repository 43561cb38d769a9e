package channel

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/config"
	"one-api/relay/wire"
)

// Set is the channels of one configuration, and who serves what. It is immutable.
type Set struct {
	channels []*Channel // in the file's order
	byName   map[string]*Channel
	routes   map[string]*route // for every model that the configuration names

	// Models that only a glob covers are routed when they are asked for. Clients choose these names, so few are remembered.
	remembered sync.Map // model -> *route
	memory     atomic.Int32
}

// maxRemembered bounds the routes kept for models that only a glob covers.
const maxRemembered = 4096

// route is the channels that serve one model, best priority first.
type route struct {
	tiers   [][]*Channel
	resumes bool // one of them takes part in the rescue of streams
}

func newSet(channels []*Channel) *Set {
	s := &Set{channels: channels, byName: make(map[string]*Channel, len(channels)), routes: map[string]*route{}}
	for _, c := range channels {
		s.byName[c.Name] = c
	}
	for _, model := range s.namedModels(func(*Channel) bool { return true }) {
		s.routes[model] = s.makeRoute(model)
	}
	return s
}

// All is every channel, in the order of the configuration.
func (s *Set) All() []*Channel { return s.channels }

// Get is the channel of that name; nil: there is none.
func (s *Set) Get(name string) *Channel { return s.byName[name] }

// Models lists, sorted, the models that a token may ask for by name: those that its groups' channels list (not their globs,
// which cannot be listed) or map.
func (s *Set) Models(who Caller) []string {
	return slices.DeleteFunc(s.namedModels(who.reaches), func(model string) bool { return !who.allows(model) })
}

func (s *Set) namedModels(of func(*Channel) bool) []string {
	var names []string
	for _, c := range s.channels {
		if !of(c) {
			continue
		}
		for _, model := range c.Models {
			if !isGlob(model) {
				names = append(names, model)
			}
		}
		for model := range c.ModelMapping {
			names = append(names, model)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func isGlob(model string) bool {
	for _, r := range model {
		if r == '*' || r == '?' {
			return true
		}
	}
	return false
}

func (s *Set) makeRoute(model string) *route {
	r := &route{}
	byPriority := map[int][]*Channel{}
	var priorities []int
	for _, c := range s.channels {
		if !c.serves(model) {
			continue
		}
		if byPriority[c.Priority] == nil {
			priorities = append(priorities, c.Priority)
		}
		byPriority[c.Priority] = append(byPriority[c.Priority], c)
		r.resumes = r.resumes || c.Resume != config.ResumeUnsaid && c.Resume != config.ResumeOff
	}
	slices.SortFunc(priorities, func(a, b int) int { return b - a })
	for _, p := range priorities {
		r.tiers = append(r.tiers, byPriority[p])
	}
	return r
}

func (s *Set) route(model string) *route {
	if r := s.routes[model]; r != nil {
		return r
	}
	if r, ok := s.remembered.Load(model); ok {
		return r.(*route)
	}
	r := s.makeRoute(model)
	if len(r.tiers) > 0 && s.memory.Load() < maxRemembered {
		s.memory.Add(1)
		s.remembered.Store(model, r)
	}
	return r
}

// Caller is the token of a request, as far as selection has to know it.
type Caller struct {
	Groups    []string
	AllGroups bool
	Allows    func(model string) bool // nil: every model
}

func (w Caller) allows(model string) bool { return w.Allows == nil || w.Allows(model) }

func (w Caller) reaches(c *Channel) bool { return w.AllGroups || c.inGroups(w.Groups) }

// Want is what a request asks of selection, and what it has learnt from its attempts so far.
type Want struct {
	Caller   Caller
	Endpoint wire.Endpoint
	Model    string
	tried    []tried
	because  string   // why the attempt before failed; empty: there was none
	broken   *Channel // whose stream broke off and is to be finished; nil: the client has nothing yet
	text     bool     // and there is text of it, which has to be continued
}

type tried struct {
	channel *Channel
	byKey   bool // it was the key that failed, not the channel
}

// Tried excludes a channel from the request's further attempts. One of which only the key failed may be tried again with
// another key, once there is no other channel left.
func (w *Want) Tried(attempt Attempt) {
	if attempt.Sent {
		w.because = attempt.Outcome.String()
	}
	v := Judge(attempt.Outcome, attempt.Class)
	w.tried = append(w.tried, tried{attempt.Channel, v.Key == KeyRests || v.Key == KeyCools})
}

func (w *Want) excludes(c *Channel, anotherKey bool) bool {
	if w.broken != nil && !c.finishes(w.broken, w.text) {
		return true
	}
	excluded := false
	for _, t := range w.tried {
		if t.channel == c {
			if !t.byKey || len(c.keys.keys) < 2 {
				return true
			}
			excluded = true
		}
	}
	return excluded && !anotherKey
}

// Check tells, without starting anything, why a request cannot be served by any channel; nil: it can.
func (s *Set) Check(w *Want) *Refusal {
	found, serves, reaches := false, false, false
	for _, tier := range s.route(w.Model).tiers {
		for _, c := range tier {
			found = true
			if !c.Adaptor.Serves(w.Endpoint) {
				continue
			}
			serves = true
			reaches = reaches || w.Caller.reaches(c)
		}
	}
	switch {
	case !found:
		return refuseUnknownModel(w.Model)
	case !w.Caller.allows(w.Model):
		return refuseModel(w.Model)
	case !serves:
		return refuseEndpoint(w.Model, w.Endpoint)
	case !reaches:
		return refuseModel(w.Model)
	}
	return nil
}

// Begin chooses a channel and opens an exchange with it: the highest priority that has one available, at random by weight
// within it. ctx is the client's. The caller ends the exchange in the same function.
//
// A channel that is passed over for its failures is used all the same when nothing else is left: its own error tells the
// client more than a refusal would.
func (s *Set) Begin(ctx context.Context, w *Want) (*Exchange, *Refusal) {
	now := time.Now()
	r := s.route(w.Model)
	for _, how := range [...]struct{ desperate, anotherKey bool }{{false, false}, {false, true}, {true, true}} {
		for _, tier := range r.tiers {
			if x := s.beginIn(ctx, w, tier, now, how.desperate, how.anotherKey); x != nil {
				x.because, x.resumes = w.because, w.broken != nil
				return x, nil
			}
		}
	}
	return nil, s.refusal(w, r, now)
}

func (s *Set) beginIn(ctx context.Context, w *Want, tier []*Channel, now time.Time, desperate, anotherKey bool) *Exchange {
	// Choosing and taking are two steps, and another request may come between them; then the choice is made again. It cannot
	// go on for ever: each round that fails finds one channel less available.
	for range len(tier) + 1 {
		c := choose(w, tier, now, desperate, anotherKey)
		if c == nil {
			return nil
		}
		if x := c.begin(ctx, now, desperate); x != nil {
			return x
		}
	}
	return nil
}

// choose picks one of the available channels by weight; one of weight 0 only where there is no other.
func choose(w *Want, tier []*Channel, now time.Time, desperate, anotherKey bool) *Channel {
	var chosen *Channel
	total := 0
	for _, c := range tier {
		if !w.Caller.reaches(c) || !c.Adaptor.Serves(w.Endpoint) || w.excludes(c, anotherKey) || !c.available(now, desperate) {
			continue
		}
		total += c.Weight
		// Keeping each one with the share that it has of the total so far gives every one its share of the whole.
		if chosen == nil || (c.Weight > 0 && rand.IntN(total) < c.Weight) {
			chosen = c
		}
	}
	return chosen
}

// refusal says why none of the route's channels can be used now.
func (s *Set) refusal(w *Want, r *route, now time.Time) *Refusal {
	busy, wait := false, time.Duration(0)
	for _, tier := range r.tiers {
		for _, c := range tier {
			if !w.Caller.reaches(c) || !c.Adaptor.Serves(w.Endpoint) || w.excludes(c, true) || c.isDisabled() {
				continue
			}
			until := time.Second // full: a guess, calls end at any moment
			if !c.full() {
				limited, ok := c.keys.wait(now)
				if !ok {
					continue // all keys refused
				}
				until = limited
			}
			if !busy || until < wait {
				busy, wait = true, until
			}
		}
	}
	if busy {
		return refuseBusy(w.Model, max(wait, time.Second))
	}
	return refuseNoChannel(w.Model)
}
