package migrate

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"one-api/relay/config"
	"one-api/relay/price"
)

// Options is what is wanted of an import.
type Options struct {
	Out    string // the configuration file that is to be
	Prices PriceChoice
	// KeysInStore says that client keys go into the relay's database, and not into the file.
	KeysInStore bool
	Providers   map[string]config.Provider
	// Known is names of keys of an earlier import, by their digests, which they keep. Taken is names that nobody else may have.
	Known map[string]string
	Taken []string
	Now   time.Time
}

// Plan is what an import comes to. Nothing has been written.
type Plan struct {
	Dialect  Dialect
	Place    string
	Channels []*Channel
	Tokens   []*Token
	Owners   []*Owner
	Files    []File // the configuration first
	Renamed  []string
	Warnings []string
	// Unpriced is models whose price nobody knows, and which keys with a budget may use.
	Unpriced []string
	Prices   []priced
	Markups  map[string]*big.Rat
	Sums     Sums
	Keyless  int // tokens without a key
	Deleted  int // tokens that were deleted

	options  Options
	out      string
	then     map[string]priced // the old prices of models that channels serve, as far as the old database has them
	noRatios bool              // it has none
}

// File is one that is to be written, readable for its owner alone.
type File struct {
	Path    string
	Content string
}

// Sum is balances, in quota and in nano-dollars.
type Sum struct {
	Count int
	Old   big.Int // quota
	New   big.Int // nano-dollars
}

// Sums is what there was and what there will be.
type Sums struct {
	PerDollar             *big.Rat
	Keys, Owners, Keyless Sum // of keys with a limit; of users with keys; of users without
	Unlimited             int // keys without a limit of their own
	Rounded               int // balances that are no whole number of nano-dollars
	Clamped               int // that are more than a budget can be
	Wrapped               []string
}

func (s *Sum) add(quota, nano int64) {
	s.Count++
	s.Old.Add(&s.Old, big.NewInt(quota))
	s.New.Add(&s.New, big.NewInt(nano))
}

// Make finds out what an import comes to. Its error says what to change.
func Make(old *Old, o Options) (*Plan, error) {
	p := &Plan{Dialect: old.Dialect, Place: old.Place, Deleted: old.Deleted, options: o, out: o.Out}
	groups := newRenamed()
	for _, r := range old.Channels {
		p.Channels = append(p.Channels, old.mapChannel(r, groups.name))
	}
	p.name()
	unit, ok := newRate(old.Options["QuotaPerUnit"])
	if !ok {
		p.warn("QuotaPerUnit of the old options is no number above zero: %d is used", usualPerDollar)
	}
	if old.NoOptions {
		p.warn("there is no table options, or the login may not read it: %d of quota are taken for a dollar, and no old price is known",
			usualPerDollar)
	}
	p.Sums.PerDollar = unit.perDollar
	p.tokens(old, unit, groups)
	p.owners(old, unit)
	p.prices(old, unit, groups)
	p.Renamed = groups.changed()
	return p, p.write()
}

func (p *Plan) warn(format string, args ...any) {
	p.Warnings = append(p.Warnings, fmt.Sprintf(format, args...))
}

// name gives channels their names and variables.
func (p *Plan) name() {
	given := newNames()
	for _, c := range p.Channels {
		for i := range c.Entries {
			e := &c.Entries[i]
			text := c.Name
			if i > 0 { // the others of one channel
				text = strings.TrimSuffix(slug(c.Name), "-") + "-" + slug(e.region+e.location)
			}
			e.name = given.take(text, "channel", c.ID)
			e.keys = unique(e.keys)
			prefix := fmt.Sprintf("CHANNEL_%d", c.ID)
			if i > 0 {
				prefix += fmt.Sprintf("_%d", i+1)
			}
			for n := range e.keys {
				e.keyVariables = append(e.keyVariables, numbered(prefix+"_KEY", n, len(e.keys)))
			}
			for n := range len(e.headers) {
				e.headerVariables = append(e.headerVariables, numbered(prefix+"_HEADER", n, len(e.headers)))
			}
			e.proxyVariable = prefix + "_PROXY"
		}
	}
}

