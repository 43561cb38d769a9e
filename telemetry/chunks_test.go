package telemetry

import (
	"context"
	"math/rand/v2"
	"runtime/metrics"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// TestTheTimesBetweenChunksAreCountedAsTheSDKWould compares the relay's own histogram with the SDK's, bounds included.
// origin is the moment from which the times of chunks are counted.
var origin = time.Now()

func sinceOrigin(at time.Time) time.Duration { return at.Sub(origin) }

func TestTheTimesBetweenChunksAreCountedAsTheSDKWould(t *testing.T) {
	ctx, m := context.Background(), newRecorder(t)
	channel := m.Channel("primary", "openai")
	reader := sdkmetric.NewManualReader()
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	defer func() { require.NoError(t, provider.Shutdown(ctx)) }()
	sdk, err := provider.Meter("reference").Float64Histogram("reference", metric.WithExplicitBucketBoundaries(chunkBounds...))
	require.NoError(t, err)

	var gaps []time.Duration
	for _, bound := range chunkBounds {
		exactly := time.Duration(bound * float64(time.Second))
		gaps = append(gaps, exactly-1, exactly, exactly+1)
	}
	for range 1000 {
		gaps = append(gaps, time.Duration(rand.Int64N(int64(7*time.Second))))
	}
	for stream := range 4 {
		times, at := &ChunkTimes{}, time.Now()
		times.Chunk(sinceOrigin(at))
		for _, gap := range gaps[stream*len(gaps)/4 : (stream+1)*len(gaps)/4] {
			at = at.Add(gap)
			times.Chunk(sinceOrigin(at))
			sdk.Record(ctx, gap.Seconds())
		}
		channel.Attempt(&Attempt{Operation: "chat", Model: "m", Outcome: "completed", Chunks: times})
	}
	channel.Attempt(&Attempt{Operation: "chat", Model: "m", Outcome: "completed", Chunks: &ChunkTimes{}}) // a stream of nothing

	own, err := m.Produce(ctx)
	require.NoError(t, err)
	var reference metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(ctx, &reference))
	require.Len(t, own, 1)
	i := slices.IndexFunc(own[0].Metrics, func(m metricdata.Metrics) bool { return m.Name == PerOutputChunk })
	got := own[0].Metrics[i].Data.(metricdata.Histogram[float64]).DataPoints
	want := reference.ScopeMetrics[0].Metrics[0].Data.(metricdata.Histogram[float64]).DataPoints
	require.Len(t, got, 1)
	require.Equal(t, want[0].Bounds, got[0].Bounds)
	require.Equal(t, want[0].BucketCounts, got[0].BucketCounts)
	require.Equal(t, want[0].Count, got[0].Count)
	require.InDelta(t, want[0].Sum, got[0].Sum, 1e-6)
}

func TestTheRuntimesHistogramsLoseNothingInCoarserBuckets(t *testing.T) {
	fine := &metrics.Float64Histogram{Buckets: []float64{0, 1, 2, 3, 4, 5, 6}, Counts: []uint64{1, 2, 3, 4, 5, 6}}
	coarse := rebucket(fine, []float64{2, 4})
	require.Equal(t, []uint64{3, 7, 11}, coarse.BucketCounts)
	require.EqualValues(t, 21, coarse.Count)
	require.InDelta(t, 1*.5+2*1.5+3*2.5+4*3.5+5*4.5+6*5.5, coarse.Sum, 1e-9)
}
