package telemetry

import (
	"math"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// What happens once a request or an attempt is counted here, with one atomic addition or three, and handed to the SDK when it
// collects, in the form that its reader asks for. The SDK's own instruments take 300 ns a record, and take the times between a
// stream's chunks one by one: seven records an attempt are 2 to 3 µs and the chunks of one stream 90 (BenchmarkAttemptBySDK,
// BenchmarkChunksBySDK), where all of it is a quarter of a microsecond here (BenchmarkAttempt).

// counter is one series of a counter.
type counter struct {
	attributes attribute.Set
	began      time.Time
	n          atomic.Int64
	examples   reservoir

	told int64 // what the reader has of it, if it asks for deltas; the collection's
}

func newCounter(attributes []attribute.KeyValue) *counter {
	return &counter{attributes: attribute.NewSet(attributes...), began: time.Now()}
}

func (c *counter) add(n int64) { c.n.Add(n) }

// count adds, and takes an exemplar if there is a mark.
func (c *counter) count(n int64, m *mark) {
	c.n.Add(n)
	if m != nil {
		c.examples.take(1, 0, n, m)
	}
}

// point hands over what the reader has not been told.
func (c *counter) point(w *window) metricdata.DataPoint[int64] {
	p := metricdata.DataPoint[int64]{Attributes: c.attributes, StartTime: w.start(c.began), Exemplars: exemplarsOf[int64](&c.examples, 1, w)}
	n := c.n.Load()
	p.Value = n
	if w.delta {
		p.Value, c.told = n-c.told, n
	}
	return p
}

// histogram is one series of a histogram. Values are whole numbers: nanoseconds if the unit is seconds, the number itself otherwise.
type histogram struct {
	shape      *shape
	attributes attribute.Set
	began      time.Time
	counts     []atomic.Uint64
	sum        atomic.Int64
	fine       *exponential // replaces counts and sum; nil if they are used
	examples   reservoir

	told    []uint64 // what the reader has of counts and sum, if it asks for deltas; the collection's
	toldSum int64
}

func (h *histogram) record(value int64, m *mark) {
	if h.fine != nil {
		h.fine.record(float64(value) / h.shape.unit)
		h.exemplify(value, m)
		return
	}
	at := h.shape.bucket(value)
	h.counts[at].Add(1)
	h.sum.Add(value)
	if m != nil {
		h.examples.take(len(h.counts), at, value, m)
	}
}

// exemplify keeps a value that was already counted as an exemplar.
func (h *histogram) exemplify(value int64, m *mark) {
	switch {
	case m == nil:
	case h.fine != nil:
		h.examples.take(octaves, octave(float64(value)/h.shape.unit), value, m)
	default:
		h.examples.take(len(h.counts), h.shape.bucket(value), value, m)
	}
}

// point hands over what the reader has not been told; false if there is nothing. A series begins with its first value.
func (h *histogram) point(w *window) (p metricdata.HistogramDataPoint[float64], ok bool) {
	p.BucketCounts = make([]uint64, len(h.counts))
	for i := range h.counts {
		p.BucketCounts[i] = h.counts[i].Load()
	}
	sum := h.sum.Load()
	if w.delta {
		if h.told == nil {
			h.told = make([]uint64, len(h.counts))
		}
		for i, n := range p.BucketCounts {
			p.BucketCounts[i], h.told[i] = n-h.told[i], n
		}
		sum, h.toldSum = sum-h.toldSum, sum
	}
	for _, n := range p.BucketCounts {
		p.Count += n
	}
	if p.Count == 0 {
		if w.delta {
			h.toldSum -= sum // a value is being counted: its sum comes with its count
		}
		return p, false
	}
	p.Attributes, p.StartTime, p.Bounds = h.attributes, w.start(h.began), h.shape.instrument.Bounds
	p.Sum, p.Exemplars = float64(sum)/h.shape.unit, exemplarsOf[float64](&h.examples, h.shape.unit, w)
	return p, true
}

// finePoint is point for exponential buckets.
func (h *histogram) finePoint(w *window) (p metricdata.ExponentialHistogramDataPoint[float64], ok bool) {
	if p, ok = h.fine.point(w.delta); !ok {
		return p, false
	}
	p.Attributes, p.StartTime, p.Exemplars = h.attributes, w.start(h.began), exemplarsOf[float64](&h.examples, h.shape.unit, w)
	return p, true
}

// shape is what all series of one histogram have in common.
type shape struct {
	instrument  Instrument
	unit        float64 // how many make one of the instrument's unit
	bounds      []int64 // in whole numbers
	exponential *sdkmetric.AggregationBase2ExponentialHistogram
}

func (f *Form) shapeOf(name string) *shape {
	i := f.GenAI.instrument(name)
	s := &shape{instrument: i, unit: 1, exponential: f.exponential()}
	if i.Unit == "s" {
		s.unit = float64(time.Second)
	}
	for _, b := range i.Bounds {
		s.bounds = append(s.bounds, int64(math.Round(b*s.unit)))
	}
	return s
}

// bucket is the index of a value's bucket. A bucket includes its upper bound.
func (s *shape) bucket(value int64) int {
	from, to := 0, len(s.bounds)
	for from < to { // slices.BinarySearch is general, and takes twice as long
		if at := int(uint(from+to) >> 1); s.bounds[at] < value {
			from = at + 1
		} else {
			to = at
		}
	}
	return from
}

func (s *shape) make(attributes []attribute.KeyValue) *histogram {
	h := &histogram{shape: s, attributes: attribute.NewSet(attributes...), began: time.Now()}
	if s.exponential != nil {
		h.fine = newExponential(s.exponential)
	} else {
		h.counts = make([]atomic.Uint64, len(s.bounds)+1)
	}
	return h
}
