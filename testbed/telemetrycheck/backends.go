package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"one-api/testbed/internal/check"
	"one-api/testbed/internal/process"
)

// backend is one way to a backend, or one thing about all of them, that is tried for real.
type backend struct {
	name, about string
	needs       []string // programs that need not be there
	check       func(*bench, context.Context) error
}

// backends are all of them, in the order of deploy/BACKENDS.md.
var backends = []backend{
	{"prometheus", "Prometheus, from the relay", nil, (*bench).prometheusDirect},
	{"prometheus-collector", "Prometheus, through the collector", nil, (*bench).prometheusThroughCollector},
	{"prometheus-two-relays", "two relays on one host, in one Prometheus", nil, (*bench).prometheusTwoRelays},
	{"victoriametrics", "VictoriaMetrics, from the relay", []string{"victoria-metrics"}, (*bench).victoriaDirect},
	{"victoriametrics-collector", "VictoriaMetrics, through the collector, OTLP", []string{"victoria-metrics"}, (*bench).victoriaThroughCollector},
	{"victoriametrics-remote-write", "VictoriaMetrics, through the collector, remote write", []string{"victoria-metrics", "fuller-collector"}, (*bench).victoriaRemoteWrite},
	{"jaeger", "Jaeger, from two relays, gRPC and HTTP", []string{"jaeger"}, (*bench).jaegerDirect},
	{"jaeger-collector", "Jaeger, from two relays, through the collector", []string{"jaeger"}, (*bench).jaegerThroughCollector},
	{"tempo", "Tempo, from the relay, read back by search", []string{"tempo"}, (*bench).tempoDirect},
	{"delta", "an intake that takes deltas only, from the relay", nil, (*bench).deltaDirect},
	{"delta-collector", "the same, through the collector", []string{"fuller-collector"}, (*bench).deltaThroughCollector},
	{"delta-file", "deltas in a file, through the collector", []string{"fuller-collector"}, (*bench).deltaFile},
	{"snippets", "the hosted backends' snippets, against a stand-in", nil, (*bench).snippets},
	{"second", "the snippet of a second backend, against a stand-in", nil, (*bench).second},
	{"datadog", "Datadog's intake, from the relay, against a stand-in", nil, (*bench).datadogDirect},
	{"trouble", "a backend that is in trouble", nil, (*bench).inTrouble},
}

// result is a line of the table at the end.
type result struct {
	backend
	checks, failed int
	missing        string // the program that is not there
	err            error
}

func (r result) String() string {
	switch {
	case r.missing != "":
		return "skipped: there is no " + r.missing
	case r.err != nil:
		return "FAILED: " + r.err.Error()
	case r.failed > 0:
		return fmt.Sprintf("FAILED: %d of %d checks", r.failed, r.checks)
	}
	return fmt.Sprintf("ok: %d checks", r.checks)
}

func checkBackends(ctx context.Context, s settings, up *upstream, out io.Writer) error {
	chosen, err := choose(s.backends)
	if err != nil {
		return err
	}
	ports, err := process.FreePorts(12 * len(backends))
	if err != nil {
		return err
	}
	b := &bench{settings: s, upstream: up, out: out, ports: ports}
	b.programs = map[string]string{"victoria-metrics": s.victoriaMetrics, "jaeger": s.jaeger, "tempo": s.tempo, "fuller-collector": s.fuller}
	if err := os.WriteFile(b.file("channels.yaml"), fmt.Appendf(nil, relayConfig, up.URL, clientKey), 0o600); err != nil {
		return err
	}
	results := make([]result, 0, len(chosen))
	for _, k := range chosen {
		results = append(results, b.try(ctx, k))
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	_ = os.Remove(b.file(pidFile)) // nothing runs any more
	fmt.Fprintln(out)
	failed, skipped := 0, 0
	for _, r := range results {
		fmt.Fprintf(out, "%-30s %-54s %s\n", r.name, r.about, r)
		if r.failed > 0 || r.err != nil {
			failed++
		}
		if r.missing != "" {
			skipped++
		}
	}
	fmt.Fprintf(out, "%d backends, %d failed, %d skipped\n", len(results), failed, skipped)
	if failed > 0 {
		return errFailed
	}
	return nil
}

// choose finds backends by their names.
func choose(names string) ([]backend, error) {
	if names == "all" {
		return backends, nil
	}
	var chosen []backend
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(backends, func(k backend) bool { return k.name == name })
		if i < 0 {
			return nil, fmt.Errorf("%w: there is no backend %q", errCall, name)
		}
		chosen = append(chosen, backends[i])
	}
	return chosen, nil
}

// bench is what all checks of backends share. What one has started ends with it.
type bench struct {
	settings
	upstream *upstream
	out      io.Writer
	programs map[string]string
	ports    []string

	name    string // of the backend
	report  *check.Report
	running []*program
	ending  []func()
}

func (b *bench) try(ctx context.Context, k backend) result {
	r := result{backend: k}
	for _, program := range k.needs {
		if b.programs[program] == "" {
			r.missing = program
			return r
		}
	}
	fmt.Fprintf(b.out, "\n== %s: %s\n", k.name, k.about)
	b.name, b.report = k.name, &check.Report{Out: b.out}
	defer b.end()
	r.err = k.check(b, ctx)
	r.checks, r.failed = b.report.Checks, b.report.Failed
	if r.err == nil && r.checks == 0 {
		r.err = fmt.Errorf("nothing was checked")
	}
	return r
}

// end stops what the check has started, the newest first: relays still have something to send.
func (b *bench) end() {
	for _, p := range slices.Backward(b.running) {
		p.stop(15 * time.Second)
	}
	for _, f := range slices.Backward(b.ending) {
		f()
	}
	b.running, b.ending = nil, nil
}

