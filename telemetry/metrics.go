package telemetry

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// Metrics records what happens, and hands it to the SDK when that collects: it is a producer of metrics. Attribute sets are made
// once for each combination that occurs, so that a record allocates nothing. All methods may be called on nil, and then do
// nothing: that is telemetry that is off.
type Metrics struct {
	form   Form
	shapes shapes

	clientModels  models // that clients ask for
	channelModels models // by channel
	statuses      statuses

	http        cells[httpKey, histogram]
	requests    cells[requestKey, histogram]
	firstTokens cells[operationModel, histogram]
	overheads   cells[string, histogram] // by route
	tries       cells[routeOutcome, histogram]
	rejected    cells[string, counter] // by reason
	limited     cells[string, counter] // by limit
	reloads     cells[string, counter] // by result
	dropped     cells[dropKey, counter]
	unsigned    cells[string, counter] // by channel

	folded         counter
	exportFailures cells[exportFailure, counter]

	named atomic.Pointer[map[string]bool] // the models that the configuration names

	collecting sync.Mutex // guards what the reader has been told, and since when
	told       time.Time

	mu          sync.Mutex // guards what follows
	channels    map[channelIdentity]*Channel
	ending      bool // some series are to end with the next collection
	uncollected int  // configurations since the last one
}

// shapes are the histograms' shapes.
type shapes struct {
	http, request, firstToken, overhead, tries, operation, inference, firstChunk, perChunk *shape

	tokens        *shape // of today's GenAI conventions
	input, output *shape // of the latest
}

// New makes the recorder. maxPairs is how many (channel, model) pairs, and how many models of clients, are told apart beside those
// that the configuration names (Configure).
func New(maxPairs int) *Metrics { return NewAs(maxPairs, Form{}) }

// NewAs is New for an exporter that asks for a form of its own. There may be one reader, which what is counted is handed to.
func NewAs(maxPairs int, form Form) *Metrics {
	its := form.GenAI.names()
	m := &Metrics{
		clientModels: models{most: maxPairs}, channelModels: models{most: maxPairs}, channels: map[channelIdentity]*Channel{},
		form: form, told: time.Now(),
		shapes: shapes{
			http: form.shapeOf(HTTPDuration), request: form.shapeOf(RequestDuration), firstToken: form.shapeOf(RequestFirstToken),
			overhead: form.shapeOf(RequestOverhead), tries: form.shapeOf(RequestAttempts), operation: form.shapeOf(OperationDuration),
			inference: form.shapeOf(its.duration), firstChunk: form.shapeOf(its.firstChunk), perChunk: form.shapeOf(its.perChunk),
		},
	}
	if form.GenAI == GenAILatest {
		m.shapes.input, m.shapes.output = form.shapeOf(InferenceInput), form.shapeOf(InferenceOutput)
	} else {
		m.shapes.tokens = form.shapeOf(TokenUsage)
	}
	m.http.make = func(k httpKey) *histogram { return m.shapes.http.make(httpAttributes(k)) }
	m.requests.make = func(k requestKey) *histogram { return m.shapes.request.make(requestAttributes(k)) }
	m.firstTokens.make = func(k operationModel) *histogram { return m.shapes.firstToken.make(operationModelAttributes(k)) }
	m.overheads.make = func(route string) *histogram { return m.shapes.overhead.make(attributesOf(AttrRoute, route)) }
	m.tries.make = func(k routeOutcome) *histogram {
		return m.shapes.tries.make(attributesOf(AttrRoute, k.route, AttrOutcome, k.outcome))
	}
	m.limited.make = func(limit string) *counter { return newCounter(attributesOf(AttrLimit, limit)) }
	m.rejected.make = func(reason string) *counter { return newCounter(attributesOf(AttrReason, reason)) }
	m.dropped.make = func(k dropKey) *counter {
		return newCounter(attributesOf(AttrFrom, k.from, AttrTo, k.to, AttrFeature, k.feature))
	}
	m.unsigned.make = func(channel string) *counter { return newCounter(attributesOf(AttrChannel, channel)) }
	m.reloads.make = func(result string) *counter { return newCounter(attributesOf(AttrResult, result)) }
	m.exportFailures.make = func(k exportFailure) *counter { return newCounter(exportFailureAttributes(k)) }
	for _, signal := range exportSignals {
		for _, failure := range exportFailures {
			m.exportFailures.get(exportFailure{signal, failure})
		}
	}
	m.folded.began = time.Now()
	return m
}

// HTTP is one HTTP request that was answered.
type HTTP struct {
	Method    string // as sent; folded to the known ones
	Route     string // the pattern; empty if none matched
	Status    int    // 0 if nothing was sent
	ErrorType string // empty means no error
	Duration  time.Duration
	Span      Span // that it is part of
}

