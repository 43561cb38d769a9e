package telemetry

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/telemetry/otlptest"
)

// TestEverythingHasOneScope is over a real connection. What the contrib runtime observes has the contrib runtime's.
func TestEverythingHasOneScope(t *testing.T) {
	received := otlptest.Start(t)
	environ(t, "OTEL_EXPORTER_OTLP_ENDPOINT", received.HTTP, "OTEL_TRACES_SAMPLER", "always_on")
	started := startForTest(t, nil)
	require.NoError(t, Observe(started.Meter, "v0.0.0-test", func() State { return State{} }))
	call(t, started.Metrics, started.Tracing, time.Second)
	started.Shutdown()
	require.Empty(t, received.Problems())
	own := otlptest.Scope{Name: "one-api/telemetry", Version: "v0.0.0-test", SchemaURL: "https://opentelemetry.io/schemas/1.43.0"}
	found := 0
	for _, name := range received.Names() {
		metric, _ := received.Metric(name)
		if strings.Contains(metric.Scope.Name, "contrib/instrumentation/runtime") {
			require.True(t, strings.HasPrefix(name, "go."), name)
			require.NotEmpty(t, metric.Scope.Version)
			continue
		}
		require.Equal(t, own, metric.Scope, name)
		found++
	}
	require.Greater(t, found, 15)
	spans := received.Spans()
	require.NotEmpty(t, spans)
	for _, resource := range spans {
		for _, scope := range resource.GetScopeSpans() {
			require.Equal(t, own, otlptest.Scope{Name: scope.GetScope().GetName(), Version: scope.GetScope().GetVersion(), SchemaURL: scope.GetSchemaUrl()})
		}
	}
}
