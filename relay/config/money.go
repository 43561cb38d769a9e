package config

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// million is 1 in millionths, as shares are kept.
const million = 1_000_000

// Price is the operator's own for models. Each amount is in pico-dollars (10^-12) for one: a token, or what the name says; nil: it is
// not given.
type Price struct {
	Model string // a name or a glob, see Match

	Input, Cached, CacheWrite, CacheWrite1h, Audio, AudioOutput, Output, Reasoning *int64

	Request, Image, Second, Character *int64
}

// Group is what is said of a group of tokens and channels.
type Group struct {
	Limits Limits
	Budget Budget
	// Markup is what tokens of the group are charged, in millionths of the cost; nil: as much.
	Markup *int64
}

// Owner is what is said of whose tokens are: it holds for all of them together.
type Owner struct {
	Limits Limits
	Budget Budget
}

// Limits are how much may be asked for. 0: there is no such limit.
type Limits struct {
	RPM        int // requests in any 60 seconds
	TPM        int // tokens in any 60 seconds, input and output
	Concurrent int // calls at a time
}

// Any reports whether there is a limit.
func (l Limits) Any() bool { return l != Limits{} }

// Budget is how much may be spent. The zero value is no budget.
type Budget struct {
	Nano int64 // nano-dollars; 0: there is no budget
	Per  Period
}

// Period is how long a budget lasts, in the time zone of the process (TZ).
type Period string

// The periods.
const (
	PerDay   Period = "day"
	PerWeek  Period = "week" // from Monday on
	PerMonth Period = "month"
	PerTotal Period = "total" // for good
)

// mostDollars is the largest amount that is taken; it fits into nano-dollars.
const mostDollars = 1_000_000_000

// amount reads a number that is not negative as a whole multiple of a small part. per is how many of those are in one; most is the
// largest number. What is finer than that is an error, and nothing is rounded.
func amount(per, most int64) kind[*int64] {
	accept := numberSchemas(schema{"type": "number", "minimum": 0, "maximum": most})
	return kind[*int64]{"a number", accept, func(l *loader, v value) (*int64, bool) {
		s, ok := l.scalar(v)
		if !ok {
			return nil, false
		}
		n, message := parseAmount(s, v.node.Tag, per, most)
		if message != "" {
			l.report(s.place, "%s %s", message, s.got())
			return nil, false
		}
		return &n, true
	}}
}

func parseAmount(s scalar, tag string, per, most int64) (n int64, message string) {
	r, ok := new(big.Rat).SetString(s.text)
	odd := strings.ContainsAny(s.text, "/_xXoObBpP") || len(s.text) > 40 || s.quoted && !s.expanded || tag == "!!bool"
	switch {
	case !ok || odd:
		return 0, "must be a number such as 0.25"
	case r.Sign() < 0:
		return 0, "must not be negative"
	case r.Cmp(new(big.Rat).SetInt64(most)) > 0:
		return 0, fmt.Sprintf("must be at most %d", most)
	}
	r.Mul(r, new(big.Rat).SetInt64(per))
	if !r.IsInt() {
		return 0, "has too many digits behind the point"
	}
	return r.Num().Int64(), ""
}

// prices reads the operator's prices.
func (l *loader) prices(v value) (all []Price) {
	for _, element := range l.elements(v) {
		if l.exhausted() {
			break
		}
		if !l.is(element, yaml.MappingNode, "a mapping") {
			continue
		}
		var p priceDraft
		readObject(l, priceObject, element, &p)
		if p.Price == (Price{}) {
			l.report(element.place, "has no amount: give at least input, or another one")
		}
		if p.model != nil {
			if s, ok := l.scalar(*p.model); ok {
				if message := modelProblem(s.text); message != "" {
					l.report(s.place, "%s", message)
				}
				p.Model = s.text
			}
		}
		all = append(all, p.Price)
	}
	return all
}

// groupSettings reads what is said of groups.
func (l *loader) groupSettings(v value, tokens []Token) map[string]Group {
	said := map[string]Group{}
	for _, e := range l.entries(v) {
		if message := nameProblem(e.name); message != "" {
			l.report(e.place, "the group's name %s", message)
			continue
		}
		if !l.groups[e.name] && !slices.ContainsFunc(tokens, func(t Token) bool { return slices.Contains(t.Groups, e.name) }) {
			l.warn(e.place, "no channel and no token is in this group")
		}
		var g groupDraft
		if !e.value.isNull() {
			if !l.is(e.value, yaml.MappingNode, "a mapping") {
				continue
			}
			g.budget = budgetObject.defaults()
			readObject(l, groupObject, e.value, &g)
		}
		said[e.name] = Group{Limits: g.limits, Budget: g.budget.budget(), Markup: g.markup}
	}
	if len(said) == 0 {
		return nil
	}
	return said
}

// ownerSettings reads what is said of owners.
func (l *loader) ownerSettings(v value) map[string]Owner {
	said := map[string]Owner{}
	for _, e := range l.entries(v) {
		if e.name == "" || ownerProblem(e.name) != "" {
			l.report(e.place, "the owner's name %s", cmp.Or(ownerProblem(e.name), emptyMessage))
			continue
		}
		var o ownerDraft
		if !e.value.isNull() {
			if !l.is(e.value, yaml.MappingNode, "a mapping") {
				continue
			}
			o.budget = budgetObject.defaults()
			readObject(l, ownerObject, e.value, &o)
		}
		said[e.name] = Owner{Limits: o.limits, Budget: o.budget.budget()}
	}
	if len(said) == 0 {
		return nil
	}
	return said
}

func (b budgetDraft) budget() Budget {
	if b.usd == nil || *b.usd == 0 {
		return Budget{}
	}
	return Budget{Nano: *b.usd, Per: cmp.Or(b.per, PerMonth)}
}
