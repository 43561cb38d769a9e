package telemetry

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"one-api/telemetry/otelenv"
)

const (
	clientTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	clientSpan  = "00f067aa0ba902b7"
)

// TestATraceComesAndGoesByTheHeadersThatOTELPROPAGATORSNames sends a trace in each format, through a call that is traced and one that
// is not.
func TestATraceComesAndGoesByTheHeadersThatOTELPROPAGATORSNames(t *testing.T) {
	defer propagateBy("")
	b3 := http.Header{"B3": {clientTrace + "-" + clientSpan + "-1"}}
	w3c := http.Header{"Traceparent": {"00-" + clientTrace + "-" + clientSpan + "-01"}}
	multi := http.Header{"X-B3-Traceid": {clientTrace}, "X-B3-Spanid": {clientSpan}, "X-B3-Sampled": {"1"}}
	for name, c := range map[string]struct {
		list   string
		client http.Header
		sent   string // the upstream's header; "" means none
	}{
		"by default":             {"", w3c, "Traceparent"},
		"tracecontext":           {"tracecontext", w3c, "Traceparent"},
		"b3":                     {"b3", b3, "B3"},
		"b3, read in many":       {"b3", multi, "B3"},
		"b3multi":                {"b3multi", multi, "X-B3-Traceid"},
		"jaeger":                 {"jaeger", http.Header{"Uber-Trace-Id": {clientTrace + ":" + clientSpan + ":0:1"}}, "Uber-Trace-Id"},
		"xray":                   {"xray", http.Header{"X-Amzn-Trace-Id": {"Root=1-" + clientTrace[:8] + "-" + clientTrace[8:] + ";Parent=" + clientSpan + ";Sampled=1"}}, "X-Amzn-Trace-Id"},
		"ottrace":                {"ottrace", http.Header{"Ot-Tracer-Traceid": {clientTrace[16:]}, "Ot-Tracer-Spanid": {clientSpan}, "Ot-Tracer-Sampled": {"true"}}, "Ot-Tracer-Traceid"},
		"several":                {"tracecontext,b3", b3, "Traceparent"},
		"none":                   {"none", w3c, ""},
		"one that is not listed": {"b3", w3c, ""},
	} {
		t.Run(name, func(t *testing.T) {
			propagateBy(c.list)
			spans := tracetest.NewSpanRecorder()
			tracing, provider := NewTracing("v", sdktrace.AlwaysSample(), sdktrace.WithSpanProcessor(spans))
			defer func() { require.NoError(t, provider.Shutdown(context.Background())) }()
			_, span := tracing.Request(context.Background(), http.MethodPost, "/v1/messages", c.client, time.Now())
			traced := http.Header{}
			span.Propagate(c.client, traced)
			span.EndRequest(&Request{})
			sentByOthers := http.Header{}
			Span{}.Propagate(c.client, sentByOthers)
			if c.sent == "" {
				require.NotEqual(t, clientTrace, spans.Ended()[0].SpanContext().TraceID().String(), "the trace is a new one")
				require.Empty(t, sentByOthers)
				return
			}
			trace := clientTrace
			if c.list == "ottrace" { // which has 64 bits
				trace = strings.Repeat("0", 16) + clientTrace[16:]
			}
			require.Equal(t, trace, spans.Ended()[0].SpanContext().TraceID().String(), "the client's trace goes on")
			require.Equal(t, clientSpan, spans.Ended()[0].Parent().SpanID().String())
			require.NotEmpty(t, traced.Get(c.sent), traced)
			require.NotContains(t, strings.Join(traced[c.sent], ""), clientSpan, "the relay's own span is the parent")
			require.NotEmpty(t, sentByOthers.Get(c.sent), "a call that is not traced here hands on what its client sent")
		})
	}
}

func TestBaggageGoesToAnUpstreamOnlyWhereItIsAskedFor(t *testing.T) {
	defer propagateBy("")
	client := http.Header{"Baggage": {"user=u-1"}, "Traceparent": {"00-" + clientTrace + "-" + clientSpan + "-01"}}
	for list, want := range map[string]string{"": "", "tracecontext,baggage": "user=u-1"} {
		propagateBy(list)
		upstream := http.Header{}
		Span{}.Propagate(client, upstream)
		require.Equal(t, want, upstream.Get("Baggage"))
	}
}

func TestEveryPropagatorOfTheListIsKnown(t *testing.T) {
	defer propagateBy("")
	for _, name := range []string{"tracecontext", "baggage", "b3", "b3multi", "jaeger", "xray", "ottrace"} {
		env := otelenv.Read(func(variable string) string { return map[string]string{"OTEL_PROPAGATORS": name}[variable] })
		require.Equal(t, name, env.Get("OTEL_PROPAGATORS"))
		propagateBy(name)
		require.NotEmpty(t, propagating.Load().fields, name)
	}
}

func TestACallWithoutATraceCostsNoAllocationToTell(t *testing.T) {
	header := http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer x"}}
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = propagating.Load().in(header) }))
}
