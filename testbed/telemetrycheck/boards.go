package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"one-api/testbed/dashboardcheck"
	"one-api/testbed/internal/process"
)

// How dashboards are asked: the window of rates is long against the interval of exports and short against the load.
const (
	boardsLoad   = 40 * time.Second // before the first question
	boardsWindow = "15s"
	boardsShown  = 30 * time.Second // the time range that a dashboard is set to
	// boardsChannel is the one that the drill-down has to be full for: it answers, streams, fails in every way, and reports tokens.
	boardsChannel = "flaky"
	// alertTimeout is how long alerts may take to be seen, from the time that their cause has been there for.
	alertTimeout = 30 * time.Second
)

// productionConfig is Prometheus' configuration of the bundle with this run's addresses, and with shorter intervals.
func (k *stack) productionConfig() (string, error) {
	file := filepath.Join(k.prometheusDirectory, "prometheus.yml")
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	config := string(text)
	for _, change := range [][2]string{
		{"scrape_interval: 15s", "scrape_interval: 1s"}, {"evaluation_interval: 15s", "evaluation_interval: 1s"},
		{"- rules/*.yml", "- " + filepath.Join(k.prometheusDirectory, "rules", "*.yml")},
		{"otel-collector:8888", loopback + ":" + k.ports.metrics}, {"localhost:9090", loopback + ":" + k.ports.prometheus},
	} {
		if !strings.Contains(config, change[0]) {
			return "", fmt.Errorf("%s does not say %q any more: change this check with it", file, change[0])
		}
		config = strings.ReplaceAll(config, change[0], change[1])
	}
	return config, nil
}

// boards asks a real Prometheus, which holds data of a real run, everything that the dashboards and the rules ask.
func (c *course) boards(ctx context.Context) error {
	all, err := dashboardcheck.Load(c.stack.dashboards)
	if err != nil {
		return err
	}
	c.section("a load with faults, as long as somebody looks")
	loading, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, r := range c.stack.relays {
		running.Go(func() {
			for part := 1; loading.Err() == nil; part++ {
				runLanes(loading, r, c.upstream, lanes(fmt.Sprintf("%s-boards-%d", r.instance, part), true))
			}
		})
	}
	defer func() {
		stop()
		running.Wait()
	}()
	process.Pause(ctx, boardsLoad)
	if err := c.events(ctx); err != nil {
		return err
	}
	process.Pause(ctx, 5*exportInterval)

	for _, d := range all {
		c.section(d.File + ": " + d.Title)
		if err := c.board(ctx, d); err != nil {
			return err
		}
	}
	c.section("rules")
	return c.rules(ctx)
}

// events makes what happens now and then: a configuration that is loaded, one that is refused, and somebody who asks for the goroutines.
func (c *course) events(ctx context.Context) error {
	file := c.stack.file("channels.yaml")
	good, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	reload := func() {
		for _, r := range c.stack.relays {
			r.process.Signal(syscall.SIGHUP)
		}
		process.Pause(ctx, 3*exportInterval)
	}
	if err := os.WriteFile(file, []byte("channels: [{name: wrong}]\n"), 0o600); err != nil {
		return err
	}
	reload()
	if err := os.WriteFile(file, good, 0o600); err != nil {
		return err
	}
	reload()
	for _, r := range c.stack.relays {
		status, body, err := get(ctx, r.url("/api/monitor/goroutines"))
		if err != nil {
			return err
		}
		if status != http.StatusOK {
			return fmt.Errorf("%s: /api/monitor/goroutines answers %d: %s", r.instance, status, body)
		}
	}
	return nil
}

func (c *course) board(ctx context.Context, d dashboardcheck.Dashboard) error {
	values := map[string]string{
		"__rate_interval": boardsWindow, "__range": strconv.Itoa(int(boardsShown.Seconds())) + "s", "channel": boardsChannel,
	}
	var instances []string
	for _, r := range c.stack.relays {
		instances = append(instances, r.instance)
	}
	values["instance"] = strings.Join(instances, "|")
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	values["host"] = host
	for _, v := range d.Variables {
		if err := c.variable(ctx, d, v, values); err != nil {
			return err
		}
	}
	for _, a := range d.Annotations {
		c.panelQuery(ctx, d.Title+" / annotation "+a.Name, a, values, true)
	}
	full := 0
	for _, p := range d.Panels {
		for _, q := range p.Queries {
			where := fmt.Sprintf("%s / %s / %s", d.Title, p.Title, q.Name)
			if c.panelQuery(ctx, where, q, values, true) {
				full++
				c.counted(ctx, where, q, values)
			}
		}
	}
	c.report.That(full > 0, "%d panels, %d queries that show something", len(d.Panels), full)
	return ctx.Err()
}

// orZero is how panels say 0 for what nobody has counted yet.
const orZero = " or on () vector(0)"

// counted checks, for other channels too, that a query can be answered, and that what it shows is not always the 0 of orZero: this
// run makes every kind of figure but a few.
func (c *course) counted(ctx context.Context, where string, q dashboardcheck.Query, values map[string]string) {
	bare := q
	bare.Expr = strings.ReplaceAll(q.Expr, orZero, "")
	if bare.Expr == q.Expr && !q.Asks("channel") {
		return
	}
	channels := []string{boardsChannel}
	if q.Asks("channel") {
		channels = append(channels, "prompt", "slow", "failing", "limited", "broken", "leaving")
	}
	shown := false
	for _, channel := range channels {
		mine := maps.Clone(values)
		mine["channel"] = channel
		if c.panelQuery(ctx, where+" (channel "+channel+")", bare, mine, false) {
			shown = true
		}
	}
	for _, unseen := range []string{"Channels not healthy", "Exports that failed, models folded", "Points through the collector / D"} {
		if strings.Contains(where, unseen) {
			return // nothing of the kind has to happen here
		}
	}
	if !shown {
		c.report.That(false, "%s: shows 0 because there is nothing of the kind at all: is it the right name?\n          %s", where, bare.Expr)
	}
}

