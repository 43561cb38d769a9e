// Package limit holds clients to what they may ask for and spend: requests and tokens a minute, calls at a time, and budgets, of a token,
// of its owner, of a group and of all together. What a call may take is reserved before it is made (Enter), and what it took is settled
// when it has ended, however it did (Leave). The counts are in memory and belong to names, so that they outlive the configurations that set
// them.
package limit

import (
	"slices"
	"sync"
	"time"

	"one-api/relay/config"
)

// Scope is whose a limit is.
type Scope string

// The scopes.
const (
	OfToken Scope = "token"
	OfOwner Scope = "owner"
	OfGroup Scope = "group"
	OfAll   Scope = "all"
)

// What a limit is of: the closed list of relay.limits.refused.
const (
	Requests   = "rpm"
	Tokens     = "tpm"
	Concurrent = "concurrent"
	Budget     = "budget"
	Unpriced   = "unpriced"
)

// window is how long requests and tokens count.
const window = time.Minute

// named is what counts are kept by.
type named struct {
	scope Scope
	name  string
}

// Keeper is the counts of a process.
type Keeper struct {
	now  func() time.Time
	zone *time.Location
	// One lock for all: a call holds it for less than a microsecond, and several counts have to be taken at once or not at all.
	mu     sync.Mutex
	meters map[named]*meter
	outs   outputs
	open   *Reservation // the first of those that have not been settled
}

// NewKeeper makes one that counts from zero. Days are those of the zone.
func NewKeeper(zone *time.Location, now func() time.Time) *Keeper {
	return &Keeper{now: now, zone: zone, meters: map[named]*meter{}}
}

// meter is what one name has taken.
type meter struct {
	named
	open     int
	requests ring // when those of the last minute came
	tokens   minute
	reserved int64 // tokens of open calls
	purse    purse
}

// purse is what is spent of a budget, in nano-dollars.
type purse struct {
	per      config.Period
	until    time.Time // when the period ends; zero: never
	spent    int64
	reserved int64
}

// level is a name with its limits.
type level struct {
	meter  *meter
	limits config.Limits
	budget config.Budget
}

// Set is the limits of a configuration: those that count for each token, by its name. A token for which none does is not in it.
type Set struct {
	keeper  *Keeper
	byToken map[string]*Bounds
}

// Bounds is what counts for one token.
type Bounds struct {
	keeper *Keeper
	token  string
	levels []level
	// Money says that there is a budget among them.
	Money bool
}

// Of is what counts for a token; nil: nothing does.
func (s *Set) Of(token string) *Bounds {
	if s == nil || len(s.byToken) == 0 {
		return nil
	}
	return s.byToken[token]
}

// NewSet makes the limits of a configuration the ones that hold. Counts of names that it does not have any more are forgotten.
func (k *Keeper) NewSet(c *config.Config) *Set {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := &Set{keeper: k, byToken: map[string]*Bounds{}}
	kept := map[named]*meter{}
	at := func(scope Scope, name string, limits config.Limits, budget config.Budget) (l level, ok bool) {
		if !limits.Any() && budget.Nano == 0 {
			return l, false
		}
		key := named{scope, name}
		m := kept[key]
		if m == nil {
			if m = k.meters[key]; m == nil {
				m = &meter{named: key}
			}
			kept[key] = m
		}
		if budget.Nano == 0 {
			m.purse.spent, m.purse.per = 0, "" // what was spent meanwhile is read anew if there is one again
		} else if m.purse.per != budget.Per {
			m.purse.per, m.purse.spent, m.purse.until = budget.Per, 0, k.periodEnd(budget.Per, k.now())
		}
		return level{m, limits, budget}, true
	}
	for i := range c.Tokens {
		t := &c.Tokens[i]
		b := &Bounds{keeper: k, token: t.Name}
		if l, ok := at(OfToken, t.Name, t.Limits, t.Budget); ok {
			b.levels = append(b.levels, l)
		}
		if l, ok := at(OfOwner, t.Owner, c.Owners[t.Owner].Limits, c.Owners[t.Owner].Budget); ok {
			b.levels = append(b.levels, l)
		}
		for _, group := range t.Groups {
			if l, ok := at(OfGroup, group, c.Groups[group].Limits, c.Groups[group].Budget); ok {
				b.levels = append(b.levels, l)
			}
		}
		if l, ok := at(OfAll, "", c.Limits, c.Budget); ok {
			b.levels = append(b.levels, l)
		}
		b.Money = slices.ContainsFunc(b.levels, func(l level) bool { return l.budget.Nano > 0 })
		if len(b.levels) > 0 {
			s.byToken[t.Name] = b
		}
	}
	k.meters = kept
	return s
}

