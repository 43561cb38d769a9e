package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"one-api/testbed/internal/check"
)

// How the check makes and judges trouble.
const (
	callEvery    = 100 * time.Millisecond
	quiet        = 3 * time.Second // before the trouble
	exportGiveUp = 5 * time.Second // of the relays, or half a minute would pass before they said anything
	slowerBy     = 3               // times what a relay without telemetry takes …
	slowerFor    = 300 * time.Millisecond
	mostMemory   = 96 << 20
	narrowLimit  = 16 << 10 // bytes of a body, for a relay that is to be told 413
)

// complains reports whether a relay that exports into the trouble itself has something to say of it: a slow backend is still one,
// and an export that is too large is made in parts.
func (t trouble) complains() bool { return t != slow && t != narrow }

// inTrouble goes through all of them.
func (b *bench) inTrouble(ctx context.Context) error {
	papers, err := newPapers(b.file("trouble-authority.pem"))
	if err != nil {
		return err
	}
	own := b.name
	defer func() { b.name = own }()
	for _, t := range []trouble{stopped, slow, busy, narrow, halfOpen, expired} {
		b.name = own + "-" + string(t)
		fmt.Fprintf(b.out, "-- %s, for %v\n", t, b.trouble)
		if err := b.inOne(ctx, t, papers); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		b.end()
	}
	return nil
}

// troubled are three relays under the same load: one exports into the trouble, one to a collector that does, and one exports nothing.
type troubled struct {
	direct, through, without *relay
	toDirect, toThrough      *sink
	pipe                     *pipe
}

func (x *troubled) relays() []*relay { return []*relay{x.without, x.direct, x.through} }

func (b *bench) startTroubled(ctx context.Context, p *papers) (*troubled, error) {
	x := &troubled{}
	var err error
	if x.toDirect, err = b.startSink(p); err != nil {
		return nil, err
	}
	x.toDirect.limit = narrowLimit
	if x.toThrough, err = b.startSink(p); err != nil {
		return nil, err
	}
	x.pipe, err = b.startCollector(ctx, b.collector, []string{
		"OTLP_BACKEND_ENDPOINT=" + x.toThrough.url(), "SSL_CERT_FILE=" + p.authority, "OTELCOL_TRACES_EXPORTER=otlp_http", "OTELCOL_LOGS_EXPORTER=otlp_http",
	})
	if err != nil {
		return nil, err
	}
	if x.without, err = b.startRelay(ctx, "without"); err != nil {
		return nil, err
	}
	patience := strconv.FormatInt(exportGiveUp.Milliseconds(), 10)
	x.direct, err = b.startRelay(ctx, "direct", "OTEL_EXPORTER_OTLP_ENDPOINT="+x.toDirect.url(), "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_LOGS_EXPORTER=otlp",
		"OTEL_EXPORTER_OTLP_CERTIFICATE="+p.authority, "OTEL_METRIC_EXPORT_TIMEOUT="+patience, "OTEL_BSP_EXPORT_TIMEOUT="+patience, "OTEL_BLRP_EXPORT_TIMEOUT="+patience)
	if err != nil {
		return nil, err
	}
	x.through, err = b.startRelay(ctx, "through", append(x.pipe.toCollector(), "OTEL_LOGS_EXPORTER=otlp")...)
	return x, err
}

// load gives all three the same.
func (x *troubled) load(ctx context.Context, u *upstream, part string, long time.Duration) (calls []call) {
	var mu sync.Mutex
	var running sync.WaitGroup
	for _, r := range x.relays() {
		running.Go(func() {
			done := paced(ctx, r, u, part, callEvery, long)
			mu.Lock()
			defer mu.Unlock()
			calls = append(calls, done...)
		})
	}
	running.Wait()
	return calls
}

func (b *bench) inOne(ctx context.Context, t trouble, p *papers) error {
	x, err := b.startTroubled(ctx, p)
	if err != nil {
		return err
	}
	calls := x.load(ctx, b.upstream, "quiet", quiet)
	before := memory(x.relays())
	if err := errors.Join(x.toDirect.gets(t), x.toThrough.gets(t)); err != nil {
		return err
	}
	during := x.load(ctx, b.upstream, "trouble", b.trouble)
	after := memory(x.relays())
	if err := errors.Join(x.toDirect.gets(none), x.toThrough.gets(none)); err != nil {
		return err
	}
	for _, r := range []*relay{x.direct, x.through} {
		b.isNotSlowed(r, x.without, during)
		if runtime.GOOS == "linux" { // no other system tells
			b.report.That(after[r]-before[r] < mostMemory, "%s: memory is bounded: %d MiB before, %d MiB after", r.instance, before[r]>>20, after[r]>>20)
		}
	}
	if err := errors.Join(b.saysItOnce(x.direct, t.complains()), b.saysItOnce(x.through, false)); err != nil {
		return err
	}
	return b.recovers(ctx, x, append(calls, during...))
}