// variable checks that there is something to choose from, and that it is what runs here.
func (c *course) variable(ctx context.Context, d dashboardcheck.Dashboard, v dashboardcheck.Query, values map[string]string) error {
	expr, err := v.Expand(values)
	if err != nil {
		return err
	}
	selector, label, err := dashboardcheck.LabelValues(expr)
	if err != nil {
		return err
	}
	var answer struct{ Data []string }
	if err := c.stack.ask(ctx, "/api/v1/label/"+label+"/values?"+url.Values{"match[]": {selector}}.Encode(), &answer); err != nil {
		return err
	}
	want := strings.Split(values[v.Name], "|")
	missing := slices.DeleteFunc(want, func(value string) bool { return slices.Contains(answer.Data, value) })
	c.report.That(len(missing) == 0, "%s / variable %s: %v to choose from, missing: %v", d.Title, v.Name, answer.Data, missing)
	return nil
}

// panelQuery asks one query as its panel does. It is noted only where it is wrong: an error, a warning, or nothing to show.
func (c *course) panelQuery(ctx context.Context, where string, q dashboardcheck.Query, values map[string]string, needed bool) (shows bool) {
	expr, err := q.Expand(values)
	if err == nil {
		shows, err = c.shows(ctx, expr, q.Instant)
	}
	switch {
	case err != nil:
		c.report.That(false, "%s: %v\n          %s", where, err, expr)
	case !shows && needed:
		c.report.That(false, "%s: nothing to show\n          %s", where, expr)
	}
	return shows
}

// shows tells whether the answer has any figure (https://prometheus.io/docs/prometheus/latest/querying/api/).
func (c *course) shows(ctx context.Context, expr string, instant bool) (bool, error) {
	now := time.Now()
	at := func(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }
	path := "/api/v1/query_range?" + url.Values{"query": {expr}, "start": {at(now.Add(-boardsShown))}, "end": {at(now)}, "step": {"1"}}.Encode()
	if instant {
		path = "/api/v1/query?" + url.Values{"query": {expr}, "time": {at(now)}}.Encode()
	}
	var answer struct {
		Warnings, Infos []string
		Data            struct {
			Result []struct {
				Value  [2]any
				Values [][2]any
			}
		}
	}
	if err := c.stack.ask(ctx, path, &answer); err != nil {
		return false, err
	}
	notes := answer.Warnings
	if !strings.Contains(expr, "otelcol_") { // the collector's counters have no _total, which Prometheus finds worth a note
		notes = append(notes, answer.Infos...)
	}
	if len(notes) > 0 {
		return false, errors.New(strings.Join(notes, "; "))
	}
	for _, r := range answer.Data.Result {
		for _, v := range append(r.Values, r.Value) {
			text, _ := v[1].(string)
			if value, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(value) {
				return true, nil
			}
		}
	}
	return false, nil
}

type ruleAnswer struct {
	Data struct {
		Groups []struct {
			Rules []struct {
				Name, Health, LastError, Type string
				Alerts                        []struct {
					State  string
					Labels map[string]string
				}
			}
		}
	}
}

// rules checks that every rule can be evaluated, and that what is wrong in this run is about to be told, with the name of whom it hurts.
func (c *course) rules(ctx context.Context) error {
	want := map[string][]string{ // alert: values of its label, of which each must be there
		"ChannelFailing": {"broken", "worse", "limited", "flaky"}, "ConfigRefused": {"relay-grpc", "relay-http"}, "RequestsFailing": {"check-flaky"},
	}
	unwanted := []string{"NoData", "InstanceSilent", "CollectorDown", "CollectorQueueGrowing", "CollectorLosingData", "LeakedBodies", "GoroutinesElevated", "GoroutinesUnexplained", "NoChannelLeft"}
	deadline := time.Now().Add(alertTimeout)
	for {
		var answer ruleAnswer
		if err := c.stack.ask(ctx, "/api/v1/rules", &answer); err != nil {
			return err
		}
		seen, healthy, wrong := map[string][]string{}, 0, []string{}
		for _, g := range answer.Data.Groups {
			for _, r := range g.Rules {
				if r.Health != "ok" {
					wrong = append(wrong, fmt.Sprintf("%s: %s %s", r.Name, r.Health, r.LastError))
					continue
				}
				healthy++
				for _, a := range r.Alerts {
					for _, label := range []string{"relay_channel_name", "gen_ai_request_model", "instance"} {
						seen[r.Name] = append(seen[r.Name], a.Labels[label])
					}
				}
			}
		}
		var missing []string
		for alert, names := range want {
			for _, name := range names {
				if !slices.Contains(seen[alert], name) {
					missing = append(missing, alert+" "+name)
				}
			}
		}
		if len(missing)+len(wrong) > 0 && time.Now().Before(deadline) && ctx.Err() == nil {
			process.Pause(ctx, exportInterval)
			continue
		}
		c.report.That(len(wrong) == 0 && healthy > 0, "%d rules can be evaluated; wrong: %v", healthy, wrong)
		c.report.That(len(missing) == 0, "alerts are pending or firing for what this load does, missing: %v", missing)
		for _, alert := range unwanted {
			if names := seen[alert]; len(names) > 0 {
				c.report.That(false, "%s is quiet: %v", alert, names)
			}
		}
		return nil
	}
}
