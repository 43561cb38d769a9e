package channel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/config"
	"one-api/relay/outcome"
	"one-api/relay/provider"
	"one-api/relay/wire"
)

// Set is the channels of one configuration, and who serves what. It is immutable, but for the routes that it remembers.
type Set struct {
	channels []*Channel // in the file's order
	byName   map[string]*Channel
	routes   *routes
	random   func(n int) int // from 0 to n-1; for many goroutines at once
	now      func() time.Time
	policy   Policy
}

func newSet(channels []*Channel) *Set {
	s := &Set{channels: channels, byName: make(map[string]*Channel, len(channels)), random: rand.IntN, now: time.Now, policy: ByPriority{}}
	if len(channels) > 0 && channels[0].pool != nil {
		s.now, s.policy = channels[0].pool.now, channels[0].pool.options.Policy
	}
	for _, c := range channels {
		s.byName[c.Name] = c
	}
	s.routes = newRoutes(channels)
	return s
}

// All is every channel, in the order of the configuration.
func (s *Set) All() []*Channel { return s.channels }

// Get is the channel of that name; nil if there is none.
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

// Caller is the token of a request, as far as selection has to know it.
type Caller struct {
	Groups    []string
	AllGroups bool
	Allows    *config.Patterns // nil: every model
}

func (w Caller) allows(model string) bool { return w.Allows == nil || w.Allows.Match(model) }

func (w Caller) reaches(c *Channel) bool { return w.AllGroups || c.inGroups(w.Groups) }

// SelectRequest is what a request asks of selection, and what it has learnt from its attempts so far. Its Model stays as it is.
type SelectRequest struct {
	Caller   Caller
	Endpoint wire.Endpoint
	Stream   bool
	Last     bool // no attempt follows the one that is to be begun
	text     bool // a stream is to be finished, and there is text of it, which has to be continued
	Model    string
	tried    []tried
	because  string   // why the attempt before failed; empty: there was none
	Only     *Channel // that has what the request refers to; nil: any will do
	route    *route   // of the model, as it was found last; nil: it was not
	broken   *Channel // its stream broke off and is to be finished; nil if the client has nothing yet
}

type tried struct {
	channel *Channel
	byKey   bool         // it was the key that failed, not the channel
	cooled  bool         // its key was taken out of use for it
	key     *breaker.Key // that it was tried with
	stays   bool         // the channel is to be tried again, before any other
}

// Exclude excludes a channel from the request's further attempts. If only its key failed, it may be tried again with another key
// once no other channel is left.
func (w *SelectRequest) Exclude(r *Result) { w.note(r, false) }

// Repeat notes an attempt after which the same channel is tried again.
func (w *SelectRequest) Repeat(r *Result) { w.note(r, true) }

func (w *SelectRequest) note(r *Result, stays bool) {
	if r.Sent {
		w.because = r.Outcome.String()
	}
	w.tried = append(w.tried, tried{r.Channel, r.anotherKey(w), r.Cooled, r.Key, stays})
}

// used reports whether the request has been tried with the key.
func (w *SelectRequest) used(k *breaker.Key) bool {
	return slices.ContainsFunc(w.tried, func(t tried) bool { return t.key == k })
}

func (w *SelectRequest) excludes(c *Channel, anotherKey bool) bool {
	if w.Only != nil && c != w.Only {
		return true
	}
	if w.broken != nil && !c.finishes(w.broken, w.text) {
		return true
	}
	if c.cannotCount(w.Endpoint, w.Model) {
		return true
	}
	times := 0
	for _, t := range w.tried {
		if t.channel == c && !t.stays {
			if times++; !t.byKey || times >= c.keys.Len() {
				return true
			}
		}
	}
	return times > 0 && !anotherKey
}

// routeIn is the route of the request's model.
func (w *SelectRequest) routeIn(routes *routes) *route {
	if w.route == nil || w.route.in != routes {
		w.route = routes.of(w.Model)
	}
	return w.route
}

// Check says why no channel could ever serve a request; nil if one can. It begins nothing.
func (s *Set) Check(w *SelectRequest) *outcome.Refusal {
	r := w.routeIn(s.routes)
	switch {
	case r == nil:
		return outcome.RefuseUnknownModel(w.Model, s.WhatThereIs(w.Caller))
	case !w.Caller.allows(w.Model):
		return outcome.RefuseModel(w.Model, s.WhatThereIs(w.Caller))
	case r.serves(w.Caller, w.Endpoint):
		return nil
	case r.serves(Caller{AllGroups: true}, w.Endpoint):
		return outcome.RefuseModel(w.Model, s.WhatThereIs(w.Caller))
	}
	return outcome.RefuseEndpoint(w.Model, w.Endpoint, s.whoServes(w.Endpoint))
}

