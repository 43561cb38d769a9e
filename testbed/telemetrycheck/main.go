// Command telemetrycheck runs the relay's telemetry for real: relays under a load with faults, an OpenTelemetry Collector with
// the production pipeline, and Prometheus behind it. Then it asks Prometheus, in PromQL, whether what the relays reported is
// what the load did. scripts/telemetry-check builds what it needs and calls it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"one-api/testbed/internal/check"
)

// errFailed is the end of a run that worked and found something wrong.
var errFailed = errors.New("not everything is as it should be")

// errCall is a wrong call.
var errCall = errors.New("wrong call")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case err == nil:
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errFailed):
		fmt.Fprintln(os.Stderr, "telemetrycheck:", err)
		os.Exit(1)
	case errors.Is(err, errCall):
		fmt.Fprintln(os.Stderr, "telemetrycheck:", err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "telemetrycheck:", err)
		os.Exit(3)
	}
}

type settings struct {
	relay, collector, prometheus string // binaries
	pipeline                     string // the collector's configuration
	work                         string // directory for everything that is written
	dashboards                   string // directory of dashboards; empty: the relay's telemetry is checked, and not they
	prometheusDirectory          string // Prometheus' configuration and rules, for the dashboards
	timeout                      time.Duration

	backends        string        // names, or all: the backends are checked, and not the relay's telemetry
	backendsText    string        // the text whose snippets are tried
	trouble         time.Duration // how long each kind of trouble lasts
	victoriaMetrics string        // binaries that need not be there
	jaeger, tempo   string
	fuller          string // a collector with the components that snippets want and the bundle does not
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var s settings
	flags := flag.NewFlagSet("telemetrycheck", flag.ContinueOnError)
	flags.StringVar(&s.relay, "relay", "", "the relay's `binary`")
	flags.StringVar(&s.collector, "collector", "", "the collector's `binary`")
	flags.StringVar(&s.prometheus, "prometheus", "", "Prometheus' `binary`")
	flags.StringVar(&s.pipeline, "pipeline", "", "the collector's configuration `file`")
	flags.StringVar(&s.work, "work", "", "an empty `directory` for data and logs")
	flags.StringVar(&s.dashboards, "dashboards", "", "check the dashboards of this `directory`, and the rules, instead")
	flags.StringVar(&s.prometheusDirectory, "prometheus-directory", "", "`directory` of the prometheus.yml and the rules that the dashboards are made for")
	flags.StringVar(&s.backends, "backends", "", "check these `backends` instead: names with commas, or all")
	flags.StringVar(&s.backendsText, "backends-text", "", "the `file` that tells people how to reach backends")
	flags.DurationVar(&s.trouble, "trouble", 15*time.Second, "how `long` each kind of trouble lasts, for the backend called trouble")
	flags.StringVar(&s.victoriaMetrics, "victoria-metrics", "", "VictoriaMetrics' `binary`")
	flags.StringVar(&s.fuller, "fuller-collector", "", "the `binary` of a collector that has cumulative_to_delta, transform, file and prometheus_remote_write too")
	flags.StringVar(&s.jaeger, "jaeger", "", "Jaeger's `binary`")
	flags.StringVar(&s.tempo, "tempo", "", "Tempo's `binary`")
	flags.DurationVar(&s.timeout, "timeout", 5*time.Minute, "the most that the run may take")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, fmt.Errorf("not through within %v", s.timeout))
	defer cancel()
	up := newUpstream()
	defer up.end()
	if s.backends != "" {
		return checkBackends(ctx, s, up, out)
	}
	stack, err := newStack(s, up.URL)
	if err != nil {
		return err
	}
	defer stack.stop()
	if err := stack.start(ctx); err != nil {
		return err
	}
	r := &check.Report{Out: out}
	c := &course{stack: stack, upstream: up, report: r, out: out}
	check := c.run
	if s.dashboards != "" {
		check = c.boards
	}
	if err := check(ctx); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx) // it says more than the request that it broke off
		}
		return err
	}
	fmt.Fprintf(out, "\n%d checks, %d failed\n", r.Checks, r.Failed)
	if r.Failed > 0 {
		return errFailed
	}
	return nil
}

// course is the run, from the first request to the last check.
type course struct {
	stack    *stack
	upstream *upstream
	report   *check.Report
	out      io.Writer
	done     []call // that the load made, on all relays
	missing  bool   // something has not arrived
}

func (c *course) section(title string) { fmt.Fprintf(c.out, "\n== %s\n", title) }

func (c *course) run(ctx context.Context) error {
	c.section("load with faults, over gRPC and over HTTP")
	c.load(ctx, 1, true)
	c.stack.relays[0].process.Signal(syscall.SIGHUP) // one reload, for its counter
	if err := c.agree(ctx); err != nil {
		return err
	}
	if err := c.declared(ctx); err != nil {
		return err
	}
	c.section("a steady load, as a dashboard sees it")
	if err := c.steady(ctx); err != nil {
		return err
	}
	if err := c.spans(ctx); err != nil {
		return err
	}
	c.section("the backend stops, the collector restarts, the backend comes back")
	if err := c.outage(ctx); err != nil {
		return err
	}
	if err := c.agree(ctx); err != nil {
		return err
	}
	c.section("the collector about itself")
	return c.collector(ctx)
}

// load runs the fault load against all relays at once. What it did is added to done.
func (c *course) load(ctx context.Context, part int, all bool) {
	results := make(chan []call)
	for _, r := range c.stack.relays {
		go func() { results <- runLanes(ctx, r, c.upstream, lanes(fmt.Sprintf("%s-%d", r.instance, part), all)) }()
	}
	for range c.stack.relays {
		c.done = append(c.done, <-results...)
	}
	fmt.Fprintf(c.out, "%d requests so far, %d attempts\n", len(c.done), c.upstream.total())
}
