package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// A guard stands between the SDK and an exporter. It tells an answer that will be the same tomorrow from one that passes, says each
// of them once and to the point, counts them, and lets a signal rest that its backend does not have.

// How a failure is called in relay.telemetry.failure.
const (
	failurePassing   = "passing"   // the collector is down, slow or busy: it is tried again
	failurePermanent = "permanent" // the answer will be the same for the same export: it is not
	failurePartial   = "partial"   // a part of the export was refused
)

// Failures and signals are the closed lists of what relay.telemetry.export_failures is told apart by.
var (
	exportFailures = []string{failurePassing, failurePermanent, failurePartial}
	exportSignals  = []string{"metrics", "traces", "logs"}
)

const (
	passingLogPause   = time.Minute
	permanentLogPause = time.Hour
	restPause         = time.Hour // of a signal that the backend does not have
	patientRefusals   = 4         // exports in a row that may be refused before fewer are made
	mostSkipped       = 15        // exports that are left out between two tries, then
	mostParts         = 64        // of an export that is too large
)

// accounted is an export's error that was counted and logged.
type accounted struct{ error }

func (a accounted) Unwrap() error { return a.error }

// guard watches over the exports of one signal. nil watches over nothing.
type guard struct {
	signal   string // metrics, traces or logs
	endpoint string // as far as it may be shown
	log      *slog.Logger
	redact   redactor
	count    func(signal, failure string)
	pauses   pauses
	delta    bool            // metrics say what was added since the export before
	end      context.Context // of all exports; nil if they end by themselves
	closed   chan struct{}   // when the exporter has been shut down; nil if there is none

	mu       sync.Mutex
	ending   bool
	resting  bool
	until    time.Duration // while resting
	refusals int           // exports in a row
	skip     int           // exports that are left out before the next try
	most     int           // items that the backend takes at once; 0 means as many as there are
	until413 time.Duration // while most holds
}

// opened takes note that there is an exporter.
func (g *guard) opened() *guard {
	g.closed = make(chan struct{})
	return g
}

// shutDown shuts the exporter down. The SDK does so once.
func (g *guard) shutDown(ctx context.Context, shutdown func(context.Context) error) error {
	if g.closed != nil {
		defer close(g.closed)
	}
	return shutdown(ctx)
}

// within is the context of an export: it ends with the time that the process has for its end, too.
func (g *guard) within(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if g.end == nil {
		return ctx, cancel
	}
	stop := context.AfterFunc(g.end, cancel)
	return ctx, func() { stop(); cancel() }
}

// rests says that an export is to be left out.
func (g *guard) rests() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.resting {
		return g.pauses.time() < g.until
	}
	if g.skip > 0 {
		g.skip--
		return true
	}
	return false
}

// failed takes note of an error, and returns what the SDK is told of it.
func (g *guard) failed(v verdict, err error) error {
	failure := failurePermanent
	switch v {
	case passing:
		failure = failurePassing
	case partial:
		g.succeeded()
		failure = failurePartial
	default:
		g.refused(v)
	}
	g.count(g.signal, failure)
	g.say(v, err)
	return accounted{err}
}

func (g *guard) succeeded() {
	g.mu.Lock()
	again := g.resting
	g.resting, g.refusals, g.skip = false, 0, 0
	g.mu.Unlock()
	if again {
		g.pauses.forget(unserved.key())
		g.log.Info("the backend takes "+g.signal+" now: they are sent again", "endpoint", g.endpoint)
	}
}

func (g *guard) refused(v verdict) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if v == unserved {
		g.resting, g.until = true, g.pauses.time()+restPause
		return
	}
	g.resting = false
	if g.refusals++; g.refusals > patientRefusals {
		g.skip = min(1<<min(g.refusals-patientRefusals-1, 10), mostSkipped)
	}
}

// say logs a failure: what will stay as it is once an hour (what rests, once until it is otherwise), what passes once a minute.
func (g *guard) say(v verdict, err error) {
	pause := permanentLogPause
	switch v {
	case passing, partial:
		pause = passingLogPause
	case unserved:
		pause = 1 << 62 // said once
	default:
	}
	if !g.pauses.over(v.key(), pause) {
		return
	}
	own := strings.ToUpper(g.signal)
	attributes := []any{"signal", g.signal, "endpoint", g.endpoint}
	answer := g.redact.text(brief(err))
	switch v {
	case passing:
		g.log.Warn("telemetry could not be exported; requests are not affected, and "+g.unsent(), append(attributes, "error", answer)...)
	case partial:
		rejected := "some"
		if found := rejectedItems.FindStringSubmatch(err.Error()); found != nil {
			rejected = found[1]
		}
		g.log.Warn("the backend took only a part of the telemetry; "+g.untaken(), append(attributes, "rejected", rejected, "answer", answer)...)
	case unserved:
		g.log.Warn("the backend takes no "+g.signal+" there: none are sent any more, but for a try every hour",
			append(attributes, "answer", answer, "change", "OTEL_"+own+"_EXPORTER=none ends it; OTEL_EXPORTER_OTLP_"+own+"_ENDPOINT sends them "+
				"to where they are taken")...)
	case denied:
		g.log.Warn("the backend refuses the credential of the telemetry, which is dropped",
			append(attributes, "answer", answer, "change", "OTEL_EXPORTER_OTLP_HEADERS, or OTEL_EXPORTER_OTLP_"+own+"_HEADERS, such as "+
				"authorization=Bearer%20KEY")...)
	case tooLarge:
		g.log.Warn("the backend takes no telemetry of this size, even in small parts: it is dropped",
			append(attributes, "answer", answer, "change", "the backend's limit for a request's body")...)
	case refused:
		g.log.Warn("the backend refuses the telemetry for good: it is dropped and not sent again",
			append(attributes, "answer", answer, "change", "what the answer names")...)
	}
}

