package otelenv

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func read(pairs ...string) *Environment {
	values := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return Read(func(name string) string { return values[name] })
}

// specified is what the specification lists: configuration/sdk-environment-variables.md and protocol/exporter.md, with what the
// newer text of the former adds.
const specified = `OTEL_SDK_DISABLED OTEL_ENTITIES OTEL_RESOURCE_ATTRIBUTES OTEL_SERVICE_NAME OTEL_LOG_LEVEL OTEL_PROPAGATORS OTEL_TRACES_SAMPLER
OTEL_TRACES_SAMPLER_ARG OTEL_BSP_SCHEDULE_DELAY OTEL_BSP_EXPORT_TIMEOUT OTEL_BSP_MAX_QUEUE_SIZE OTEL_BSP_MAX_EXPORT_BATCH_SIZE
OTEL_BLRP_SCHEDULE_DELAY OTEL_BLRP_EXPORT_TIMEOUT OTEL_BLRP_MAX_QUEUE_SIZE OTEL_BLRP_MAX_EXPORT_BATCH_SIZE OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT
OTEL_ATTRIBUTE_COUNT_LIMIT OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT OTEL_SPAN_EVENT_COUNT_LIMIT
OTEL_SPAN_LINK_COUNT_LIMIT OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT OTEL_LINK_ATTRIBUTE_COUNT_LIMIT OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT
OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT OTEL_EXPORTER_ZIPKIN_ENDPOINT OTEL_EXPORTER_ZIPKIN_TIMEOUT OTEL_EXPORTER_ZIPKIN_PROTOCOL
OTEL_EXPORTER_PROMETHEUS_HOST OTEL_EXPORTER_PROMETHEUS_PORT OTEL_TRACES_EXPORTER OTEL_METRICS_EXPORTER OTEL_LOGS_EXPORTER
OTEL_METRICS_EXEMPLAR_FILTER OTEL_METRIC_EXPORT_INTERVAL OTEL_METRIC_EXPORT_TIMEOUT OTEL_CONFIG_FILE OTEL_EXPERIMENTAL_CONFIG_FILE
OTEL_EXPORTER_OTLP_SPAN_INSECURE OTEL_EXPORTER_OTLP_METRIC_INSECURE OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE
OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION OTEL_SEMCONV_STABILITY_OPT_IN OTEL_METRICS_PRODUCERS OTEL_GO_X_OBSERVABILITY
OTEL_GO_X_SELF_OBSERVABILITY OTEL_GO_X_PER_SERIES_START_TIMESTAMPS OTEL_GO_X_RESOURCE OTEL_GO_X_CARDINALITY_LIMIT OTEL_GO_X_EXEMPLAR
OTEL_GO_X_DEPRECATED_RUNTIME_METRICS OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`

func TestEveryVariableOfTheSpecificationIsInTheTable(t *testing.T) {
	want := strings.Fields(specified)
	for _, option := range []string{"ENDPOINT", "INSECURE", "CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE", "HEADERS", "COMPRESSION", "TIMEOUT", "PROTOCOL"} {
		for _, signal := range []string{"", "TRACES_", "METRICS_", "LOGS_"} {
			want = append(want, "OTEL_EXPORTER_OTLP_"+signal+option)
		}
	}
	var have []string
	for _, v := range Variables {
		have = append(have, v.Name)
		require.NotEmpty(t, v.Does, v.Name)
		require.Equal(t, v.Refused, v.judge == nil, v.Name)
	}
	slices.Sort(want)
	slices.Sort(have)
	require.Equal(t, want, have)
}

func TestTheTableIsInTheDocumentation(t *testing.T) {
	document, err := os.ReadFile("../../docs/telemetry.md")
	require.NoError(t, err)
	written, err := InDocument(string(document))
	require.NoError(t, err)
	require.Equal(t, written, string(document), "go generate ./telemetry/otelenv")
}

