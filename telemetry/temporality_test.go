package telemetry

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"one-api/telemetry/otlptest"
)

// total is what a reader knows of one series.
type total struct {
	count  uint64
	sum    float64
	ended  time.Time
	points int
}

// ledger adds up what a reader is told, as a backend does that takes deltas only.
type ledger struct {
	t      *testing.T
	delta  bool
	series map[string]*total
}

func (l *ledger) point(name string, attributes any, start, end time.Time, count uint64, sum float64) {
	key := fmt.Sprintf("%s %v", name, attributes)
	known := l.series[key]
	if known == nil {
		known = &total{}
		l.series[key] = known
	}
	require.False(l.t, start.After(end), key)
	if l.delta && known.points > 0 {
		require.False(l.t, start.Before(known.ended), "%s speaks of a time twice", key)
	}
	if l.delta {
		count, sum = known.count+count, known.sum+sum
	}
	require.GreaterOrEqual(l.t, count, known.count, key)
	known.count, known.sum, known.ended, known.points = count, sum, end, known.points+1
}

func (l *ledger) take(scopes []metricdata.ScopeMetrics) {
	want := metricdata.CumulativeTemporality
	if l.delta {
		want = metricdata.DeltaTemporality
	}
	for _, m := range scopes[0].Metrics {
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			require.Equal(l.t, want, data.Temporality, m.Name)
			for _, p := range data.DataPoints {
				l.point(m.Name, p.Attributes.ToSlice(), p.StartTime, p.Time, uint64(p.Value), 0)
			}
		case metricdata.Histogram[float64]:
			require.Equal(l.t, want, data.Temporality, m.Name)
			for _, p := range data.DataPoints {
				var all uint64
				for _, n := range p.BucketCounts {
					all += n
				}
				require.Equal(l.t, p.Count, all, m.Name)
				l.point(m.Name, p.Attributes.ToSlice(), p.StartTime, p.Time, p.Count, p.Sum)
			}
		case metricdata.ExponentialHistogram[float64]:
			require.Equal(l.t, want, data.Temporality, m.Name)
			for _, p := range data.DataPoints {
				all := p.ZeroCount
				for _, n := range p.PositiveBucket.Counts {
					all += n
				}
				require.Equal(l.t, p.Count, all, m.Name)
				l.point(m.Name, p.Attributes.ToSlice(), p.StartTime, p.Time, p.Count, p.Sum)
			}
		}
	}
}

// forms are all that an environment can ask for.
func forms() map[string]Form {
	fine := func(sdkmetric.InstrumentKind) sdkmetric.Aggregation {
		return sdkmetric.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 20}
	}
	return map[string]Form{
		"cumulative": {}, "delta": {Temporality: sdkmetric.DeltaTemporalitySelector}, "lowmemory": {Temporality: sdkmetric.LowMemoryTemporalitySelector},
		"cumulative, exponential": {Aggregation: fine}, "delta, exponential": {Temporality: sdkmetric.DeltaTemporalitySelector, Aggregation: fine},
	}
}

func TestWhateverAReaderAsksForItIsToldEverythingOnce(t *testing.T) {
	const writers, each = 4, 2000
	for name, form := range forms() {
		t.Run(name, func(t *testing.T) {
			m := NewAs(500, form)
			known := &ledger{t: t, delta: form.Temporality != nil, series: map[string]*total{}}
			var writing sync.WaitGroup
			for w := range writers {
				writing.Go(func() {
					channel, at := m.Channel("primary", "openai"), time.Now()
					for i := range each {
						chunks := channel.Chunks("chat")
						for k := range 4 {
							chunks.Chunk(sinceOrigin(at.Add(time.Duration(k) * time.Second)))
						}
						channel.Attempt(streamed(&chunks))
						m.Request(request())
						m.HTTP(HTTP{Method: "POST", Route: "/r", Status: 200, Duration: time.Duration(w*each + i)})
					}
				})
			}
			done := make(chan struct{})
			go func() { writing.Wait(); close(done) }()
			late, cancel := context.WithCancel(context.Background())
			cancel()
			for over := false; !over; {
				select {
				case <-done:
					over = true
				default:
				}
				_, err := m.Produce(late) // a collection that fails takes nothing away
				require.Error(t, err)
				scopes, err := m.Produce(context.Background())
				require.NoError(t, err)
				known.take(scopes)
			}
			const n = writers * each
			for series, want := range map[string]total{
				ChannelAttempts: {count: n}, TokensCached: {count: n * 1000}, TokensReasoning: {count: n * 64},
				OperationDuration: {count: n, sum: n * 3}, FirstChunk: {count: n, sum: n * .3}, PerOutputChunk: {count: 3 * n, sum: 3 * n},
				TokenUsage: {count: 2 * n, sum: n * (1200 + 340)}, RequestDuration: {count: n, sum: 3 * n}, RequestFirstToken: {count: n, sum: n * .3},
				RequestOverhead: {count: n, sum: n * 200e-6}, RequestAttempts: {count: n, sum: n},
				HTTPDuration: {count: n, sum: n * (n - 1) / 2 / 1e9},
			} {
				var got total
				for key, s := range known.series {
					if key == series || len(key) > len(series) && key[:len(series)+1] == series+" " {
						got.count += s.count
						got.sum += s.sum
					}
				}
				require.Equal(t, want.count, got.count, series)
				require.InDelta(t, want.sum, got.sum, 1e-6*max(1, want.sum), series)
			}
			if known.delta {
				scopes, err := m.Produce(context.Background())
				require.NoError(t, err)
				require.Len(t, scopes[0].Metrics, 2, "what stands still is not told again, but for what an alert waits for")
			}
		})
	}
}

