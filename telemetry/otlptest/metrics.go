package otlptest

import (
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
)

// Attrs is attributes, their values as text.
type Attrs map[string]string

// Metric is everything that was exported under one name.
type Metric struct {
	Name, Unit, Description, Kind, Scope string
	points                               map[string]*Point
}

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
			for _, m := range scope.GetMetrics() {
				r.keepMetric(m, scope.GetScope().GetName(), seen)
			}
		}
	}
}

func (r *Receiver) keepMetric(m *metrics.Metric, scope string, seen map[string]bool) {
	kind, points, cumulative := decode(m)
	if !cumulative {
		r.problem("%s is not cumulative", m.GetName())
	}
	known := r.series[m.GetName()]
	if known == nil {
		known = &Metric{
			Name: m.GetName(), Unit: m.GetUnit(), Description: m.GetDescription(), Kind: kind, Scope: scope,
			points: map[string]*Point{},
		}
		r.series[m.GetName()] = known
	}
	if known.Kind != kind || known.Unit != m.GetUnit() || known.Scope != scope {
		r.problem("%s is exported in two ways", m.GetName())
	}
	for _, p := range points {
		key := p.Attributes.key()
		if seen[m.GetName()+key] {
			r.problem("%s%s is twice in one export", m.GetName(), key)
		}
		seen[m.GetName()+key] = true
		if old := known.points[key]; old != nil && (kind == Counter && p.Value < old.Value || p.Count < old.Count) {
			r.problem("%s%s went down", m.GetName(), key)
		}
		known.points[key] = p
	}
}

func (r *Receiver) problem(format string, a ...any) {
	if len(r.problems) < 100 {
		r.problems = append(r.problems, fmt.Sprintf(format, a...))
	}
}

func decode(m *metrics.Metric) (kind string, points []*Point, cumulative bool) {
	switch data := m.GetData().(type) {
	case *metrics.Metric_Gauge:
		return Gauge, numbers(data.Gauge.GetDataPoints()), true
	case *metrics.Metric_Sum:
		kind = UpDownCounter
		if data.Sum.GetIsMonotonic() {
			kind = Counter
		}
		return kind, numbers(data.Sum.GetDataPoints()), isCumulative(data.Sum.GetAggregationTemporality())
	case *metrics.Metric_Histogram:
		for _, p := range data.Histogram.GetDataPoints() {
			points = append(points, &Point{
				Attributes: attributesOf(p.GetAttributes()), Count: p.GetCount(), Sum: p.GetSum(), Bounds: p.GetExplicitBounds(),
				Buckets: p.GetBucketCounts(), Start: p.GetStartTimeUnixNano(), Time: p.GetTimeUnixNano(),
			})
		}
		return Histogram, points, isCumulative(data.Histogram.GetAggregationTemporality())
	}
	return "unknown", nil, true
}

func isCumulative(t metrics.AggregationTemporality) bool {
	return t == metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
}

func numbers(data []*metrics.NumberDataPoint) (points []*Point) {
	for _, p := range data {
		value := p.GetAsDouble()
		if whole, ok := p.GetValue().(*metrics.NumberDataPoint_AsInt); ok {
			value = float64(whole.AsInt)
		}
		points = append(points, &Point{
			Attributes: attributesOf(p.GetAttributes()), Value: value, Start: p.GetStartTimeUnixNano(), Time: p.GetTimeUnixNano(),
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

// Has tells whether the attributes of want are among these.
func (a Attrs) Has(want Attrs) bool {
	for k, v := range want {
		if value, ok := a[k]; !ok || value != v {
			return false
		}
	}
	return true
}
