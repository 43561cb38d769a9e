// Package otelenv knows OpenTelemetry's environment variables: what each of them may say, and what the relay makes of it. What it
// does not honour it refuses in words, and never by not starting (the specification of the variables: unknown values are warned of
// and ignored).
//
// Sources: opentelemetry-specification, configuration/sdk-environment-variables.md and protocol/exporter.md; resource conventions
// for what a process is called; the Go SDK's OTEL_GO_X_* (x/README.md of its modules).
package otelenv

//go:generate go run ../internal/variablesdoc

import (
	"strconv"
	"strings"
)

// Variable is a variable of OpenTelemetry's.
type Variable struct {
	Name    string
	Default string // what holds if it is not set, for people; "" means nothing
	Does    string // what the relay does with it or, if it refuses it, why, and what to set instead
	Usual   bool   // --help names it
	Refused bool   // it is not honoured, whatever it says

	secret bool // its value is shown to nobody
	// judge reads a value that is clean of blanks and quotes.
	judge func(text string) verdict
}

// verdict is what is made of a value.
type verdict struct {
	value   string // what the libraries are told; "" means nothing
	problem string // what is wrong with the value as it stands; "" means nothing
	used    string // what is used instead, if not the default
}

// Finding is something that the environment says and does not get. It is for an operator to read.
type Finding struct {
	Variable string
	Value    string // as far as it may be shown
	Problem  string
	Used     string // what is used instead
}

// String is the finding as one sentence.
func (f Finding) String() string {
	value := f.Value
	if value != hidden {
		value = strconv.Quote(value)
	}
	return f.Variable + "=" + value + " " + f.Problem + ". Used instead: " + f.Used
}

const hidden = "(not shown)"

// signals are OpenTelemetry's, as the variables spell them.
var signals = []string{"METRICS", "TRACES", "LOGS"}

const otlp = "OTEL_EXPORTER_OTLP_"

// Variables is all of them, in the order of the documentation.
var Variables = variables()

func variables() []Variable {
	all := append([]Variable{}, general...)
	all = append(all, selection...)
	for _, f := range otlpFamilies {
		all = append(all, f)
		for _, signal := range signals {
			v := f
			v.Name = otlp + signal + "_" + strings.TrimPrefix(f.Name, otlp)
			v.Default, v.Does = "`"+f.Name+"`", "the same, for "+strings.ToLower(signal)+" alone"
			if f.Name == otlp+"ENDPOINT" {
				v.Does += ", and the whole URL: no `/v1/" + strings.ToLower(signal) + "` is added"
			}
			v.Usual = f.Name == otlp+"ENDPOINT"
			all = append(all, v)
		}
	}
	for _, group := range [][]Variable{metrics, batches, limits, others, ofGo} {
		all = append(all, group...)
	}
	return all
}

var general = []Variable{
	{Name: "OTEL_SDK_DISABLED", Default: "false", Usual: true, Does: "`true`: all telemetry is off", judge: boolean},
	{Name: "OTEL_SERVICE_NAME", Default: "`one-api`", Usual: true, Does: "`service.name`, before what `OTEL_RESOURCE_ATTRIBUTES` says", judge: anything},
	{Name: "OTEL_RESOURCE_ATTRIBUTES", Usual: true, Does: "`name=value,…`, percent-encoded: what this process is called; it wins over what was detected", secret: true, judge: attributes},
	{Name: "OTEL_ENTITIES", Refused: true, Does: "the Go SDK has no entities; `OTEL_RESOURCE_ATTRIBUTES` says what this process is"},
	{Name: "OTEL_LOG_LEVEL", Default: "warn", Does: "from which level on the SDK's own remarks go into the relay's log: `none`, `error`, `warn`, `info` or `debug`. (The specification's default is `info`, of which the Go SDK says nothing but that it was made)", judge: oneOf("none", "error", "warn", "info", "debug")},
	{Name: "OTEL_PROPAGATORS", Default: "`tracecontext`", Does: "by which headers a client's trace is continued, and an upstream is sent one if its channel says `propagate_trace: true`: `tracecontext`, `baggage`, `b3`, `b3multi`, `jaeger`, `xray`, `ottrace`, `none`. (The specification's default has `baggage` too: it would hand to a provider what a client meant for the relay)", judge: listOf("tracecontext", "baggage", "b3", "b3multi", "jaeger", "xray", "ottrace", "none")},
	{Name: "OTEL_TRACES_SAMPLER", Default: "the first ten calls of every second and one in a hundred of the rest; `parentbased_always_on` if `OTEL_TRACES_EXPORTER` asks for traces", Usual: true, Does: "which calls are traced: `always_on`, `always_off`, `traceidratio`, or one of these after `parentbased_`", judge: sampler},
	{Name: "OTEL_TRACES_SAMPLER_ARG", Default: "1.0", Usual: true, Does: "the ratio, from 0 to 1", judge: ratio},
	{Name: "OTEL_CONFIG_FILE", Refused: true, Does: declarative},
	{Name: "OTEL_EXPERIMENTAL_CONFIG_FILE", Refused: true, Does: declarative},
	{Name: "OTEL_SEMCONV_STABILITY_OPT_IN", Does: "`gen_ai_latest_experimental`: the newer names of the GenAI conventions. The names for HTTP are the stable ones in any case", judge: optIn},
}

