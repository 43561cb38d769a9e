package telemetry

import (
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Channel records the attempts at one channel. Like Metrics it may be nil.
type Channel struct {
	metrics  *Metrics
	name     string
	identity []attribute.KeyValue // name and provider
	attempts cells[attemptKey, attemptCell]
	models   cells[operationModel, modelCell]
	tokens   cells[tokensKey, tokensCell] // these two are of the latest GenAI conventions
	usage    cells[usageKey, usageCell]
	chunks   cells[string, histogram] // by operation
	retries  cells[string, counter]   // by reason
	resumes  cells[resumeKey, counter]
	spent    cells[spentKey, counter]
	unpriced cells[operationModel, counter]
	cost     cells[operationModel, counter] // nano-dollars
	statuses statuses

	unknownEnds *counter

	// For the gauges, which are read from atomics.
	own         metric.MeasurementOption
	states      map[string]metric.MeasurementOption
	keyStates   map[string]metric.MeasurementOption
	connections map[string]metric.MeasurementOption

	// Guarded by metrics.mu.
	left bool        // the configuration no longer has it
	over bool        // its series are no longer exported
	busy func() bool // reports whether a call is open; nil if none can be
}

type channelIdentity struct{ name, provider string }

type resumeKey struct{ reason, outcome string }

type attemptKey struct{ operation, model, outcome, errorType string }

// attemptCell is what every attempt that ends in one way adds to.
type attemptCell struct {
	count    *counter
	duration *histogram
}

// modelCell is what the answers of one model add to.
type modelCell struct {
	firstChunk        *histogram
	input, output     *histogram // of today's GenAI conventions
	cached, reasoning *counter
}

// Channel returns the recorder of a channel. The same name and provider get the same one for as long as the configuration has the
// channel, and a new one when it comes back.
func (m *Metrics) Channel(name, provider string) *Channel {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.channel(channelIdentity{name, provider})
}

// channel is Channel, for a caller that holds the lock.
func (m *Metrics) channel(id channelIdentity) *Channel {
	c := m.channels[id]
	if c == nil {
		c = m.newChannel(id)
		m.channels[id] = c
	}
	return c
}

func (m *Metrics) newChannel(id channelIdentity) *Channel {
	c := &Channel{metrics: m, name: id.name, identity: attributesOf(AttrChannel, id.name, AttrProvider, id.provider)}
	c.attempts.make = func(k attemptKey) *attemptCell {
		attributes := withError(c.with(AttrOperation, k.operation, AttrModel, k.model, AttrOutcome, k.outcome), k.errorType)
		duration := m.shapes.inference
		if k.operation == embeddings {
			duration = m.shapes.operation
		}
		return &attemptCell{newCounter(attributes), duration.make(attributes)}
	}
	c.models.make = func(k operationModel) *modelCell {
		own := c.with(AttrOperation, k.operation, AttrModel, k.model)
		cell := &modelCell{firstChunk: m.shapes.firstChunk.make(own), cached: newCounter(own), reasoning: newCounter(own)}
		if m.shapes.tokens != nil {
			cell.input = m.shapes.tokens.make(c.with(AttrOperation, k.operation, AttrModel, k.model, AttrTokenType, "input"))
			cell.output = m.shapes.tokens.make(c.with(AttrOperation, k.operation, AttrModel, k.model, AttrTokenType, "output"))
		}
		return cell
	}
	c.tokens.make, c.usage.make = c.makeTokens, c.makeUsage
	c.chunks.make = func(operation string) *histogram { return m.shapes.perChunk.make(c.with(AttrOperation, operation)) }
	c.retries.make = func(reason string) *counter { return newCounter(c.with(AttrReason, reason)) }

	c.resumes.make = func(k resumeKey) *counter { return newCounter(c.with(AttrReason, k.reason, AttrOutcome, k.outcome)) }

	c.unknownEnds = newCounter(c.with())
	c.spent.make = c.makeSpent
	ofModel := func(k operationModel) *counter {
		return newCounter(c.with(AttrOperation, k.operation, AttrModel, k.model))
	}
	c.cost.make, c.unpriced.make = ofModel, ofModel

	c.own = c.option()
	c.states, c.keyStates, c.connections = c.options(AttrChannelState, channelStates[:]), c.options(AttrState,
		keyStates[:]), c.options(AttrConnectionState, connectionStates[:])
	return c
}

var (
	channelStates    = [...]string{"healthy", "degraded", "cooling", "disabled"}
	keyStates        = [...]string{"usable", "cooling", "refused"}
	connectionStates = [...]string{"active", "idle"}
)

// with returns the channel's own attributes and some pairs of key and value.
func (c *Channel) with(pairs ...string) []attribute.KeyValue {
	return append(append([]attribute.KeyValue{}, c.identity...), attributesOf(pairs...)...)
}

func (c *Channel) option(pairs ...string) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(c.with(pairs...)...))
}

