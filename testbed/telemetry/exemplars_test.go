package telemetry

import (
	"encoding/hex"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"

	"one-api/telemetry"
	"one-api/telemetry/otlptest"
	"one-api/testbed/harness"
)

// TestTheExemplarsOfACallAreThoseOfItsSpans: what the client waited for leads to the server's span, what a channel took to the
// attempt's own.
func TestTheExemplarsOfACallAreThoseOfItsSpans(t *testing.T) {
	received := otlptest.Start(t)
	harness.ExportTo(t, received, "http/protobuf")
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	t.Setenv("OTEL_TRACES_SAMPLER", "always_on")
	first, second := harness.NewUpstream(t, false, refuses), harness.NewUpstream(t, false, answersStream)
	o := harness.StartObserved(t, received, 500, "channels:\n"+gptX(first, "first", ", priority: 3")+gptX(second, "second", ", priority: 1"))
	status, _, _ := o.Ask("/v1/chat/completions", askStream)
	require.Equal(t, http.StatusOK, status)
	o.Finished()
	require.Empty(t, received.Problems())

	server, attempts, traceID := "", map[string]string{}, ""
	for _, resource := range received.Spans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				traceID = hex.EncodeToString(s.GetTraceId())
				if s.GetKind() == traces.Span_SPAN_KIND_SERVER {
					server = hex.EncodeToString(s.GetSpanId())
				}
				for _, a := range s.GetAttributes() {
					if a.GetKey() == telemetry.AttrChannel {
						attempts[a.GetValue().GetStringValue()] = hex.EncodeToString(s.GetSpanId())
					}
				}
			}
		}
	}
	require.NotEmpty(t, server)
	require.Len(t, attempts, 2)
	for _, name := range []string{telemetry.HTTPDuration, telemetry.RequestDuration, telemetry.RequestFirstToken, telemetry.RequestAttempts} {
		metric, _ := received.Metric(name)
		require.Len(t, metric.Exemplars, 1, name)
		require.Equal(t, traceID, metric.Exemplars[0].Trace, name)
		require.Equal(t, server, metric.Exemplars[0].Span, name)
	}
	for _, name := range []string{telemetry.OperationDuration, telemetry.ChannelAttempts} {
		metric, _ := received.Metric(name)
		require.Len(t, metric.Exemplars, 2, name)
		for _, e := range metric.Exemplars {
			require.Equal(t, traceID, e.Trace, name)
			require.Equal(t, attempts[e.Attributes[telemetry.AttrChannel]], e.Span, name)
		}
	}
	for _, name := range []string{telemetry.FirstChunk, telemetry.PerOutputChunk} {
		metric, _ := received.Metric(name)
		require.Len(t, metric.Exemplars, 1, name)
		require.Equal(t, attempts["second"], metric.Exemplars[0].Span, name)
	}
}