// declarative was looked at in go.opentelemetry.io/contrib/otelconf v0.27.0, the latest: it would only be five packages more, but its
// readers take no producers, its exporters no guard, it has nothing that can be pulled, and the SDK applies views to no producer.
const declarative = "the declarative configuration's module for Go makes readers of its own, to which the relay's metrics cannot be given, and its views would reach a few figures of the Go runtime alone; the file is not read, and the other variables hold. The collector can drop and rename metrics, and so can the `metric_relabel_configs` of a Prometheus that scrapes"

var selection = []Variable{
	{Name: "OTEL_METRICS_EXPORTER", Default: "`otlp` if there is an endpoint, else `none`", Usual: true, Does: "`otlp`, `prometheus` (to be scraped; exemplars are in its answers in OpenMetrics, for which Prometheus asks by itself), `console` or `none`", judge: exporter("otlp", "prometheus", "console", "none")},
	{Name: "OTEL_TRACES_EXPORTER", Default: "`otlp` if there is an endpoint, else `none`", Usual: true, Does: "`otlp`, `console` or `none`", judge: exporter("otlp", "console", "none")},
	{Name: "OTEL_LOGS_EXPORTER", Default: "`none`: standard output has them", Usual: true, Does: "`otlp`, `console` or `none`", judge: exporter("otlp", "console", "none")},
}

var otlpFamilies = []Variable{
	{Name: otlp + "ENDPOINT", Usual: true, Does: "switches metrics and traces on: the collector's or the backend's URL, such as `http://localhost:4318`; over HTTP `/v1/metrics`, `/v1/traces` and `/v1/logs` are added", secret: true, judge: endpoint},
	{Name: otlp + "PROTOCOL", Default: "by the endpoint: `grpc` for port 4317, else `http/protobuf`", Usual: true, Does: "`grpc` or `http/protobuf`", judge: oneOf("grpc", "http/protobuf")},
	{Name: otlp + "HEADERS", Usual: true, Does: "`name=value,…`, percent-encoded: for a backend's key", secret: true, judge: headers},
	{Name: otlp + "TIMEOUT", Default: "10000 (ms)", Usual: true, Does: "for one export, its retries included", judge: positive},
	{Name: otlp + "COMPRESSION", Default: "`none`", Does: "`gzip` or `none`", judge: oneOf("gzip", "none")},
	{Name: otlp + "INSECURE", Default: "false", Does: "`true`: an endpoint that has no scheme is spoken to without TLS. An endpoint's scheme decides before it", judge: boolean},
	{Name: otlp + "CERTIFICATE", Default: "the system's", Does: "a PEM file with the authorities that the collector's certificate is checked against", judge: authorities},
	{Name: otlp + "CLIENT_CERTIFICATE", Does: "a PEM file with the relay's own certificate, for mutual TLS", judge: anything},
	{Name: otlp + "CLIENT_KEY", Does: "a PEM file with the key of the certificate", secret: true, judge: anything},
}

var metrics = []Variable{
	{Name: "OTEL_METRIC_EXPORT_INTERVAL", Default: "60000 (ms)", Usual: true, Does: "the time between two exports of metrics", judge: positive},
	{Name: "OTEL_METRIC_EXPORT_TIMEOUT", Default: "30000 (ms)", Usual: true, Does: "for one collection and its export", judge: positive},
	{Name: "OTEL_METRICS_EXEMPLAR_FILTER", Default: "`trace_based`", Does: "`trace_based`, `always_on` or `always_off`: which measurements keep their trace", judge: oneOf("trace_based", "always_on", "always_off")},
	{Name: otlp + "METRICS_TEMPORALITY_PREFERENCE", Default: "`cumulative`", Does: "`cumulative`, `delta` or `lowmemory`", judge: oneOf("cumulative", "delta", "lowmemory")},
	{Name: otlp + "METRICS_DEFAULT_HISTOGRAM_AGGREGATION", Default: "`explicit_bucket_histogram`", Does: "or `base2_exponential_bucket_histogram`", judge: oneOf("explicit_bucket_histogram", "base2_exponential_bucket_histogram")},
	{Name: "OTEL_EXPORTER_PROMETHEUS_HOST", Default: "localhost", Usual: true, Does: "where `OTEL_METRICS_EXPORTER=prometheus` is scraped", judge: host},
	{Name: "OTEL_EXPORTER_PROMETHEUS_PORT", Default: "9464", Usual: true, Does: "the port of it", judge: port},
}

