package telemetry

import (
	"math"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// What happens once a request or an attempt is counted here, with one atomic addition or three, and handed to the SDK when it
// collects. The SDK's own instruments take 300 ns a record, and far more where their memory is not at hand: eight of them a
// request were a tenth of its CPU.

// counter is one series of a counter.
type counter struct {
	attributes attribute.Set
	began      time.Time
	n          atomic.Int64
}

func newCounter(attributes []attribute.KeyValue) *counter {
	return &counter{attributes: attribute.NewSet(attributes...), began: time.Now()}
}

func (c *counter) add(n int64) { c.n.Add(n) }

func (c *counter) point(now time.Time) metricdata.DataPoint[int64] {
	return metricdata.DataPoint[int64]{Attributes: c.attributes, StartTime: c.began, Time: now, Value: c.n.Load()}
}

// histogram is one series of a histogram. Values are whole numbers: nanoseconds for seconds, the number itself for the rest.
type histogram struct {
	shape      *shape
	attributes attribute.Set
	began      time.Time
	counts     []atomic.Uint64
	sum        atomic.Int64
}

func (h *histogram) record(value int64) {
	h.counts[h.shape.bucket(value)].Add(1)
	h.sum.Add(value)
}

func (h *histogram) empty() bool {
	for i := range h.counts {
		if h.counts[i].Load() > 0 {
			return false
		}
	}
	return true
}

func (h *histogram) point(now time.Time) metricdata.HistogramDataPoint[float64] {
	p := metricdata.HistogramDataPoint[float64]{
		Attributes: h.attributes, StartTime: h.began, Time: now, Bounds: h.shape.instrument.Bounds,
		BucketCounts: make([]uint64, len(h.counts)), Sum: float64(h.sum.Load()) / h.shape.unit,
	}
	for i := range h.counts {
		p.BucketCounts[i] = h.counts[i].Load()
		p.Count += p.BucketCounts[i]
	}
	return p
}

// instrument finds an instrument in the list; one that is not in it is a mistake that every start would meet.
func instrument(name string) Instrument {
	for _, i := range Instruments {
		if i.Name == name {
			return i
		}
	}
	panic(name + " is not in the list of instruments")
}

// shape is what all series of one histogram have in common.
type shape struct {
	instrument Instrument
	unit       float64 // whole numbers to one of the instrument's unit
	bounds     []int64 // in whole numbers
}

func shapeOf(name string) *shape {
	i := instrument(name)
	s := &shape{instrument: i, unit: 1}
	if i.Unit == "s" {
		s.unit = float64(time.Second)
	}
	for _, b := range i.Bounds {
		s.bounds = append(s.bounds, int64(math.Round(b*s.unit)))
	}
	return s
}

// bucket is the place of a value. A bucket includes its upper bound.
func (s *shape) bucket(value int64) int {
	i, _ := slices.BinarySearch(s.bounds, value)
	return i
}

func (s *shape) make(attributes []attribute.KeyValue) *histogram {
	return &histogram{shape: s, attributes: attribute.NewSet(attributes...), began: time.Now(), counts: make([]atomic.Uint64, len(s.bounds)+1)}
}

// collection gathers points by instrument while the SDK collects.
type collection struct {
	now        time.Time
	histograms map[string][]metricdata.HistogramDataPoint[float64]
	counters   map[string][]metricdata.DataPoint[int64]
}

func newCollection() *collection {
	return &collection{
		now: time.Now(), histograms: map[string][]metricdata.HistogramDataPoint[float64]{}, counters: map[string][]metricdata.DataPoint[int64]{},
	}
}

// histogram takes one that has values: a series begins with its first.
func (c *collection) histogram(h *histogram) {
	if !h.empty() {
		name := h.shape.instrument.Name
		c.histograms[name] = append(c.histograms[name], h.point(c.now))
	}
}

func (c *collection) counter(name string, n *counter) {
	if n.n.Load() > 0 {
		c.counters[name] = append(c.counters[name], n.point(c.now))
	}
}

// zero takes a counter whether or not it has counted anything: an alert on what is missing never fires.
func (c *collection) zero(name string, n *counter) {
	c.counters[name] = append(c.counters[name], n.point(c.now))
}

// metrics is what was gathered, in the order of the list.
func (c *collection) metrics() (all []metricdata.Metrics) {
	for _, i := range Instruments {
		m := metricdata.Metrics{Name: i.Name, Unit: i.Unit, Description: i.Description}
		if points := c.histograms[i.Name]; len(points) > 0 {
			m.Data = metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality, DataPoints: points}
			all = append(all, m)
		}
		if points := c.counters[i.Name]; len(points) > 0 {
			m.Data = metricdata.Sum[int64]{Temporality: metricdata.CumulativeTemporality, IsMonotonic: true, DataPoints: points}
			all = append(all, m)
		}
	}
	return all
}