// mostTypesTold is how many channel types a refusal names.
const mostTypesTold = 8

// whoServes says which types of channels have an endpoint, for who asks one that has not.
func (s *Set) whoServes(e wire.Endpoint) string {
	var types []string
	for _, p := range provider.All() { // the best known ones first
		of, known := s.channels[0].pool.options.Providers[p.Type]
		if known && of.Lanes(&config.Channel{Type: p.Type, Official: true})[e] != nil {
			types = append(types, p.Type)
		}
	}
	switch n := len(types); {
	case n == 0:
		return "no type of channel serves it"
	case n > mostTypesTold:
		return fmt.Sprintf("none of its channels serves that. Channels of the types %s and %d others do",
			strings.Join(types[:mostTypesTold], ", "), n-mostTypesTold)
	}
	return "none of its channels serves that. Channels of the types " + strings.Join(types, ", ") + " do"
}

// tolerance is what selection puts up with.
type tolerance struct {
	anotherKey bool // that a channel was tried before, if its key failed and it has another one
	panicMode  bool // that a channel is passed over for its failures
	cooling    bool // that a channel's keys are limited
}

// tolerances is the order in which a request becomes less choosy.
var tolerances = [...]tolerance{{}, {anotherKey: true}, {anotherKey: true, panicMode: true}}

// Begin chooses a channel by the pool's policy and takes a place in it. An exchange is begun in it in the same function.
//
// If nothing else is left, a channel is used even though it is passed over for its failures: its own error tells the client more
// than a refusal would.
func (s *Set) Begin(w *SelectRequest) (Slot, *outcome.Refusal) {
	from := Candidates{route: w.routeIn(s.routes), request: w, now: s.now(), random: s.random}
	for _, from.how = range tolerances {
		if slot, ok := s.takeOne(from); ok {
			slot.Hurried = slot.Channel.Timeouts.StreamHeader > 0 && w.Stream && !w.Last && from.route.another(w, slot.Channel, from.now)
			return slot, nil
		}
	}
	return Slot{}, from.route.refusal(w, from.now)
}

func (s *Set) takeOne(from Candidates) (Slot, bool) {
	// Choosing and taking are two steps, and another request may come between them; then the choice is made again. It cannot
	// go on for ever: each round that fails finds one channel less available.
	for range from.most() + 1 {
		c := s.policy.Select(from)
		if c == nil {
			break
		}
		if slot, ok := c.take(from.request, from.now, from.how); ok {
			return slot, true
		}
	}
	return Slot{}, false
}

// admits reports whether the request may go to the channel now. The caller reaches it.
func (w *SelectRequest) admits(c *Channel, now time.Time, how tolerance) bool {
	return c.serves(w.Endpoint) && !w.excludes(c, how.anotherKey) && c.available(now, how.panicMode)
}

// refusal says why none of the channels can be used now.
func (r *route) refusal(w *SelectRequest, now time.Time) *outcome.Refusal {
	busy, wait := false, time.Duration(0)
	for c := range r.channels() {
		if !w.Caller.reaches(c) || !c.serves(w.Endpoint) || w.excludes(c, true) || c.isDisabled() {
			continue
		}
		until := time.Second // full: a guess, calls end at any moment
		if !c.full() {
			limited, ok := c.keys.Wait(now)
			if !ok {
				continue // all keys refused
			}
			until = limited
		}
		if !busy || until < wait {
			busy, wait = true, until
		}
	}
	if busy {
		return outcome.RefuseBusy(w.Model, max(wait, time.Second))
	}
	return outcome.RefuseNoChannel(w.Model)
}

// Each visits the channels that a request may go to, now or when they are well again.
func (s *Set) Each(w *SelectRequest, visit func(*Channel)) {
	for c := range w.routeIn(s.routes).channels() {
		if w.Caller.reaches(c) && c.serves(w.Endpoint) && !c.isDisabled() && (w.Only == nil || w.Only == c) {
			visit(c)
		}
	}
}
