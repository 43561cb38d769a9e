package config

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// tokenDraft is a token as the file has it, before it is known what its keys mean together.
type tokenDraft struct {
	Token

	name, key, keySHA256 *value
	groups, models       list
	networks             list
	budget               budgetDraft
	unpriced             Unpriced
	owner                *value
}

// tokenObject is a token.
var tokenObject = &object[tokenDraft]{
	name: "token", title: "A token", about: "One client key, and what it may use. `name` and one of `key` and `key_sha256` are needed.",
	rules: tokenRules(),
	keys: []key[tokenDraft]{
		{
			name: "name", missing: isMissing, form: into(raw(nameOf.words, nameOf.accept...), func(t *tokenDraft) **value { return &t.name }),
			about: "Unique: what logs and the request list call it.",
		},
		{
			name: "key", form: into(raw(clientKeys.words, clientKeys.accept...), func(t *tokenDraft) **value { return &t.key }),
			about: "What clients send, with or without `sk-`: at least 8 characters, better 16.",
		},
		{
			name: "key_sha256", form: into(raw(keySums.words, keySums.accept...), func(t *tokenDraft) **value { return &t.keySHA256 }),
			about: "In place of `key`: the SHA-256 sum of it, with or without `sk-`, in hexadecimal, as `printf %s \"$KEY\" | sha256sum` " +
				"prints it (`echo` would add a line end). The file then holds no key.",
		},
		{
			name: "groups", form: into(names, func(t *tokenDraft) *list { return &t.groups }), fallback: "[default]",
			about: "It reaches the channels of these groups.",
		},
		{
			name: "models", form: into(models, func(t *tokenDraft) *list { return &t.models }), unset: "every model of its groups",
			about: "What it may ask for: names, or globs. Empty: every model of its groups.",
		},
		{
			name: "disabled", form: into(boolean, func(t *tokenDraft) *bool { return &t.Disabled }), fallback: "false",
			about: "It opens nothing. Whoever uses it is told so.",
		},
		{
			name: "expires", form: into(times, func(t *tokenDraft) *time.Time { return &t.Expires }), unset: "never",
			about: "From when on it opens nothing, as `2027-01-31T00:00:00Z` (RFC 3339). `''`: never. Calls that have begun go on.",
		},
		{
			name: "allow_cidr", form: into(networkList, func(t *tokenDraft) *list { return &t.networks }), unset: "any address",
			about: "The networks and addresses that it may be used from. Behind a proxy `TRUSTED_PROXIES` has to name that.",
		},
		{
			name: "limits", form: nested(limitsObject, func(t *tokenDraft) *Limits { return &t.Limits }),
			about: "How much it may ask for.",
		},
		{
			name: "budget", form: nested(budgetObject, func(t *tokenDraft) *budgetDraft { return &t.budget }),
			about: "How much it may spend.",
		},
		{
			name: "unpriced", form: into(oneOf(UnpricedAllow, UnpricedRefuse), func(t *tokenDraft) *Unpriced { return &t.unpriced }),
			unset: "`refuse` if a budget counts for it, its own, a group's or that of all, else `allow`",
			about: "Whether it may use models whose price nobody knows ([prices](prices.md)).",
		},
		{
			name: "show_cost", form: into(boolean, func(t *tokenDraft) *bool { return &t.ShowCost }), fallback: "false",
			about: "Whole answers say what they are charged, in US dollars, in the header `X-Oneapi-Cost-Usd`.",
		},
		{
			name: "owner", form: into(raw("a text", textSchemas...), func(t *tokenDraft) **value { return &t.owner }),
			about: "Whose it is: for people who look at the page and at exports, and for `owners`, which may have a budget for all tokens of one together.",
		},
		{
			name: "foreign_ids", form: into(boolean, func(t *tokenDraft) *bool { return &t.ForeignIDs }), fallback: "false",
			about: "It may name what an upstream keeps and the relay does not know to be its own (`previous_response_id`, conversations, items, files).",
		},
	},
}

// The kinds of what clients show.
var (
	clientKeys = text("a key", clientKeySchemas, func(s scalar) string { return nameForKey(s.text) })
	keySums    = text("a SHA-256 sum", keySumSchemas, func(s scalar) string {
		if sum, err := hex.DecodeString(s.text); err != nil || len(sum) != sha256.Size {
			return "must be a SHA-256 sum: 64 hexadecimal digits"
		}
		return ""
	})
	networkList = listOf("a list of networks", networkSchemas, func(text string) string {
		if _, ok := parsePrefix(text); !ok {
			return "must be a network or an address such as 10.0.0.0/8 or 192.0.2.7"
		}
		return ""
	})
	// times is a time, or nothing.
	times = kind[time.Time]{"a time", timeSchemas, func(l *loader, v value) (at time.Time, ok bool) {
		s, ok := l.scalar(v)
		if !ok || s.text == "" {
			return time.Time{}, ok
		}
		at, err := time.Parse(time.RFC3339, s.text)
		if err != nil {
			l.report(s.place, "must be a time such as 2027-01-31T00:00:00Z (RFC 3339) %s", s.got())
			return time.Time{}, false
		}
		if !at.After(time.Now()) {
			l.warn(s.place, "is in the past: the token opens nothing")
		}
		return at.UTC(), true
	}}
)
