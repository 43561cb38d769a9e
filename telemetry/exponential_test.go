package telemetry

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"one-api/telemetry/otlptest"
)

// sdkExponential is what the SDK makes of values.
func sdkExponential(t *testing.T, of sdkmetric.AggregationBase2ExponentialHistogram, values []float64) metricdata.ExponentialHistogramDataPoint[float64] {
	t.Helper()
	ctx := context.Background()
	reader := sdkmetric.NewManualReader(sdkmetric.WithAggregationSelector(func(sdkmetric.InstrumentKind) sdkmetric.Aggregation { return of }))
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	defer func() { require.NoError(t, provider.Shutdown(ctx)) }()
	h, err := provider.Meter("reference").Float64Histogram("reference")
	require.NoError(t, err)
	for _, v := range values {
		h.Record(ctx, v)
	}
	var all metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(ctx, &all))
	return all.ScopeMetrics[0].Metrics[0].Data.(metricdata.ExponentialHistogram[float64]).DataPoints[0]
}

func TestExponentialBucketsAreThoseOfTheSDK(t *testing.T) {
	series := map[string][]float64{
		"one value": {.25}, "nothing but zeros": {0, 0}, "powers of two": nil, "near powers of two": nil, "durations": nil, "tokens": nil,
		"a wide range": {1e-9, 1e9}, "up": {.001, .002, 1, 50, 600, 1e6}, "down": {1e6, 600, 50, 1, .002, .001}, "the same again": {3, 3, 3},
	}
	for e := -12; e < 12; e++ {
		p := math.Ldexp(1, e)
		series["powers of two"] = append(series["powers of two"], p)
		series["near powers of two"] = append(series["near powers of two"], math.Nextafter(p, 0), p, math.Nextafter(p, math.Inf(1)))
	}
	for range 5000 {
		series["durations"] = append(series["durations"], math.Exp(rand.Float64()*14-7))
		series["tokens"] = append(series["tokens"], float64(rand.Int64N(200_000)))
	}
	for name, values := range series {
		for _, of := range []sdkmetric.AggregationBase2ExponentialHistogram{{MaxSize: 160, MaxScale: 20}, {MaxSize: 4, MaxScale: 3, NoMinMax: true}} {
			own := newExponential(&of)
			for _, v := range values {
				own.record(v)
			}
			got, ok := own.point(true)
			require.True(t, ok)
			want := sdkExponential(t, of, values)
			require.Equal(t, want.Scale, got.Scale, name)
			require.Equal(t, want.PositiveBucket.Offset, got.PositiveBucket.Offset, name)
			require.Equal(t, append([]uint64{}, want.PositiveBucket.Counts...), append([]uint64{}, got.PositiveBucket.Counts...), name)
			require.Equal(t, want.Count, got.Count, name)
			require.Equal(t, want.ZeroCount, got.ZeroCount, name)
			require.InDelta(t, want.Sum, got.Sum, 1e-6*max(1, want.Sum), name)
			require.Equal(t, want.Min, got.Min, name)
			require.Equal(t, want.Max, got.Max, name)
			_, ok = own.point(true)
			require.False(t, ok, "it was told")
		}
	}
}

func TestTheTimesBetweenChunksAreCountedExponentiallyOneByOne(t *testing.T) {
	for _, n := range []int{0, 1, 2, chunkBuckets, chunkBuckets + 1, 3*chunkBuckets + 2, 500} {
		m := NewAs(10, forms()["cumulative, exponential"])
		channel, at := m.Channel("primary", "openai"), time.Now()
		chunks := channel.Chunks("chat")
		var gaps []float64
		for i := range n {
			chunks.Chunk(sinceOrigin(at))
			gap := time.Duration(i+1) * time.Millisecond
			at = at.Add(gap)
			if i < n-1 {
				gaps = append(gaps, gap.Seconds())
			}
		}
		channel.Attempt(&Attempt{Operation: "chat", Model: "m", Outcome: "completed", Chunks: &chunks})
		scopes, err := m.Produce(context.Background())
		require.NoError(t, err)
		i := slices.IndexFunc(scopes[0].Metrics, func(m metricdata.Metrics) bool { return m.Name == PerOutputChunk })
		if len(gaps) == 0 {
			require.Negative(t, i)
			continue
		}
		got := scopes[0].Metrics[i].Data.(metricdata.ExponentialHistogram[float64]).DataPoints[0]
		want := sdkExponential(t, sdkmetric.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 20}, gaps)
		require.Equal(t, want.Count, got.Count)
		require.Equal(t, want.Scale, got.Scale)
		require.Equal(t, want.PositiveBucket, got.PositiveBucket)
	}
}

// TestEveryHistogramIsExponentialIfTheEnvironmentAsksForIt is over a real connection, with everything that is exported.
func TestEveryHistogramIsExponentialIfTheEnvironmentAsksForIt(t *testing.T) {
	for _, preference := range []string{"cumulative", "delta"} {
		received := otlptest.Start(t)
		received.AllowDeltas()
		environ(t, "OTEL_EXPORTER_OTLP_ENDPOINT", received.HTTP, "OTEL_TRACES_EXPORTER", "none", "OTEL_METRIC_EXPORT_INTERVAL", "10",
			"OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "base2_exponential_bucket_histogram",
			"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", preference)
		started := startForTest(t, nil)
		channel := started.Metrics.Channel("primary", "openai")
		for range 3 {
			chunks, at := channel.Chunks("chat"), time.Now()
			for k := range 100 {
				chunks.Chunk(sinceOrigin(at.Add(time.Duration(k) * time.Second)))
			}
			channel.Attempt(streamed(&chunks))
			started.Metrics.Request(request())
			started.Metrics.HTTP(HTTP{Method: "POST", Route: "/r", Status: 200, Duration: time.Second})
			before := received.Exports()
			require.Eventually(t, func() bool { return received.Exports() > before+1 }, time.Minute, time.Millisecond)
		}
		started.Shutdown()
		require.Empty(t, received.Problems())
		histograms := 0
		for _, i := range Instruments {
			if metric, ok := received.Metric(i.Name); ok && i.Kind == Histogram {
				require.Equal(t, otlptest.Exponential, metric.Kind, i.Name)
				require.Equal(t, preference == "delta", metric.Delta, i.Name)
				histograms++
			}
		}
		require.Equal(t, 11, histograms, "all of the list")
		require.EqualValues(t, 3*99, received.Sum(PerOutputChunk, nil))
		require.InDelta(t, 3*99, received.Histogram(PerOutputChunk, nil).Sum, 1e-6)
		require.EqualValues(t, 3*1540, received.Histogram(TokenUsage, nil).Sum)
	}
}
