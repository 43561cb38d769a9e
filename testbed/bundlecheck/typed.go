package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"one-api/testbed/internal/check"
	"one-api/testbed/internal/process"
)

// asTyped does what the README has an operator do first: the tokens, the drill-down, a channel taken out and put back, the curl line.
func (c *course) asTyped(ctx context.Context) error {
	names := map[string]string{}
	for _, file := range []string{"docker-compose.yml", "deploy/docker-compose.yml"} {
		text, err := command(ctx, "docker", "compose", "-f", file, "config", "--format", "json")
		if err != nil {
			return err
		}
		var config struct{ Name string }
		if err := json.Unmarshal([]byte(text), &config); err != nil {
			return err
		}
		names[file] = config.Name
	}
	c.report.That(names["docker-compose.yml"] == "one-api" && names["deploy/docker-compose.yml"] == "one-api", "both compose files are one project: %v", names)

	log, err := command(ctx, "docker", "logs", "one-api")
	if err != nil {
		return err
	}
	tokens, err := command(ctx, "docker", "exec", "one-api", "/one-api", "tokens")
	if err != nil {
		return err
	}
	exported := map[string]string{}
	for _, found := range regexp.MustCompile(`(?m)^export (\w+)='(\S+)'$`).FindAllStringSubmatch(tokens, -1) {
		exported[found[1]] = found[2]
	}
	admin, monitor := exported["ADMIN_TOKEN"], exported["MONITOR_TOKEN"]
	c.report.That(len(admin) == 24 && len(monitor) == 24 && strings.Count(log, admin) == 1 && strings.Count(log, monitor) == 1,
		"the operator's tokens were made, said once in the log, and can be read again")

	for _, ask := range []struct{ method, path, token, want string }{
		{http.MethodGet, "/api/monitor/channels", "", "401"},
		{http.MethodGet, "/api/monitor/channels", monitor, "200"},
		{http.MethodPost, "/api/channel/flaky/disable", admin, "200"},
		{http.MethodGet, "/api/monitor/channels/flaky", monitor, "200 disabled"},
		{http.MethodPost, "/api/channel/flaky/enable", admin, "200"},
	} {
		got, err := c.askAs(ctx, ask.method, ask.path, ask.token)
		if err != nil {
			return err
		}
		c.report.That(strings.HasPrefix(got, strings.Fields(ask.want)[0]) && strings.Contains(got, strings.TrimPrefix(ask.want[3:], " ")),
			"%s %s from outside: %.60s", ask.method, ask.path, got)
	}
	hosts, err := c.table(ctx, `count by (host_name) (go_goroutine_count{job="one-api"})`, time.Time{}, "host_name")
	c.report.Equal("the relay's host is the service's name, not a container's id", check.Table{"one-api": 1}, hosts)
	return err
}

// askAs asks the relay with a token, and returns status and body.
func (c *course) askAs(ctx context.Context, method, path, token string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.url("one-api", path), nil)
	if err != nil {
		return "", err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := asker.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return fmt.Sprintf("%d %s", response.StatusCode, body), err
}

// away stops the relay until Kuma says so, and looks whether anything else does: one outage is one alert.
func (c *course) away(ctx context.Context) error {
	before, err := c.alerts(ctx)
	if err != nil {
		return err
	}
	if _, err := c.docker(ctx, "stop", "one-api"); err != nil {
		return err
	}
	health := named("Health")
	if err := c.reports(ctx, len(before), health, false, 30*time.Second); err != nil {
		return err
	}
	process.Pause(ctx, 15*time.Second) // several looks of every monitor
	all, err := c.alerts(ctx)
	if err != nil {
		return err
	}
	c.report.That(len(all) == len(before)+1, "nothing else is alerted while the relay is away: %d alerts", len(all)-len(before))
	if _, err := c.docker(ctx, "start", "one-api"); err != nil {
		return err
	}
	if err := c.reports(ctx, len(before), health, true, time.Minute); err != nil {
		return err
	}
	if _, err := until(ctx, time.Minute, func() (bool, error) {
		monitors, err := c.monitors(ctx)
		return err == nil && len(down(monitors)) == 0, err
	}); err != nil {
		return err
	}
	all, err = c.alerts(ctx)
	c.report.That(len(all) == len(before)+2, "and nothing but its recovery afterwards: %d alerts", len(all)-len(before))
	for _, a := range all[min(len(all), len(before)):] {
		fmt.Fprintln(c.out, "          "+a.Text)
	}
	return err
}
