package main

import (
	"context"
	"time"

	"one-api/testbed/internal/process"
)

const exportInterval = 2 * time.Second // OTEL_METRIC_EXPORT_INTERVAL in bundle.env

// outage stops the backend, goes on, restarts the collector, goes on, and brings the backend back.
func (c *course) outage(ctx context.Context) error {
	if _, err := c.docker(ctx, "stop", "prometheus"); err != nil {
		return err
	}
	stopped := time.Now()
	if err := c.addLoad(ctx, "second"); err != nil {
		return err
	}
	all, err := c.attempts(ctx)
	if err != nil {
		return err
	}
	e, open := expect(all)
	c.report.That(open == 0, "no call hangs because the backend is down: %d under way", open)
	process.Pause(ctx, 8*exportInterval) // the figures of this load reach the collector's queue
	during := time.Now()
	if _, err := c.docker(ctx, "restart", "otel-collector"); err != nil {
		return err
	}
	if err := c.addLoad(ctx, "third"); err != nil {
		return err
	}
	process.Pause(ctx, 3*exportInterval)
	if _, err := c.docker(ctx, "start", "prometheus"); err != nil {
		return err
	}
	if err := c.agree(ctx); err != nil {
		return err
	}
	// The queue is drained in its order: with the last figures in, those from the outage are in as well.
	at, err := c.table(ctx, `sum(relay_channel_attempts_total{job="one-api"})`, during)
	if err != nil {
		return err
	}
	c.report.That(at[""] == e.attempts.Sum(), "what was counted while Prometheus was down stands where it belongs: %v attempts, want %v", at[""], e.attempts.Sum())
	window := during.Sub(stopped).Round(time.Second)
	samples, err := c.table(ctx, `count_over_time(go_goroutine_count{job="one-api"}[`+window.String()+`])`, during)
	if err != nil {
		return err
	}
	want := float64(window/exportInterval) - 2 // the ends of the window
	c.report.That(samples[""] >= want, "no gap: %v samples in the %v that Prometheus was down before the collector restarted", samples[""], window)
	resets, err := c.table(ctx, `sum(resets(relay_channel_attempts_total{job="one-api"}[15m]))`, time.Time{})
	c.report.That(resets[""] == 0, "no counter has fallen: %v resets", resets[""])
	return err
}
