package main

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"regexp"

	"one-api/testbed/internal/check"

	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

// asDeltas is what an intake that takes deltas only wants of a relay.
const asDeltas = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta"

// deltaDirect sends to an intake that refuses totals, as Datadog's does.
func (b *bench) deltaDirect(ctx context.Context) error {
	s, err := b.startSink(nil)
	if err != nil {
		return err
	}
	s.deltasOnly = true
	r, err := b.startRelay(ctx, "relay", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT="+s.url()+"/v1/metrics", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=http/protobuf", asDeltas)
	if err != nil {
		return err
	}
	return b.takesDeltas(ctx, s, b.use(ctx, r))
}

func (b *bench) takesDeltas(ctx context.Context, s *sink, e expected) error {
	if err := b.sinkAgrees(ctx, s, e); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b.report.That(s.cumulative == 0 && s.refused == 0, "no total was among the deltas: %d were, %d exports refused", s.cumulative, s.refused)
	return nil
}

// datadogDirect gives the relay the snippet for Datadog as it stands, but for the address and the key.
func (b *bench) datadogDirect(ctx context.Context) error {
	papers, err := newPapers(b.file(b.name + "-authority.pem"))
	if err != nil {
		return err
	}
	s, err := b.startSink(papers)
	if err != nil {
		return err
	}
	s.deltasOnly = true
	text, err := b.snippet("Datadog", "sh", regexp.MustCompile(`OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=https`))
	if err != nil {
		return err
	}
	if text, err = swap(text, origin.String(), s.url()); err != nil {
		return err
	}
	environment, _ := environmentOf(text)
	r, err := b.startRelay(ctx, "relay", append(environment, "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE="+papers.authority)...)
	if err != nil {
		return err
	}
	if err := b.takesDeltas(ctx, s, b.use(ctx, r)); err != nil {
		return err
	}
	b.report.That(s.header("/v1/metrics").Get("dd-api-key") == secret, "the key is in the header dd-api-key")
	return nil
}

// deltaThroughCollector leaves the relay as it is: the collector makes deltas of its totals, as the snippet says.
func (b *bench) deltaThroughCollector(ctx context.Context) error {
	s, err := b.startSink(nil)
	if err != nil {
		return err
	}
	s.deltasOnly = true
	text, err := b.snippet("deltas", "yaml", regexp.MustCompile(`cumulative_to_delta`))
	if err != nil {
		return err
	}
	pipe, err := b.startCollector(ctx, b.fuller, []string{"OTLP_BACKEND_ENDPOINT=" + s.url()}, text)
	if err != nil {
		return err
	}
	r, err := b.startRelay(ctx, "relay", pipe.toCollector()...)
	if err != nil {
		return err
	}
	return b.takesDeltas(ctx, s, b.use(ctx, r))
}

// deltaFile has the collector write its deltas into a file, and adds them up from there.
func (b *bench) deltaFile(ctx context.Context) error {
	text, err := b.snippet("deltas", "yaml", regexp.MustCompile(`cumulative_to_delta`))
	if err != nil {
		return err
	}
	file := b.file(b.name + ".json")
	pipe, err := b.startCollector(ctx, b.fuller, nil, text, "exporters: {file: {path: "+file+", flush_interval: 200ms}}\nservice: {pipelines: {metrics: {exporters: [file]}}}\n")
	if err != nil {
		return err
	}
	r, err := b.startRelay(ctx, "relay", pipe.toCollector()...)
	if err != nil {
		return err
	}
	want := b.use(ctx, r).ends()
	cumulative := 0
	got, err := wait(ctx, want, func() (t check.Table, err error) {
		t, cumulative, err = deltasIn(file)
		return t, err
	})
	if err != nil {
		return err
	}
	b.report.Equal("attempts by channel and outcome", want, got)
	b.report.That(cumulative == 0, "no total was among the deltas: %d were", cumulative)
	return nil
}

// deltasIn adds up what the file exporter has written: an export in a line.
func deltasIn(file string) (check.Table, int, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return check.Table{}, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = f.Close() }()
	s := &sink{series: map[string]float64{}, points: map[uint64]bool{}}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var in collectormetrics.ExportMetricsServiceRequest
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(lines.Bytes(), &in); err != nil {
			continue // it is still being written
		}
		s.takeAll(&in)
	}
	return s.attempts(), s.cumulative, lines.Err()
}