func (c *Channel) options(key string, values []string) map[string]metric.MeasurementOption {
	options := make(map[string]metric.MeasurementOption, len(values))
	for _, v := range values {
		options[v] = c.option(key, v)
	}
	return options
}

// Attempt is one attempt at a channel, however it ended.
type Attempt struct {
	Operation  string
	Model      string // as the client asked for it
	Outcome    string
	ErrorType  string // empty means no error
	Status     int    // of the upstream's answer; 0 if it gave none
	Unserved   bool   // the upstream does not know the model; a Status of 404 says so too
	Duration   time.Duration
	FirstChunk time.Duration // 0 if no event came, or it was not a stream
	Chunks     *ChunkTimes   // nil means no stream
	Usage      Usage
	Spend      Spend
	Answer     Answer // what the answer says about itself, for spans
	Span       Span   // the attempt's
}

// Attempt records one.
func (c *Channel) Attempt(a *Attempt) {
	if c == nil {
		return
	}
	model := c.metrics.fold(&c.metrics.channelModels, modelKey{c.name, a.Model}, a.Unserved || a.Status == http.StatusNotFound)
	errorType := c.statuses.fold(a.ErrorType)
	ended := c.attempts.get(attemptKey{a.Operation, model, a.Outcome, errorType})
	var in mark
	example := c.metrics.form.mark(a.Span, &in)
	ended.count.count(1, example)
	ended.duration.record(int64(a.Duration), example)
	c.spend(a.Operation, model, &a.Spend)
	if a.Chunks != nil && a.Chunks.any {
		a.Chunks.flush(c.chunks.get(a.Operation), example)
	}
	if c.metrics.form.GenAI == GenAILatest {
		c.use(a.Operation, model, errorType, &a.Usage, example)
	}
	if a.FirstChunk <= 0 && a.Usage.Input <= 0 && a.Usage.Output <= 0 {
		return
	}
	answer := c.models.get(operationModel{a.Operation, model})
	if a.FirstChunk > 0 {
		answer.firstChunk.record(int64(a.FirstChunk), example)
	}
	if a.Usage.Input > 0 && answer.input != nil {
		answer.input.record(a.Usage.Input, example)
	}
	if a.Usage.Output > 0 && answer.output != nil {
		answer.output.record(a.Usage.Output, example)
	}
	answer.cached.add(a.Usage.CacheRead)
	answer.reasoning.add(a.Usage.Reasoning)
}

// Chunks returns a recorder of the times between a stream's chunks, to be given to Attempt at the end.
func (c *Channel) Chunks(operation string) ChunkTimes {
	if c == nil || c.metrics.shapes.perChunk.exponential == nil {
		return ChunkTimes{}
	}
	return ChunkTimes{into: c.chunks.get(operation)}
}

// Retry records that an attempt is made because the one before it failed, for this reason.
func (c *Channel) Retry(reason string) {
	if c != nil {
		c.retries.get(reason).add(1)
	}
}

// Resume records that the channel was asked for the rest of a stream that broke off on another channel, why it broke off, and how the
// attempt to finish it ended.
func (c *Channel) Resume(reason, outcome string) {
	if c != nil {
		c.resumes.get(resumeKey{reason, outcome}).add(1)
	}
}

// UnknownEnd records an answer that completed with an unknown end reason.
func (c *Channel) UnknownEnd() {
	if c != nil {
		c.unknownEnds.add(1)
	}
}

func (c *Channel) collect(to *collection) {
	c.attempts.each(func(a *attemptCell) {
		to.counter(ChannelAttempts, a.count)
		to.histogram(a.duration)
	})
	c.models.each(func(a *modelCell) {
		to.histogram(a.firstChunk)
		if a.input != nil {
			to.histogram(a.input)
			to.histogram(a.output)
		}
		to.counter(TokensCached, a.cached)
		to.counter(TokensReasoning, a.reasoning)
	})
	c.collectUsage(to)
	c.collectSpend(to)
	c.chunks.each(to.histogram)
	c.retries.each(func(n *counter) { to.counter(ChannelRetries, n) })
	c.resumes.each(func(n *counter) { to.counter(ChannelResumes, n) })
	to.counter(ChannelUnknownEnds, c.unknownEnds)
}