// itemsOf is what an export of a signal consists of, for people.
var itemsOf = map[string]string{"metrics": "points", "traces": "spans", "logs": "log records"}

// catchesUp reports whether the next export says again what one has said that did not arrive: the totals of metrics do.
func (g *guard) catchesUp() bool { return g.signal == "metrics" && !g.delta && !g.ends() }

// unsent is what becomes of an export that could not be made, for people. Whether it arrived all the same, nobody knows: its answer
// may have come too late.
func (g *guard) unsent() string {
	switch {
	case g.catchesUp():
		return "counts catch up with the next export that arrives"
	case g.signal == "metrics" && g.delta:
		return "its deltas are not sent again: what of them has not arrived is lost"
	case g.signal == "metrics":
		return "it was the last export: what was counted since one arrived is lost"
	}
	return "its " + itemsOf[g.signal] + " are not sent again: what of them has not arrived is lost"
}

// untaken is the same of the part that a backend has refused.
func (g *guard) untaken() string {
	if g.catchesUp() {
		return "counts catch up with the next export that it takes whole"
	}
	return "the rest is lost"
}

// limit is how many items of n are sent at once. What was too much is tried again after an hour.
func (g *guard) limit(n int) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.most > 0 && g.pauses.time() >= g.until413 {
		g.most = 0
	}
	if g.most > 0 {
		return min(n, g.most)
	}
	return n
}

// shrink takes note that size items were too many, and reports whether to try with half of them: down to a part of n that keeps the
// requests of one export few.
func (g *guard) shrink(size, n int) bool {
	if size <= max(n/mostParts, 1) {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.most, g.until413 = size/2, g.pauses.time()+restPause
	return true
}

// export sends n items in parts that the backend takes.
func (g *guard) export(ctx context.Context, n int, send func(from, to int) error) (failed error) {
	if g.rests() {
		return nil
	}
	for from := 0; ; {
		size := g.limit(n - from)
		err := send(from, from+size)
		v := passing
		if err != nil {
			v = verdictOn(err)
		}
		if v == tooLarge && g.shrink(size, n) {
			continue
		}
		from += size
		if err != nil && g.superseded(ctx) {
			return accounted{err}
		}
		if err != nil {
			failed = errors.Join(failed, g.failed(v, err))
			if v != partial {
				return failed
			}
		}
		if from >= n {
			if failed == nil {
				g.succeeded()
			}
			return failed
		}
	}
}

// superseded reports whether an export was called off because the last one follows at once, which says all that it would have said.
func (g *guard) superseded(ctx context.Context) bool {
	return g.signal == "metrics" && !g.delta && g.ends() && errors.Is(ctx.Err(), context.Canceled) && (g.end == nil || g.end.Err() == nil)
}

// toEnd says that what is exported from now on is the last.
func (g *guard) toEnd() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ending = true
}

func (g *guard) ends() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ending
}

type guardedMetrics struct {
	sdkmetric.Exporter
	*guard
	ender *ender // nil if the exporter has none
}

type guardedSpans struct {
	sdktrace.SpanExporter
	*guard
}

// ExportSpans is the SDK's.
func (e guardedSpans) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	ctx, cancel := e.within(ctx)
	defer cancel()
	return e.export(ctx, len(spans), func(from, to int) error { return e.SpanExporter.ExportSpans(ctx, spans[from:to]) })
}

// Shutdown is the SDK's.
func (e guardedSpans) Shutdown(ctx context.Context) error {
	return e.shutDown(ctx, e.SpanExporter.Shutdown)
}

type guardedLogs struct {
	log.Exporter
	*guard
}

// Export is the SDK's.
func (e guardedLogs) Export(ctx context.Context, records []log.Record) error {
	ctx, cancel := e.within(ctx)
	defer cancel()
	return e.export(ctx, len(records), func(from, to int) error { return e.Exporter.Export(ctx, records[from:to]) })
}

// Shutdown is the SDK's.
func (e guardedLogs) Shutdown(ctx context.Context) error {
	return e.shutDown(ctx, e.Exporter.Shutdown)
}
