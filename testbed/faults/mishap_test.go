package faults

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// mishap is something that an upstream does wrong, and what that leads to.
type mishap struct {
	fits     func(harness.Variant) bool // under which circumstances it can be done; nil: under all
	timeouts string                     // of the channel, as YAML
	handle   func(v harness.Variant, w http.ResponseWriter, r *http.Request)
	ending   harness.Ending
}

// begins is held while a scene gets going that then waits for its clocks: many that do so at once would need longer than those allow.
var begins sync.Mutex

// mishaps are several by their names. They share scenes: in each, all of them happen at the same time, each to all ways.
type mishaps map[string]mishap

// inEveryVariant lets them happen under as many circumstances as are drawn. p is what is common to all.
func (m mishaps) inEveryVariant(t *testing.T, p plan, also ...func(t *testing.T, s *scene, all map[string]harness.Heard)) {
	m.inVariants(t, harness.Thorough(), p, also...)
}

func (m mishaps) inVariants(t *testing.T, how harness.Thoroughness, p plan, also ...func(t *testing.T, s *scene, all map[string]harness.Heard)) {
	bySlug := map[string]mishap{}
	for name, one := range m {
		bySlug[harness.Slug(name)] = one
	}
	groups := m.groups()
	rows := harness.Fitting(func(v harness.Variant) bool { return len(m.fitting(v)) > 0 })
	// Every pair of circumstances, and every pair of a circumstance and a mishap.
	for _, v := range harness.Drawn(t, rows, func(v harness.Variant) []string {
		names := harness.Combinations(v.Values(), how)
		for i, fits := range groups {
			if how != harness.EveryOne && fits(v) {
				for _, single := range harness.Combinations(v.Values(), min(how, harness.EachOnce)) {
					names = append(names, string(rune('A'+i))+single)
				}
			}
		}
		return names
	}) {
		t.Run(v.String(), func(t *testing.T) {
			harness.Matrix.StandsFor(t)
			if p.waits {
				t.Parallel()
			}
			p, want := p, map[string]harness.Ending{}
			p.handle = func(w http.ResponseWriter, r *http.Request) { bySlug[caseOf(r)].handle(v, w, r) }
			for _, name := range m.fitting(v) {
				want[harness.Slug(name)] = m[name].ending
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
func (m mishaps) happen(t *testing.T, v harness.Variant, p plan, try int) (s *scene, all map[string]harness.Heard) {
	for _, name := range m.fitting(v) {
		p.ways = append(p.ways, harness.WaysOf(name, p.clocks(m[name].timeouts, try))...)
	}
	goingOn := func() {}
	if p.waits {
		begins.Lock()
		goingOn = sync.OnceFunc(begins.Unlock)
		defer goingOn()
	}
	s = newScene(t, v, p)
	return s, s.callAllWhile(context.Background(), harness.Ear{}, func() {
		if p.waits {
			s.Eventually("every upstream is asked, or clocks run out already", func() bool {
				return s.faulty.Requests.Load() >= int64(len(s.ways)) || len(s.RequestEnds()) > 0
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
func (s *scene) wasTooSlow(want map[string]harness.Ending) bool {
	for _, w := range s.ways {
		for _, as := range s.outcomesOf(w.Name) {
			if as != want[w.Of].Outcome && (as == outcome.HeaderTimeout || as == outcome.ConnectFailed) {
				return true
			}
		}
	}
	return false
}

// fitting is the names of those that can be done in a variant, in order.
func (m mishaps) fitting(v harness.Variant) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if m[name].fits == nil || m[name].fits(v) {
			names = append(names, name)
		}
	}
	return names
}

// groups is the different sets of circumstances that they can be done under.
func (m mishaps) groups() (groups []func(harness.Variant) bool) {
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		fits := m[name].fits
		if fits == nil {
			fits = func(harness.Variant) bool { return true }
		}
		accepted := ""
		for _, v := range harness.Variants() {
			accepted += string(rune('0' + harness.Number(fits(v))))
		}
		if !seen[accepted] {
			seen[accepted] = true
			groups = append(groups, fits)
		}
	}
	return groups
}