// HTTP records an HTTP request.
func (m *Metrics) HTTP(r HTTP) {
	if m == nil {
		return
	}
	var in mark
	m.http.get(httpKey{knownMethod(r.Method), r.Route, m.statuses.fold(r.ErrorType), r.Status}).record(int64(r.Duration),
		m.form.mark(r.Span, &in))
}

// Request is a client's call on a relayed endpoint, with all its attempts.
type Request struct {
	Route     string
	Operation string
	Model     string // as the client asked for it
	Known     bool   // a channel serves the model
	Outcome   string
	ErrorType string // empty means no error
	Rejected  string // why it was turned away; empty if it was not
	Attempts  int
	// For spans only: the request's id, what the client was sent (0: nothing), and whether that is a failure of the relay or
	// of its upstreams, and not the client's own doing.
	ID       string
	Status   int
	Failed   bool
	Duration time.Duration
	// FirstToken is the time to the first content of a stream; 0 if there was none.
	FirstToken time.Duration
	// Overhead is the part of Duration that was spent in the relay itself.
	Overhead time.Duration
	Span     Span // the call's
}

// Request records a client's call.
func (m *Metrics) Request(r *Request) {
	if m == nil {
		return
	}
	model := OtherModel
	if r.Known {
		model = m.fold(&m.clientModels, modelKey{model: r.Model}, r.Rejected != "" || r.Status == http.StatusNotFound)
	}
	errorType := m.statuses.fold(r.ErrorType)
	var in mark
	example := m.form.mark(r.Span, &in)
	m.requests.get(requestKey{r.Operation, model, r.Outcome, errorType}).record(int64(r.Duration), example)
	m.tries.get(routeOutcome{r.Route, r.Outcome}).record(int64(r.Attempts), example)
	m.overheads.get(r.Route).record(int64(r.Overhead), example)
	if r.FirstToken > 0 {
		m.firstTokens.get(operationModel{r.Operation, model}).record(int64(r.FirstToken), example)
	}
	if r.Rejected != "" {
		m.rejected.get(r.Rejected).count(1, example)
	}
}

// Reload records a reload of the configuration.
func (m *Metrics) Reload(succeeded bool) {
	if m == nil {
		return
	}
	result := "refused"
	if succeeded {
		result = "success"
	}
	m.reloads.get(result).add(1)
}

// ExportFailed records an export of a signal that failed, and whether that passes.
func (m *Metrics) ExportFailed(signal, failure string) {
	if m != nil {
		m.exportFailures.get(exportFailure{signal, failure}).add(1)
	}
}

// Produce is the SDK's collection. One that comes too late to be exported takes nothing: what it would hand over is for the next.
func (m *Metrics) Produce(ctx context.Context) ([]metricdata.ScopeMetrics, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.collecting.Lock()
	defer m.collecting.Unlock()
	c := m.form.collect(m.told)
	m.http.each(c.histogram)
	m.requests.each(c.histogram)
	m.firstTokens.each(c.histogram)
	m.overheads.each(c.histogram)
	m.tries.each(c.histogram)
	m.rejected.each(func(n *counter) { c.counter(RequestsRejected, n) })
	m.limited.each(func(n *counter) { c.counter(LimitsRefused, n) })
	m.reloads.each(func(n *counter) { c.counter(ConfigReloads, n) })
	m.dropped.each(func(n *counter) { c.counter(FormatsDropped, n) })
	m.unsigned.each(func(n *counter) { c.counter(StateDropped, n) })
	c.zero(TelemetryFolded, &m.folded)
	m.exportFailures.each(func(n *counter) { c.zero(TelemetryFailed, n) })
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, channel := range m.channels {
		if !channel.over {
			channel.collect(c)
		}
	}
	m.uncollected = 0
	if m.ending {
		m.end()
	}
	all, now := c.metrics()
	m.told = now
	return []metricdata.ScopeMetrics{{Scope: m.form.scope(), Metrics: all}}, nil
}

// dropKey is what a conversion left out, and between which formats.
type dropKey struct{ from, to, feature string }

// StateDropped records a request that was sent to a channel without what another provider has signed of it.
func (m *Metrics) StateDropped(channel string) {
	if m != nil {
		m.unsigned.get(channel).add(1)
	}
}

// FormatDropped records a request of which a conversion left a feature out although that costs money or changes the answer. All
// three are of closed lists.
func (m *Metrics) FormatDropped(from, to, feature string) {
	if m != nil {
		m.dropped.get(dropKey{from, to, feature}).add(1)
	}
}