// TestEveryVariableIsHonouredOrRefusedInWords gives each variable something that it cannot be, if there is any, and then
// something with a blank, in quotes and with a carriage return.
func TestEveryVariableIsHonouredOrRefusedInWords(t *testing.T) {
	good := map[string]string{ // the others take any text
		"boolean": "true", "number": "12", "HEADERS": "a=b", "ENDPOINT": "http://localhost:4318", "PROTOCOL": "grpc", "COMPRESSION": "gzip",
		"OTEL_RESOURCE_ATTRIBUTES": "a=b", "OTEL_LOG_LEVEL": "debug", "OTEL_PROPAGATORS": "b3", "OTEL_TRACES_SAMPLER": "always_on", "OTEL_TRACES_SAMPLER_ARG": "0.5",
		"EXPORTER": "otlp", "STABILITY_OPT_IN": "gen_ai_latest_experimental", "OTEL_METRICS_EXEMPLAR_FILTER": "always_on", "TEMPORALITY_PREFERENCE": "delta", "HISTOGRAM_AGGREGATION": "base2_exponential_bucket_histogram",
	}
	free := regexp.MustCompile(`SERVICE_NAME|CLIENT_`)
	for _, v := range Variables {
		if v.Refused {
			e := read(v.Name, "x")
			require.Len(t, e.Findings, 1, v.Name)
			require.Equal(t, v.Name, e.Findings[0].Variable)
			require.Empty(t, e.Get(v.Name))
			continue
		}
		for _, bad := range []string{"?!", "a\nb"} {
			if free.MatchString(v.Name) && bad == "?!" || strings.HasSuffix(v.Name, "SERVICE_NAME") && bad == "?!" {
				continue
			}
			e := read(v.Name, bad)
			require.NotEmpty(t, e.Findings, "%s=%q", v.Name, bad)
			require.Equal(t, v.Name, e.Findings[0].Variable)
			require.NotEmpty(t, e.Findings[0].Used)
			require.NotContains(t, e.Findings[0].String(), "\n")
			require.Empty(t, e.Get(v.Name), v.Name)
		}
		value := "12"
		for suffix, g := range good {
			if strings.HasSuffix(v.Name, suffix) {
				value = g
			}
		}
		if e := read(v.Name, value); len(e.Findings) == 0 {
			require.Equal(t, value, e.Get(v.Name))
			for _, came := range []string{value + "\r", " " + value, `"` + value + `"`} {
				e := read(v.Name, came)
				require.Equal(t, value, e.Get(v.Name), "%s=%q", v.Name, came)
				require.Len(t, e.Findings, 1, "%s=%q", v.Name, came)
				require.Regexp(t, "blank|quotes|carriage return", e.Findings[0].Problem)
			}
		}
		require.Empty(t, read(v.Name, "").Findings, "empty is as good as not set")
	}
}

func TestAnEndpointIsUnderstoodOrRefusedInWords(t *testing.T) {
	for text, want := range map[string]string{
		"http://localhost:4318":          "http://localhost:4318/v1/metrics",
		"https://otlp.example.com/otlp/": "https://otlp.example.com/otlp/v1/metrics",
		"127.0.0.1:4318":                 "http://127.0.0.1:4318/v1/metrics",
		"localhost:4318":                 "http://localhost:4318/v1/metrics",
		"[::1]:4318":                     "http://[::1]:4318/v1/metrics",
		"10.1.2.3:4318":                  "http://10.1.2.3:4318/v1/metrics",
		"otel-collector:4318":            "http://otel-collector:4318/v1/metrics",
		"collector.monitoring.svc:4318":  "http://collector.monitoring.svc:4318/v1/metrics",
		"otlp.example.com:4318/base":     "https://otlp.example.com:4318/base/v1/metrics",
		"203.0.113.7:4318":               "https://203.0.113.7:4318/v1/metrics",
		"gateway:443":                    "https://gateway:443/v1/metrics",
		"localhost:4317":                 "http://localhost:4317", // gRPC, by its port
		"unix:///run/otel.sock":          "unix:///run/otel.sock",
		"dns:///collector:4317":          "dns:///collector:4317",
	} {
		e := read("OTEL_EXPORTER_OTLP_ENDPOINT", text)
		require.Equal(t, want, e.Metrics.Endpoint, text)
		if !strings.Contains(text, "://") {
			require.Len(t, e.Findings, 1, text)
			require.Equal(t, "has no scheme", e.Findings[0].Problem)
			require.True(t, strings.HasPrefix(want, e.Findings[0].Used), e.Findings[0].Used)
		} else {
			require.Empty(t, e.Findings, text)
		}
	}
	for _, text := range []string{"http://", "ftp://localhost:4318", "http://x:99999", "://x", "http://a b", "/v1/metrics"} {
		e := read("OTEL_EXPORTER_OTLP_ENDPOINT", text)
		require.Len(t, e.Findings, 1, text)
		require.Contains(t, e.Findings[0].Problem, "is no URL such as http://localhost:4318")
		require.Empty(t, e.Metrics.Exporter, "%s: nothing is sent to where nobody said", text)
	}
	e := read("OTEL_EXPORTER_OTLP_ENDPOINT", "collector.example.com:4317", "OTEL_EXPORTER_OTLP_INSECURE", "true")
	require.Equal(t, "http://collector.example.com:4317", e.Traces.Endpoint)
	e = read("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4317", "OTEL_EXPORTER_OTLP_INSECURE", "true")
	require.Equal(t, "https://collector:4317", e.Traces.Endpoint)
	require.Contains(t, e.Findings[0].String(), `OTEL_EXPORTER_OTLP_INSECURE="true" contradicts the scheme of OTEL_EXPORTER_OTLP_ENDPOINT, which decides. Used instead: https`)
}

