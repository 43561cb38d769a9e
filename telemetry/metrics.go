package telemetry

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"
)

// Metrics records what happens. Attribute sets are made once for each combination that occurs, so that a record allocates
// nothing. All methods may be called on nil, and then do nothing: that is telemetry that is off.
type Metrics struct {
	httpDuration, requestDuration, firstToken, overhead, operation, firstChunk metric.Float64Histogram
	requestAttempts, tokens                                                    metric.Int64Histogram

	rejected, attempts, retries, cached, reasoning, reloads, folded, exportFailures metric.Int64Counter

	clientModels  models // that clients ask for
	channelModels models // by channel
	http          series[httpKey]
	requests      series[requestKey]
	calls         series[callKey]
	reasons       series[string]
	results       series[string]
	channels      sync.Map // name and provider -> *Channel
	chunks        chunks
}

// New makes the recording instruments with a meter. maxPairs is how many (channel, model) pairs, and how many models of
// clients, are told apart.
func New(meter metric.Meter, maxPairs int) (*Metrics, error) {
	m := &Metrics{}
	return m, m.init(meter, maxPairs)
}

func (m *Metrics) init(meter metric.Meter, maxPairs int) error {
	m.clientModels.most, m.channelModels.most = maxPairs, maxPairs
	b := builder{meter: meter}
	m.httpDuration, m.requestDuration = b.seconds(HTTPDuration), b.seconds(RequestDuration)
	m.firstToken, m.overhead = b.seconds(RequestFirstToken), b.seconds(RequestOverhead)
	m.operation, m.firstChunk = b.seconds(OperationDuration), b.seconds(FirstChunk)
	m.requestAttempts, m.tokens = b.whole(RequestAttempts), b.whole(TokenUsage)
	m.rejected, m.attempts, m.retries = b.counter(RequestsRejected), b.counter(ChannelAttempts), b.counter(ChannelRetries)
	m.cached, m.reasoning = b.counter(TokensCached), b.counter(TokensReasoning)
	m.reloads, m.folded, m.exportFailures = b.counter(ConfigReloads), b.counter(TelemetryFolded), b.counter(TelemetryFailed)
	// What should be 0 is exported as 0 and not missing: an alert on nothing never fires.
	m.folded.Add(context.Background(), 0)
	m.exportFailures.Add(context.Background(), 0)
	return b.err
}

// builder makes instruments from the list.
type builder struct {
	meter metric.Meter
	err   error
}

func (b *builder) find(name string) Instrument {
	for _, i := range Instruments {
		if i.Name == name {
			return i
		}
	}
	b.failed(fmt.Errorf("%s is not in the list of instruments", name))
	return Instrument{}
}

func (b *builder) failed(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *builder) seconds(name string) metric.Float64Histogram {
	i := b.find(name)
	h, err := b.meter.Float64Histogram(name, metric.WithUnit(i.Unit), metric.WithDescription(i.Description), metric.WithExplicitBucketBoundaries(i.Bounds...))
	if err != nil {
		b.failed(err)
	}
	return h
}

func (b *builder) whole(name string) metric.Int64Histogram {
	i := b.find(name)
	h, err := b.meter.Int64Histogram(name, metric.WithUnit(i.Unit), metric.WithDescription(i.Description), metric.WithExplicitBucketBoundaries(i.Bounds...))
	if err != nil {
		b.failed(err)
	}
	return h
}

func (b *builder) counter(name string) metric.Int64Counter {
	i := b.find(name)
	c, err := b.meter.Int64Counter(name, metric.WithUnit(i.Unit), metric.WithDescription(i.Description))
	if err != nil {
		b.failed(err)
	}
	return c
}

// HTTP is one HTTP request that was answered.
type HTTP struct {
	Method    string // as sent; folded to the known ones
	Route     string // the pattern; empty: none matched
	Status    int    // 0: nothing was sent
	ErrorType string // empty: no error
	Duration  time.Duration
}

type httpKey struct {
	method, route, errorType string
	status                   int
}

