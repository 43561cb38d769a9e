package channel

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"one-api/relay/config"
	"one-api/relay/wire"
)

// route is the channels that serve one model. Models with the same channels share one. A nil route has none.
type route struct {
	in      *routes
	all     []tier            // best priority first: all[i].rank is i
	byGroup map[string][]tier // those of all that have channels of a group, with nothing but those
	only    string            // the group, if there is one and all channels are in it
	resumes bool              // one of the channels takes part in the rescue of streams
}

// tier is channels of one priority, in the order of the configuration.
type tier struct {
	rank     int // among the priorities of the route, 0 is the best
	channels []*Channel
	upTo     []int // upTo[i] is the weight of channels[:i+1]
}

func newRoute(channels []*Channel) *route {
	r := &route{byGroup: map[string][]tier{}}
	var priorities []int
	for _, c := range channels {
		priorities = append(priorities, c.Priority)
		r.resumes = r.resumes || c.Resume != config.ResumeUnsaid && c.Resume != config.ResumeOff
	}
	slices.SortFunc(priorities, func(a, b int) int { return cmp.Compare(b, a) })
	priorities = slices.Compact(priorities)
	r.all = tiersOf(channels, priorities)

	members := map[string][]*Channel{}
	for _, c := range channels {
		for i, group := range c.Groups {
			if !slices.Contains(c.Groups[:i], group) {
				members[group] = append(members[group], c)
			}
		}
	}
	for group, of := range members {
		if len(of) == len(channels) {
			r.byGroup[group] = r.all // as nearly always
			if len(members) == 1 {
				r.only = group
			}
		} else {
			r.byGroup[group] = tiersOf(of, priorities)
		}
	}
	return r
}

// tiersOf sorts channels by their priority. priorities are those of the route, the highest first.
func tiersOf(channels []*Channel, priorities []int) (tiers []tier) {
	byPriority := map[int][]*Channel{}
	for _, c := range channels {
		byPriority[c.Priority] = append(byPriority[c.Priority], c)
	}
	for rank, priority := range priorities {
		of := byPriority[priority]
		if len(of) == 0 {
			continue
		}
		t := tier{rank: rank, channels: slices.Clip(of), upTo: make([]int, len(of))}
		weight := 0
		for i, c := range of {
			weight += c.Weight
			t.upTo[i] = weight
		}
		tiers = append(tiers, t)
	}
	return tiers
}

// another reports whether the request could go to a healthy channel other than this one.
func (r *route) another(w *SelectRequest, than *Channel, now time.Time) bool {
	for i := range w.Caller.lists() {
		for _, t := range r.list(w.Caller, i) {
			for _, c := range t.channels {
				if c != than && w.admits(c, now, tolerance{}) {
					return true
				}
			}
		}
	}
	return false
}

// weight is that of all of the tier's channels. A nil tier has none.
func (t *tier) weight() int {
	if t == nil {
		return 0
	}
	return t.upTo[len(t.upTo)-1]
}

// at is the channel at a point of the tier's weight, from 0 to weight()-1.
func (t *tier) at(point int) *Channel {
	i, _ := slices.BinarySearch(t.upTo, point+1)
	return t.channels[i]
}

// channels are all of them, best priority first.
func (r *route) channels() iter.Seq[*Channel] {
	return func(yield func(*Channel) bool) {
		if r == nil {
			return
		}
		for _, t := range r.all {
			for _, c := range t.channels {
				if !yield(c) {
					return
				}
			}
		}
	}
}

// A caller reaches the channels of several lists: one for each of its groups, or one of all channels. A channel of several of
// its groups is in several lists, and counts in the first of them.

func (w Caller) lists() int {
	if w.AllGroups {
		return 1
	}
	return len(w.Groups)
}

func (r *route) list(who Caller, i int) []tier {
	switch {
	case r == nil:
		return nil
	case who.AllGroups, r.only != "" && who.Groups[i] == r.only:
		return r.all
	}
	return r.byGroup[who.Groups[i]]
}

