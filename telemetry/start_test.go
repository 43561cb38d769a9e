package telemetry

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"one-api/telemetry/otelenv"
	"one-api/telemetry/otlptest"
)

// environ sets OTEL_* variables for the process, where the exporters read them, and unsets the others.
func environ(t *testing.T, pairs ...string) {
	t.Helper()
	for _, v := range otelenv.Variables {
		t.Setenv(v.Name, "")
	}
	for i := 0; i < len(pairs); i += 2 {
		t.Setenv(pairs[i], pairs[i+1])
	}
}

func startForTest(t *testing.T, log io.Writer) *Telemetry {
	t.Helper()
	if log == nil {
		log = io.Discard
	}
	started, err := Start(context.Background(), Options{
		Version: "v0.0.0-test", Instance: "test-instance", MaxPairs: 500, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	require.NoError(t, err)
	return started
}

func TestNothingIsStartedUnlessItIsAskedFor(t *testing.T) {
	for name, pairs := range map[string][]string{
		"nothing is configured":             nil,
		"the SDK is disabled":               {"OTEL_SDK_DISABLED", "true", "OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1", "OTEL_METRICS_EXPORTER", "otlp"},
		"the SDK is disabled, in capitals":  {"OTEL_SDK_DISABLED", "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"},
		"every exporter is none":            {"OTEL_METRICS_EXPORTER", "none", "OTEL_TRACES_EXPORTER", "none", "OTEL_LOGS_EXPORTER", "none", "OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"},
		"only a protocol and a name is set": {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_RESOURCE_ATTRIBUTES", "a=b"},
	} {
		t.Run(name, func(t *testing.T) {
			environ(t, pairs...)
			before := goleak.IgnoreCurrent()
			started := startForTest(t, nil)
			require.Equal(t, "off", started.Plan)
			require.Nil(t, started.Metrics)
			require.Nil(t, started.Meter)
			require.Nil(t, started.Tracing)
			require.Nil(t, started.Logs)
			goleak.VerifyNone(t, before)
			started.Shutdown()
		})
	}
}

func TestMetricsAloneCanBeSwitchedOff(t *testing.T) {
	received := otlptest.Start(t)
	environ(t, "OTEL_EXPORTER_OTLP_ENDPOINT", received.HTTP, "OTEL_METRICS_EXPORTER", "none")
	started := startForTest(t, nil)
	defer started.Shutdown()
	require.Nil(t, started.Metrics)
	require.NotNil(t, started.Tracing)
	require.Contains(t, started.Plan, "metrics=off, traces=otlp http/protobuf to "+received.HTTP)
}

// TestThePlanSaysWhatGoesWhere reads variables only: nothing is started.
func TestThePlanSaysWhatGoesWhere(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"gRPC by its port": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4317", "OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"},
			"metrics=otlp grpc to http://localhost:4317, traces=off, logs=off"},
		"HTTP by its port": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"},
			"metrics=otlp http/protobuf to http://localhost:4318, traces=off, logs=off"},
		"the protocol wins over the port": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"},
			"metrics=otlp http/protobuf to http://localhost:4317, traces=off, logs=off"},
		"an endpoint for metrics only": {map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://metrics:4317/v1/metrics"},
			"metrics=otlp grpc to http://metrics:4317, traces=off, logs=off"},
		"what may be secret in an endpoint is left out": {map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "https://user:password@example.test/in?token=t"},
			"metrics=otlp http/protobuf to https://example.test, traces=off, logs=off"},
		"an exporter without an endpoint": {map[string]string{"OTEL_METRICS_EXPORTER": "otlp"},
			"metrics=otlp http/protobuf to http://localhost:4318, traces=off, logs=off"},
		"an exporter without an endpoint, over gRPC": {map[string]string{"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
			"metrics=otlp grpc to http://localhost:4317, traces=off, logs=off"},
		"an endpoint without a scheme": {map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "127.0.0.1:4318"},
			"metrics=otlp http/protobuf to http://127.0.0.1:4318, traces=off, logs=off"},
		"prometheus": {map[string]string{"OTEL_METRICS_EXPORTER": "prometheus"},
			"metrics=prometheus at http://localhost:9464/metrics, traces=off, logs=off"},
	} {
		t.Run(name, func(t *testing.T) {
			env := otelenv.Read(func(name string) string { return c.env[name] })
			off := &Telemetry{}
			require.Equal(t, c.want, describePlan(env.Get, off.planned("metrics", env.Metrics), off.planned("traces", env.Traces), off.planned("logs", env.Logs)))
		})
	}
}

