package otlptest

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
)

// Kinds of metrics, as they travel.
const (
	Counter       = "counter"
	UpDownCounter = "updowncounter"
	Gauge         = "gauge"
	Histogram     = "histogram"
	Exponential   = "exponential histogram"
)

// Attrs is attributes, their values as text.
type Attrs map[string]string

// Metric is everything that was exported under one name.
type Metric struct {
	Name, Unit, Description, Kind string

	Scope     Scope
	Delta     bool // its points say what has been added; here they are added up
	Exemplars []Exemplar
	points    map[string]*Point
}

// Scope is an instrumentation scope.
type Scope struct{ Name, Version, SchemaURL string }

// Point is the newest state of one series.
type Point struct {
	Attributes Attrs
	Value      float64 // counters and gauges
	Count      uint64  // histograms
	Sum        float64
	Bounds     []float64
	Buckets    []uint64 // one more than Bounds
	Start      uint64   // Unix nanoseconds
	Time       uint64
	Ended      bool // the newest word on it is that it has no value any more; the values are those before

	exemplars []*metrics.Exemplar
}

// Exemplar is one that came with a point of these attributes.
type Exemplar struct {
	Attributes  Attrs
	Value       float64
	Trace, Span string // in hexadecimal; empty means none
	Time        uint64
}

// keep takes what one export brought.
func (r *Receiver) keep(all []*metrics.ResourceMetrics) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exports++
	seen := map[string]bool{}
	for _, resource := range all {
		maps.Copy(r.resource, attributesOf(resource.GetResource().GetAttributes()))
		for _, scope := range resource.GetScopeMetrics() {
			from := Scope{scope.GetScope().GetName(), scope.GetScope().GetVersion(), scope.GetSchemaUrl()}
			for _, m := range scope.GetMetrics() {
				r.keepMetric(m, from, seen)
			}
		}
	}
}

func (r *Receiver) keepMetric(m *metrics.Metric, scope Scope, seen map[string]bool) {
	kind, points, delta := decode(m)
	if delta && !r.deltas {
		r.problem("%s is not cumulative", m.GetName())
	}
	known := r.series[m.GetName()]
	if known == nil {
		known = &Metric{
			Name: m.GetName(), Unit: m.GetUnit(), Description: m.GetDescription(), Kind: kind, Scope: scope, Delta: delta,
			points: map[string]*Point{},
		}
		r.series[m.GetName()] = known
	}
	if known.Kind != kind || known.Unit != m.GetUnit() || known.Scope != scope || known.Delta != delta {
		r.problem("%s is exported in two ways", m.GetName())
	}
	for _, p := range points {
		key := p.Attributes.key()
		if seen[m.GetName()+key] {
			r.problem("%s%s is twice in one export", m.GetName(), key)
		}
		seen[m.GetName()+key] = true
		old := known.points[key]
		switch {
		case p.Start > p.Time:
			r.problem("%s%s begins after its end", m.GetName(), key)
		case old == nil:
		case delta && p.Start < old.Time:
			r.problem("%s%s counts a time twice", m.GetName(), key)
		case !delta && (kind == Counter && p.Value < old.Value || p.Count < old.Count):
			r.problem("%s%s went down", m.GetName(), key)
		}
		known.example(p)
		if delta && old != nil {
			p.add(old)
		}
		known.points[key] = p
	}
}

// add makes what has been added what there is.
func (p *Point) add(old *Point) {
	p.Value += old.Value
	p.Count += old.Count
	p.Sum += old.Sum
	p.Start = old.Start
	for i := range min(len(p.Buckets), len(old.Buckets)) {
		p.Buckets[i] += old.Buckets[i]
	}
}

func (m *Metric) example(p *Point) {
	for _, e := range p.exemplars {
		one := Exemplar{Attributes: p.Attributes, Value: e.GetAsDouble(), Trace: hex.EncodeToString(e.GetTraceId()),
			Span: hex.EncodeToString(e.GetSpanId()), Time: e.GetTimeUnixNano()}
		if whole, ok := e.GetValue().(*metrics.Exemplar_AsInt); ok {
			one.Value = float64(whole.AsInt)
		}
		m.Exemplars = append(m.Exemplars, one)
	}
	p.exemplars = nil
}