// first reports whether list i is the first of the caller's that has the channel.
func (w Caller) first(c *Channel, i int) bool { return i == 0 || !c.inGroups(w.Groups[:i]) }

// serves reports whether the caller reaches a channel that serves the endpoint. Nearly always the first one does.
func (r *route) serves(who Caller, endpoint wire.Endpoint) bool {
	for i := range who.lists() {
		for _, t := range r.list(who, i) {
			for _, c := range t.channels {
				if c.serves(endpoint) {
					return true
				}
			}
		}
	}
	return false
}

// next is the best rank, from the given one on, at which the caller reaches any channel; -1: none.
func (r *route) next(who Caller, from int) int {
	best := -1
	for i := range who.lists() {
		list := r.list(who, i)
		at, _ := ranked(list, from)
		if at < len(list) && (best < 0 || list[at].rank < best) {
			best = list[at].rank
		}
	}
	return best
}

// ranked is where in a list a rank is, or would be.
func ranked(list []tier, rank int) (at int, found bool) {
	if rank >= 0 && rank < len(list) && list[rank].rank == rank { // as in every list that has all ranks
		return rank, true
	}
	return slices.BinarySearchFunc(list, rank, func(t tier, rank int) int { return cmp.Compare(t.rank, rank) })
}

// tier is the channels of a rank in the caller's list i; nil: it has none there.
func (r *route) tier(who Caller, i, rank int) *tier {
	list := r.list(who, i)
	at, found := ranked(list, rank)
	if !found {
		return nil
	}
	return &list[at]
}

// mostDraws is how often choose draws before it looks at every channel.
const mostDraws = 16

// choose picks, by weight, one of the channels of a rank that the request may go to now; nil if there is none.
//
// It draws among all channels of the rank that the caller reaches, and draws again if it cannot use the one that it drew. The odds
// are those of a draw among the usable ones alone, and the first draw nearly always does, however many there are. If few can be
// used, looking at each of them costs less than drawing on.
func (r *route) choose(w *SelectRequest, rank int, now time.Time, how tolerance, random func(int) int) *Channel {
	total := 0
	for i := range w.Caller.lists() {
		total += r.tier(w.Caller, i, rank).weight()
	}
	if total > 0 {
		for range min(mostDraws, len(r.all[rank].channels)) {
			if c := r.draw(w.Caller, rank, random(total)); c != nil && w.admits(c, now, how) {
				return c
			}
		}
	}
	return r.search(w, rank, now, how, random, total)
}

// draw is the channel at a point of the weight of all of a rank that the caller reaches. nil: one that counts elsewhere.
func (r *route) draw(who Caller, rank, point int) *Channel {
	for i := range who.lists() {
		t := r.tier(who, i, rank)
		if weight := t.weight(); point >= weight {
			point -= weight
			continue
		}
		if c := t.at(point); who.first(c, i) {
			return c
		}
		return nil
	}
	return nil
}

// search is choose by looking at every channel. One of weight 0 is picked only where there is no other. total is no less than
// the weight of all that can be picked.
func (r *route) search(w *SelectRequest, rank int, now time.Time, how tolerance, random func(int) int, total int) *Channel {
	var chosen *Channel
	weight := 0
	for i := range w.Caller.lists() {
		t := r.tier(w.Caller, i, rank)
		if t == nil {
			continue
		}
		for _, c := range t.channels {
			if !w.Caller.first(c, i) || !w.admits(c, now, how) {
				continue
			}
			if total == 0 {
				return c
			}
			weight += c.Weight
			// Keeping each one with the share that it has of the weight so far gives every one its share of the whole.
			if chosen == nil || (c.Weight > 0 && random(weight) < c.Weight) {
				chosen = c
			}
		}
	}
	return chosen
}
