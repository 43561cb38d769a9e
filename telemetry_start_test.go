package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// strange is what the variables of an environment that a whole fleet shares may say, and the text that has to be said of each.
var strange = map[string]string{
	"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", "OTEL_TRACES_EXPORTER": "zipkin", "OTEL_METRICS_EXPORTER": "otlp,console", "OTEL_TRACES_SAMPLER": "jaeger_remote",
	"OTEL_EXPORTER_OTLP_COMPRESSION": "zstd", "OTEL_METRIC_EXPORT_INTERVAL": "1h", "OTEL_CONFIG_FILE": "/etc/otel.yaml", "OTEL_BSP_MAX_QUEUE_SIZE": "-5",
	"OTEL_PROPAGATORS": "uber", "OTEL_SDK_DISABLED": "1", "OTEL_EXPORTER_OTLP_HEADERS": "authorization: Bearer sk-test-secret",
}

func TestNoTelemetryVariableKeepsTheRelayFromStartingAndBothLookersSayTheSame(t *testing.T) {
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer collector.Close()
	env := map[string]string{"PORT": "0", "OTEL_EXPORTER_OTLP_ENDPOINT": strings.TrimPrefix(collector.URL, "http://")} // without a scheme
	for name, value := range strange {
		env[name] = value
	}
	p := start(t, env)
	p.finds(t, `(telemetry: metrics=otlp http/protobuf to `+collector.URL+`, traces=otlp)`)
	p.signals <- syscall.SIGTERM
	require.Equal(t, 0, <-p.code, p.stderr.String())

	var checked, errs output
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	require.Equal(t, 0, run([]string{"--check-config"}, lookup, nil, &checked, &errs), errs.String())
	require.Contains(t, checked.String(), "The configuration is good")
	strange["OTEL_EXPORTER_OTLP_ENDPOINT"] = ""
	for name := range strange {
		require.Equal(t, 1, strings.Count(p.stdout.String(), "variable="+name+" "), "the log says it once: %s\n%s", name, p.stdout.String())
		require.Equal(t, 1, strings.Count(checked.String(), "warning: environment: "+name+"="), "--check-config says it once: %s", name)
	}
	for _, said := range []string{p.stdout.String(), checked.String(), p.stderr.String(), errs.String()} {
		require.NotContains(t, said, "sk-test")
	}
	require.Empty(t, p.stderr.String(), "nothing is written past the log")
}

func TestABackendsKeyMayBeInAFile(t *testing.T) {
	var mu sync.Mutex
	keys := map[string]bool{}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		keys[r.Header.Get("X-Key")] = true
	}))
	defer collector.Close()
	file := filepath.Join(t.TempDir(), "headers")
	require.NoError(t, os.WriteFile(file, []byte("x-key=from-a-file\n"), 0o600))
	tokens := t.TempDir()
	p := start(t, map[string]string{"PORT": "0", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": collector.URL + "/v1/metrics", "OTEL_EXPORTER_OTLP_HEADERS_FILE": file, "TOKEN_DIR": tokens})
	instance := p.finds(t, `telemetry: metrics=otlp .* instance=(\S+) host=`)
	p.signals <- syscall.SIGTERM
	require.Equal(t, 0, <-p.code)
	mu.Lock()
	require.Equal(t, map[string]bool{"from-a-file": true}, keys)
	mu.Unlock()
	kept, err := os.ReadFile(filepath.Join(tokens, "instance-id"))
	require.NoError(t, err)
	require.Equal(t, instance, strings.TrimSpace(string(kept)), "the process's name is kept beside the tokens")
}
