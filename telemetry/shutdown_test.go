package telemetry

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"one-api/telemetry/otlptest"
)

// TestNothingIsLeftOfAnExportThatHangsAtTheEnd has exports on their way when the time for the end is over.
func TestNothingIsLeftOfAnExportThatHangsAtTheEnd(t *testing.T) {
	overGRPC, overHTTP := otlptest.Start(t), otlptest.Start(t)
	overGRPC.Behave(t, otlptest.Hang, time.Minute)
	overHTTP.Behave(t, otlptest.Hang, time.Minute)
	before := goleak.IgnoreCurrent()
	var ends sync.WaitGroup
	for endpoint, received := range map[string]*otlptest.Receiver{overGRPC.GRPC: overGRPC, overHTTP.HTTP: overHTTP} {
		protocol := map[bool]string{true: "grpc", false: "http/protobuf"}[received == overGRPC]
		environ(t, "OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL", protocol, "OTEL_LOGS_EXPORTER", "otlp", "OTEL_METRIC_EXPORT_INTERVAL", "20",
			"OTEL_BSP_SCHEDULE_DELAY", "20", "OTEL_BLRP_SCHEDULE_DELAY", "20",
			"OTEL_EXPORTER_OTLP_TIMEOUT", "600000", "OTEL_METRIC_EXPORT_TIMEOUT", "600000", "OTEL_BSP_EXPORT_TIMEOUT", "600000", "OTEL_BLRP_EXPORT_TIMEOUT", "600000")
		started := startForTest(t, nil)
		_, span := started.Tracing.Request(t.Context(), http.MethodPost, "/v1/chat/completions", nil, time.Now())
		span.EndRequest(&Request{})
		slog.New(started.Logs).Info("a line that is exported")
		require.Eventually(t, func() bool { return received.Requests() >= 3 }, time.Minute, time.Millisecond, "an export of each signal is on its way")
		ends.Go(started.Shutdown)
	}
	ends.Wait()
	for until := time.Now().Add(30 * time.Second); ; {
		left := goleak.Find(before)
		if left == nil {
			break
		}
		require.True(t, time.Now().Before(until), left)
	}
}

// TestNoCollectorDelaysTheEndForLong lets every kind of collector be in the way of the end at the same time, with timeouts of the
// exporters that are much longer.
func TestNoCollectorDelaysTheEndForLong(t *testing.T) {
	type collector struct {
		name     string
		started  *Telemetry
		received *otlptest.Receiver
	}
	var cases []collector
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		for m := otlptest.Accept; m <= otlptest.Mute; m++ {
			received := otlptest.Start(t)
			endpoint := received.HTTP
			if protocol == "grpc" {
				endpoint = received.GRPC
			}
			environ(t, "OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL", protocol, "OTEL_LOGS_EXPORTER", "otlp", "OTEL_METRIC_EXPORT_INTERVAL", "20",
				"OTEL_EXPORTER_OTLP_TIMEOUT", "60000", "OTEL_METRIC_EXPORT_TIMEOUT", "60000", "OTEL_BSP_EXPORT_TIMEOUT", "60000", "OTEL_BLRP_EXPORT_TIMEOUT", "60000")
			received.Behave(t, m, time.Minute)
			started := startForTest(t, nil)
			started.Metrics.Channel("primary", "openai").Attempt(streamed(chunked()))
			slog.New(started.Logs).Info("a line that is exported")
			cases = append(cases, collector{fmt.Sprint(protocol, " ", m), started, received})
		}
	}
	for _, c := range cases {
		if c.received.Manner() == otlptest.Hang || c.received.Manner() == otlptest.Slow {
			require.Eventually(t, func() bool { return c.received.Requests() > 0 }, time.Minute, time.Millisecond, "%s: an export is on its way", c.name)
		}
	}
	took := make([]time.Duration, len(cases))
	var all sync.WaitGroup
	for i, c := range cases {
		all.Go(func() {
			began := time.Now()
			c.started.Shutdown()
			took[i] = time.Since(began)
		})
	}
	all.Wait()
	for i, c := range cases {
		t.Log(c.name, took[i].Round(time.Millisecond))
		require.Less(t, took[i], shutdownTimeout+20*time.Second, c.name)
		if c.received.Manner() == otlptest.Accept {
			require.InDelta(t, 1, c.received.Sum(ChannelAttempts, nil), 0, c.name)
		}
	}
}
