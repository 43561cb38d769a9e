// Package prometheus asks Prometheus, as far as the proofs need it.
package prometheus

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"one-api/testbed/internal/check"
)

// Client asks by a function that reads JSON from a path of Prometheus' HTTP API.
type Client func(ctx context.Context, path string, answer any) error

// Sample is one series of an instant query.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Query makes an instant query (https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries) at a time; the zero
// time: now.
func (c Client) Query(ctx context.Context, promql string, at time.Time) ([]Sample, error) {
	values := url.Values{"query": {promql}}
	if !at.IsZero() {
		values.Set("time", strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64))
	}
	var answer struct {
		Data struct {
			ResultType string
			Result     []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := c(ctx, "/api/v1/query?"+values.Encode(), &answer); err != nil {
		return nil, fmt.Errorf("%s: %w", promql, err)
	}
	if answer.Data.ResultType != "vector" {
		return nil, fmt.Errorf("%s: the result is a %s", promql, answer.Data.ResultType)
	}
	var samples []Sample
	for _, r := range answer.Data.Result {
		text, _ := r.Value[1].(string)
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", promql, err)
		}
		samples = append(samples, Sample{r.Metric, value})
	}
	return samples, nil
}

// Table makes a query and reads its result by labels. Two series that these labels do not tell apart are an error.
func (c Client) Table(ctx context.Context, promql string, at time.Time, labels ...string) (check.Table, error) {
	samples, err := c.Query(ctx, promql, at)
	if err != nil {
		return nil, err
	}
	t := check.Table{}
	for _, s := range samples {
		var values []string
		for _, l := range labels {
			values = append(values, s.Labels[l])
		}
		key := check.Join(values...)
		if _, twice := t[key]; twice {
			return nil, fmt.Errorf("%s: two series for %q", promql, key)
		}
		t[key] = s.Value
	}
	return t, nil
}
