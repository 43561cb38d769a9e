package telemetry

import (
	"strings"
	"time"

	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// Form is what an exporter asks of metrics, in the SDK's own terms: what the relay counts itself is handed over as the SDK would
// have. Its zero value is cumulative sums, histograms with the list's bounds, and exemplars of what is traced.
type Form struct {
	Temporality sdkmetric.TemporalitySelector // nil means cumulative
	Aggregation sdkmetric.AggregationSelector // nil means the list's bounds
	Exemplars   Exemplars
	GenAI       GenAI
	Version     string // of the instrumentation scope
}

// ScopeName is the name of the relay's instrumentation scope.
const ScopeName = "one-api/telemetry"

// SchemaURL says which semantic conventions names and attributes follow.
const SchemaURL = semconv.SchemaURL

// scope is the one instrumentation scope of everything that is not the contrib runtime's.
func (f *Form) scope() instrumentation.Scope {
	return instrumentation.Scope{Name: ScopeName, Version: f.Version, SchemaURL: SchemaURL}
}

func (f *Form) temporality(kind sdkmetric.InstrumentKind) metricdata.Temporality {
	if f.Temporality != nil && f.Temporality(kind) == metricdata.DeltaTemporality {
		return metricdata.DeltaTemporality
	}
	return metricdata.CumulativeTemporality
}

// exponential is the buckets that histograms are to have; nil means those of the list.
func (f *Form) exponential() *sdkmetric.AggregationBase2ExponentialHistogram {
	if f.Aggregation == nil {
		return nil
	}
	if e, ok := f.Aggregation(sdkmetric.InstrumentKindHistogram).(sdkmetric.AggregationBase2ExponentialHistogram); ok {
		return &e
	}
	return nil
}

// Exemplars says of which measurements examples are kept.
type Exemplars int

// The filters of OTEL_METRICS_EXEMPLAR_FILTER.
const (
	ExemplarsOfTraced Exemplars = iota // those of a sampled span
	ExemplarsOfAll
	ExemplarsOff
)

// ExemplarsOf reads OTEL_METRICS_EXEMPLAR_FILTER as the SDK does: what it does not know is the default.
func ExemplarsOf(value string) Exemplars {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "always_on":
		return ExemplarsOfAll
	case "always_off":
		return ExemplarsOff
	}
	return ExemplarsOfTraced
}

// window is the time that a point speaks of.
type window struct {
	delta bool
	since time.Time // the collection before this one
}

// start is the beginning of what a series says that began then.
func (w *window) start(began time.Time) time.Time {
	if w.delta && w.since.After(began) {
		return w.since
	}
	return began
}