// Spent is what a token was charged on a day, in nano-dollars, or what an owner had spent before any of them was.
type Spent struct {
	Token  string
	Owner  string // instead of a token
	Day    int    // YYYYMMDD in the keeper's zone; 0: before all the others
	Charge int64
}

// Begin has budgets begin with what was spent before. What has been spent meanwhile is in it too, if it has been written.
func (k *Keeper) Begin(c *config.Config, all []Spent) {
	groups, owners := map[string][]string{}, map[string]string{}
	for i := range c.Tokens {
		groups[c.Tokens[i].Name], owners[c.Tokens[i].Name] = c.Tokens[i].Groups, c.Tokens[i].Owner
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range k.meters {
		if m.purse.per == "" {
			continue
		}
		k.turn(m, k.now())
		from, spent := k.firstDay(m.purse.per, k.now()), int64(0)
		for _, s := range all {
			if m.counts(&s, groups[s.Token], owners[s.Token]) && s.Day >= from {
				spent += s.Charge
			}
		}
		m.purse.spent = max(m.purse.spent, spent)
	}
}

// counts reports whether what was spent counts for the meter. groups and owner are the token's.
func (m *meter) counts(s *Spent, groups []string, owner string) bool {
	switch {
	case s.Owner != "":
		return m.scope == OfOwner && s.Owner == m.name
	case m.scope == OfToken:
		return s.Token == m.name
	case m.scope == OfOwner:
		return owner == m.name
	case m.scope == OfGroup:
		return slices.Contains(groups, m.name)
	}
	return true
}

// Money reports whether there is a budget, which Begin has to be called for.
func (s *Set) Money() bool {
	for _, b := range s.byToken {
		if b.Money {
			return true
		}
	}
	return false
}

// midnight is when the day of a time began.
func (k *Keeper) midnight(at time.Time) time.Time {
	y, m, d := at.In(k.zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, k.zone)
}

// periodStart is when the period began that a time is in; zero: ever.
func (k *Keeper) periodStart(per config.Period, at time.Time) time.Time {
	day := k.midnight(at)
	switch per {
	case config.PerDay:
		return day
	case config.PerWeek:
		return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
	case config.PerMonth:
		return day.AddDate(0, 0, 1-day.Day())
	default:
		return time.Time{}
	}
}

// firstDay is the first day of the period, as YYYYMMDD; 0: ever.
func (k *Keeper) firstDay(per config.Period, at time.Time) int {
	start := k.periodStart(per, at)
	if start.IsZero() {
		return 0
	}
	return start.Year()*10000 + int(start.Month())*100 + start.Day()
}

func (k *Keeper) periodEnd(per config.Period, at time.Time) time.Time {
	start := k.periodStart(per, at)
	switch per {
	case config.PerDay:
		return start.AddDate(0, 0, 1)
	case config.PerWeek:
		return start.AddDate(0, 0, 7)
	case config.PerMonth:
		return start.AddDate(0, 1, 0)
	default:
		return time.Time{}
	}
}

// turn begins a new period when the old one is over. What open calls have reserved goes over into it.
func (k *Keeper) turn(m *meter, now time.Time) {
	if !m.purse.until.IsZero() && !now.Before(m.purse.until) {
		m.purse.spent, m.purse.until = 0, k.periodEnd(m.purse.per, now)
	}
}

// Used is how far a budget has been used, for those who look.
type Used struct {
	Scope           Scope
	Name            string
	Spent, Reserved int64 // nano-dollars
	Most            int64
	Per             config.Period
}

// Budgets visits those of a set.
func (s *Set) Budgets(visit func(Used)) {
	if s == nil {
		return
	}
	seen := map[*meter]bool{}
	s.keeper.mu.Lock()
	defer s.keeper.mu.Unlock()
	for _, b := range s.byToken {
		for _, l := range b.levels {
			if l.budget.Nano == 0 || seen[l.meter] {
				continue
			}
			seen[l.meter] = true
			s.keeper.turn(l.meter, s.keeper.now())
			p := l.meter.purse
			visit(Used{l.meter.scope, l.meter.name, p.spent, p.reserved, l.budget.Nano, p.per})
		}
	}
}
