package otlptest

import (
	"maps"
	"slices"
)

// Names lists, sorted, the metrics that were exported.
func (r *Receiver) Names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.series))
}

// Metric describes one; false if it was never exported.
func (r *Receiver) Metric(name string) (Metric, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.series[name]; m != nil {
		return *m, true
	}
	return Metric{}, false
}

// Points is the series of a metric that have these attributes, and perhaps more; nil means all of them.
func (r *Receiver) Points(name string, attrs Attrs) (points []Point) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.series[name]
	if m == nil {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(m.points)) {
		if p := m.points[key]; p.Attributes.Has(attrs) {
			points = append(points, *p)
		}
	}
	return points
}

// Sum adds up a counter, or the counts of a histogram, over the series that have these attributes.
func (r *Receiver) Sum(name string, attrs Attrs) (sum float64) {
	for _, p := range r.Points(name, attrs) {
		sum += p.Value + float64(p.Count)
	}
	return sum
}

// Gauge adds up a gauge over the series that have these attributes; false if there is none.
func (r *Receiver) Gauge(name string, attrs Attrs) (value float64, ok bool) {
	points := r.Points(name, attrs)
	for _, p := range points {
		value += p.Value
	}
	return value, len(points) > 0
}

// Histogram adds up a histogram over the series that have these attributes.
func (r *Receiver) Histogram(name string, attrs Attrs) (sum Point) {
	for _, p := range r.Points(name, attrs) {
		if sum.Buckets == nil {
			sum.Bounds, sum.Buckets = p.Bounds, make([]uint64, len(p.Buckets))
		}
		sum.Count += p.Count
		sum.Sum += p.Sum
		for i, n := range p.Buckets {
			sum.Buckets[i] += n
		}
	}
	return sum
}

// Series is how many series there are in all metrics together.
func (r *Receiver) Series() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.series {
		n += len(m.points)
	}
	return n
}

// Exports is how many exports of metrics were kept.
func (r *Receiver) Exports() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.exports
}

// Resource is the attributes of what exports.
func (r *Receiver) Resource() Attrs {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.resource)
}

// Forget drops what was kept of metrics, as a collector does that is started anew.
func (r *Receiver) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.series = map[string]*Metric{}
}
