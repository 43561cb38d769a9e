package telemetry

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/telemetry/internal/odd"
	"one-api/telemetry/otelenv"
	"one-api/telemetry/otlptest"
)

// TestVariablesWithOddValuesKeepNoRelayFromStartingAndArePrintedNowhere starts a relay's telemetry once with each odd value, in every
// variable that takes it at all: what is refused altogether no library sees. (That each is judged by itself, otelenv tests.)
func TestVariablesWithOddValuesKeepNoRelayFromStartingAndArePrintedNowhere(t *testing.T) {
	received := otlptest.Start(t)
	environ(t)
	tried := 0
	for _, value := range odd.Values {
		set := map[string]string{
			"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": received.HTTP + "/v1/metrics", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": received.HTTP + "/v1/traces",
			"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": received.HTTP + "/v1/logs", "OTEL_LOGS_EXPORTER": "otlp",
		}
		given := 0
		for _, v := range otelenv.Variables {
			if env := withOne(set, v.Name, value); v.Refused || env.Get(v.Name) == "" || leadsElsewhere(v.Name, env) {
				continue
			}
			set[v.Name] = value
			given++
		}
		if given == 0 {
			continue
		}
		tried += given
		var log bytes.Buffer
		printed := stderrOf(t, func() { startWith(t, set, &log) })
		require.Empty(t, printed, "%v", set)
		require.NotContains(t, log.String(), odd.Secret)
		for line := range strings.Lines(log.String()) {
			require.Less(t, len(line), 3*longestRemark)
			require.Contains(t, line, "a telemetry variable is not taken as it stands", "it is honoured: %v", set)
		}
	}
	require.Greater(t, tried, 300)
}

// withOne is what the variables say with one more.
func withOne(set map[string]string, name, value string) *otelenv.Environment {
	return otelenv.Read(func(asked string) string {
		if asked == name {
			return value
		}
		return set[asked]
	})
}

// leadsElsewhere reports whether telemetry would be printed, be off, be sent to somebody else, have no time, be read before it is
// there, or wait to be scraped: that is asked for, then.
func leadsElsewhere(name string, env *otelenv.Environment) bool {
	for _, suffix := range []string{"_ENDPOINT", "_PROTOCOL", "_TIMEOUT", "_INTERVAL", "_DISABLED"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	for _, signal := range []otelenv.Signal{env.Metrics, env.Traces, env.Logs} {
		if signal.Exporter != "otlp" && signal.Exporter != "" {
			return true
		}
	}
	return false
}

// startWith starts telemetry with the variables that are given and no others, uses it, and stops it.
func startWith(t *testing.T, set map[string]string, log *bytes.Buffer) {
	t.Helper()
	for name, value := range set {
		require.NoError(t, os.Setenv(name, value)) // environ will undo it
	}
	defer func() {
		for name := range set {
			require.NoError(t, os.Unsetenv(name))
		}
	}()
	started, err := Start(context.Background(), Options{Version: "v0.0.0-test", Instance: "test-instance", MaxPairs: 500, Log: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err, "%v", set)
	if started.Metrics != nil {
		started.Metrics.Channel("primary", "openai").Attempt(ended("m"))
	}
	if started.Logs != nil {
		slog.New(started.Logs).Info("a line")
	}
	started.Shutdown()
}
