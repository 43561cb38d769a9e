package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"one-api/testbed/internal/check"
)

// course is the run, from the first look to the last check.
type course struct {
	*bundle
	report *check.Report
	out    io.Writer
	began  time.Time
	done   []call // that the load made
}

func (c *course) section(title string) {
	fmt.Fprintf(c.out, "\n== %s (after %.0f s)\n", title, time.Since(c.began).Seconds())
}

func (c *course) run(ctx context.Context) error {
	for _, part := range []struct {
		title string
		check func(context.Context) error
	}{
		{"containers", c.containers},
		{"Uptime Kuma is set up, and all is well", c.monitorsUp},
		{"a load with faults", c.firstLoad},
		{"what the README types on a fresh bundle", c.asTyped},
		{"a channel fails, and recovers", c.channelFails},
		{"more than 5000 goroutines", c.crowd},
		{"Prometheus stops, the collector restarts, Prometheus comes back", c.outage},
		{"the relay restarts while a stream runs", c.restart},
		{"the relay is away", c.away},
		{"the provisioning runs again", c.provisionAgain},
		{"containers, at the end", c.unbroken},
	} {
		c.section(part.title)
		if err := part.check(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.title, err)
		}
	}
	return nil
}

func (c *course) addLoad(ctx context.Context, part string) error {
	c.done = append(c.done, c.load(ctx, lanes(part))...)
	attempts, err := c.attempts(ctx)
	fmt.Fprintf(c.out, "%d requests so far, %d attempts\n", len(c.done), len(attempts))
	return err
}

func (c *course) firstLoad(ctx context.Context) error {
	if err := c.addLoad(ctx, "first"); err != nil {
		return err
	}
	if err := c.agree(ctx); err != nil {
		return err
	}
	return c.prometheus(ctx)
}
