package main

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"one-api/testbed/internal/process"
)

// The steady load: so many requests a second for so long, and the window that rate() looks at, which lies inside of it.
const (
	steadyPause  = 100 * time.Millisecond
	steadyTime   = 18 * time.Second
	steadyWindow = 12 * time.Second
	tolerance    = .15
)

// steady makes requests at a constant rate, and compares rate() with what clients counted in the same time.
func (c *course) steady(ctx context.Context) error {
	var mu sync.Mutex
	var running sync.WaitGroup
	for _, r := range c.stack.relays {
		running.Go(func() {
			calls := paced(ctx, r, c.upstream, "steady", steadyPause, steadyTime)
			mu.Lock()
			defer mu.Unlock()
			c.done = append(c.done, calls...)
		})
	}
	running.Wait()
	until := time.Now()
	for _, r := range c.stack.relays {
		if err := c.arrivedUntil(ctx, r, until); err != nil {
			return err
		}
		counted := 0
		for i := range c.done {
			if d := &c.done[i]; d.instance == r.instance && d.ended.After(until.Add(-steadyWindow)) && d.ended.Before(until) {
				counted++
			}
		}
		want := float64(counted) / steadyWindow.Seconds()
		for _, name := range []string{"gen_ai_server_request_duration_seconds_count", "relay_channel_attempts_total", "gen_ai_client_operation_duration_seconds_count"} {
			got, err := c.stack.table(ctx, fmt.Sprintf(`sum(rate(%s{instance=%q,gen_ai_request_model="check-prompt"}[%ds]))`, r.named(name), r.instance, int(steadyWindow.Seconds())), until)
			if err != nil {
				return err
			}
			c.report.That(math.Abs(got[""]-want) <= tolerance*want, "%s: rate(%s) is %.2f a second, clients counted %.2f", r.instance, name, got[""], want)
		}
		p95, err := c.stack.table(ctx, fmt.Sprintf(r.named(`histogram_quantile(0.95, sum by (le) (rate(gen_ai_client_operation_time_to_first_chunk_seconds_bucket{instance=%q,relay_channel_name="prompt"}[%ds])))`),
			r.instance, int(steadyWindow.Seconds())), until)
		if err != nil {
			return err
		}
		c.report.That(p95[""] >= bucket(firstEventAfter("prompt")).low && p95[""] < 1, "%s: p95 of the time to the first event on the prompt channel, by rate(): %.0f ms", r.instance, 1000*p95[""])
	}
	return nil
}

// arrivedUntil waits until Prometheus has what a relay exported after a time: a window that ends there has arrived as a whole.
func (c *course) arrivedUntil(ctx context.Context, r *relay, until time.Time) error {
	deadline := time.Now().Add(arrivalTimeout)
	for ctx.Err() == nil && time.Now().Before(deadline) {
		last, err := c.stack.table(ctx, fmt.Sprintf("min(timestamp(relay_channel_attempts_total{instance=%q}))", r.instance), time.Time{})
		if err != nil {
			return err
		}
		if last[""] > float64(until.UnixMilli())/1000 {
			return nil
		}
		process.Pause(ctx, exportInterval/2)
	}
	return nil // what is missing is missed by who asks for it
}

// paced starts a request at every tick for so long, whatever became of the one before.
func paced(ctx context.Context, r *relay, u *upstream, part string, every, long time.Duration) []call {
	client := newClient()
	defer client.CloseIdleConnections()
	tick := time.NewTicker(every)
	defer tick.Stop()
	calls := make([]call, int(long/every))
	var running sync.WaitGroup
	for i := range calls {
		select {
		case <-tick.C:
		case <-ctx.Done():
			running.Wait()
			return calls[:i]
		}
		calls[i] = call{instance: r.instance, id: fmt.Sprintf("%s-%s-%d", r.instance, part, i), model: "check-prompt", stream: true}
		running.Go(func() { calls[i].make(ctx, client, r, u.meeting(calls[i].id)) })
	}
	running.Wait()
	return calls
}