// isNotSlowed compares what clients waited with what they waited for a relay without telemetry at the same time.
func (b *bench) isNotSlowed(r, without *relay, calls []call) {
	waits := func(r *relay) (all []time.Duration, failed int) {
		for i := range calls {
			if calls[i].instance == r.instance {
				all = append(all, calls[i].duration)
				if !calls[i].finished {
					failed++
				}
			}
		}
		return all, failed
	}
	with, failed := waits(r)
	bare, failedBare := waits(without)
	if len(with) == 0 || len(bare) == 0 {
		b.report.That(false, "%s: there were calls", r.instance)
		return
	}
	b.report.That(failed <= failedBare, "%s: %d calls, %d failed", r.instance, len(with), failed)
	for _, q := range []float64{.5, .95, 1} {
		got, bare := quantile(q, with), quantile(q, bare)
		b.report.That(got <= slowerBy*bare+slowerFor, "%s: no call is slowed: %.0f%% take at most %v, without telemetry %v", r.instance, 100*q,
			got.Round(time.Millisecond), bare.Round(time.Millisecond))
	}
}

var complaint = regexp.MustCompile(`(WRN|WARN|ERR|ERROR)\S*\s+(.*?)\s+\S*signal\S*=\S*(metrics|traces|logs)`)

// saysItOnce counts what the relay's log says of exports: each thing of a signal once a minute, and not more.
func (b *bench) saysItOnce(r *relay, something bool) error {
	text, err := os.ReadFile(r.process.log)
	if err != nil {
		return err
	}
	said := map[string]int{}
	for line := range strings.Lines(string(text)) {
		if found := complaint.FindStringSubmatch(colours.ReplaceAllString(line, "")); found != nil {
			said[found[3]+": "+found[2]]++
		}
	}
	most := 1 + int(b.trouble/time.Minute)
	for what, n := range said {
		b.report.That(n <= most, "%s says once a minute, %d times: %s", r.instance, n, what)
	}
	b.report.That((len(said) > 0) == something, "%s has something to say of it: %v, as it should be: %v", r.instance, len(said) > 0, something)
	return nil
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// recovers checks that what was counted is there once the backend is back, and that nothing is missing of what the collector had.
func (b *bench) recovers(ctx context.Context, x *troubled, calls []call) error {
	for _, s := range []struct {
		*sink
		of *relay
	}{{x.toDirect, x.direct}, {x.toThrough, x.through}} {
		want := b.expectAll(slices.DeleteFunc(slices.Clone(calls), func(c call) bool { return c.instance != s.of.instance }), s.of).ends()
		if err := until(ctx, b.trouble, func() (bool, error) { return s.attempts().Sum() >= want.Sum(), nil }); err != nil {
			return err // a long queue takes its time, on a machine that has other things to do
		}
		got, err := wait(ctx, want, func() (check.Table, error) { return s.attempts(), nil })
		if err != nil {
			return err
		}
		b.report.Equal(s.of.instance+": attempts by channel and outcome, afterwards", want, got)
		if s.of == x.through {
			traced, err := wait(ctx, want, func() (check.Table, error) { return s.traced(), nil })
			if err != nil {
				return err
			}
			b.report.Equal(s.of.instance+": the same of the spans", want, traced)
		}
	}
	fmt.Fprintf(b.out, "        %s: %v of its %v attempts have arrived as spans: without a collector, a batch that fails is lost\n", x.direct.instance, x.toDirect.traced().Sum(), float64(len(calls)/3))
	x.through.process.stop(10 * time.Second) // it exports what it has, and then nothing is new
	k := &stack{settings: b.settings}
	_, k.ports.metrics, _ = strings.Cut(x.pipe.metrics, ":")
	c := &course{stack: k, report: b.report, out: b.out}
	var f figures
	counts := func() (points, spans, records int) {
		x.toThrough.mu.Lock()
		defer x.toThrough.mu.Unlock()
		return len(x.toThrough.points), len(x.toThrough.spans), x.toThrough.records
	}
	err := until(ctx, arrivalTimeout, func() (bool, error) {
		var err error
		f, err = c.figures(ctx)
		points, spans, records := counts()
		return err == nil && float64(points) >= f.sums["otelcol_receiver_accepted_metric_points"] &&
			float64(spans) >= f.sums["otelcol_receiver_accepted_spans"] && float64(records) >= f.sums["otelcol_receiver_accepted_log_records"], err
	})
	if err != nil {
		return err
	}
	points, spans, records := counts()
	fmt.Fprintf(b.out, "        the largest export was %d KiB from the relay, %d KiB from the collector, packed\n", x.toDirect.largest>>10, x.toThrough.largest>>10)
	for _, q := range []struct {
		what string
		got  int
		want float64
	}{
		{"points", points, f.sums["otelcol_receiver_accepted_metric_points"]}, {"spans", spans, f.sums["otelcol_receiver_accepted_spans"]},
		{"log records", records, f.sums["otelcol_receiver_accepted_log_records"]},
	} {
		b.report.That(q.want > 0 && float64(q.got) >= q.want, "of the %v %s that the collector had, %d have arrived", q.want, q.what, q.got)
	}
	return nil
}

// memory is what each relay has of it, in bytes.
func memory(relays []*relay) map[*relay]int {
	all := map[*relay]int{}
	for _, r := range relays {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.process.PID()))
		if err != nil {
			continue
		}
		if found := residentSet.FindSubmatch(text); found != nil {
			kib, _ := strconv.Atoi(string(found[1])) // digits
			all[r] = kib << 10
		}
	}
	return all
}

var residentSet = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)
