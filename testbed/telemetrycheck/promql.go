package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sample is one series of an instant query.
type sample struct {
	labels map[string]string
	value  float64
}

// query asks Prometheus (https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries). at zero: now.
func (k *stack) query(ctx context.Context, promql string, at time.Time) ([]sample, error) {
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
	if err := k.ask(ctx, "/api/v1/query?"+values.Encode(), &answer); err != nil {
		return nil, fmt.Errorf("%s: %w", promql, err)
	}
	if answer.Data.ResultType != "vector" {
		return nil, fmt.Errorf("%s: the result is a %s", promql, answer.Data.ResultType)
	}
	var samples []sample
	for _, r := range answer.Data.Result {
		text, _ := r.Value[1].(string)
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", promql, err)
		}
		samples = append(samples, sample{r.Metric, value})
	}
	return samples, nil
}

func (k *stack) ask(ctx context.Context, path string, answer any) error {
	status, body, err := get(ctx, k.prometheusURL()+path)
	if err != nil {
		return err
	}
	if status != 200 {
		return fmt.Errorf("prometheus answers %d: %s", status, body)
	}
	return json.Unmarshal(body, answer)
}

// table is values by the values of some labels, joined with "|".
type table map[string]float64

// table makes a query and reads its result by labels. Two series that these labels do not tell apart are an error.
func (k *stack) table(ctx context.Context, promql string, at time.Time, labels ...string) (table, error) {
	samples, err := k.query(ctx, promql, at)
	if err != nil {
		return nil, err
	}
	t := table{}
	for _, s := range samples {
		var values []string
		for _, l := range labels {
			values = append(values, s.labels[l])
		}
		key := join(values...)
		if _, twice := t[key]; twice {
			return nil, fmt.Errorf("%s: two series for %q", promql, key)
		}
		t[key] = s.value
	}
	return t, nil
}

func join(values ...string) string { return strings.Join(values, "|") }

func (t table) sum() (n float64) {
	for _, v := range t {
		n += v
	}
	return n
}

func (t table) keys() []string {
	var keys []string
	for key := range t {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
