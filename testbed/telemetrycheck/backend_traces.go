package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"one-api/telemetry"
	"one-api/testbed/internal/check"
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

// tracesIn is a backend for traces that answers to Jaeger's HTTP API.
type tracesIn struct {
	*bench
	grpc, http string // where OTLP goes
	query      string // the API's URL
}

func (b *bench) startJaeger(ctx context.Context) (*tracesIn, error) {
	query, grpc, http := b.port(), b.port(), b.port()
	config, err := b.write("jaeger.yaml", fmt.Sprintf(jaegerConfig, loopback, query, b.port(), grpc, http))
	if err != nil {
		return nil, err
	}
	at := "http://" + loopback + ":"
	_, err = b.start(ctx, "jaeger", b.programs["jaeger"], at+query+"/api/services", nil, "--config="+config)
	return &tracesIn{b, at + grpc, at + http, at + query}, err
}

// jaegerDirect sends the traces of one relay over gRPC and of another on the same host over HTTP, and their metrics to Prometheus.
func (b *bench) jaegerDirect(ctx context.Context) error {
	p, err := b.startPrometheus(ctx)
	if err != nil {
		return err
	}
	in, err := b.startJaeger(ctx)
	if err != nil {
		return err
	}
	one, err := b.startRelay(ctx, "grpc", append(p.toPrometheus(), "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+in.grpc, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc")...)
	if err != nil {
		return err
	}
	two, err := b.startRelay(ctx, "http", append(p.toPrometheus(), "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+in.http+"/v1/traces", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf")...)
	if err != nil {
		return err
	}
	if err := in.agree(ctx, b.use(ctx, one, two), 2); err != nil {
		return err
	}
	return in.exemplarsLead(ctx, p)
}

// jaegerThroughCollector gives the bundle's collector the snippet as it stands, but for the address. Two relays use it.
func (b *bench) jaegerThroughCollector(ctx context.Context) error {
	in, err := b.startJaeger(ctx)
	if err != nil {
		return err
	}
	s, err := b.startSink(nil) // for the metrics, which stay where they were
	if err != nil {
		return err
	}
	text, err := b.snippet("Jaeger", "yaml", regexp.MustCompile(`otlp_http/jaeger`))
	if err != nil {
		return err
	}
	if text, err = swap(text, `http://jaeger:4318`, in.http); err != nil {
		return err
	}
	pipe, err := b.startCollector(ctx, b.collector, []string{"OTLP_BACKEND_ENDPOINT=" + s.url()}, text)
	if err != nil {
		return err
	}
	one, err := b.startRelay(ctx, "one", pipe.toCollector()...)
	if err != nil {
		return err
	}
	two, err := b.startRelay(ctx, "two", pipe.toCollector()...)
	if err != nil {
		return err
	}
	e := b.use(ctx, one, two)
	if err := b.sinkAgrees(ctx, s, e); err != nil {
		return err
	}
	return in.agree(ctx, e, 2)
}

// readSpan is a span as it was read back.
type readSpan struct {
	id, parent, name, instance string
	tags                       map[string]string
}

// all reads every trace of the service back (https://www.jaegertracing.io/docs/2.20/architecture/apis/).
func (in *tracesIn) all(ctx context.Context) (map[string][]readSpan, error) {
	return in.read(ctx, "/api/traces?"+url.Values{"service": {"one-api"}, "limit": {"10000"}, "lookback": {"1h"}}.Encode())
}

