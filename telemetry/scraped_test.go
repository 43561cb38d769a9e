package telemetry

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"one-api/telemetry/otlptest"
)

func scrape(t *testing.T, address, accept string) (kind, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", nil)
	require.NoError(t, err)
	request.Header.Set("Accept", accept)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode, string(body))
	return response.Header.Get("Content-Type"), string(body)
}

// TestASlowCallThatPrometheusPullsLeadsToItsTrace: exemplars are a part of OpenMetrics, which Prometheus prefers to its own format.
func TestASlowCallThatPrometheusPullsLeadsToItsTrace(t *testing.T) {
	port, received := freePort(t), otlptest.Start(t)
	environ(t, "OTEL_METRICS_EXPORTER", "prometheus", "OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1", "OTEL_EXPORTER_PROMETHEUS_PORT", port,
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", received.HTTP+"/v1/traces", "OTEL_TRACES_SAMPLER", "always_on")
	var log bytes.Buffer
	started := startForTest(t, &log)
	slow, _ := call(t, started.Metrics, started.Tracing, 47*time.Second)
	for range 50 {
		call(t, started.Metrics, started.Tracing, 300*time.Millisecond)
	}

	kind, text := scrape(t, "127.0.0.1:"+port, "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3")
	require.Contains(t, kind, "application/openmetrics-text")
	require.Regexp(t, `# EOF\n$`, text)
	require.Regexp(t, `\ngen_ai_client_operation_duration_seconds_bucket\{[^}]*le="81.92"\} 51 # \{[^}]*trace_id="`+slow+`"[^}]*\} 47.0 `, text)
	require.Regexp(t, `\nrelay_channel_attempts_total\{[^}]*\} 51.0 # \{[^}]*trace_id="[0-9a-f]{32}"`, text)

	kind, text = scrape(t, "127.0.0.1:"+port, "text/plain")
	require.Contains(t, kind, "text/plain")
	require.NotContains(t, text, slow, "the old format has no place for it")

	started.Shutdown()
	require.Empty(t, log.String())
	require.Empty(t, received.Problems())
}

func TestNothingIsLeftOfBeingPulled(t *testing.T) {
	before, port := goleak.IgnoreCurrent(), freePort(t)
	environ(t, "OTEL_METRICS_EXPORTER", "prometheus", "OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1", "OTEL_EXPORTER_PROMETHEUS_PORT", port)
	started := startForTest(t, nil)
	_, text := scrape(t, "127.0.0.1:"+port, "*/*")
	require.Contains(t, text, "go_goroutine_count")
	started.Shutdown()
	goleak.VerifyNone(t, before)
	again, err := net.Listen("tcp", "127.0.0.1:"+port)
	require.NoError(t, err)
	require.NoError(t, again.Close())
}

func TestTheAddressToPullFromMayBeOfAnyKind(t *testing.T) {
	for host, want := range map[string]string{
		"": "localhost:9464", "0.0.0.0": "0.0.0.0:9464", "::1": "[::1]:9464", "[::1]": "[::1]:9464",
	} {
		require.Equal(t, want, scrapedAt(func(name string) string {
			return map[string]string{"OTEL_EXPORTER_PROMETHEUS_HOST": host}[name]
		}))
	}
}
