package format

import "one-api/relay/llm"

// Own says what OpenAI has of its own on both of its APIs, to a provider that takes it: prompt_cache_key and service_tier. dropped is
// what is left out and costs something.
func (j *JSON) Own(r *llm.Request, t *Target) (dropped []llm.Feature) {
	if t.TakesOwn() {
		j.Said("prompt_cache_key", r.CacheKey)
		j.Said("service_tier", r.Tier)
	}
	if r.UsesFeature(llm.ServiceTier) && (r.Tier == "" || !t.TakesOwn()) {
		dropped = append(dropped, llm.ServiceTier)
	}
	return dropped
}

// TakesOwn reports whether the provider takes OpenAI's own members.
func (t *Target) TakesOwn() bool { return t.Quirks != nil && t.Quirks.OwnMembers }
