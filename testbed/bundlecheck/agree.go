package main

import (
	"context"
	"net/http"
	"time"

	"one-api/testbed/internal/check"
)

// arrivalTimeout is how long the last export may take to Prometheus: at the longest when the collector has to find out that
// Prometheus is back.
const arrivalTimeout = time.Minute

// expected is what telemetry has to say, from what the upstream saw.
type expected struct{ attempts, retries, tokens check.Table }

func expect(all []attempt) (e expected, open int) {
	e = expected{check.Table{}, check.Table{}, check.Table{}}
	before := map[string]string{} // how the attempt before ended, by call
	for _, a := range all {
		if a.Outcome == "" {
			open++
			continue
		}
		e.attempts[check.Join(a.Channel, a.Outcome, a.ErrorType)]++
		if reason, again := before[a.ID]; again {
			e.retries[check.Join(a.Channel, reason)]++
		}
		before[a.ID] = a.Outcome
		if a.Complete {
			e.tokens[check.Join(a.Channel, "input")] += tokensIn
			e.tokens[check.Join(a.Channel, "output")] += tokensOut
		}
	}
	return e, open
}

// agree asks Prometheus for what the relay reported, and compares it with what the upstream counted.
func (c *course) agree(ctx context.Context) error {
	var e expected
	came, err := until(ctx, arrivalTimeout, func() (bool, error) {
		all, err := c.attempts(ctx)
		if err != nil {
			return false, err
		}
		var open int
		if e, open = expect(all); open > 0 {
			return false, nil
		}
		attempts, err := c.table(ctx, `sum(relay_channel_attempts_total{job="one-api"})`, time.Time{})
		if err != nil {
			return false, err
		}
		flying, err := c.table(ctx, `sum(relay_channel_in_flight{job="one-api"}) + sum(http_server_active_requests{job="one-api"})`, time.Time{})
		return attempts[""] >= e.attempts.Sum() && len(flying) == 1 && flying.Sum() == 0, err
	})
	if err != nil {
		return err
	}
	if !came {
		c.report.That(false, "everything has arrived within %v", arrivalTimeout)
	}
	for _, q := range []struct {
		what   string
		want   check.Table
		promql string
		labels []string
	}{
		{"attempts by channel, outcome and error type", e.attempts,
			`sum by (relay_channel_name, relay_outcome, error_type) (relay_channel_attempts_total{job="one-api"})`, []string{"relay_channel_name", "relay_outcome", "error_type"}},
		{"one duration an attempt", e.attempts,
			`sum by (relay_channel_name, relay_outcome, error_type) (gen_ai_client_operation_duration_seconds_count{job="one-api"})`, []string{"relay_channel_name", "relay_outcome", "error_type"}},
		{"retries by channel and reason", e.retries,
			`sum by (relay_channel_name, reason) (relay_channel_retries_total{job="one-api"})`, []string{"relay_channel_name", "reason"}},
		{"tokens by channel and type", e.tokens,
			`sum by (relay_channel_name, gen_ai_token_type) (gen_ai_client_token_usage_sum{job="one-api"})`, []string{"relay_channel_name", "gen_ai_token_type"}},
	} {
		got, err := c.table(ctx, q.promql, time.Time{}, q.labels...)
		if err != nil {
			return err
		}
		c.report.Equal(q.what, q.want, got)
	}
	return c.clientsAgree(ctx)
}

// clientsAgree compares what clients got with how the last attempt for each ended.
func (c *course) clientsAgree(ctx context.Context) error {
	all, err := c.attempts(ctx)
	if err != nil {
		return err
	}
	last := map[string]string{}
	for _, a := range all {
		last[a.ID] = a.Outcome
	}
	wrong := 0
	for i := range c.done {
		if c.done[i].finished != (last[c.done[i].id] == "completed") {
			wrong++
		}
	}
	c.report.That(wrong == 0, "clients got whole answers exactly where an attempt completed (%d requests, %d otherwise)", len(c.done), wrong)
	return nil
}

// prometheus looks at what does not come from the load.
func (c *course) prometheus(ctx context.Context) error {
	goroutines, err := c.table(ctx, `go_goroutine_count{job="one-api"}`, time.Time{})
	if err != nil {
		return err
	}
	c.report.That(len(goroutines) == 1 && goroutines[""] > 5, "go_goroutine_count has one series: %v", goroutines[""])
	// Prometheus scrapes every 15 s, and looks at its rules as often.
	up := check.Table{}
	if _, err := until(ctx, arrivalTimeout, func() (bool, error) {
		up, err = c.table(ctx, "up", time.Time{}, "job")
		return up.Sum() == 2, err
	}); err != nil {
		return err
	}
	c.report.Equal("what Prometheus scrapes is up", check.Table{"otel-collector": 1, "prometheus": 1}, up)
	var rules struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Type, Health, LastError string }
			}
		}
	}
	counts := map[string]int{}
	bad := 0
	if _, err := until(ctx, arrivalTimeout, func() (bool, error) {
		counts, bad = map[string]int{}, 0
		if err := c.ask(ctx, http.MethodGet, "faults", "/prometheus/api/v1/rules", &rules); err != nil {
			return false, err
		}
		for _, g := range rules.Data.Groups {
			for _, r := range g.Rules {
				counts[r.Type]++
				if r.Health != "ok" {
					bad++
				}
			}
		}
		return bad == 0, nil
	}); err != nil {
		return err
	}
	c.report.That(counts["alerting"] >= 15 && counts["recording"] >= 5 && bad == 0,
		"rules are loaded and can be evaluated: %d alerts, %d recordings, %d not well", counts["alerting"], counts["recording"], bad)
	return nil
}
