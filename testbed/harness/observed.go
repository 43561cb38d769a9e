package harness

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/telemetry"
	"one-api/telemetry/otlptest"
)

// The telemetry tests let the assembled relay export to a collector on a real socket, and compare what arrives with what was
// done.

// Protocols are OTLP's, as OTEL_EXPORTER_OTLP_PROTOCOL names them.
var Protocols = []string{"grpc", "http/protobuf"}

// Observed is a relay whose metrics go to a receiver.
type Observed struct {
	*Relay
	Received     *otlptest.Receiver
	TelemetryLog *LogBuffer
	// flush sends what is left, and ends the export. It is called at the end of the test in any case, after the relay's own end.
	Flush func()
}

// ExportTo sets the OTEL_* variables for metrics only, with an interval that no test lives to see unless it sets one.
func ExportTo(t *testing.T, received *otlptest.Receiver, protocol string) {
	t.Helper()
	endpoint := received.HTTP
	if protocol == "grpc" {
		endpoint = received.GRPC
	}
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
		"OTEL_TRACES_EXPORTER": "none", "OTEL_METRIC_EXPORT_INTERVAL": "3600000",
	} {
		t.Setenv(name, value)
	}
}

// StartObserved runs a relay that exports as exportTo has said. maxPairs is METRICS_MAX_MODEL_LABELS.
func StartObserved(t *testing.T, received *otlptest.Receiver, maxPairs int, yaml string, options ...RelayOption) *Observed {
	t.Helper()
	log := &LogBuffer{}
	exported, err := telemetry.Start(context.Background(), telemetry.Options{
		Version: "v0.0.0-test", Instance: "test-instance", MaxPairs: maxPairs, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	require.NoError(t, err)
	flush := sync.OnceFunc(exported.Shutdown)
	t.Cleanup(flush)
	o := &Observed{Received: received, TelemetryLog: log, Flush: flush}
	o.Relay = StartRelay(t, yaml, append(options, func(c *RelayConfig) { c.Telemetry = exported })...)
	return o
}

// Sum is what the receiver has of a counter, or the count of a histogram.
func (o *Observed) Sum(name string, attrs otlptest.Attrs) int {
	return int(o.Received.Sum(name, attrs))
}

// RequireOne asserts that the attempts, or requests, with attrs make one record of a metric, and that its attributes are
// exactly these.
func (o *Observed) RequireOne(t *testing.T, name string, attrs, exactly otlptest.Attrs) {
	t.Helper()
	o.RequireRecords(t, 1, name, attrs, exactly)
}

// RequireRecords is requireOne for several records with the same attributes.
func (o *Observed) RequireRecords(t *testing.T, n int, name string, attrs, exactly otlptest.Attrs) {
	t.Helper()
	points := o.Received.Points(name, attrs)
	require.Len(t, points, 1, "%s%v", name, attrs)
	require.Equal(t, exactly, points[0].Attributes, name)
	require.EqualValues(t, n, o.Received.Sum(name, attrs), "%s%v", name, attrs)
}

// Finished stops the relay, and sends what is left.
func (o *Observed) Finished() {
	o.Stop()
	err := <-o.Ended
	o.Ended <- err                                                                      // for the harness
	o.Eventually("connections closed", func() bool { return o.OpenConnections() == 0 }) // net/http closes them on its own goroutines
	o.Flush()
}

func (o *Observed) RequireTurnedAway(t *testing.T) {
	for _, reason := range []string{"auth", "model", "body", "no_channel", "limit"} {
		require.Equal(t, 1, o.Sum(telemetry.RequestsRejected, otlptest.Attrs{telemetry.AttrReason: reason}), reason)
	}
	rejected := otlptest.Attrs{telemetry.AttrOutcome: "rejected"}
	require.Equal(t, 5, o.Sum(telemetry.RequestsRejected, nil))
	require.Equal(t, 5, o.Sum(telemetry.RequestDuration, rejected))
	require.Equal(t, 5, o.Sum(telemetry.RequestAttempts, rejected))
	require.Zero(t, o.Received.Histogram(telemetry.RequestAttempts, rejected).Sum, "attempts of those that were turned away")
	require.Zero(t, o.Sum(telemetry.ChannelAttempts, rejected))
	require.Empty(t, o.Received.Points(telemetry.RequestDuration, otlptest.Attrs{telemetry.AttrModel: "unheard-of"}), "a name that a stranger made up")
	require.Zero(t, o.Sum(telemetry.ChannelAttempts, otlptest.Attrs{telemetry.AttrChannel: "at-nowhere"}))
}
