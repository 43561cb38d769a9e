package telemetry

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// chunkBuckets is how many buckets chunkBounds make.
const chunkBuckets = 13

// ChunkTimes is the times between the chunks of one stream: a local value of its exchange, to which a chunk is an addition,
// flushed when the stream has ended. The SDK's own histogram would cost 300 ns a chunk.
type ChunkTimes struct {
	last   time.Time
	counts [chunkBuckets]uint64
	count  uint64
	sum    time.Duration
}

// Chunk notes that one has come.
func (t *ChunkTimes) Chunk(now time.Time) {
	if !t.last.IsZero() {
		d := now.Sub(t.last)
		i, _ := slices.BinarySearch(chunkBounds, d.Seconds()) // a bucket includes its upper bound
		t.counts[i]++
		t.count++
		t.sum += d
	}
	t.last = now
}

// chunks is the histograms of all channels. It is a producer of the SDK's: it exports what it has counted itself.
type chunks struct {
	mu   sync.Mutex
	sets []*chunkSet
}

// chunkSet is the histograms of one channel, by operation.
type chunkSet struct {
	identity []attribute.KeyValue
	byOp     sync.Map // operation -> *chunkHistogram
}

type chunkHistogram struct {
	attributes attribute.Set
	began      time.Time
	counts     [chunkBuckets]atomic.Uint64
	sum        atomic.Int64 // nanoseconds
}

func (c *chunks) of(identity []attribute.KeyValue) *chunkSet {
	s := &chunkSet{identity: identity}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sets = append(c.sets, s)
	return s
}

func (s *chunkSet) of(operation string) *chunkHistogram {
	if h, ok := s.byOp.Load(operation); ok {
		return h.(*chunkHistogram)
	}
	attributes := append(slices.Clone(s.identity), text(AttrOperation, operation))
	h, _ := s.byOp.LoadOrStore(operation, &chunkHistogram{attributes: attribute.NewSet(attributes...), began: time.Now()})
	return h.(*chunkHistogram)
}

func (h *chunkHistogram) flush(t *ChunkTimes) {
	for i, n := range t.counts {
		if n > 0 {
			h.counts[i].Add(n)
		}
	}
	h.sum.Add(int64(t.sum))
}

// Produce is the SDK's collection.
func (c *chunks) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	now := time.Now()
	var points []metricdata.HistogramDataPoint[float64]
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sets {
		s.byOp.Range(func(_, value any) bool {
			points = append(points, value.(*chunkHistogram).point(now))
			return true
		})
	}
	if len(points) == 0 {
		return nil, nil
	}
	return []metricdata.ScopeMetrics{{Scope: scope, Metrics: []metricdata.Metrics{histogramOf(PerOutputChunk, points)}}}, nil
}

func (h *chunkHistogram) point(now time.Time) metricdata.HistogramDataPoint[float64] {
	p := metricdata.HistogramDataPoint[float64]{
		Attributes: h.attributes, StartTime: h.began, Time: now, Bounds: chunkBounds,
		BucketCounts: make([]uint64, chunkBuckets), Sum: time.Duration(h.sum.Load()).Seconds(),
	}
	for i := range h.counts {
		p.BucketCounts[i] = h.counts[i].Load()
		p.Count += p.BucketCounts[i]
	}
	return p
}

// scope is the instrumentation scope of everything that is not the contrib runtime's.
var scope = instrumentation.Scope{Name: ScopeName}

// ScopeName is the name of the relay's instrumentation scope.
const ScopeName = "one-api/telemetry"

// histogramOf makes an exported histogram as the list describes it.
func histogramOf(name string, points []metricdata.HistogramDataPoint[float64]) metricdata.Metrics {
	b := builder{}
	i := b.find(name)
	return metricdata.Metrics{
		Name: i.Name, Unit: i.Unit, Description: i.Description,
		Data: metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality, DataPoints: points},
	}
}