func TestASeriesThatComesBackBeginsAnew(t *testing.T) {
	for _, form := range []Form{{}, {Temporality: sdkmetric.DeltaTemporalitySelector}} {
		m, known := NewAs(10, form), &ledger{t: t, delta: form.Temporality != nil, series: map[string]*total{}}
		sum := func() (n uint64) {
			scopes, err := m.Produce(context.Background())
			require.NoError(t, err)
			i := slices.IndexFunc(scopes[0].Metrics, func(m metricdata.Metrics) bool { return m.Name == ChannelAttempts })
			if i < 0 {
				return 0
			}
			for _, p := range scopes[0].Metrics[i].Data.(metricdata.Sum[int64]).DataPoints {
				n += uint64(p.Value)
			}
			known.take([]metricdata.ScopeMetrics{{Metrics: scopes[0].Metrics[i : i+1]}})
			return n
		}
		m.Configure([]Configured{everything("a", "x")})[0].Attempt(ended("x"))
		require.EqualValues(t, 1, sum())
		m.Configure(nil)
		sum()
		require.Zero(t, sum(), "the channel has left")
		known.series = map[string]*total{}
		m.Configure([]Configured{everything("a", "x")})[0].Attempt(ended("x"))
		require.EqualValues(t, 1, sum())
	}
}

// TestEveryMetricHasTheTemporalityThatTheEnvironmentPrefers is over a real connection, with everything that is exported.
func TestEveryMetricHasTheTemporalityThatTheEnvironmentPrefers(t *testing.T) {
	observed := []string{GoGCCycles, GoCPUTime, "go.memory.allocated", "go.memory.allocations", ChannelLeaked} // counters that are read
	for _, preference := range []string{"", "cumulative", "delta", "lowmemory", "DELTA"} {
		for _, over := range []string{"grpc", "http/protobuf"} {
			t.Run(preference+" "+over, func(t *testing.T) {
				received := otlptest.Start(t)
				received.AllowDeltas()
				endpoint := received.HTTP
				if over == "grpc" {
					endpoint = received.GRPC
				}
				environ(t, "OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL", over, "OTEL_TRACES_EXPORTER", "none", "OTEL_METRIC_EXPORT_INTERVAL", "10",
					"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", preference)
				started := startForTest(t, nil)
				channel := started.Metrics.Channel("primary", "openai")
				require.NoError(t, Observe(started.Meter, "v0.0.0-test", func() State { return State{Channels: []ChannelGauges{{Channel: channel, Leaked: 1}}} }))
				for range 3 {
					channel.Attempt(streamed(chunked()))
					started.Metrics.Request(request())
					before := received.Exports()
					require.Eventually(t, func() bool { return received.Exports() > before+1 }, time.Minute, time.Millisecond)
				}
				started.Shutdown()
				require.Empty(t, received.Problems())
				for _, name := range received.Names() {
					metric, _ := received.Metric(name)
					wanted := (metric.Kind == otlptest.Counter || metric.Kind == otlptest.Histogram) &&
						(preference == "delta" || preference == "DELTA" || preference == "lowmemory" && !slices.Contains(observed, name))
					require.Equal(t, wanted, metric.Delta, name)
				}
				require.EqualValues(t, 3, received.Sum(ChannelAttempts, nil))
				require.EqualValues(t, 3*2, received.Sum(TokenUsage, nil))
				require.EqualValues(t, 3*299, received.Sum(PerOutputChunk, nil))
				require.EqualValues(t, 3*340+3*1200, received.Histogram(TokenUsage, nil).Sum)
				require.EqualValues(t, 3, received.Sum(RequestDuration, nil))
				require.EqualValues(t, 1, received.Sum(ChannelLeaked, nil))
			})
		}
	}
}

// TestAFailedExportOfDeltasCostsWhatItHeldAndNothingElse counts the same with an instrument of the SDK's: what fails there fails here.
func TestAFailedExportOfDeltasCostsWhatItHeldAndNothingElse(t *testing.T) {
	received := otlptest.Start(t)
	received.AllowDeltas()
	environ(t, "OTEL_EXPORTER_OTLP_ENDPOINT", received.HTTP, "OTEL_TRACES_EXPORTER", "none", "OTEL_METRIC_EXPORT_INTERVAL", "10",
		"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")
	started := startForTest(t, nil)
	reference, err := started.Meter.Int64Counter("reference")
	require.NoError(t, err)
	channel := started.Metrics.Channel("primary", "openai")
	attempt := func() {
		channel.Attempt(ended("m"))
		reference.Add(context.Background(), 1)
	}
	next := func() {
		before := received.Requests()
		require.Eventually(t, func() bool { return received.Requests() > before+1 }, time.Minute, time.Millisecond)
	}
	for range 3 {
		attempt()
		next()
		received.Behave(t, otlptest.Deny) // an answer that is final: nothing is tried again
		attempt()
		next()
		received.Behave(t, otlptest.Accept)
		attempt()
		next()
	}
	started.Shutdown()
	require.Empty(t, received.Problems())
	require.EqualValues(t, 6, received.Sum("reference", nil), "the SDK's own")
	require.EqualValues(t, 6, received.Sum(ChannelAttempts, nil))
	require.EqualValues(t, 6, received.Sum(OperationDuration, nil))
	require.InDelta(t, 6, received.Histogram(OperationDuration, nil).Sum, 1e-9)
}