// HTTP records an HTTP request.
func (m *Metrics) HTTP(ctx context.Context, r HTTP) {
	if m == nil {
		return
	}
	key := httpKey{knownMethod(r.Method), r.Route, r.ErrorType, r.Status}
	m.httpDuration.Record(ctx, r.Duration.Seconds(), m.http.get(key, httpAttributes).record...)
}

// Request is a client's call on a relayed endpoint, with all its attempts.
type Request struct {
	Route     string
	Operation string
	Model     string // as the client asked for it
	Known     bool   // a channel serves the model
	Outcome   string
	ErrorType string // empty: no error
	Rejected  string // why it was turned away; empty: it was not
	Attempts  int
	// For spans only: the request's id, what the client was sent (0: nothing), and whether that is a failure of the relay or
	// of its upstreams, and not the client's own doing.
	ID       string
	Status   int
	Failed   bool
	Duration time.Duration
	// FirstToken is the time to the first event of a stream; 0: there was none.
	FirstToken time.Duration
	// Overhead is the part of Duration that was spent in the relay itself.
	Overhead time.Duration
}

type requestKey struct{ operation, model, outcome, errorType string }

type callKey struct{ route, outcome, operation, model string }

// Request records a client's call.
func (m *Metrics) Request(ctx context.Context, r Request) {
	if m == nil {
		return
	}
	model := OtherModel
	if r.Known {
		model = m.fold(ctx, &m.clientModels, modelKey{model: r.Model})
	}
	full := m.requests.get(requestKey{r.Operation, model, r.Outcome, r.ErrorType}, requestAttributes)
	m.requestDuration.Record(ctx, r.Duration.Seconds(), full.record...)
	m.requestAttempts.Record(ctx, int64(r.Attempts), m.calls.get(callKey{route: r.Route, outcome: r.Outcome}, callAttributes).record...)
	m.overhead.Record(ctx, r.Overhead.Seconds(), m.calls.get(callKey{route: r.Route}, callAttributes).record...)
	if r.FirstToken > 0 {
		m.firstToken.Record(ctx, r.FirstToken.Seconds(), m.calls.get(callKey{operation: r.Operation, model: model}, callAttributes).record...)
	}
	if r.Rejected != "" {
		m.rejected.Add(ctx, 1, m.reasons.get(r.Rejected, reasonAttributes).add...)
	}
}

// Reload records a reload of the configuration.
func (m *Metrics) Reload(ctx context.Context, succeeded bool) {
	if m == nil {
		return
	}
	result := "refused"
	if succeeded {
		result = "success"
	}
	m.reloads.Add(ctx, 1, m.results.get(result, resultAttributes).add...)
}

// ExportFailed records an export that failed.
func (m *Metrics) ExportFailed(ctx context.Context) {
	if m != nil {
		m.exportFailures.Add(ctx, 1)
	}
}

// longestModel is the longest model name that is told apart, in bytes. Clients make names up wherever a channel serves a glob.
const longestModel = 200

// fold gives the name under which a model is recorded.
func (m *Metrics) fold(ctx context.Context, known *models, key modelKey) string {
	if len(key.model) <= longestModel && known.admits(key) {
		return key.model
	}
	m.folded.Add(ctx, 1)
	return OtherModel
}

// models is the (channel, model) pairs that are told apart. There is room for so many and no more: their names come from
// clients, wherever a channel serves a glob.
type models struct {
	most  int
	known atomic.Pointer[map[modelKey]struct{}]
	mu    sync.Mutex
}

type modelKey struct{ channel, model string }

func (b *models) admits(key modelKey) bool {
	if known := b.known.Load(); known != nil {
		if _, ok := (*known)[key]; ok {
			return true
		}
		if len(*known) >= b.most {
			return false
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.known.Load()
	next := map[modelKey]struct{}{key: {}}
	if old != nil {
		if len(*old) >= b.most {
			_, ok := (*old)[key]
			return ok
		}
		for k := range *old {
			next[k] = struct{}{}
		}
	}
	b.known.Store(&next)
	return true
}
