package telemetry

import "go.opentelemetry.io/otel/trace"

// Tracing makes the spans of requests and of attempts.
type Tracing struct {
	tracer trace.Tracer
}

func newTracing(tracer trace.Tracer) *Tracing { return &Tracing{tracer: tracer} }
