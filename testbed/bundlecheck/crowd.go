package main

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"one-api/testbed/internal/check"
)

const (
	wanted   = 6000 // goroutines: above 5000 and well below 10000
	step     = 250  // streams that are added at a time
	mostHeld = 5000
)

// holding keeps streams open that the upstream holds.
type holding struct {
	mu      sync.Mutex
	calls   []call
	running sync.WaitGroup
}

// add opens n streams, and returns when all of them have said something.
func (h *holding) add(ctx context.Context, b *bundle, n, number int) error {
	client := &http.Client{Transport: &http.Transport{}}
	spoke := make(chan struct{}, n)
	for i := range n {
		h.running.Go(func() {
			c := call{id: fmt.Sprintf("held-%d", number+i), model: "check-holding", stream: true, patient: true,
				do: map[string]behaviour{"holding": held}, spoke: func() { spoke <- struct{}{} }}
			c.make(ctx, client, b)
			h.mu.Lock()
			h.calls = append(h.calls, c)
			h.mu.Unlock()
		})
	}
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for i := range n {
		select {
		case <-spoke:
		case <-late.C:
			return fmt.Errorf("%w: only %d of %d streams began within a minute", errUnexpected, i, n)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

var crowdedText = regexp.MustCompile(`: \d{4} goroutines > \d{4}.*; busiest channel: holding \(in flight: \d+, oldest: \d+ s\)`)

// crowd pushes the relay's goroutines over 5000 with calls that are held open, looks who is told, and lets them go.
func (c *course) crowd(ctx context.Context) error {
	before, err := c.alerts(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // whatever goes wrong, the streams end
	h := &holding{}
	var health health
	n := 0
	for health.Goroutines < wanted && n < mostHeld {
		if err := h.add(ctx, c.bundle, step, n); err != nil {
			return err
		}
		n += step
		if health, err = c.health(ctx); err != nil {
			return err
		}
	}
	c.report.That(health.Goroutines > 5000 && health.Goroutines <= 10000 && health.Level == "high",
		"%d streams that an upstream holds open: %d goroutines, level %s, %d in flight, %d unexplained", n, health.Goroutines, health.Level, health.InFlight, health.Unexplained)
	warning, critical, severe := named("Warning: goroutines > 2000"), named("Critical: goroutines > 5000"), named("Severe: goroutines > 10000")
	for level, monitor := range map[string]string{"warning": warning, "critical": critical} {
		a, ok, err := c.alerted(ctx, len(before), monitor, false, 30*time.Second)
		if err != nil {
			return err
		}
		c.report.That(ok && crowdedText.MatchString(a.Text) && strings.Contains(a.Text, level+": "), "the alert says the level, the number and the busiest channel: %s", a.Text)
	}
	all, err := c.monitors(ctx)
	if err != nil {
		return err
	}
	c.report.That(slices.Equal(down(all), sorted(critical, warning)), "these monitors are down, and no other: %q", down(all))
	if err := c.watched(ctx, n); err != nil {
		return err
	}
	if err := c.ask(ctx, http.MethodPost, "faults", "/release", nil); err != nil {
		return err
	}
	h.running.Wait()
	whole := 0
	for i := range h.calls {
		if h.calls[i].finished {
			whole++
		}
	}
	c.done = append(c.done, h.calls...)
	c.report.That(whole == n, "released, all of them end as they should: %d of %d", whole, n)
	// Connections to the upstream stay open for a while, and each has two goroutines.
	for _, monitor := range []string{critical, warning} {
		if err := c.reports(ctx, len(before), monitor, true, 2*time.Minute); err != nil {
			return err
		}
	}
	alerts, err := c.alerts(ctx)
	c.report.That(!slices.ContainsFunc(alerts, func(a alert) bool { return a.Monitor == severe }), "nobody was told of the severe level")
	return err
}

func sorted(names ...string) []string {
	slices.Sort(names)
	return names
}

// watched looks for the crowd in the relay's log, where the watchdog writes every 30 s, and in Prometheus.
func (c *course) watched(ctx context.Context, n int) error {
	high := regexp.MustCompile(`(?m)^.*High goroutine count detected: .*$`)
	var line string
	if _, err := until(ctx, 45*time.Second, func() (bool, error) {
		log, err := command(ctx, "docker", "logs", "one-api")
		line = high.FindString(log)
		return line != "", err
	}); err != nil {
		return err
	}
	c.report.That(strings.Contains(line, "channel=holding") || strings.Contains(line, `"channel":"holding"`), "the log names the channel: %s", line)
	var goroutines, flying check.Table
	if _, err := until(ctx, arrivalTimeout, func() (_ bool, err error) {
		if goroutines, err = c.table(ctx, `go_goroutine_count{job="one-api"}`, time.Time{}); err != nil {
			return false, err
		}
		flying, err = c.table(ctx, `sum by (relay_channel_name) (relay_channel_in_flight{job="one-api"}) > 0`, time.Time{}, "relay_channel_name")
		return goroutines[""] > 5000 && flying["holding"] == float64(n), err
	}); err != nil {
		return err
	}
	c.report.That(goroutines[""] > 5000, "Prometheus has them: go_goroutine_count %v", goroutines[""])
	c.report.Equal("and whose they are: calls in flight by channel", check.Table{"holding": float64(n)}, flying)
	return nil
}
