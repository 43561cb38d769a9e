package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"one-api/testbed/internal/check"
	"one-api/testbed/internal/process"
	"one-api/testbed/internal/prometheus"
)

// bundle is what runs: how Docker Compose is called for it, and where its ports are.
type bundle struct {
	compose   []string
	published map[string]string // port on the loopback interface, by service
}

// asker asks the endpoints of the bundle.
var asker = &http.Client{Timeout: 20 * time.Second}

func (b *bundle) url(service, path string) string {
	return "http://127.0.0.1:" + b.published[service] + path
}

// ask reads JSON from a service. into may be nil.
func (b *bundle) ask(ctx context.Context, method, service, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, b.url(service, path), nil)
	if err != nil {
		return err
	}
	response, err := asker.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %w: %d %.300s", service, path, errUnexpected, response.StatusCode, body)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s %s: %w", service, path, err)
	}
	return nil
}

// docker calls Docker Compose for the bundle and returns all that it said.
func (b *bundle) docker(ctx context.Context, args ...string) (string, error) {
	return command(ctx, append(append([]string{}, b.compose...), args...)...)
}

func command(ctx context.Context, args ...string) (string, error) {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Run(); err != nil {
		return said.String(), fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(said.Bytes()))
	}
	return said.String(), nil
}

// container is the id of a service's container, also of one that has ended.
func (b *bundle) container(ctx context.Context, service string) (string, error) {
	id, err := b.docker(ctx, "ps", "-a", "-q", service)
	id = strings.TrimSpace(id)
	if err == nil && (id == "" || strings.Contains(id, "\n")) {
		err = fmt.Errorf("%w: the containers of %s are %q", errUnexpected, service, id)
	}
	return id, err
}

// table asks Prometheus. at zero: now.
func (b *bundle) table(ctx context.Context, promql string, at time.Time, labels ...string) (check.Table, error) {
	ask := func(ctx context.Context, path string, answer any) error {
		return b.ask(ctx, http.MethodGet, "faults", "/prometheus"+path, answer)
	}
	return prometheus.Client(ask).Table(ctx, promql, at, labels...)
}

// health is what GET /api/monitor/health says.
type health struct {
	Status, Level string
	Goroutines    int
	InFlight      int `json:"in_flight"`
	Unexplained   int `json:"unexplained_goroutines"`
}

func (b *bundle) health(ctx context.Context) (h health, err error) {
	err = b.ask(ctx, http.MethodGet, "one-api", "/api/monitor/health", &h)
	return h, err
}

func (b *bundle) attempts(ctx context.Context) (all []attempt, err error) {
	err = b.ask(ctx, http.MethodGet, "faults", "/attempts", &all)
	return all, err
}

func (b *bundle) alerts(ctx context.Context) (all []alert, err error) {
	err = b.ask(ctx, http.MethodGet, "faults", "/alerts", &all)
	return all, err
}

// until looks every half second until what it looks at is so, at most for a while. It returns whether it came to be; an error of
// the last look is returned only when it did not.
func until(ctx context.Context, patience time.Duration, is func() (bool, error)) (bool, error) {
	deadline := time.Now().Add(patience)
	for {
		ok, err := is()
		if ok && err == nil {
			return true, nil
		}
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if time.Now().After(deadline) {
			return false, err
		}
		process.Pause(ctx, 500*time.Millisecond)
	}
}
