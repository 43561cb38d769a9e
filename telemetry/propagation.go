package telemetry

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/contrib/propagators/autoprop"
	"go.opentelemetry.io/otel/propagation"
)

// propagator is by which headers a trace comes from a client and goes to an upstream: OTEL_PROPAGATORS. It holds also where
// no telemetry is exported, as the specification has it: an upstream may be sent the trace that a client began.
type propagator struct {
	propagation.TextMapPropagator
	fields []string // the headers, in net/http's spelling
}

var propagating atomic.Pointer[propagator]

func init() { propagateBy("") }

// fieldsOfB3 are all of its headers: either of its two forms is read, whichever one is written.
var fieldsOfB3 = []string{"b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"}

// propagateBy takes a list of names that are known. "" means W3C's trace context.
func propagateBy(list string) {
	names := []string{"tracecontext"}
	if list != "" {
		names = strings.Split(list, ",")
	}
	composed, err := autoprop.TextMapPropagator(names...)
	if err != nil { // there is a name that only our list knows; a test says that there is none
		composed = propagation.TraceContext{}
	}
	fields := composed.Fields()
	if slices.Contains(names, "b3") || slices.Contains(names, "b3multi") {
		fields = append(fields, fieldsOfB3...)
	}
	p := &propagator{TextMapPropagator: composed}
	for _, name := range fields {
		if name = http.CanonicalHeaderKey(name); !slices.Contains(p.fields, name) {
			p.fields = append(p.fields, name)
		}
	}
	propagating.Store(p)
}

// in reports whether a header names a trace. Unlike Extract, it allocates nothing.
func (p *propagator) in(header http.Header) bool {
	for _, name := range p.fields {
		if _, given := header[name]; given {
			return true
		}
	}
	return false
}

// Propagate writes a call's trace into the header of a request to an upstream: the span's own, or, if the call is not traced here,
// the one that its client sent.
func (s Span) Propagate(client, upstream http.Header) {
	p := propagating.Load()
	ctx := context.Background()
	switch {
	case p.in(client):
		ctx = p.Extract(ctx, propagation.HeaderCarrier(client))
	case s.span == nil: // B3 would tell the upstream not to trace
		return
	}
	p.Inject(s.In(ctx), propagation.HeaderCarrier(upstream))
}
