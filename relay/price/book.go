package price

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/config"
	"one-api/relay/wire"
)

// Book is the prices that hold: the operator's, which win, and those that are shipped. It belongs to one configuration. The zero value
// and nil have the shipped ones.
type Book struct {
	own    []own
	groups map[string]config.Group

	last  atomic.Pointer[called] // the one asked for last: most calls are alike, and comparing takes less than hashing
	mu    sync.RWMutex
	known map[asked]*entry
	calls map[call]*called
}

// call is the names of one at a channel, and called what is known of them.
type (
	call struct {
		channel *config.Channel
		Models
	}
	called struct {
		call
		entries [3]*entry // in the order of Models; nil for a name that is empty
	}
)

// own is a price of the operator's.
type own struct {
	name   string
	models string // a glob
	at     dated
}

// asked is what a price is looked up by.
type asked struct{ kind, base, model string }

// entry is what is known of it.
type entry struct {
	own    *own
	listed *listed
	of     string // the provider whose price it is
}

// mostKnown is how many look-ups are remembered: models come from clients and from upstreams.
const mostKnown = 4096

// NewBook is the prices of a configuration.
func NewBook(c *config.Config) *Book {
	b := &Book{groups: c.Groups, known: map[asked]*entry{}}
	for i := range c.Prices {
		p := &c.Prices[i]
		o := own{name: "prices[" + strconv.Itoa(i) + "] " + p.Model, models: p.Model}
		for u, pico := range map[Unit]*int64{
			Input: p.Input, CacheRead: p.Cached, CacheWrite: p.CacheWrite, CacheWrite1h: p.CacheWrite1h, AudioIn: p.Audio, AudioOut: p.AudioOutput,
			Output: p.Output, Reasoning: p.Reasoning, Request: p.Request, Image: p.Image, Character: p.Character,
		} {
			if pico != nil {
				o.at.rates.Set(u, Rate{Pico: *pico})
			}
		}
		if p.Second != nil {
			o.at.rates.Set(Hour, Rate{Pico: *p.Second * 3600})
		}
		b.own = append(b.own, o)
	}
	return b
}

// Models are the names that a call's model has had: as its answer calls it, as the upstream was asked for it, and as the client did.
// Those that are empty are passed over.
type Models struct{ Answered, Asked, Alias string }

// Rule is a price that applies.
type Rule struct {
	// Name is "prices[0] my-*" for the operator's, and "openai/gpt-4o" for those that are shipped.
	Name string
	// Date is since when the price holds, or of which day the table is that has it (2026-09-23); empty for the operator's.
	Date string
	// Model is the name that it was found by.
	Model    string
	provider string // empty for the operator's
	at       *dated
}

// Rates are its prices.
func (r *Rule) Rates() *Rates { return &r.at.rates }

// Own reports whether the operator has given it.
func (r *Rule) Own() bool { return r.provider == "" }

// free is for what costs nothing: the built-in demo.
var free = func() (r Rule) {
	r = Rule{Name: "demo", at: &dated{}}
	r.at.rates.Set(Input, Rate{})
	r.at.rates.Set(Output, Rate{})
	r.at.rates.Set(Request, Rate{})
	return r
}()

// Find is the price of a model at a channel, at a time: the operator's for any of its names, else the shipped one, of what answered or,
// if that has none, of what was asked for. false: nobody knows it.
func (b *Book) Find(c *config.Channel, m Models, at time.Time) (Rule, bool) {
	n := b.called(call{c, m})
	for i, e := range n.entries {
		if e != nil && e.own != nil {
			return Rule{Name: e.own.name, Model: n.at(i), at: &e.own.at}, true
		}
	}
	if c.Demo {
		return free, true
	}
	for i, e := range n.entries[:2] {
		if e == nil || e.listed == nil {
			continue
		}
		if d := e.listed.now(at); !d.rates.Empty() {
			r := Rule{Name: e.listed.name, Date: shippedTable().Date, Model: n.at(i), provider: e.of, at: d}
			if !d.since.IsZero() {
				r.Date = d.since.Format(time.DateOnly)
			}
			return r, true
		}
	}
	return Rule{}, false
}

// at is one of the names, in their order.
func (m *Models) at(i int) string {
	return [...]string{m.Answered, m.Asked, m.Alias}[i]
}

// called is what is known of a call's names.
func (b *Book) called(of call) *called {
	if last := b.last.Load(); last != nil && last.call == of {
		return last
	}
	b.mu.RLock()
	found := b.calls[of]
	b.mu.RUnlock()
	if found == nil {
		found = b.learn(of)
	}
	b.last.Store(found)
	return found
}

// learn looks for a call's names.
func (b *Book) learn(of call) *called {
	of.Models = Models{strings.Clone(of.Answered), strings.Clone(of.Asked), strings.Clone(of.Alias)}
	found := &called{call: of}
	for i := range found.entries {
		if name := of.at(i); name != "" {
			found.entries[i] = b.look(of.channel, name)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls == nil || len(b.calls) >= mostKnown {
		b.calls = map[call]*called{}
	}
	b.calls[of] = found
	return found
}

// now is the prices that apply: the last ones of those that do, else the first.
func (l *listed) now(at time.Time) *dated {
	for i := len(l.at) - 1; i > 0; i-- {
		if l.at[i].applies(at) {
			return &l.at[i]
		}
	}
	return &l.at[0]
}

// look is what is known of a name at a channel. It is looked for once.
func (b *Book) look(c *config.Channel, model string) *entry {
	key := asked{kind: c.Type, model: model}
	if c.BaseURL != nil {
		key.base = c.BaseURL.Host
	}
	b.mu.RLock()
	e := b.known[key]
	b.mu.RUnlock()
	if e != nil {
		return e
	}
	e = &entry{}
	for i := range b.own {
		if config.Match(b.own[i].models, model) {
			e.own = &b.own[i]
			break
		}
	}
	if e.listed = shippedTable().look(c, strings.ToLower(strings.TrimSpace(model))); e.listed != nil {
		e.of, _, _ = strings.Cut(e.listed.name, "/")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known == nil || len(b.known) >= mostKnown {
		b.known = map[asked]*entry{}
	}
	key.model = strings.Clone(model)
	b.known[key] = e
	return e
}

// Amounts is what an attempt costs, in nano-dollars.
type Amounts struct {
	Cost, Charge int64
	// Known is false if a part of the usage has no price: the amounts are of the rest.
	Known bool
}

// Cost is what usage costs by a rule, at a channel and for a token of these groups.
func (b *Book) Cost(r *Rule, c *config.Channel, groups []string, u *wire.Usage) Amounts {
	femto, known := r.at.rates.sum(u)
	f := factorOf(r.provider, r.Model, u)
	discount, markup := c.Share(), b.Markup(c, groups)
	return Amounts{Cost: femto.nano(f, discount, Million), Charge: femto.nano(f, discount, markup), Known: known}
}

// Marked is what is charged for a cost that is known, in nano-dollars.
func (b *Book) Marked(cost int64, c *config.Channel, groups []string) int64 {
	return product(cost, b.Markup(c, groups)).rounded(Million)
}

// Markup is that of the first of a token's groups that the channel is in, in millionths.
func (b *Book) Markup(c *config.Channel, groups []string) int64 {
	if b == nil || len(b.groups) == 0 {
		return Million
	}
	if groups == nil {
		groups = c.Groups
	}
	for _, of := range groups {
		for _, in := range c.Groups {
			if of == in {
				if g, has := b.groups[of]; has && g.Markup != nil {
					return *g.Markup
				}
				return Million
			}
		}
	}
	return Million
}
