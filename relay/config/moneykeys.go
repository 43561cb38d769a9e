package config

// A price is in dollars for a million, or for one.
const picoInDollar = 1_000_000_000_000

// The amounts.
var (
	perMillion = amount(picoInDollar/million, million)
	perOne     = amount(picoInDollar, million)
	share      = amount(million, 1000)
	dollars    = amount(1_000_000_000, mostDollars)
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

// limitsObject is how much may be asked for.
var limitsObject = &object[Limits]{
	name: "limits", title: "`limits`", about: "Of a token, of an owner, of a group or of all clients together ([limits](limits.md)). What is over one is refused with 429 and `Retry-After`, before an upstream is asked. `0`: no limit.",
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
	name: "budget", title: "`budget`", about: "Of a token, of an owner, of a group or of all clients together ([limits](limits.md)). What is charged counts, `markup` included.",
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

// ownerDraft is an owner as the file has it.
type ownerDraft struct {
	limits Limits
	budget budgetDraft
}

// ownerObject is what is said of an owner.
var ownerObject = &object[ownerDraft]{
	name: "owner", title: "An owner", about: "What holds for all tokens of an owner (`owner` of a token) together, those that are made while the relay runs included.",
	keys: []key[ownerDraft]{
		{
			name: "limits", form: nested(limitsObject, func(o *ownerDraft) *Limits { return &o.limits }),
			about: "How much they may ask for.",
		},
		{
			name: "budget", form: nested(budgetObject, func(o *ownerDraft) *budgetDraft { return &o.budget }),
			about: "How much they may spend.",
		},
	},
}

// ownersByName is the owners of a file.
var ownersByName = kind[*value]{"a mapping of owners", []schema{{"type": "object", "additionalProperties": anyOf([]schema{ownerObject.reference(), {"type": "null"}})}},
	func(_ *loader, v value) (*value, bool) { return &v, true }}

// groupsByName is the groups of a file.
var groupsByName = kind[*value]{"a mapping of groups", []schema{{"type": "object", "additionalProperties": anyOf([]schema{groupObject.reference(), {"type": "null"}})}},
	func(_ *loader, v value) (*value, bool) { return &v, true }}
