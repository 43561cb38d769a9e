package telemetry

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"one-api/telemetry/otlptest"
)

// call makes one request with one attempt of some length; traceID is "" if it is not traced.
func call(t *testing.T, metrics *Metrics, tracing *Tracing, long time.Duration) (traceID, attemptSpan string) {
	t.Helper()
	began := time.Now()
	ctx, span := tracing.Request(context.Background(), "POST", "/v1/chat/completions", http.Header{}, began)
	attempt := tracing.Attempt(ctx, AttemptStart{Channel: "primary", Provider: "openai", Operation: "chat", Model: "gpt-5", Began: began})
	if span.span != nil {
		traceID, attemptSpan = span.span.SpanContext().TraceID().String(), attempt.span.SpanContext().SpanID().String()
	}
	chunks := metrics.Channel("primary", "openai").Chunks("chat")
	for i := range 20 {
		chunks.Chunk(sinceOrigin(began.Add(time.Duration(i) * time.Millisecond)))
	}
	a := streamed(&chunks)
	a.Duration, a.Span = long, attempt
	attempt.EndAttempt(began, a)
	metrics.Channel("primary", "openai").Attempt(a)
	r := request()
	r.Duration, r.Span = long, span
	span.EndRequest(r)
	metrics.Request(r)
	metrics.HTTP(HTTP{Method: "POST", Route: "/v1/chat/completions", Status: 200, Duration: long, Span: span})
	return traceID, attemptSpan
}

// TestTheSlowCallInAHistogramLeadsToItsTrace is over a real connection.
func TestTheSlowCallInAHistogramLeadsToItsTrace(t *testing.T) {
	for _, aggregation := range []string{"explicit_bucket_histogram", "base2_exponential_bucket_histogram"} {
		received := otlptest.Start(t)
		environ(t, "OTEL_EXPORTER_OTLP_ENDPOINT", received.HTTP, "OTEL_TRACES_SAMPLER", "always_on", "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", aggregation)
		started := startForTest(t, nil)
		channel := started.Metrics.Channel("primary", "openai")
		slow, span := call(t, started.Metrics, started.Tracing, 47*time.Second)
		for range 50 {
			call(t, started.Metrics, started.Tracing, 300*time.Millisecond)
		}
		channel.Attempt(ended("not traced"))
		started.Shutdown()
		require.Empty(t, received.Problems())

		for _, name := range []string{OperationDuration, RequestDuration, HTTPDuration} {
			metric, ok := received.Metric(name)
			require.True(t, ok, name)
			found := 0
			for _, e := range metric.Exemplars {
				require.Len(t, e.Trace, 32, name)
				require.Len(t, e.Span, 16, name)
				require.NotEqual(t, "not traced", e.Attributes[AttrModel])
				if e.Value == 47 {
					require.Equal(t, slow, e.Trace)
					if name == OperationDuration {
						require.Equal(t, span, e.Span, "the attempt's own")
					}
					found++
				}
			}
			require.Equal(t, 1, found, name)
		}
		for _, name := range []string{FirstChunk, PerOutputChunk, TokenUsage, ChannelAttempts, RequestFirstToken, RequestOverhead, RequestAttempts} {
			metric, ok := received.Metric(name)
			require.True(t, ok, name)
			require.NotEmpty(t, metric.Exemplars, name)
		}
		for _, name := range []string{GoScheduleDuration, TelemetryFolded, "go.goroutine.count"} {
			metric, _ := received.Metric(name)
			require.Empty(t, metric.Exemplars, name)
		}
	}
}

func TestTheExemplarFilterIsTheEnvironments(t *testing.T) {
	for filter, c := range map[string]struct{ traced, untraced bool }{
		"": {true, false}, "trace_based": {true, false}, "always_on": {true, true}, "always_off": {false, false}, "nonsense": {true, false},
	} {
		for _, sampled := range []bool{true, false} {
			received := otlptest.Start(t)
			environ(t, "OTEL_EXPORTER_OTLP_ENDPOINT", received.HTTP, "OTEL_METRICS_EXEMPLAR_FILTER", filter, "OTEL_TRACES_SAMPLER", map[bool]string{true: "always_on", false: "always_off"}[sampled])
			started := startForTest(t, nil)
			call(t, started.Metrics, started.Tracing, time.Second)
			started.Shutdown()
			metric, ok := received.Metric(OperationDuration)
			require.True(t, ok)
			require.Equal(t, sampled && c.traced || !sampled && c.untraced, len(metric.Exemplars) > 0, "%s %v", filter, sampled)
			for _, e := range metric.Exemplars {
				require.Equal(t, sampled, e.Trace != "")
			}
		}
	}
}