// TestWhatTheVariablesSayAndDoNotGetIsALineAndNeverAStartThatFails goes by the specification: a value that is not known is warned of
// and ignored.
func TestWhatTheVariablesSayAndDoNotGetIsALineAndNeverAStartThatFails(t *testing.T) {
	received := otlptest.Start(t)
	for name, c := range map[string]struct {
		pairs []string
		line  string // of the log
		plan  string
	}{
		"a protocol that is not known": {
			[]string{"OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"},
			`variable=OTEL_EXPORTER_OTLP_PROTOCOL value=http/json problem="is none of grpc, http/protobuf" used="by the endpoint: grpc for port 4317, else http/protobuf, as if it were not set"`,
			"metrics=otlp http/protobuf to ENDPOINT, traces=otlp http/protobuf to ENDPOINT",
		},
		"a protocol of traces that is not known": {
			[]string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"}, "variable=OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ", "traces=otlp http/protobuf to ENDPOINT",
		},
		"an exporter of traces that there is not": {
			[]string{"OTEL_TRACES_EXPORTER", "zipkin"}, `variable=OTEL_TRACES_EXPORTER value=zipkin problem="names \"zipkin\", which is none of otlp, console, none" used="otlp if there is an endpoint`,
			"traces=otlp http/protobuf to ENDPOINT (sampled by 10 calls a second",
		},
		"none, in capitals":       {[]string{"OTEL_TRACES_EXPORTER", "NONE"}, "", "traces=off"},
		"several exporters":       {[]string{"OTEL_METRICS_EXPORTER", "otlp,console"}, `variable=OTEL_METRICS_EXPORTER value=otlp,console problem="names several exporters`, "metrics=otlp http/protobuf to ENDPOINT"},
		"an exporter of metrics":  {[]string{"OTEL_METRICS_EXPORTER", "statsd"}, "variable=OTEL_METRICS_EXPORTER ", "metrics=otlp http/protobuf to ENDPOINT"},
		"producers of metrics":    {[]string{"OTEL_METRICS_EXPORTER", "console", "OTEL_METRICS_PRODUCERS", "prometheus"}, "variable=OTEL_METRICS_PRODUCERS ", "metrics=console"},
		"a sampler":               {[]string{"OTEL_TRACES_SAMPLER", "jaeger_remote"}, `variable=OTEL_TRACES_SAMPLER value=jaeger_remote problem="asks a server`, "(sampled by 10 calls a second"},
		"a sampler's argument":    {[]string{"OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", "abc"}, `variable=OTEL_TRACES_SAMPLER_ARG value=abc problem="must be a number from 0 to 1" used="1.0, as if`, "(sampled by traceidratio 1)"},
		"a compression":           {[]string{"OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"}, `value=zstd problem="is none of gzip, none" used="none, as if it were not set"`, ""},
		"an interval with a unit": {[]string{"OTEL_METRIC_EXPORT_INTERVAL", "1s"}, `value=1s problem="must be a whole number from 1 to 2147483647, without a unit" used="60000 (ms), as if`, ""},
		"a file that is not there": {
			[]string{"OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/ca.pem"}, `variable=OTEL_EXPORTER_OTLP_CERTIFICATE value=/nowhere/ca.pem problem="cannot be read (no such file or directory)" used="the system's certificates"`, "",
		},
		"a declarative configuration": {[]string{"OTEL_CONFIG_FILE", "/etc/otel.yaml"}, "variable=OTEL_CONFIG_FILE ", ""},
		"a resource":                  {[]string{"OTEL_RESOURCE_ATTRIBUTES", "a=b,deployment"}, `value="(not shown)" problem="item 2 has no =`, ""},
		"a log level":                 {[]string{"OTEL_LOG_LEVEL", "loud"}, "variable=OTEL_LOG_LEVEL ", ""},
		"propagators":                 {[]string{"OTEL_PROPAGATORS", "b3,uber"}, `variable=OTEL_PROPAGATORS value=b3,uber problem="has \"uber\" in it`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			environ(t, append([]string{"OTEL_EXPORTER_OTLP_ENDPOINT", received.HTTP}, c.pairs...)...)
			var log bytes.Buffer
			started := startForTest(t, &log)
			text := log.String()
			started.Shutdown()
			if c.line == "" {
				require.Empty(t, text)
			} else {
				require.Equal(t, 1, strings.Count(text, "\n"), text)
				require.Contains(t, text, `msg="a telemetry variable is not taken as it stands" `)
				require.Contains(t, text, c.line)
			}
			require.Contains(t, started.Plan, strings.ReplaceAll(c.plan, "ENDPOINT", received.HTTP))
			require.Equal(t, c.pairs[1], os.Getenv(c.pairs[0]), "the process's environment is left as it was")
		})
	}
}

