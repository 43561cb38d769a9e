package suite

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

// protocols are OTLP's, as OTEL_EXPORTER_OTLP_PROTOCOL names them.
var protocols = []string{"grpc", "http/protobuf"}

// observed is a relay whose metrics go to a receiver.
type observed struct {
	*testRelay
	received     *otlptest.Receiver
	telemetryLog *logBuffer
	// flush sends what is left, and ends the export. It is called at the end of the test in any case, after the relay's own end.
	flush func()
}

// exportTo sets the OTEL_* variables for metrics only, with an interval that no test lives to see unless it sets one.
func exportTo(t *testing.T, received *otlptest.Receiver, protocol string) {
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

// startObserved runs a relay that exports as exportTo has said. maxPairs is METRICS_MAX_MODEL_LABELS.
func startObserved(t *testing.T, received *otlptest.Receiver, maxPairs int, yaml string, options ...relayOption) *observed {
	t.Helper()
	log := &logBuffer{}
	exported, err := telemetry.Start(context.Background(), telemetry.Options{
		Version: "v0.0.0-test", Instance: "test-instance", MaxPairs: maxPairs, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	require.NoError(t, err)
	flush := sync.OnceFunc(exported.Shutdown)
	t.Cleanup(flush)
	o := &observed{received: received, telemetryLog: log, flush: flush}
	o.testRelay = startRelay(t, yaml, append(options, func(c *relayConfig) { c.telemetry = exported })...)
	return o
}

// sum is what the receiver has of a counter, or the count of a histogram.
func (o *observed) sum(name string, attrs otlptest.Attrs) int {
	return int(o.received.Sum(name, attrs))
}

// requireOne asserts that the attempts, or requests, with attrs make one record of a metric, and that its attributes are
// exactly these.
func (o *observed) requireOne(t *testing.T, name string, attrs, exactly otlptest.Attrs) {
	t.Helper()
	o.requireRecords(t, 1, name, attrs, exactly)
}

// requireRecords is requireOne for several records with the same attributes.
func (o *observed) requireRecords(t *testing.T, n int, name string, attrs, exactly otlptest.Attrs) {
	t.Helper()
	points := o.received.Points(name, attrs)
	require.Len(t, points, 1, "%s%v", name, attrs)
	require.Equal(t, exactly, points[0].Attributes, name)
	require.EqualValues(t, n, o.received.Sum(name, attrs), "%s%v", name, attrs)
}

// finished stops the relay, and sends what is left.
func (o *observed) finished() {
	o.stop()
	err := <-o.ended
	o.ended <- err                                                                      // for the harness
	o.eventually("connections closed", func() bool { return o.openConnections() == 0 }) // net/http closes them on its own goroutines
	o.flush()
}
