package telemetry

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/telemetry/otlptest"
)

// What the log promises of an export that failed is held against what comes of it.

// promises are the words for what a failed export's content becomes.
const (
	promisesMore = "counts catch up with the next export that arrives"
	saysLost     = "has not arrived is lost"
)

func TestWhatIsSaidOfAFailedExportOfMetricsIsWhatBecomesOfIt(t *testing.T) {
	for preference, lost := range map[string]bool{"": false, "cumulative": false, "delta": true, "lowmemory": true} {
		t.Run(preference, func(t *testing.T) {
			received := otlptest.Start(t)
			received.AllowDeltas()
			received.Behave(t, otlptest.Fail)
			environ(t, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", received.HTTP+"/v1/metrics", "OTEL_METRIC_EXPORT_INTERVAL", "5",
				"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", preference)
			var log bytes.Buffer
			started := startForTest(t, &log)
			channel := started.Metrics.Channel("primary", "openai")
			for range 3 {
				channel.Attempt(ended("m"))
			}
			before := received.Requests()
			require.Eventually(t, func() bool { return received.Requests() > before+2 }, time.Minute, time.Millisecond, "an export with them has failed")
			received.Behave(t, otlptest.Accept)
			for range 4 {
				channel.Attempt(ended("m"))
			}
			started.Shutdown()
			want := 7
			if lost {
				want = 4
				require.Contains(t, log.String(), "its deltas are not sent again: what of them "+saysLost)
			} else {
				require.Contains(t, log.String(), promisesMore)
			}
			require.EqualValues(t, want, received.Sum(ChannelAttempts, nil))
			require.NotContains(t, log.String(), map[bool]string{true: promisesMore, false: saysLost}[lost])
		})
	}
}

func TestWhatIsSaidOfTheLastExportOfMetricsIsWhatBecomesOfIt(t *testing.T) {
	received := otlptest.Start(t)
	received.Behave(t, otlptest.Fail)
	environ(t, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", received.HTTP+"/v1/metrics")
	var log bytes.Buffer
	started := startForTest(t, &log)
	started.Metrics.Channel("primary", "openai").Attempt(ended("m"))
	started.Shutdown()
	require.Contains(t, log.String(), "it was the last export: what was counted since one arrived is lost")
	require.NotContains(t, log.String(), "catch up", "there is no next one")
}

func TestAnExportThatTheLastOneTakesThePlaceOfHasNotFailed(t *testing.T) {
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		received := otlptest.Start(t)
		received.Behave(t, otlptest.Slow, 300*time.Millisecond)
		environ(t, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", map[string]string{"grpc": received.GRPC, "http/protobuf": received.HTTP + "/v1/metrics"}[protocol],
			"OTEL_EXPORTER_OTLP_PROTOCOL", protocol, "OTEL_METRIC_EXPORT_INTERVAL", "5")
		var log bytes.Buffer
		started := startForTest(t, &log)
		require.Eventually(t, func() bool { return received.Requests() > 0 }, time.Minute, time.Millisecond, "an export is on its way")
		started.Metrics.Channel("primary", "openai").Attempt(ended("m"))
		started.Shutdown()
		require.Empty(t, log.String(), protocol)
		require.EqualValues(t, 1, received.Sum(ChannelAttempts, nil))
	}
}

func TestWhatIsSaidOfAFailedExportOfSpansAndRecordsIsWhatBecomesOfIt(t *testing.T) {
	received := otlptest.Start(t)
	received.Behave(t, otlptest.Fail)
	environ(t, "OTEL_EXPORTER_OTLP_ENDPOINT", received.HTTP, "OTEL_METRICS_EXPORTER", "none", "OTEL_LOGS_EXPORTER", "otlp", "OTEL_TRACES_SAMPLER", "always_on",
		"OTEL_BSP_SCHEDULE_DELAY", "5", "OTEL_BLRP_SCHEDULE_DELAY", "5")
	var log bytes.Buffer
	started := startForTest(t, &log)
	say := func(what string) {
		_, span := started.Tracing.tracer.Start(context.Background(), what)
		span.End()
		slog.New(started.Logs).Info(what)
	}
	say("first")
	require.Eventually(t, func() bool { return received.Requests() >= 2 }, time.Minute, time.Millisecond, "an export of each has begun")
	failed := func() bool {
		for _, g := range started.guards {
			g.pauses.mu.Lock()
			_, said := g.pauses.last[passing.key()]
			g.pauses.mu.Unlock()
			if !said && g.signal != "metrics" {
				return false
			}
		}
		return true
	}
	require.Eventually(t, failed, time.Minute, time.Millisecond, "and failed")
	received.Behave(t, otlptest.Accept)
	say("second")
	started.Shutdown()
	require.Len(t, spansAt(received), 1)
	require.Equal(t, "second", spansAt(received)[0].GetName())
	require.Len(t, records(received), 1)
	for _, items := range []string{"spans", "log records"} {
		require.Contains(t, log.String(), "its "+items+" are not sent again: what of them "+saysLost)
	}
	require.NotContains(t, log.String(), "catch up")
}

func TestWhatIsSaidOfAPartThatWasRefusedIsTrueOfItsSignal(t *testing.T) {
	for _, c := range []struct {
		signal string
		delta  bool
		want   string
	}{
		{"metrics", false, "counts catch up with the next export that it takes whole"},
		{"metrics", true, "the rest is lost"},
		{"traces", false, "the rest is lost"},
		{"logs", false, "the rest is lost"},
	} {
		require.Equal(t, c.want, (&guard{signal: c.signal, delta: c.delta}).untaken())
	}
}
