package telemetry

import "go.opentelemetry.io/otel/sdk/metric/metricdata"

// pointsOf counts the points of metrics.
func pointsOf(all *metricdata.ResourceMetrics) (n int) {
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			n += pointsIn(m.Data)
		}
	}
	return n
}

func pointsIn(data metricdata.Aggregation) int {
	_, n := cut(data, 0, 0)
	return n
}

// pointsBetween returns the points from one place to another, in their order.
func pointsBetween(all *metricdata.ResourceMetrics, from, to int) *metricdata.ResourceMetrics {
	part := &metricdata.ResourceMetrics{Resource: all.Resource}
	at := 0
	for _, scope := range all.ScopeMetrics {
		kept := metricdata.ScopeMetrics{Scope: scope.Scope}
		for _, m := range scope.Metrics {
			n := pointsIn(m.Data)
			first, last := max(from-at, 0), min(to-at, n)
			at += n
			if first < last {
				m.Data, _ = cut(m.Data, first, last)
				kept.Metrics = append(kept.Metrics, m)
			}
		}
		if len(kept.Metrics) > 0 {
			part.ScopeMetrics = append(part.ScopeMetrics, kept)
		}
	}
	return part
}

// cut returns a part of one metric's points, and how many points the metric has.
func cut(data metricdata.Aggregation, from, to int) (metricdata.Aggregation, int) {
	switch d := data.(type) {
	case metricdata.Gauge[int64]:
		n := keep(&d.DataPoints, from, to)
		return d, n
	case metricdata.Gauge[float64]:
		n := keep(&d.DataPoints, from, to)
		return d, n
	case metricdata.Sum[int64]:
		n := keep(&d.DataPoints, from, to)
		return d, n
	case metricdata.Sum[float64]:
		n := keep(&d.DataPoints, from, to)
		return d, n
	case metricdata.Histogram[int64]:
		n := keep(&d.DataPoints, from, to)
		return d, n
	case metricdata.Histogram[float64]:
		n := keep(&d.DataPoints, from, to)
		return d, n
	case metricdata.ExponentialHistogram[int64]:
		n := keep(&d.DataPoints, from, to)
		return d, n
	case metricdata.ExponentialHistogram[float64]:
		n := keep(&d.DataPoints, from, to)
		return d, n
	case metricdata.Summary:
		n := keep(&d.DataPoints, from, to)
		return d, n
	}
	return data, 0
}

// keep leaves only the points from one place to another, and returns how many there were.
func keep[T any](points *[]T, from, to int) int {
	n := len(*points)
	*points = (*points)[from:to]
	return n
}
