package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"one-api/testbed/internal/check"
	"one-api/testbed/internal/prometheus"
)

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

// table asks Prometheus. at zero: now.
func (k *stack) table(ctx context.Context, promql string, at time.Time, labels ...string) (check.Table, error) {
	return prometheus.Client(k.ask).Table(ctx, promql, at, labels...)
}
