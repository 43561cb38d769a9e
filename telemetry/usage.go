package telemetry

import "go.opentelemetry.io/otel/attribute"

// Usage is what an attempt cost, as the provider counts it. A figure is 0 if the provider did not report it.
type Usage struct {
	Input      int64 // all of it
	Output     int64 // all of it
	CacheRead  int64 // parts of the input
	CacheWrite int64
	AudioIn    int64
	ImageIn    int64
	Reasoning  int64 // parts of the output
	AudioOut   int64
	ImageOut   int64
}

// Attributes that only spans have, and whose names have changed.
const (
	attrCacheCreation = "gen_ai.usage.cache_creation.input_tokens"
	attrCacheWrite    = "gen_ai.usage.cache_write.input_tokens" // its name in the latest conventions

	// These are in the latest conventions only.
	attrAudioIn  = "gen_ai.usage.audio.input_tokens"
	attrImageIn  = "gen_ai.usage.image.input_tokens"
	attrAudioOut = "gen_ai.usage.audio.output_tokens"
	attrImageOut = "gen_ai.usage.image.output_tokens"
)

// attributes adds the usage, as far as it is known, to a span's attributes.
func (u *Usage) attributes(version GenAI, to []attribute.KeyValue) []attribute.KeyValue {
	add := func(key string, n int64) {
		if n > 0 {
			to = append(to, attribute.Int64(key, n))
		}
	}
	add(AttrInputTokens, u.Input)
	add(AttrOutputTokens, u.Output)
	add(AttrCachedTokens, u.CacheRead)
	add(AttrReasoningTokens, u.Reasoning)
	if version == GenAICurrent {
		add(attrCacheCreation, u.CacheWrite)
		return to
	}
	add(attrCacheWrite, u.CacheWrite)
	add(attrAudioIn, u.AudioIn)
	add(attrImageIn, u.ImageIn)
	add(attrAudioOut, u.AudioOut)
	add(attrImageOut, u.ImageOut)
	return to
}

// Answer is what an upstream says about its answer.
type Answer struct {
	Model, ID string
	Ends      []string // why each choice ended, in the upstream's words
}

func (a *Answer) attributes(to []attribute.KeyValue) []attribute.KeyValue {
	if a.Model != "" {
		to = append(to, text(AttrResponseModel, bounded(a.Model)))
	}
	if a.ID != "" {
		to = append(to, text(AttrResponseID, bounded(a.ID)))
	}
	if len(a.Ends) > 0 {
		ends := make([]string, len(a.Ends))
		for i, end := range a.Ends {
			ends[i] = bounded(end)
		}
		to = append(to, attribute.StringSlice(AttrFinishReasons, ends))
	}
	return to
}

// The latest GenAI conventions count tokens by what they are tokens of, and separately how they are distributed over calls.

type usageKey struct{ operation, model, modality string }

type usageCell struct{ input, output, cacheRead, cacheWrite, reasoning *counter }

type tokensKey struct{ operation, model, errorType string }

type tokensCell struct{ input, output *histogram }

func (c *Channel) makeUsage(k usageKey) *usageCell {
	of := c.with(AttrOperation, k.operation, AttrModel, k.model, AttrModality, k.modality)
	return &usageCell{newCounter(of), newCounter(of), newCounter(of), newCounter(of), newCounter(of)}
}

func (c *Channel) makeTokens(k tokensKey) *tokensCell {
	of := withError(c.with(AttrOperation, k.operation, AttrModel, k.model), k.errorType)
	return &tokensCell{c.metrics.shapes.input.make(of), c.metrics.shapes.output.make(of)}
}

// use counts what an attempt cost. Every attempt is counted, with 0 if the provider reported nothing.
func (c *Channel) use(operation, model, errorType string, u *Usage, m *mark) {
	tokens := c.tokens.get(tokensKey{operation, model, errorType})
	tokens.input.record(u.Input, m)
	tokens.output.record(u.Output, m)

	of := func(modality string) *usageCell { return c.usage.get(usageKey{operation, model, modality}) }
	unknown := of(modalityUnknown)
	cached := u.CacheRead + u.CacheWrite // of whatever kind
	// If a provider reports audio and images separately, the rest is text.
	in, out := unknown, unknown
	if u.AudioIn+u.ImageIn > 0 {
		in = of(modalityText)
	}
	if u.AudioOut+u.ImageOut > 0 {
		out = of(modalityText)
	}
	unknown.cacheRead.count(u.CacheRead, m)
	unknown.cacheWrite.count(u.CacheWrite, m)
	unknown.input.add(cached)
	in.input.count(max(0, u.Input-cached-u.AudioIn-u.ImageIn), m)
	out.output.count(max(0, u.Output-u.AudioOut-u.ImageOut), m)
	out.reasoning.count(u.Reasoning, m)
	if u.AudioIn > 0 || u.AudioOut > 0 {
		audio := of(modalityAudio)
		audio.input.count(u.AudioIn, m)
		audio.output.count(u.AudioOut, m)
	}
	if u.ImageIn > 0 || u.ImageOut > 0 {
		image := of(modalityImage)
		image.input.count(u.ImageIn, m)
		image.output.count(u.ImageOut, m)
	}
}

func (c *Channel) collectUsage(to *collection) {
	c.tokens.each(func(t *tokensCell) {
		to.histogram(t.input)
		to.histogram(t.output)
	})
	c.usage.each(func(u *usageCell) {
		to.counter(UsageInput, u.input)
		to.counter(UsageOutput, u.output)
		to.counter(UsageCacheRead, u.cacheRead)
		to.counter(UsageCacheWrite, u.cacheWrite)
		to.counter(UsageReasoning, u.reasoning)
	})
}

// forgetUsage ends the series of models that have left the configuration.
func (c *Channel) forgetUsage(tells func(model string) bool) {
	c.usage.keep(func(k usageKey) bool { return tells(k.model) })
	c.tokens.keep(func(k tokensKey) bool { return tells(k.model) })
}
