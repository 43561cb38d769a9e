package suite

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"

	"one-api/relay/outcome"
)

// mishap is something that an upstream does wrong, and what that leads to.
type mishap struct {
	fits     func(variant) bool // under which circumstances it can be done; nil: under all
	timeouts string             // of the channel, as YAML
	handle   func(v variant, w http.ResponseWriter, r *http.Request)
	ending   ending
}

// begins is held while a scene gets going that then waits for its clocks: many that do so at once would need longer than those allow.
var begins sync.Mutex

// mishaps are several by their names. They share scenes: in each, all of them happen at the same time, each to all ways.
type mishaps map[string]mishap

// inEveryVariant lets them happen under as many circumstances as are drawn. p is what is common to all.
func (m mishaps) inEveryVariant(t *testing.T, p plan, also ...func(t *testing.T, s *scene, all map[string]heard)) {
	m.inVariants(t, thorough(), p, also...)
}

func (m mishaps) inVariants(t *testing.T, how thoroughness, p plan, also ...func(t *testing.T, s *scene, all map[string]heard)) {
	bySlug := map[string]mishap{}
	for name, one := range m {
		bySlug[slug(name)] = one
	}
	groups := m.groups()
	rows := fitting(func(v variant) bool { return len(m.fitting(v)) > 0 })
	// Every pair of circumstances, and every pair of a circumstance and a mishap.
	for _, v := range drawn(t, rows, func(v variant) []string {
		names := combinations(v.values(), how)
		for i, fits := range groups {
			if how != everyOne && fits(v) {
				for _, single := range combinations(v.values(), min(how, eachOnce)) {
					names = append(names, string(rune('A'+i))+single)
				}
			}
		}
		return names
	}) {
		t.Run(v.String(), func(t *testing.T) {
			matrix.standsFor(t)
			if p.waits {
				t.Parallel()
			}
			p, want := p, map[string]ending{}
			p.handle = func(w http.ResponseWriter, r *http.Request) { bySlug[caseOf(r)].handle(v, w, r) }
			for _, name := range m.fitting(v) {
				want[slug(name)] = m[name].ending
			}
			s, all := m.happen(t, v, p, 0)
			for try := 1; s.wasTooSlow(want) && p.mayTake(try); try++ {
				s.quiet()
				s, all = m.happen(t, v, p, try)
			}
			s.requireEndings(t, all, want)
			for _, check := range also {
				check(t, s, all)
			}
		})
	}
}

// happen lets all of them happen once, with the timeouts of a try.
func (m mishaps) happen(t *testing.T, v variant, p plan, try int) (s *scene, all map[string]heard) {
	for _, name := range m.fitting(v) {
		p.ways = append(p.ways, waysOf(name, p.clocks(m[name].timeouts, try))...)
	}
	goingOn := func() {}
	if p.waits {
		begins.Lock()
		goingOn = sync.OnceFunc(begins.Unlock)
		defer goingOn()
	}
	s = newScene(t, v, p)
	return s, s.callAllWhile(context.Background(), ear{}, func() {
		if p.waits {
			s.eventually("every upstream is asked, or clocks run out already", func() bool {
				return s.faulty.requests.Load() >= int64(len(s.ways)) || len(s.requestEnds()) > 0
			})
		}
		goingOn()
	})
}

// clocks is what timeouts become in a try.
func (p *plan) clocks(timeouts string, try int) string {
	if longer := p.longer[timeouts]; try > 0 && len(longer) > 0 {
		return longer[min(try, len(longer))-1]
	}
	return timeouts
}

// mayTake reports whether there are longer timeouts for another try.
func (p *plan) mayTake(try int) bool {
	for _, longer := range p.longer {
		if try <= len(longer) {
			return true
		}
	}
	return false
}

// wasTooSlow reports whether a clock for connecting or for the header ran out where it is another's that is to.
func (s *scene) wasTooSlow(want map[string]ending) bool {
	for _, w := range s.ways {
		for _, as := range s.outcomesOf(w.name) {
			if as != want[w.of].outcome && (as == outcome.HeaderTimeout || as == outcome.ConnectFailed) {
				return true
			}
		}
	}
	return false
}

// fitting is the names of those that can be done in a variant, in order.
func (m mishaps) fitting(v variant) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if m[name].fits == nil || m[name].fits(v) {
			names = append(names, name)
		}
	}
	return names
}

// groups is the different sets of circumstances that they can be done under.
func (m mishaps) groups() (groups []func(variant) bool) {
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		fits := m[name].fits
		if fits == nil {
			fits = func(variant) bool { return true }
		}
		accepted := ""
		for _, v := range variants() {
			accepted += string(rune('0' + number(fits(v))))
		}
		if !seen[accepted] {
			seen[accepted] = true
			groups = append(groups, fits)
		}
	}
	return groups
}