func (r *Receiver) problem(format string, a ...any) {
	if len(r.problems) < 100 {
		r.problems = append(r.problems, fmt.Sprintf(format, a...))
	}
}

func decode(m *metrics.Metric) (kind string, points []*Point, delta bool) {
	switch data := m.GetData().(type) {
	case *metrics.Metric_Gauge:
		return Gauge, numbers(data.Gauge.GetDataPoints()), false
	case *metrics.Metric_Sum:
		kind = UpDownCounter
		if data.Sum.GetIsMonotonic() {
			kind = Counter
		}
		return kind, numbers(data.Sum.GetDataPoints()), isDelta(data.Sum.GetAggregationTemporality())
	case *metrics.Metric_Histogram:
		for _, p := range data.Histogram.GetDataPoints() {
			points = append(points, &Point{
				Attributes: attributesOf(p.GetAttributes()), Count: p.GetCount(), Sum: p.GetSum(), Bounds: p.GetExplicitBounds(),
				Buckets: p.GetBucketCounts(), Start: p.GetStartTimeUnixNano(), Time: p.GetTimeUnixNano(), exemplars: p.GetExemplars(),
				Ended: p.GetFlags()&1 != 0,
			})
		}
		return Histogram, points, isDelta(data.Histogram.GetAggregationTemporality())
	case *metrics.Metric_ExponentialHistogram:
		for _, p := range data.ExponentialHistogram.GetDataPoints() {
			points = append(points, &Point{
				Attributes: attributesOf(p.GetAttributes()), Count: p.GetCount(), Sum: p.GetSum(),
				Start: p.GetStartTimeUnixNano(), Time: p.GetTimeUnixNano(), exemplars: p.GetExemplars(), Ended: p.GetFlags()&1 != 0,
			})
		}
		return Exponential, points, isDelta(data.ExponentialHistogram.GetAggregationTemporality())
	}
	return "unknown", nil, false
}

func isDelta(t metrics.AggregationTemporality) bool {
	return t != metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
}

func numbers(data []*metrics.NumberDataPoint) (points []*Point) {
	for _, p := range data {
		value := p.GetAsDouble()
		if whole, ok := p.GetValue().(*metrics.NumberDataPoint_AsInt); ok {
			value = float64(whole.AsInt)
		}
		points = append(points, &Point{
			Attributes: attributesOf(p.GetAttributes()), Value: value, Start: p.GetStartTimeUnixNano(), Time: p.GetTimeUnixNano(),
			exemplars: p.GetExemplars(), Ended: p.GetFlags()&1 != 0,
		})
	}
	return points
}

func attributesOf(all []*common.KeyValue) Attrs {
	attrs := make(Attrs, len(all))
	for _, a := range all {
		attrs[a.GetKey()] = textOf(a.GetValue())
	}
	return attrs
}

func textOf(v *common.AnyValue) string {
	switch value := v.GetValue().(type) {
	case *common.AnyValue_StringValue:
		return value.StringValue
	case *common.AnyValue_IntValue:
		return fmt.Sprint(value.IntValue)
	case *common.AnyValue_DoubleValue:
		return fmt.Sprint(value.DoubleValue)
	case *common.AnyValue_BoolValue:
		return fmt.Sprint(value.BoolValue)
	}
	return v.String()
}

// key is the attributes as text, in order.
func (a Attrs) key() string {
	var s strings.Builder
	s.WriteByte('{')
	for i, k := range slices.Sorted(maps.Keys(a)) {
		if i > 0 {
			s.WriteByte(',')
		}
		fmt.Fprintf(&s, "%s=%q", k, a[k])
	}
	s.WriteByte('}')
	return s.String()
}

// Has reports whether the attributes of want are among these.
func (a Attrs) Has(want Attrs) bool {
	for k, v := range want {
		if value, ok := a[k]; !ok || value != v {
			return false
		}
	}
	return true
}