func TestAnExemplarOfADeltaIsOfItsTime(t *testing.T) {
	tracing, provider := NewTracing("v0", sdktrace.AlwaysSample())
	defer func() { require.NoError(t, provider.Shutdown(context.Background())) }()
	m := NewAs(10, forms()["delta"])
	for range 3 {
		began := time.Now()
		call(t, m, tracing, time.Second)
		scopes, err := m.Produce(context.Background())
		require.NoError(t, err)
		seen := 0
		for _, metric := range scopes[0].Metrics {
			switch data := metric.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					for _, e := range p.Exemplars {
						require.False(t, e.Time.Before(began), metric.Name)
						seen++
					}
				}
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					for _, e := range p.Exemplars {
						require.False(t, e.Time.Before(began), metric.Name)
						seen++
					}
				}
			}
		}
		require.Greater(t, seen, 10)
	}
}

func TestRecordingATracedCallAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	tracing, provider := NewTracing("v0", sdktrace.AlwaysSample())
	defer func() { require.NoError(t, provider.Shutdown(context.Background())) }()
	ctx, span := tracing.Request(context.Background(), "POST", "/r", http.Header{}, time.Now())
	attempt := tracing.Attempt(ctx, AttemptStart{Operation: "chat", Began: time.Now()})
	for name, form := range forms() {
		m := NewAs(500, form)
		channel := m.Channel("primary", "openai")
		chunks := channel.Chunks("chat")
		at := time.Now()
		a, r := streamed(&chunks), request()
		a.Span, r.Span = attempt, span
		record := func() {
			at = at.Add(time.Millisecond)
			chunks.Chunk(sinceOrigin(at))
			channel.Attempt(a)
			m.Request(r)
			m.HTTP(HTTP{Method: "POST", Route: "/r", Status: 200, Span: span})
		}
		record()
		record()
		require.Zero(t, testing.AllocsPerRun(1000, record), name)
	}
}

// TestABatchFullOfExemplarsIsNoLargerThanACollectorTakes by default over gRPC: 4 MiB.
func TestABatchFullOfExemplarsIsNoLargerThanACollectorTakes(t *testing.T) {
	received := otlptest.Start(t)
	environ(t, "OTEL_EXPORTER_OTLP_ENDPOINT", received.GRPC, "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_METRICS_EXEMPLAR_FILTER", "always_on", "OTEL_TRACES_SAMPLER", "always_on", "OTEL_METRIC_EXPORT_INTERVAL", "3600000") // all of it leaves at the end, in one batch
	started := startForTest(t, nil)
	_, span := started.Tracing.Request(context.Background(), "POST", "/r", http.Header{}, time.Now())
	named := Configured{Name: "a-channel-with-quite-a-name", Provider: "openai"}
	for i := range 900 {
		named.Models = append(named.Models, "some-vendor/some-model-with-quite-a-name-"+strconv.Itoa(i))
	}
	channel := started.Metrics.Configure([]Configured{named})[0]
	for _, model := range named.Models {
		for _, bound := range durationBounds {
			for _, outcome := range []string{"completed", "first_token_timeout"} {
				channel.Attempt(&Attempt{
					Operation: "chat", Model: model, Outcome: outcome, Duration: time.Duration(bound * float64(time.Second)),
					FirstChunk: time.Duration(bound * float64(time.Second)), Usage: Usage{Input: int64(bound * 100), Output: int64(bound * 100)}, Span: span,
				})
			}
		}
	}
	started.Shutdown()
	require.Empty(t, received.Problems())
	tokens, _ := received.Metric(TokenUsage)
	require.Greater(t, len(tokens.Exemplars), 900*2*5)
	metric, _ := received.Metric(OperationDuration)
	require.Greater(t, len(metric.Exemplars), 17*1800-1)
	require.Less(t, received.Largest(), int64(4<<20))
}