func TestAPlaceThatIsTakenIsAClearErrorAndLeavesNothingBehind(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)
	environ(t, "OTEL_METRICS_EXPORTER", "prometheus", "OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1", "OTEL_EXPORTER_PROMETHEUS_PORT", port)
	before := goleak.IgnoreCurrent()
	_, err = Start(context.Background(), Options{Log: slog.New(slog.DiscardHandler), MaxPairs: 1})
	require.ErrorContains(t, err, "exporting metrics: binding address 127.0.0.1:"+port)
	goleak.VerifyNone(t, before)
}

func TestTheResourceSaysWhoExports(t *testing.T) {
	for name, c := range map[string]struct {
		pairs []string
		want  otlptest.Attrs
	}{
		"by itself": {nil, otlptest.Attrs{
			"service.name": "one-api", "service.version": "v0.0.0-test", "service.instance.id": "test-instance",
		}},
		"the environment wins": {
			[]string{"OTEL_RESOURCE_ATTRIBUTES", "service.name=relay-eu,service.instance.id=eu-1,deployment.environment.name=test"},
			otlptest.Attrs{
				"service.name": "relay-eu", "service.version": "v0.0.0-test", "service.instance.id": "eu-1", "deployment.environment.name": "test",
			},
		},
		"OTEL_SERVICE_NAME wins over both": {
			[]string{"OTEL_SERVICE_NAME", "relay-us", "OTEL_RESOURCE_ATTRIBUTES", "service.name=relay-eu"},
			otlptest.Attrs{"service.name": "relay-us"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			received := otlptest.Start(t)
			environ(t, append(c.pairs, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", received.HTTP+"/v1/metrics")...)
			startForTest(t, nil).Shutdown()
			require.True(t, received.Resource().Has(c.want), received.Resource())
		})
	}
}

// freePort is one where nobody listens. It is below those that systems give to whom asks for any (RFC 6335, 6: from 49152 on; Linux:
// from 32768 on), so that no other test's server gets it before it is used.
func freePort(t *testing.T) string {
	t.Helper()
	for port := 20000 + os.Getpid()%10000; port < 32000; port++ {
		listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			require.NoError(t, listener.Close())
			return strconv.Itoa(port)
		}
	}
	require.FailNow(t, "no port is free")
	return ""
}

func TestPrometheusCanPullTheMetrics(t *testing.T) {
	port := freePort(t)
	environ(t, "OTEL_METRICS_EXPORTER", "prometheus", "OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1", "OTEL_EXPORTER_PROMETHEUS_PORT", port)
	var log bytes.Buffer
	started := startForTest(t, &log)
	defer started.Shutdown()
	require.Equal(t, "metrics=prometheus at http://127.0.0.1:"+port+"/metrics, traces=off, logs=off", started.Plan)
	started.Metrics.Channel("primary", "openai").Attempt(streamed(chunked()))

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://127.0.0.1:" + port + "/metrics")
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, string(text))
	for _, name := range []string{
		"relay_channel_attempts_total{", "gen_ai_client_operation_duration_seconds_bucket{", "gen_ai_client_token_usage_sum{",
		"gen_ai_client_operation_time_per_output_chunk_seconds_count{", // the relay's own producers
		"go_schedule_duration_seconds_bucket{", "go_goroutine_count", `relay_channel_name="primary"`, `service_name="one-api"`,
	} {
		require.Contains(t, string(text), name)
	}
	require.Empty(t, log.String())
}

// TestPrometheusAlwaysPullsCumulativeValues whatever is preferred for OTLP.
func TestPrometheusAlwaysPullsCumulativeValues(t *testing.T) {
	port := freePort(t)
	environ(t, "OTEL_METRICS_EXPORTER", "prometheus", "OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1", "OTEL_EXPORTER_PROMETHEUS_PORT", port,
		"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta", "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "base2_exponential_bucket_histogram")
	started := startForTest(t, nil)
	defer started.Shutdown()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for n := 1; n <= 3; n++ {
		started.Metrics.Channel("primary", "openai").Attempt(ended("m"))
		response, err := client.Get("http://127.0.0.1:" + port + "/metrics")
		require.NoError(t, err)
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Regexp(t, `relay_channel_attempts_total\{[^}]*\} `+strconv.Itoa(n)+`\n`, string(text))
		require.Regexp(t, `gen_ai_client_operation_duration_seconds_bucket\{[^}]*le="1.28"\} `+strconv.Itoa(n)+`\n`, string(text))
	}
}