func TestTheAddressOfOneSignalIsNotTakenForTheBaseOfAll(t *testing.T) {
	for _, text := range []string{"http://localhost:4318/v1/metrics", "http://localhost:4318/v1/traces/", "http://localhost:4318/v1/logs"} {
		e := read("OTEL_EXPORTER_OTLP_ENDPOINT", text)
		require.Equal(t, "http://localhost:4318/v1/metrics", e.Metrics.Endpoint, text)
		require.Equal(t, "http://localhost:4318/v1/traces", e.Traces.Endpoint, text)
		require.Len(t, e.Findings, 1, text)
		require.Contains(t, e.Findings[0].Problem, "has a path that is added to it for each signal", text)
	}
	e := read("OTEL_EXPORTER_OTLP_ENDPOINT", "https://x.example/api/v1/otlp")
	require.Equal(t, "https://x.example/api/v1/otlp/v1/metrics", e.Metrics.Endpoint)
	require.Empty(t, e.Findings)
	e = read("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://localhost:4318/v1/metrics")
	require.Equal(t, "http://localhost:4318/v1/metrics", e.Metrics.Endpoint, "of one signal it is the whole")
	require.Empty(t, e.Findings)
}

func TestAKeyThatIsInTheWrongPlaceIsNeverShown(t *testing.T) {
	for name, values := range map[string][]string{
		"OTEL_EXPORTER_OTLP_HEADERS": {
			"authorization: Bearer SECRET-KEY", "SECRET-KEY", "a=b,SECRET-KEY", "=SECRET-KEY", "SECRET KEY-KEY=x", "a=SECRET-KEY%zz", "Authorization Bearer SECRET-KEY==", "a=SECRET-KEY%0a",
		},
		"OTEL_RESOURCE_ATTRIBUTES": {"SECRET-KEY", "a=SECRET-KEY%zz"},
		"OTEL_EXPORTER_OTLP_ENDPOINT": {
			"http://user:SECRET-KEY@localhost:4318", "http://localhost:4318/?token=SECRET-KEY", "user:SECRET-KEY@localhost:4318", "ftp://u:SECRET-KEY@x", "localhost:4318/SECRET-KEY",
		},
	} {
		for _, value := range values {
			e := read(name, value)
			require.NotEmpty(t, e.Findings, value)
			for _, f := range e.Findings {
				require.NotContains(t, f.String(), "SECRET", value)
			}
			if name != "OTEL_RESOURCE_ATTRIBUTES" && !strings.Contains(value, "SECRET KEY") && !strings.HasPrefix(value, "localhost") && !strings.Contains(value, "%") && !strings.HasPrefix(value, "ftp") {
				require.Contains(t, strings.Join(e.Secrets, " "), "SECRET-KEY", value)
			}
		}
	}
	e := read("OTEL_EXPORTER_OTLP_HEADERS", "a=b,authorization: Bearer x")
	require.Equal(t, "a=b", e.Get("OTEL_EXPORTER_OTLP_HEADERS"), "what is right is kept")
	require.Equal(t, "the other items, 1 of 2", e.Findings[0].Used)
}

func TestTheLibrariesAreLentWhatIsHonouredAndOnlyMeanwhile(t *testing.T) {
	for _, v := range Variables {
		t.Setenv(v.Name, "")
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "a=b")
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "c=d")
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "10s")
	t.Setenv("OTEL_ATTRIBUTE_COUNT_LIMIT", "7")
	t.Setenv("OTEL_TRACES_SAMPLER", "xray")
	undo := Read(os.Getenv).Lend()
	for name, want := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://localhost:4318/v1/metrics", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost:4318/v1/traces",
		"OTEL_EXPORTER_OTLP_METRICS_HEADERS": "a=b", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "c=d", "OTEL_EXPORTER_OTLP_TIMEOUT": "", "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT": "",
		"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "7", "OTEL_TRACES_SAMPLER": "", "OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/protobuf",
	} {
		require.Equal(t, want, os.Getenv(name), name)
	}
	undo()
	require.Equal(t, "localhost:4318", os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"))
	require.Equal(t, "10s", os.Getenv("OTEL_EXPORTER_OTLP_TIMEOUT"))
	require.Empty(t, os.Getenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"))
}

func TestWhatTwoVariablesSayTogetherIsJudged(t *testing.T) {
	e := read("OTEL_BSP_MAX_QUEUE_SIZE", "10", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "20")
	require.Equal(t, "10", e.Get("OTEL_BSP_MAX_EXPORT_BATCH_SIZE"))
	require.Len(t, e.Findings, 1)
	e = read("OTEL_BSP_MAX_QUEUE_SIZE", "10")
	require.Equal(t, "10", e.Get("OTEL_BSP_MAX_EXPORT_BATCH_SIZE"), "the default of the batch is no more than waits")
	require.Empty(t, e.Findings)
	e = read("OTEL_TRACES_SAMPLER_ARG", "0.1")
	require.Contains(t, e.Findings[0].Problem, "says nothing without OTEL_TRACES_SAMPLER")
	e = read("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/k.pem")
	require.Contains(t, e.Findings[0].Problem, "is set without OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE")
	e = read("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/k.pem", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/c.pem")
	require.Contains(t, e.Findings[0].String(), "cannot be used with OTEL_EXPORTER_OTLP_CLIENT_KEY (no such file or directory)")
}
