package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"one-api/telemetry"
)

const jaegerConfig = `extensions:
  jaeger_storage: {backends: {some_storage: {memory: {max_traces: 100000}}}}
  jaeger_query:
    storage: {traces: some_storage}
    http: {endpoint: "%[1]s:%[2]s"}
    grpc: {endpoint: "%[1]s:%[3]s"}
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "%[1]s:%[4]s"}
      http: {endpoint: "%[1]s:%[5]s"}
exporters:
  jaeger_storage_exporter: {trace_storage: some_storage}
service:
  extensions: [jaeger_storage, jaeger_query]
  telemetry: {metrics: {level: none}}
  pipelines:
    traces: {receivers: [otlp], exporters: [jaeger_storage_exporter]}
`

// jaegerDirect sends the traces of one relay over gRPC and of another over HTTP, and asks for both together.
func (b *bench) jaegerDirect(ctx context.Context) error {
	query, grpc, http := b.port(), b.port(), b.port()
	config, err := b.write("jaeger.yaml", fmt.Sprintf(jaegerConfig, loopback, query, b.port(), grpc, http))
	if err != nil {
		return err
	}
	at := "http://" + loopback + ":"
	if _, err := b.start(ctx, "jaeger", b.programs["jaeger"], at+query+"/api/services", nil, "--config="+config); err != nil {
		return err
	}
	one, err := b.startRelay(ctx, "grpc", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+at+grpc, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc")
	if err != nil {
		return err
	}
	two, err := b.startRelay(ctx, "http", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+at+http+"/v1/traces", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf")
	if err != nil {
		return err
	}
	e := b.use(ctx, one, two)
	want, orphans := e.ends(), 0
	got, err := wait(ctx, want, func() (t table, err error) {
		t, orphans, err = jaegerTraces(ctx, at+query)
		return t, err
	})
	if err != nil {
		return err
	}
	b.report.equal("attempts by channel and outcome, of the spans", want, got)
	b.report.that(orphans == 0, "every attempt's span is in the trace of its request: %d are not", orphans)
	return nil
}

// jaegerTraces reads all traces of the service back (https://www.jaegertracing.io/docs/2.20/architecture/apis/).
func jaegerTraces(ctx context.Context, at string) (attempts table, orphans int, err error) {
	body, err := answers(ctx, at+"/api/traces?"+url.Values{"service": {"one-api"}, "limit": {"10000"}, "lookback": {"1h"}}.Encode())
	if err != nil {
		return nil, 0, err
	}
	var answer struct {
		Data []struct {
			Spans []struct {
				SpanID     string
				References []struct{ SpanID string }
				Tags       []struct {
					Key   string
					Value any
				}
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, 0, err
	}
	attempts = table{}
	for _, trace := range answer.Data {
		known := map[string]bool{}
		for _, span := range trace.Spans {
			known[span.SpanID] = true
		}
		for _, span := range trace.Spans {
			tags := map[string]string{}
			for _, tag := range span.Tags {
				tags[tag.Key] = fmt.Sprint(tag.Value)
			}
			channel := tags[telemetry.AttrChannel]
			if channel == "" {
				continue
			}
			attempts[join(channel, tags[telemetry.AttrOutcome])]++
			if len(span.References) != 1 || !known[span.References[0].SpanID] {
				orphans++
			}
		}
	}
	return attempts, orphans, nil
}

const tempoConfig = `server: {http_listen_address: %[1]s, http_listen_port: %[2]s, grpc_listen_address: %[1]s, grpc_listen_port: %[3]s}
distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: "%[1]s:%[4]s"}, http: {endpoint: "%[1]s:%[5]s"}}}}}
storage: {trace: {backend: local, wal: {path: "%[6]s/wal"}, local: {path: "%[6]s/blocks"}}}
usage_report: {reporting_enabled: false}
memberlist: {bind_addr: [%[1]s], bind_port: %[7]s}
live_store: {wal: {path: "%[6]s/live"}, shutdown_marker_dir: "%[6]s/marker", max_trace_idle: 1s, flush_check_period: 1s}
backend_scheduler: {local_work_path: "%[6]s/work"}
`

// tempoDirect sends the traces of one relay over gRPC and of another over HTTP, and searches for them in TraceQL.
func (b *bench) tempoDirect(ctx context.Context) error {
	query, grpc, http := b.port(), b.port(), b.port()
	config, err := b.write("tempo.yaml", fmt.Sprintf(tempoConfig, loopback, query, b.port(), grpc, http, b.file(b.name+"-data"), b.port()))
	if err != nil {
		return err
	}
	at := "http://" + loopback + ":"
	if _, err := b.start(ctx, "tempo", b.programs["tempo"], at+query+"/ready", nil, "-config.file="+config); err != nil {
		return err
	}
	one, err := b.startRelay(ctx, "grpc", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+at+grpc, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc")
	if err != nil {
		return err
	}
	two, err := b.startRelay(ctx, "http", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+at+http+"/v1/traces", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf")
	if err != nil {
		return err
	}
	began := time.Now()
	want := b.use(ctx, one, two).ends()
	got, err := wait(ctx, want, func() (table, error) { return tempoFinds(ctx, at+query, began, want) })
	if err != nil {
		return err
	}
	b.report.equal("attempts by channel and outcome, as TraceQL finds their spans", want, got)
	all, err := tempoCounts(ctx, at+query, began, fmt.Sprintf(`{ span.%s != "" }`, telemetry.AttrChannel))
	if err != nil {
		return err
	}
	b.report.that(all == want.sum(), "and no others: %v spans of attempts, want %v", all, want.sum())
	return nil
}

func tempoFinds(ctx context.Context, at string, since time.Time, want table) (table, error) {
	got := table{}
	for _, key := range want.keys() {
		parts := split(key)
		n, err := tempoCounts(ctx, at, since, fmt.Sprintf(`{ resource.service.name = "one-api" && span.%s = %q && span.%s = %q }`,
			telemetry.AttrChannel, parts[0], telemetry.AttrOutcome, parts[1]))
		if err != nil {
			return nil, err
		}
		if n > 0 {
			got[key] = n
		}
	}
	return got, nil
}

// tempoCounts counts the spans that a search matches (https://grafana.com/docs/tempo/latest/api_docs/#search).
func tempoCounts(ctx context.Context, at string, since time.Time, traceQL string) (n float64, err error) {
	stamp := func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
	body, err := answers(ctx, at+"/api/search?"+url.Values{
		"q": {traceQL}, "limit": {"5000"}, "spss": {"100"}, "start": {stamp(since.Add(-time.Minute))}, "end": {stamp(time.Now().Add(time.Minute))},
	}.Encode())
	if err != nil {
		return 0, err
	}
	var answer struct {
		Traces []struct{ SpanSets []struct{ Matched float64 } }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, err
	}
	for _, trace := range answer.Traces {
		for _, set := range trace.SpanSets {
			n += set.Matched
		}
	}
	return n, nil
}
