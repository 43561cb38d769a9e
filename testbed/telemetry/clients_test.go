package telemetry

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/telemetry"
	"one-api/telemetry/otlptest"
	"one-api/testbed/harness"
)

func TestTelemetrySaysWhatIdleClientsAreWorth(t *testing.T) {
	received := otlptest.Start(t)
	harness.ExportTo(t, received, "http/protobuf")
	upstream := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	o := harness.StartObserved(t, received, 500, fmt.Sprintf("channels: [{name: one, type: openai, base_url: %q, keys: [sk-upstream-secret], models: [m]}]", upstream.URL))
	for range 3 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(o.URL, "http://"))
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
	}
	o.Eventually("three silent clients, and this test's own", func() bool {
		_, health := o.Get("/api/monitor/health")
		connections, _ := health["client_connections"].(map[string]any)
		return connections["idle"] == 3.0
	})
	o.Flush()
	idle, ok := received.Gauge(telemetry.ClientConnections, otlptest.Attrs{telemetry.AttrConnectionState: "idle"})
	require.True(t, ok)
	require.GreaterOrEqual(t, idle, 3.0) // this test's own connection may be idle by then
	_, ok = received.Gauge(telemetry.ClientConnections, otlptest.Attrs{telemetry.AttrConnectionState: "active"})
	require.True(t, ok)
}