func (in *tracesIn) read(ctx context.Context, path string) (map[string][]readSpan, error) {
	body, err := answers(ctx, in.query+path)
	if err != nil {
		return nil, err
	}
	type tag struct {
		Key   string
		Value any
	}
	var answer struct {
		Data []struct {
			TraceID   string
			Processes map[string]struct{ Tags []tag }
			Spans     []struct {
				SpanID, OperationName, ProcessID string
				References                       []struct{ RefType, SpanID string }
				Tags                             []tag
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	traces := map[string][]readSpan{}
	for _, trace := range answer.Data {
		for _, s := range trace.Spans {
			span := readSpan{id: s.SpanID, name: s.OperationName, tags: map[string]string{}}
			for _, t := range s.Tags {
				span.tags[t.Key] = fmt.Sprint(t.Value)
			}
			for _, t := range trace.Processes[s.ProcessID].Tags {
				if t.Key == "service.instance.id" {
					span.instance = fmt.Sprint(t.Value)
				}
			}
			for _, r := range s.References {
				if r.RefType == "CHILD_OF" {
					span.parent = r.SpanID
				}
			}
			traces[trace.TraceID] = append(traces[trace.TraceID], span)
		}
	}
	return traces, nil
}

// told is what spans say, for comparison with what was done.
type told struct {
	attempts, requests   check.Table
	orphans, misnamed    int
	untoldErrors, traces int
	instances            map[string]bool
}

func tell(traces map[string][]readSpan) told {
	t := told{attempts: check.Table{}, requests: check.Table{}, traces: len(traces), instances: map[string]bool{}}
	for _, spans := range traces {
		kinds := map[string]string{}
		for _, s := range spans {
			kinds[s.id] = s.tags["span.kind"]
		}
		for _, s := range spans {
			t.instances[s.instance] = true
			t.span(s, kinds[s.parent])
		}
	}
	return t
}

// span takes one. parent is the kind of the span that it belongs to; empty: there is none in its trace.
func (t *told) span(s readSpan, parent string) {
	const ofHTTP = "POST /v1/chat/completions"
	get := func(key string) string { return s.tags[key] }
	if s.tags["span.kind"] == "server" {
		t.requests[check.Join(get(telemetry.AttrOutcome), get(telemetry.AttrErrorType))]++
		if s.name != ofHTTP {
			t.misnamed++
		}
		return
	}
	t.attempts[check.Join(get(telemetry.AttrChannel), get(telemetry.AttrProvider), get(telemetry.AttrModel), get(telemetry.AttrOutcome), get(telemetry.AttrErrorType))]++
	if parent != "server" {
		t.orphans++
	}
	if s.name != "chat "+get(telemetry.AttrModel) || s.tags["span.kind"] != "client" {
		t.misnamed++
	}
	if (get(telemetry.AttrErrorType) != "") != (s.tags["error"] == "true") {
		t.untoldErrors++
	}
}

// traced is requests by outcome and error type, without those of strangers, which are counted and not traced.
func (e expected) traced() check.Table {
	t := check.Table{}
	for key, n := range e.requests {
		parts := check.Split(key)
		t[check.Join(parts[1], parts[2])] += n
	}
	t[check.Join("rejected", "rejected")] -= e.rejected["auth"]
	return t
}

// agree checks that what is read back is what was done: each attempt a span with its attributes, in the trace of its request.
func (in *tracesIn) agree(ctx context.Context, e expected, relays int) error {
	var got told
	want := e.traced()
	err := until(ctx, arrivalTimeout, func() (bool, error) {
		traces, err := in.all(ctx)
		got = tell(traces)
		return got.attempts.Sum() >= e.attempts.Sum() && got.requests.Sum() >= want.Sum(), err
	})
	if err != nil {
		return err
	}
	in.report.Equal("spans of attempts by channel, provider, model, outcome and error type", e.attempts, got.attempts)
	in.report.Equal("spans of requests by outcome and error type", want, got.requests)
	in.report.That(got.traces == int(want.Sum()), "each request is a trace of its own: %v requests, %d traces", want.Sum(), got.traces)
	in.report.That(got.orphans == 0, "every attempt's span is a child of its request's: %d are not", got.orphans)
	in.report.That(got.misnamed == 0, "spans have the conventions' names and kinds: %d have not", got.misnamed)
	in.report.That(got.untoldErrors == 0, "the spans of what failed are errors, and no others: %d are wrong", got.untoldErrors)
	in.report.That(len(got.instances) == relays && !got.instances[""], "%d relays on one host are %d instances", relays, len(got.instances))
	return nil
}

// exemplarsLead checks that the trace ids beside slow calls in Prometheus are those of traces that are there, with that very span.
func (in *tracesIn) exemplarsLead(ctx context.Context, p *promql) error {
	var answer struct {
		Data []struct {
			SeriesLabels map[string]string
			Exemplars    []struct{ Labels map[string]string }
		}
	}
	query := url.Values{
		"query": {`gen_ai_client_operation_duration_seconds_bucket{job="one-api"}`},
		"start": {fmt.Sprint(time.Now().Add(-time.Hour).Unix())}, "end": {fmt.Sprint(time.Now().Unix() + 1)},
	}
	if err := p.stack.ask(ctx, "/api/v1/query_exemplars?"+query.Encode(), &answer); err != nil {
		return err
	}
	followed, right := 0, 0
	for _, series := range answer.Data {
		for _, e := range series.Exemplars {
			followed++
			traces, err := in.read(ctx, "/api/traces/"+e.Labels["trace_id"])
			if err != nil {
				return err
			}
			for _, s := range traces[e.Labels["trace_id"]] {
				if s.id == e.Labels["span_id"] && s.tags[telemetry.AttrChannel] == series.SeriesLabels["relay_channel_name"] &&
					s.tags[telemetry.AttrOutcome] == series.SeriesLabels["relay_outcome"] && s.instance == series.SeriesLabels["instance"] {
					right++
				}
			}
		}
	}
	in.report.That(followed > 0 && right == followed, "of %d exemplars of durations in Prometheus, %d lead to the span of that very attempt", followed, right)
	return nil
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
	got, err := wait(ctx, want, func() (check.Table, error) { return tempoFinds(ctx, at+query, began, want) })
	if err != nil {
		return err
	}
	b.report.Equal("attempts by channel and outcome, as TraceQL finds their spans", want, got)
	all, err := tempoCounts(ctx, at+query, began, fmt.Sprintf(`{ span.%s != "" }`, telemetry.AttrChannel))
	if err != nil {
		return err
	}
	b.report.That(all == want.Sum(), "and no others: %v spans of attempts, want %v", all, want.Sum())
	return nil
}

func tempoFinds(ctx context.Context, at string, since time.Time, want check.Table) (check.Table, error) {
	got := check.Table{}
	for _, key := range want.Keys() {
		parts := check.Split(key)
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
