package price

import (
	"strings"

	"one-api/relay/wire"
)

// fractions are what a provider multiplies its list prices with, by what the answer says of itself. Of several that begin a model's name
// the first applies.
//
// OpenAI: https://openai.com/api-priority-processing and the tables of https://platform.openai.com/docs/pricing (flex and batch are half
// of the list price for all classes). Anthropic: https://platform.claude.com/docs/en/about-claude/pricing (batches, inference_geo, fast
// mode).
var fractions = map[string][]struct {
	tier   wire.Tier
	begins string
	f      factor
}{
	"openai": {
		{wire.TierFlex, "", factor{1, 2}},
		{wire.TierBatch, "", factor{1, 2}},
		{wire.TierPriority, "gpt-4o-mini", factor{5, 3}},
		{wire.TierPriority, "gpt-4o-2024-05-13", factor{7, 4}},
		{wire.TierPriority, "gpt-4o", factor{17, 10}},
		{wire.TierPriority, "gpt-4.1-nano", factor{2, 1}},
		{wire.TierPriority, "gpt-4.1", factor{7, 4}},
		{wire.TierPriority, "o3", factor{7, 4}},
		{wire.TierPriority, "o4-mini", factor{20, 11}},
		{wire.TierPriority, "gpt-5-mini", factor{9, 5}},
		{wire.TierPriority, "", factor{2, 1}},
	},
	"anthropic": {
		{wire.TierBatch, "", factor{1, 2}},
	},
	"google": {
		{wire.TierFlex, "", factor{1, 2}},
		{wire.TierBatch, "", factor{1, 2}},
	},
}

// fast is what Anthropic's fast mode costs.
var fast = []struct {
	begins string
	f      factor
}{
	{"claude-opus-4-6", factor{6, 1}}, {"claude-opus-4-7", factor{6, 1}}, {"claude-opus-4", factor{2, 1}}, {"", factor{2, 1}},
}

// factorOf is by what a provider multiplies its list price.
func factorOf(provider, model string, u *wire.Usage) factor {
	if provider == "azure" {
		provider = "openai"
	}
	f := asListed
	if u.Tier != wire.TierUsual {
		for _, one := range fractions[provider] {
			if one.tier == u.Tier && strings.HasPrefix(model, one.begins) {
				f = one.f
				break
			}
		}
	}
	if provider != "anthropic" {
		return f
	}
	if u.Fast {
		for _, one := range fast {
			if strings.HasPrefix(model, one.begins) {
				f = f.and(one.f)
				break
			}
		}
	}
	if u.InUS {
		f = f.and(factor{11, 10})
	}
	return f
}
