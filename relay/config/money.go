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
func amount(words string, per, most int64) kind[*int64] {
	return kind[*int64]{words, numberSchemas(schema{"type": "number", "minimum": 0, "maximum": most}), func(l *loader, v value) (*int64, bool) {
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

// A price is in dollars for a million, or for one.
const picoInDollar = 1_000_000_000_000

// The amounts.
var (
	perMillion = amount("a number", picoInDollar/million, million)
	perOne     = amount("a number", picoInDollar, million)
	share      = amount("a number", million, 1000)
	dollars    = amount("a number", 1_000_000_000, mostDollars)
)

// priceDraft is a price as the file has it.
type priceDraft struct {
	Price

	model *value
}

// priceObject is a price of the operator's.
var priceObject = &object[priceDraft]{
	name: "price", title: "A price", about: "What models cost, where the [shipped prices](prices.md) have none or others than you pay. They win over those; of several the first " +
		"that the model matches applies. `model` and at least one amount are needed. Tokens and characters are in US dollars per million.",
	keys: []key[priceDraft]{
		{
			name: "model", missing: isMissing, form: into(raw("a model", modelSchemas...), func(p *priceDraft) **value { return &p.model }),
			about: "A name or a glob: of what answers, of what the upstream is asked for, or of what clients ask for.",
		},
		{
			name: "input", form: into(perMillion, func(p *priceDraft) **int64 { return &p.Input }),
			about: "Tokens of input.",
		},
		{
			name: "cached", form: into(perMillion, func(p *priceDraft) **int64 { return &p.Cached }), unset: "`input`",
			about: "Tokens of input that are read from the provider's cache.",
		},
		{
			name: "cache_write", form: into(perMillion, func(p *priceDraft) **int64 { return &p.CacheWrite }), unset: "`input`",
			about: "Tokens of input that are written to it.",
		},
		{
			name: "cache_write_1h", form: into(perMillion, func(p *priceDraft) **int64 { return &p.CacheWrite1h }), unset: "`cache_write`",
			about: "Tokens of input that are written to it for an hour.",
		},
		{
			name: "audio", form: into(perMillion, func(p *priceDraft) **int64 { return &p.Audio }), unset: "`input`",
			about: "Tokens of sound in the input.",
		},
		{
			name: "output", form: into(perMillion, func(p *priceDraft) **int64 { return &p.Output }),
			about: "Tokens of output.",
		},
		{
			name: "reasoning", form: into(perMillion, func(p *priceDraft) **int64 { return &p.Reasoning }), unset: "`output`",
			about: "Tokens of output that are thought and not said.",
		},
		{
			name: "audio_output", form: into(perMillion, func(p *priceDraft) **int64 { return &p.AudioOutput }), unset: "`output`",
			about: "Tokens of sound in the output.",
		},
		{
			name: "request", form: into(perOne, func(p *priceDraft) **int64 { return &p.Request }),
			about: "US dollars a call, beside the rest; for rerank a search unit.",
		},
		{
			name: "image", form: into(perOne, func(p *priceDraft) **int64 { return &p.Image }),
			about: "US dollars for a picture that is made.",
		},
		{
			name: "second", form: into(perOne, func(p *priceDraft) **int64 { return &p.Second }),
			about: "US dollars for a second of sound that is heard.",
		},
		{
			name: "character", form: into(perMillion, func(p *priceDraft) **int64 { return &p.Character }),
			about: "Characters that are spoken.",
		},
	},
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

// limitsObject is how much may be asked for.
var limitsObject = &object[Limits]{
	name: "limits", title: "`limits`", about: "Of a token, of a group or of all clients together ([limits](limits.md)). What is over one is refused with 429 and `Retry-After`, before an upstream is asked. `0`: no limit.",
	keys: []key[Limits]{
		{
			name: "rpm", form: into(count, func(l *Limits) *int { return &l.RPM }), fallback: "0",
			about: "Requests in any 60 seconds.",
		},
		{
			name: "tpm", form: into(count, func(l *Limits) *int { return &l.TPM }), fallback: "0",
			about: "Tokens in any 60 seconds, input and output: what a call is expected to take until it has ended, and what it took from then on.",
		},
		{
			name: "concurrent", form: into(count, func(l *Limits) *int { return &l.Concurrent }), fallback: "0",
			about: "Calls at a time, streams for as long as they last.",
		},
	},
}

// budgetDraft is a budget as the file has it.
type budgetDraft struct {
	usd *int64
	per Period
}

// budgetObject is how much may be spent.
var budgetObject = &object[budgetDraft]{
	name: "budget", title: "`budget`", about: "Of a token, of a group or of all clients together ([limits](limits.md)). What is charged counts, `markup` included.",
	keys: []key[budgetDraft]{
		{
			name: "usd", form: into(dollars, func(b *budgetDraft) **int64 { return &b.usd }), unset: "no budget",
			about: "US dollars. `0`: no budget.",
		},
		{
			name: "per", form: into(oneOf(PerDay, PerWeek, PerMonth, PerTotal), func(b *budgetDraft) *Period { return &b.per }), fallback: "month",
			about: "How long it has to last, in the time zone of the process (`TZ`). A week begins on Monday.",
		},
	},
}

// groupDraft is a group as the file has it.
type groupDraft struct {
	limits Limits
	budget budgetDraft
	markup *int64
}

// groupObject is what is said of a group.
var groupObject = &object[groupDraft]{
	name: "group", title: "A group", about: "What holds for all tokens of a group together; a token of several counts in each of them. Groups need not be named here to be used.",
	keys: []key[groupDraft]{
		{
			name: "limits", form: nested(limitsObject, func(g *groupDraft) *Limits { return &g.limits }),
			about: "How much they may ask for.",
		},
		{
			name: "budget", form: nested(budgetObject, func(g *groupDraft) *budgetDraft { return &g.budget }),
			about: "How much they may spend.",
		},
		{
			name: "markup", form: into(share, func(g *groupDraft) **int64 { return &g.markup }), unset: "1.0",
			about: "What they are charged for what costs 1: at the channels of the group, or of the first of a token's groups that has the channel.",
		},
	},
}

// groupsByName is the groups of a file.
var groupsByName = kind[*value]{"a mapping of groups", []schema{{"type": "object", "additionalProperties": anyOf([]schema{groupObject.reference(), {"type": "null"}})}},
	func(_ *loader, v value) (*value, bool) { return &v, true }}

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

func (b budgetDraft) budget() Budget {
	if b.usd == nil || *b.usd == 0 {
		return Budget{}
	}
	return Budget{Nano: *b.usd, Per: cmp.Or(b.per, PerMonth)}
}