func numbered(name string, n, of int) string {
	if of == 1 {
		return name
	}
	return fmt.Sprintf("%s_%d", name, n+1)
}

func unique(list []string) (kept []string) {
	for _, item := range list {
		if !slices.Contains(kept, item) {
			kept = append(kept, item)
		}
	}
	return kept
}

// tokens makes the keys.
func (p *Plan) tokens(old *Old, unit rate, groups *renamed) {
	// root and generated are names of the relay's own.
	m := &tokenMapper{
		old: old, rate: unit, known: p.options.Known, groups: groups.name, now: p.options.Now,
		names: newNames(append([]string{"root", "generated"}, p.options.Taken...)...), auto: autoGroups(old.Options["AutoGroups"]),
	}
	for _, name := range p.options.Known {
		m.names.taken[name] = true
	}
	seen := map[string]*Token{}
	for _, r := range old.Tokens {
		t := m.token(r)
		switch {
		case t == nil:
			p.Keyless++
			continue
		case seen[t.Digest] != nil:
			p.warn("the tokens %d and %d have the same key: the first one holds", seen[t.Digest].ID, t.ID)
			continue
		}
		seen[t.Digest] = t
		p.Tokens = append(p.Tokens, t)
		if t.Purse == (purse{}) {
			p.Sums.Unlimited++
			continue
		}
		p.count(&p.Sums.Keys, r.numberOr("remain_quota", 0), unit, t.Purse, "the key "+t.Name)
	}
}

// count adds a balance to a sum.
func (p *Plan) count(to *Sum, quota int64, unit rate, is purse, whose string) {
	nano, exact := unit.nano(quota)
	if is != (purse{}) {
		nano = is.left()
	}
	to.add(quota, nano)
	whole, _ := unit.nano(quota)
	switch {
	case whole != nano:
		p.Sums.Clamped++
	case !exact:
		p.Sums.Rounded++
	}
	if wrapped(quota) {
		p.Sums.Wrapped = append(p.Sums.Wrapped, whose)
	}
}

// owners makes users owners, if they have a key.
func (p *Plan) owners(old *Old, unit rate) {
	keys := map[int64]int{}
	for _, t := range p.Tokens {
		keys[t.user]++
	}
	for _, id := range slices.Sorted(maps.Keys(old.Users)) {
		quota := old.Users[id].numberOr("quota", 0)
		nano, _ := unit.nano(quota)
		if keys[id] == 0 {
			p.count(&p.Sums.Keyless, quota, unit, purse{}, "the user "+old.owner(id))
			continue
		}
		o := &Owner{ID: id, Name: old.owner(id), Purse: purseOf(nano), Keys: keys[id]}
		p.Owners = append(p.Owners, o)
		p.count(&p.Sums.Owners, quota, unit, o.Purse, "the user "+o.Name)
	}
}

// unpriced finds the models that cost nobody knows what, and the keys that reach them: those may use them, since they could before.
func (p *Plan) unpriced(c *config.Config) {
	book, now := price.NewBook(c), time.Now()
	without := map[string]map[string]bool{} // by group
	all := map[string]bool{}
	for i := range c.Channels {
		channel := &c.Channels[i]
		if channel.Disabled {
			continue
		}
		for _, model := range channel.Models {
			asked := model
			if to := channel.ModelMapping[model]; to != "" {
				asked = to
			}
			if _, known := book.Find(channel, price.Models{Asked: asked, Alias: model}, now); known {
				continue
			}
			for _, group := range channel.Groups {
				if without[group] == nil {
					without[group] = map[string]bool{}
				}
				without[group][model] = true
			}
		}
	}
	for _, t := range p.Tokens {
		t.unpriced = false
		if t.State == Exhausted || t.State == NoQuota { // what costs nothing is admitted by a budget that is used up
			continue
		}
		for _, group := range t.Groups {
			for model := range without[group] {
				if len(t.Models) > 0 && !slices.Contains(t.Models, model) {
					continue
				}
				all[model] = true
				t.unpriced = true
			}
		}
	}
	p.Unpriced = slices.Sorted(maps.Keys(all))
}
