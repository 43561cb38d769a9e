package main

import (
	"context"
	"fmt"
	"time"

	"one-api/testbed/internal/check"
	"one-api/testbed/internal/process"
)

// outage stops the backend, goes on, restarts the collector, goes on, and brings the backend back.
func (c *course) outage(ctx context.Context) error {
	c.stack.prometheusProcess.stop(20 * time.Second)
	down := time.Now()
	c.load(ctx, 2, false)
	process.Pause(ctx, 4*exportInterval) // the figures of this load reach the collector's queue
	during, attempts := time.Now(), map[string]float64{}
	for _, r := range c.stack.relays {
		attempts[r.instance] = expect(r.instance, c.done, c.upstream).attempts.Sum()
	}
	c.stack.collectorProcess.stop(30 * time.Second)
	if err := c.stack.startCollector(ctx); err != nil {
		return err
	}
	c.load(ctx, 3, false)
	process.Pause(ctx, 3*exportInterval)
	if err := c.stack.startPrometheus(ctx); err != nil {
		return err
	}
	// The queue is drained in its order: with the last figures in, those from the outage are in as well.
	for _, r := range c.stack.relays {
		if err := c.arrived(ctx, r, expect(r.instance, c.done, c.upstream)); err != nil {
			return err
		}
		at, err := c.stack.table(ctx, fmt.Sprintf("sum(relay_channel_attempts_total{instance=%q})", r.instance), during)
		if err != nil {
			return err
		}
		c.report.That(at[""] == attempts[r.instance], "%s: what was counted while the backend was down stands where it belongs: %v attempts, want %v", r.instance, at[""], attempts[r.instance])
		window := during.Sub(down)
		samples, err := c.stack.table(ctx, fmt.Sprintf("count_over_time(relay_goroutines_expected{instance=%q}[%dms])", r.instance, window.Milliseconds()), during)
		if err != nil {
			return err
		}
		want := float64(window/exportInterval) - 3 // the ends of the window, and an export that takes its time
		c.report.That(samples[check.Join("")] >= want, "%s: no gap: %v samples of a gauge in the %.0f s that the backend was down before the collector restarted", r.instance, samples[""], window.Seconds())
		resets, err := c.stack.table(ctx, fmt.Sprintf("sum(resets(relay_channel_attempts_total{instance=%q}[10m]))", r.instance), time.Time{})
		if err != nil {
			return err
		}
		c.report.That(resets[""] == 0, "%s: no counter has fallen: %v resets", r.instance, resets[""])
	}
	return nil
}