func (b *bench) file(name string) string { return b.work + "/" + name }

func (b *bench) port() string {
	p := b.ports[0]
	b.ports = b.ports[1:]
	return p
}

// write makes a file of this check, and returns its path.
func (b *bench) write(name, text string) (string, error) {
	path := b.file(b.name + "-" + name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// start starts a program and waits until its URL answers.
func (b *bench) start(ctx context.Context, name, binary, ready string, environment []string, args ...string) (*program, error) {
	p, err := startProgram(b.work, b.name+"-"+name, binary, environment, args...)
	if err != nil {
		return nil, err
	}
	b.running = append(b.running, p)
	return p, p.ready(ctx, ready)
}

// startRelay starts a relay that exports as the environment says. The name is the check's own: the relay makes one for itself.
func (b *bench) startRelay(ctx context.Context, name string, environment ...string) (*relay, error) {
	r := &relay{instance: b.name + "-" + name, port: b.port()}
	var err error
	r.process, err = b.start(ctx, name, b.relay, r.url("/api/status"), append([]string{
		"PORT=" + r.port, "CONFIG_FILE=" + b.file("channels.yaml"), "GOMEMLIMIT=1GiB",
		fmt.Sprintf("OTEL_METRIC_EXPORT_INTERVAL=%d", exportInterval.Milliseconds()), "OTEL_BSP_SCHEDULE_DELAY=500", "OTEL_TRACES_SAMPLER=always_on",
	}, environment...))
	return r, err
}

// pipe is a running collector.
type pipe struct {
	grpc, http, metrics string // addresses
	process             *program
	restart             func(context.Context) error
}

// toCollector is a relay's environment for it.
func (p *pipe) toCollector() []string {
	return []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + p.grpc, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}
}

// startCollector starts one with the bundle's configuration, merged with more.
func (b *bench) startCollector(ctx context.Context, binary string, environment []string, more ...string) (*pipe, error) {
	health := loopback + ":" + b.port()
	port := b.port()
	p := &pipe{grpc: loopback + ":" + b.port(), http: loopback + ":" + b.port(), metrics: loopback + ":" + port}
	args := []string{"--config=" + b.pipeline}
	for i, text := range append([]string{fmt.Sprintf(benchPorts, p.grpc, p.http, health, loopback, port)}, more...) {
		path, err := b.write(fmt.Sprintf("collector-%d.yaml", i), text)
		if err != nil {
			return nil, err
		}
		args = append(args, "--config="+path)
	}
	environment = append([]string{"OTELCOL_BIND=" + loopback, "OTELCOL_STORAGE_DIR=" + b.file(b.name+"-queue")}, environment...)
	p.restart = func(ctx context.Context) (err error) {
		p.process, err = b.start(ctx, "collector", binary, "http://"+health+"/", environment, args...)
		return err
	}
	return p, p.restart(ctx)
}

const benchPorts = `receivers:
  otlp:
    protocols:
      grpc: {endpoint: "%s"}
      http: {endpoint: "%s"}
extensions:
  health_check: {endpoint: "%s"}
service:
  telemetry:
    metrics:
      readers: [{pull: {exporter: {prometheus: {host: %s, port: %s}}}}]
`

// use makes the load, twice with a pause, so that a backend sees counters that go up, and returns what telemetry has to say of it.
func (b *bench) use(ctx context.Context, relays ...*relay) expected {
	var done []call
	for part := range 2 {
		if part > 0 {
			process.Pause(ctx, 3*exportInterval)
		}
		results := make(chan []call)
		for _, r := range relays {
			go func() { results <- runLanes(ctx, r, b.upstream, lanes(fmt.Sprintf("%s-%d", r.instance, part), false)) }()
		}
		for range relays {
			done = append(done, <-results...)
		}
	}
	return b.expectAll(done, relays...)
}

// expectAll adds up what several relays have to say.
func (b *bench) expectAll(done []call, relays ...*relay) expected {
	all := expect("", nil, b.upstream)
	for _, r := range relays {
		e := expect(r.instance, done, b.upstream)
		for key, n := range e.attempts {
			all.attempts[key] += n
		}
		for key, n := range e.requests {
			all.requests[key] += n
		}
		for key, n := range e.tokens {
			all.tokens[key] += n
		}
		for key, n := range e.rejected {
			all.rejected[key] += n
		}
	}
	fmt.Fprintf(b.out, "%d calls, %v attempts\n", len(done), all.attempts.Sum())
	return all
}

// ends is attempts by channel and outcome, which every backend can be asked for.
func (e expected) ends() check.Table {
	t := check.Table{}
	for key, n := range e.attempts {
		parts := check.Split(key)
		t[check.Join(parts[0], parts[3])] += n
	}
	return t
}

// until asks again and again until what it gets is enough, or time is up.
func until(ctx context.Context, long time.Duration, enough func() (bool, error)) error {
	deadline := time.Now().Add(long)
	for {
		ok, err := enough()
		if ok || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
		process.Pause(ctx, exportInterval/2)
	}
}

// wait gives the table that want is, or the last one before time was up, in which it was not.
func wait(ctx context.Context, want check.Table, ask func() (check.Table, error)) (got check.Table, err error) {
	err = until(ctx, arrivalTimeout, func() (bool, error) {
		got, err = ask()
		return err == nil && got.Sum() >= want.Sum(), err
	})
	return got, err
}

// answers asks a URL that has to answer 200.
func answers(ctx context.Context, url string) ([]byte, error) {
	status, body, err := get(ctx, url)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s answers %d: %.300s", url, status, body)
	}
	return body, err
}
