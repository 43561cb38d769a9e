package telemetry

import (
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// collection gathers points by instrument while the SDK collects.
type collection struct {
	version             GenAI
	sums, distributions window // of counters, of histograms

	counters   map[string][]metricdata.DataPoint[int64]
	histograms map[string][]metricdata.HistogramDataPoint[float64]
	fine       map[string][]metricdata.ExponentialHistogramDataPoint[float64]
}

// collect begins a collection; since is when the one before it ended.
func (f *Form) collect(since time.Time) *collection {
	return &collection{
		version:       f.GenAI,
		sums:          window{f.temporality(sdkmetric.InstrumentKindCounter) == metricdata.DeltaTemporality, since},
		distributions: window{f.temporality(sdkmetric.InstrumentKindHistogram) == metricdata.DeltaTemporality, since},
		counters:      map[string][]metricdata.DataPoint[int64]{},
		histograms:    map[string][]metricdata.HistogramDataPoint[float64]{},
		fine:          map[string][]metricdata.ExponentialHistogramDataPoint[float64]{},
	}
}

func (c *collection) histogram(h *histogram) {
	name := h.shape.instrument.Name
	if h.fine != nil {
		if p, ok := h.finePoint(&c.distributions); ok {
			c.fine[name] = append(c.fine[name], p)
		}
		return
	}
	if p, ok := h.point(&c.distributions); ok {
		c.histograms[name] = append(c.histograms[name], p)
	}
}

// counter takes a counter that has counted something.
func (c *collection) counter(name string, n *counter) {
	if p := n.point(&c.sums); p.Value > 0 {
		c.counters[name] = append(c.counters[name], p)
	}
}

// zero takes a counter whether or not it has counted anything: an alert on a missing series never fires.
func (c *collection) zero(name string, n *counter) {
	c.counters[name] = append(c.counters[name], n.point(&c.sums))
}

// metrics returns what was gathered, in the order of the list, and the time by which all of it had been counted.
func (c *collection) metrics() (all []metricdata.Metrics, now time.Time) {
	now = time.Now()
	for _, i := range InstrumentsOf(c.version) {
		m := metricdata.Metrics{Name: i.Name, Unit: i.Unit, Description: i.Description}
		if points := c.histograms[i.Name]; len(points) > 0 {
			for at := range points {
				points[at].Time = now
			}
			m.Data = metricdata.Histogram[float64]{Temporality: c.distributions.temporality(), DataPoints: points}
			all = append(all, m)
		}
		if points := c.fine[i.Name]; len(points) > 0 {
			for at := range points {
				points[at].Time = now
			}
			m.Data = metricdata.ExponentialHistogram[float64]{Temporality: c.distributions.temporality(), DataPoints: points}
			all = append(all, m)
		}
		if points := c.counters[i.Name]; len(points) > 0 {
			for at := range points {
				points[at].Time = now
			}
			m.Data = metricdata.Sum[int64]{Temporality: c.sums.temporality(), IsMonotonic: true, DataPoints: points}
			if i.Name == Cost {
				m.Data = metricdata.Sum[float64]{Temporality: c.sums.temporality(), IsMonotonic: true, DataPoints: dollars(points)}
			}
			all = append(all, m)
		}
	}
	return all, now
}

// dollars are points of nano-dollars.
func dollars(nano []metricdata.DataPoint[int64]) []metricdata.DataPoint[float64] {
	points := make([]metricdata.DataPoint[float64], len(nano))
	for i, p := range nano {
		points[i] = metricdata.DataPoint[float64]{Attributes: p.Attributes, StartTime: p.StartTime, Time: p.Time, Value: float64(p.Value) / 1e9}
	}
	return points
}

func (w *window) temporality() metricdata.Temporality {
	if w.delta {
		return metricdata.DeltaTemporality
	}
	return metricdata.CumulativeTemporality
}
