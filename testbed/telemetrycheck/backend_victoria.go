package main

import (
	"context"
	"fmt"
	"regexp"
)

// victoria starts VictoriaMetrics as deploy/BACKENDS.md says.
func (b *bench) victoria(ctx context.Context, args ...string) (*promql, error) {
	port := b.port()
	_, err := b.start(ctx, "victoria", b.programs["victoria-metrics"], "http://"+loopback+":"+port+"/health", nil, append([]string{
		"-httpListenAddr=" + loopback + ":" + port, "-storageDataPath=" + b.file(b.name+"-victoria"),
		"-retentionPeriod=1d", "-search.latencyOffset=0s", // or the newest half minute cannot be asked for
	}, args...)...)
	return b.promqlAt(port), err
}

// naming is how VictoriaMetrics gets the names and labels that the dashboards ask for out of OTLP: a flag for the names, and a file
// for job and instance, which is the snippet of deploy/BACKENDS.md.
func (b *bench) naming() ([]string, error) {
	text, err := b.snippet("VictoriaMetrics", "yaml", regexp.MustCompile(`target_label: job`))
	if err != nil {
		return nil, err
	}
	file, err := b.write("relabel.yml", text)
	return []string{"-opentelemetry.usePrometheusNaming", "-relabelConfig=" + file}, err
}

func (b *bench) victoriaDirect(ctx context.Context) error {
	args, err := b.naming()
	if err != nil {
		return err
	}
	p, err := b.victoria(ctx, args...)
	if err != nil {
		return err
	}
	return b.agreesWith(ctx, p, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://"+loopback+":"+p.port+"/opentelemetry/v1/metrics",
		"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=http/protobuf")
}

func (b *bench) victoriaThroughCollector(ctx context.Context) error {
	args, err := b.naming()
	if err != nil {
		return err
	}
	p, err := b.victoria(ctx, args...)
	if err != nil {
		return err
	}
	pipe, err := b.startCollector(ctx, b.collector, []string{"OTLP_BACKEND_ENDPOINT=http://" + loopback + ":" + p.port + "/opentelemetry"})
	if err != nil {
		return err
	}
	return b.agreesWith(ctx, p, pipe.toCollector()...)
}

// victoriaRemoteWrite needs nothing of VictoriaMetrics: the collector makes Prometheus' names and labels.
func (b *bench) victoriaRemoteWrite(ctx context.Context) error {
	p, err := b.victoria(ctx)
	if err != nil {
		return err
	}
	text, err := b.snippet("VictoriaMetrics", "yaml", regexp.MustCompile(`prometheus_remote_write`))
	if err != nil {
		return err
	}
	text, err = swap(text, `http://[a-z]+:8428`, "http://"+loopback+":"+p.port)
	if err != nil {
		return err
	}
	pipe, err := b.startCollector(ctx, b.fuller, nil, text)
	if err != nil {
		return err
	}
	return b.agreesWith(ctx, p, pipe.toCollector()...)
}

// swap puts something in the place of what a snippet has to say exactly once.
func swap(text, pattern, with string) (string, error) {
	r := regexp.MustCompile(pattern)
	if n := len(r.FindAllString(text, -1)); n != 1 {
		return "", fmt.Errorf("the snippet says %s %d times: change this check with it\n%s", pattern, n, text)
	}
	return r.ReplaceAllLiteralString(text, with), nil
}
