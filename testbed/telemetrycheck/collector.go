package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"one-api/testbed/internal/check"
	"one-api/testbed/internal/process"
)

// figures is the collector's own telemetry: the sum of each metric over its series, and which transports metrics came over.
type figures struct {
	sums       check.Table
	transports map[string]bool
}

func (c *course) figures(ctx context.Context) (figures, error) {
	f := figures{sums: check.Table{}, transports: map[string]bool{}}
	status, body, err := get(ctx, "http://"+loopback+":"+c.stack.ports.metrics+"/metrics")
	if err != nil {
		return f, fmt.Errorf("the collector's own metrics: %w", err)
	}
	if status != 200 {
		return f, fmt.Errorf("the collector's own metrics: status %d", status)
	}
	for line := range strings.Lines(string(body)) {
		line = strings.TrimSpace(line)
		series, text, ok := cutLast(line, " ")
		value, err := strconv.ParseFloat(text, 64)
		if !ok || err != nil || strings.HasPrefix(line, "#") {
			continue
		}
		name, _, _ := strings.Cut(series, "{")
		f.sums[strings.TrimSuffix(name, "_total")] += value // whether it has the suffix depends on the version
		if strings.HasPrefix(name, "otelcol_receiver_accepted_metric_points") && value > 0 {
			_, rest, _ := strings.Cut(series, `transport="`)
			transport, _, _ := strings.Cut(rest, `"`)
			f.transports[transport] = true
		}
	}
	return f, nil
}

func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}

// spansTimeout is how long the relays may take to export the spans of the last requests.
const spansTimeout = 15 * time.Second

// spans checks that every request that reached an upstream, and every attempt, made a span that arrived.
func (c *course) spans(ctx context.Context) error {
	want := float64(c.upstream.total())
	for i := range c.done {
		if len(c.upstream.of(c.done[i].id)) > 0 {
			want++
		}
	}
	deadline := time.Now().Add(spansTimeout)
	for {
		f, err := c.figures(ctx)
		if err != nil {
			return err
		}
		got := f.sums["otelcol_receiver_accepted_spans"]
		if got >= want || time.Now().After(deadline) || ctx.Err() != nil {
			c.report.That(got >= want, "spans of requests and attempts have arrived: %v, at least %v", got, want)
			return ctx.Err()
		}
		process.Pause(ctx, exportInterval)
	}
}

// collector checks that the collector has refused nothing, thrown nothing away, and holds nothing back.
func (c *course) collector(ctx context.Context) error {
	f, err := c.drained(ctx)
	if err != nil {
		return err
	}
	c.report.That(f.transports["grpc"] && f.transports["http"], "metrics came over gRPC and over HTTP: %v points accepted, %v sent, those of the queue included",
		f.sums["otelcol_receiver_accepted_metric_points"], f.sums["otelcol_exporter_sent_metric_points"])
	for _, name := range []string{"otelcol_receiver_refused_metric_points", "otelcol_exporter_send_failed_metric_points", "otelcol_exporter_enqueue_failed_metric_points"} {
		c.report.That(f.sums[name] == 0, "%s: %v", name, f.sums[name])
	}
	size, capacity := f.sums["otelcol_exporter_queue_size"], f.sums["otelcol_exporter_queue_capacity"]
	c.report.That(capacity > 0 && size == 0, "the queue is drained: %.0f of %.0f bytes", size, capacity)
	return nil
}

// drained is the collector's figures once its queue is empty, or when it had long enough for that. The relays end before: while they
// export, something is always in it.
func (c *course) drained(ctx context.Context) (f figures, err error) {
	for _, r := range c.stack.relays {
		r.process.stop(10 * time.Second)
	}
	deadline := time.Now().Add(arrivalTimeout)
	for {
		f, err = c.figures(ctx)
		if size, known := f.sums["otelcol_exporter_queue_size"]; err != nil || known && size == 0 || ctx.Err() != nil || time.Now().After(deadline) {
			return f, err
		}
		process.Pause(ctx, exportInterval)
	}
}