var batches = []Variable{
	{Name: "OTEL_BSP_SCHEDULE_DELAY", Default: "5000 (ms)", Does: "the time between two exports of spans", judge: positive},
	{Name: "OTEL_BSP_EXPORT_TIMEOUT", Default: "30000 (ms)", Does: "for one export of spans", judge: positive},
	{Name: "OTEL_BSP_MAX_QUEUE_SIZE", Default: "2048", Does: "spans that wait, 100000 at most; what comes beyond is dropped", judge: queued},
	{Name: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", Default: "512", Does: "spans in one export, no more than wait", judge: queued},
	{Name: "OTEL_BLRP_SCHEDULE_DELAY", Default: "1000 (ms)", Does: "the time between two exports of log records", judge: positive},
	{Name: "OTEL_BLRP_EXPORT_TIMEOUT", Default: "30000 (ms)", Does: "for one export of log records", judge: positive},
	{Name: "OTEL_BLRP_MAX_QUEUE_SIZE", Default: "2048", Does: "log records that wait, 100000 at most; what comes beyond is dropped", judge: queued},
	{Name: "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", Default: "512", Does: "log records in one export, no more than wait", judge: queued},
}

var limits = []Variable{
	{Name: "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", Default: "none", Does: "characters of an attribute of spans and log records", judge: natural},
	{Name: "OTEL_ATTRIBUTE_COUNT_LIMIT", Default: "128", Does: "attributes of a span or a log record", judge: natural},
	{Name: "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", Default: "`OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`", Does: "the same, for spans alone", judge: natural},
	{Name: "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", Default: "`OTEL_ATTRIBUTE_COUNT_LIMIT`", Does: "the same, for spans alone", judge: natural},
	{Name: "OTEL_SPAN_EVENT_COUNT_LIMIT", Default: "128", Does: "events of a span", judge: natural},
	{Name: "OTEL_SPAN_LINK_COUNT_LIMIT", Default: "128", Does: "links of a span (the relay makes none)", judge: natural},
	{Name: "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", Default: "128", Does: "attributes of a span's event", judge: natural},
	{Name: "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", Default: "128", Does: "attributes of a span's link", judge: natural},
	{Name: "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", Default: "`OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`", Does: "the same, for log records alone", judge: natural},
	{Name: "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", Default: "`OTEL_ATTRIBUTE_COUNT_LIMIT`", Does: "the same, for log records alone", judge: natural},
}

const zipkin = "there is no Zipkin exporter here, nor in the Go SDK for long; Zipkin takes OTLP through the Collector"

var others = []Variable{
	{Name: "OTEL_EXPORTER_ZIPKIN_ENDPOINT", Refused: true, Does: zipkin, secret: true},
	{Name: "OTEL_EXPORTER_ZIPKIN_TIMEOUT", Refused: true, Does: zipkin},
	{Name: "OTEL_EXPORTER_ZIPKIN_PROTOCOL", Refused: true, Does: zipkin},
	{Name: otlp + "SPAN_INSECURE", Refused: true, Does: "an old name; `OTEL_EXPORTER_OTLP_TRACES_INSECURE` is the one that is read"},
	{Name: otlp + "METRIC_INSECURE", Refused: true, Does: "an old name; `OTEL_EXPORTER_OTLP_METRICS_INSECURE` is the one that is read"},
	{Name: "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", Refused: true, Does: "the relay serves few methods, and calls every other one `_OTHER`"},
}

var ofGo = []Variable{
	{Name: "OTEL_METRICS_PRODUCERS", Refused: true, Does: "it would take the place of the relay's own metrics"},
	{Name: "OTEL_GO_X_PER_SERIES_START_TIMESTAMPS", Does: "`true`: each series of the SDK's own instruments begins when it was first seen, as the relay's do", judge: boolean},
	{Name: "OTEL_GO_X_DEPRECATED_RUNTIME_METRICS", Does: "`true`: the Go runtime's metrics under their old names too, which no dashboard here asks for", judge: boolean},
	{Name: "OTEL_GO_X_OBSERVABILITY", Refused: true, Does: "the SDK's metrics of itself go to a global provider, which the relay does not have; `relay.telemetry.export_failures` says what was not exported"},
	{Name: "OTEL_GO_X_SELF_OBSERVABILITY", Refused: true, Does: "the old name of `OTEL_GO_X_OBSERVABILITY`"},
	{Name: "OTEL_GO_X_RESOURCE", Refused: true, Does: "the relay names its attributes itself; `OTEL_RESOURCE_ATTRIBUTES` adds some"},
	{Name: "OTEL_GO_X_CARDINALITY_LIMIT", Refused: true, Does: "the configuration bounds every attribute, and `METRICS_MAX_MODEL_LABELS` the models"},
	{Name: "OTEL_GO_X_EXEMPLAR", Refused: true, Does: "an old name; `OTEL_METRICS_EXEMPLAR_FILTER` is the one that is read"},
}
