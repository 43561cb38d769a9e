package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Channel records the attempts at one channel. Like Metrics it may be nil.
type Channel struct {
	metrics  *Metrics
	name     string
	identity []attribute.KeyValue // name and provider
	attempts series[attemptKey]
	models   series[modelOperation]
	tokens   series[tokenKey]
	retries  series[string]
	chunks   *chunkSet

	// For the gauges, which are read from atomics.
	own         metric.MeasurementOption
	states      map[string]metric.MeasurementOption
	keyStates   map[string]metric.MeasurementOption
	connections map[string]metric.MeasurementOption
}

type attemptKey struct{ operation, model, outcome, errorType string }

type modelOperation struct{ operation, model string }

type tokenKey struct{ operation, model, token string }

// Channel gives the recorder of a channel. It is the same one for the same name and provider, through all reloads.
func (m *Metrics) Channel(name, provider string) *Channel {
	if m == nil {
		return nil
	}
	type identity struct{ name, provider string }
	if c, ok := m.channels.Load(identity{name, provider}); ok {
		return c.(*Channel)
	}
	c := &Channel{metrics: m, name: name, identity: []attribute.KeyValue{text(AttrChannel, name), text(AttrProvider, provider)}}
	c.chunks = m.chunks.of(c.identity)
	c.own = c.option()
	c.states, c.keyStates, c.connections = map[string]metric.MeasurementOption{}, map[string]metric.MeasurementOption{}, map[string]metric.MeasurementOption{}
	for _, s := range channelStates {
		c.states[s] = c.option(text(AttrChannelState, s))
	}
	for _, s := range keyStates {
		c.keyStates[s] = c.option(text(AttrState, s))
	}
	for _, s := range connectionStates {
		c.connections[s] = c.option(text(AttrConnectionState, s))
	}
	kept, _ := m.channels.LoadOrStore(identity{name, provider}, c)
	return kept.(*Channel)
}

var (
	channelStates    = [...]string{"healthy", "degraded", "cooling", "disabled"}
	keyStates        = [...]string{"usable", "cooling", "refused"}
	connectionStates = [...]string{"active", "idle"}
)

func (c *Channel) with(attributes ...attribute.KeyValue) []attribute.KeyValue {
	return append(append([]attribute.KeyValue{}, c.identity...), attributes...)
}

func (c *Channel) option(attributes ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(c.with(attributes...)...))
}

// Attempt is one attempt at a channel, however it ended.
type Attempt struct {
	Operation  string
	Model      string // as the client asked for it
	Outcome    string
	ErrorType  string // empty: no error
	Status     int    // of the upstream's answer; 0: it gave none. For spans only
	Duration   time.Duration
	FirstChunk time.Duration // 0: no event came, or it was no stream
	Chunks     *ChunkTimes   // nil: no stream
	Input      int64         // tokens; 0: the provider did not say
	Output     int64
	Cached     int64
	Reasoning  int64
}

// Attempt records one.
func (c *Channel) Attempt(ctx context.Context, a Attempt) {
	if c == nil {
		return
	}
	m := c.metrics
	model := m.fold(ctx, &m.channelModels, modelKey{c.name, a.Model})
	full := c.attempts.get(attemptKey{a.Operation, model, a.Outcome, a.ErrorType}, c.attemptAttributes)
	m.operation.Record(ctx, a.Duration.Seconds(), full.record...)
	m.attempts.Add(ctx, 1, full.add...)
	if a.FirstChunk > 0 {
		m.firstChunk.Record(ctx, a.FirstChunk.Seconds(), c.models.get(modelOperation{a.Operation, model}, c.modelAttributes).record...)
	}
	if a.Chunks != nil && a.Chunks.count > 0 {
		c.chunks.of(a.Operation).flush(a.Chunks)
	}
	if a.Input > 0 {
		m.tokens.Record(ctx, a.Input, c.tokens.get(tokenKey{a.Operation, model, "input"}, c.tokenAttributes).record...)
	}
	if a.Output > 0 {
		m.tokens.Record(ctx, a.Output, c.tokens.get(tokenKey{a.Operation, model, "output"}, c.tokenAttributes).record...)
	}
	if a.Cached > 0 {
		m.cached.Add(ctx, a.Cached, c.models.get(modelOperation{a.Operation, model}, c.modelAttributes).add...)
	}
	if a.Reasoning > 0 {
		m.reasoning.Add(ctx, a.Reasoning, c.models.get(modelOperation{a.Operation, model}, c.modelAttributes).add...)
	}
}

// Retry records that an attempt is made because the one before it failed, for this reason.
func (c *Channel) Retry(ctx context.Context, reason string) {
	if c == nil {
		return
	}
	c.metrics.retries.Add(ctx, 1, c.retries.get(reason, c.retryAttributes).add...)
}

func (c *Channel) attemptAttributes(k attemptKey) []attribute.KeyValue {
	return withError(c.with(text(AttrOperation, k.operation), text(AttrModel, k.model), text(AttrOutcome, k.outcome)), k.errorType)
}

func (c *Channel) modelAttributes(k modelOperation) []attribute.KeyValue {
	return c.with(text(AttrOperation, k.operation), text(AttrModel, k.model))
}

func (c *Channel) tokenAttributes(k tokenKey) []attribute.KeyValue {
	return c.with(text(AttrOperation, k.operation), text(AttrModel, k.model), text(AttrTokenType, k.token))
}

func (c *Channel) retryAttributes(reason string) []attribute.KeyValue {
	return c.with(text(AttrReason, reason))
}
