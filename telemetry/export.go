package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	contribruntime "go.opentelemetry.io/contrib/instrumentation/runtime"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"one-api/telemetry/otelenv"
)

// Bounds of exporting.
const (
	maxExportBatch  = 2000            // points: with an exemplar in every bucket they take 3 MiB, and gRPC accepts 4
	shutdownTimeout = 3 * time.Second // if the collector is gone
	closeTimeout    = time.Second     // for what is left after that
	minCollectPause = time.Second     // the runtime's memory statistics are not read more often
)

// Options is what exporting needs to know besides the OTEL_* variables.
type Options struct {
	Version  string
	Instance string // service.instance.id; empty means a UUID
	Kept     string // a directory in which the UUID is kept for the next start; empty means none
	MaxPairs int    // (channel, model) pairs that are told apart
	Log      *slog.Logger
	Level    slog.Leveler // from which on logs are exported; nil means Info
	// Getenv reads an OTEL_* variable; nil means os.Getenv.
	Getenv func(string) string
}

// Telemetry is what leaves the process. The zero value has telemetry off.
type Telemetry struct {
	Metrics *Metrics     // nil means off
	Meter   metric.Meter // nil means off
	Tracing *Tracing     // nil means off
	Logs    slog.Handler // nil means off
	Plan    string       // what goes where, for people
	// Instance and Host are service.instance.id and host.name, as they are exported; empty if nothing is.
	Instance, Host string

	options   Options
	redact    redactor
	stopped   sync.Once
	shutdowns []func(context.Context) error
	guards    []*guard
	end       context.Context         // of all exports
	abandon   context.CancelFunc      // ends it
	release   func() error            // of the process's name, once nothing is exported any more; nil if nobody has to know
	counting  atomic.Pointer[Metrics] // Metrics, for exports that fail while Start is still at it
}

// signal is where one kind of telemetry goes.
type signal struct {
	exporter string // otlp, prometheus or console; empty means off
	protocol string // grpc or http/protobuf, for otlp
	endpoint string // for otlp; it may hold a secret
	explicit bool   // OTEL_*_EXPORTER says so
	guard    *guard
}

// Start reads the OTEL_* variables and starts what they ask for. Without any of them it starts nothing, and costs nothing. What it
// does not take of them is in the log, one line each.
func Start(ctx context.Context, o Options) (*Telemetry, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	env := otelenv.Read(o.Getenv)
	o.Getenv = env.Get
	t := &Telemetry{options: o, redact: newRedactor(env.Secrets), Plan: "off"}
	t.end, t.abandon = context.WithCancel(context.Background())
	propagateBy(env.Get("OTEL_PROPAGATORS"))
	if env.Get("OTEL_SDK_DISABLED") == "true" { // the Go SDK does not read it
		return t, nil
	}
	for _, f := range env.Findings {
		o.Log.Warn("a telemetry variable is not taken as it stands", "variable", f.Variable, "value", f.Value, "problem", f.Problem,
			"used", f.Used)
	}
	metrics, traces, logs := t.planned("metrics", env.Metrics), t.planned("traces", env.Traces), t.planned("logs", env.Logs)
	if metrics.exporter == "" && traces.exporter == "" && logs.exporter == "" {
		return t, nil
	}
	t.Plan = describePlan(env.Get, metrics, traces, logs)
	said := &remarks{log: o.Log, redact: t.redact}
	said.from(env.Get("OTEL_LOG_LEVEL"))
	listen(said)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(said.complaint))
	defer env.Lend()() // the libraries read the variables while they are made
	res, err := t.resourceOf(ctx, thisMachine())
	if err != nil {
		t.Shutdown()
		return nil, err
	}
	for _, start := range []func() error{
		func() error { return t.startMetrics(ctx, metrics, res) },
		func() error { return t.startTraces(ctx, traces, res) },
		func() error { return t.startLogs(ctx, logs, res) },
	} {
		if err := start(); err != nil {
			t.Shutdown()
			return nil, errors.New(t.redact.text(err.Error()))
		}
	}
	return t, nil
}

// planned is what the variables say about one signal.
func (t *Telemetry) planned(name string, s otelenv.Signal) signal {
	g := &guard{signal: name, endpoint: otelenv.Shown(s.Endpoint), log: t.options.Log, redact: t.redact, count: t.exportFailed, end: t.end}
	t.guards = append(t.guards, g)
	return signal{exporter: s.Exporter, protocol: s.Protocol, endpoint: s.Endpoint, explicit: s.Explicit, guard: g}
}

func (t *Telemetry) exportFailed(signal, failure string) {
	t.counting.Load().ExportFailed(signal, failure)
}

func describePlan(getenv func(string) string, metrics, traces, logs signal) string {
	var parts []string
	for _, s := range []struct {
		name string
		signal
	}{{"metrics", metrics}, {"traces", traces}, {"logs", logs}} {
		switch s.exporter {
		case "":
			parts = append(parts, s.name+"=off")
		case "otlp":
			parts = append(parts, fmt.Sprintf("%s=otlp %s to %s", s.name, s.protocol, otelenv.Shown(s.endpoint)))
		case "prometheus":
			parts = append(parts, s.name+"=prometheus at http://"+scrapedAt(getenv)+"/metrics")
		default:
			parts = append(parts, s.name+"="+s.exporter)
		}
	}
	if traces.exporter != "" {
		_, name := samplerOf(getenv, traces.explicit)
		parts[1] += " (sampled by " + name + ")"
	}
	return strings.Join(parts, ", ")
}

func (t *Telemetry) startMetrics(ctx context.Context, s signal, res *resource.Resource) error {
	if s.exporter == "" {
		return nil
	}
	var m *Metrics
	reader, err := metricReader(ctx, s, t.options.Getenv, func(form Form) []sdkmetric.Producer {
		form.Version, form.Exemplars = t.options.Version, ExemplarsOf(t.options.Getenv("OTEL_METRICS_EXEMPLAR_FILTER"))
		form.GenAI = GenAIOf(t.options.Getenv("OTEL_SEMCONV_STABILITY_OPT_IN"))
		m = NewAs(t.options.MaxPairs, form)
		return []sdkmetric.Producer{newRuntimeHistograms(form), m}
	})
	if err != nil {
		return fmt.Errorf("exporting metrics: %w", err)
	}
	options := []sdkmetric.Option{
		sdkmetric.WithReader(reader), sdkmetric.WithResource(res),
		// Configuration and closed lists bound every attribute; the SDK's own limit would silently fold what they allow.
		sdkmetric.WithCardinalityLimit(0),
	}
	if m.form.Exemplars != ExemplarsOfAll {
		// The SDK only has instruments that are read when it collects: there is no span, and 3 KB a series would be wasted.
		options = append(options, sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter))
	}
	provider := sdkmetric.NewMeterProvider(options...)
	t.shutdowns = append(t.shutdowns, func(ctx context.Context) error {
		s.guard.toEnd()
		return provider.Shutdown(ctx)
	})
	t.Meter = provider.Meter(ScopeName, metric.WithInstrumentationVersion(t.options.Version), metric.WithSchemaURL(SchemaURL))
	if err := contribruntime.Start(contribruntime.WithMeterProvider(provider),
		contribruntime.WithMinimumReadMemStatsInterval(minCollectPause)); err != nil {
		return fmt.Errorf("observing the Go runtime: %w", err)
	}
	t.Metrics = m
	t.counting.Store(m)
	return observeRuntime(t.Meter)
}

// metricReader is autoexport's, except for OTLP, where batches have to be bounded, and where the environment says in what form metrics
// are to be (producers are those of a form), and for Prometheus, which is to get exemplars.
func metricReader(ctx context.Context, s signal, getenv func(string) string, producers func(Form) []sdkmetric.Producer) (sdkmetric.Reader,
	error) {
	switch s.exporter {
	case "otlp":
	case "prometheus":
		return newScraped(ctx, scrapedAt(getenv), producers(Form{}))
	default:
		all := producers(Form{})
		autoexport.WithFallbackMetricProducer(func(context.Context) (sdkmetric.Producer, error) { return joined(all), nil })
		return autoexport.NewMetricReader(ctx)
	}
	exporter, ender, err := newMetricExporter(ctx, s.protocol)
	if err != nil {
		return nil, err
	}
	options := []sdkmetric.PeriodicReaderOption{sdkmetric.WithMaxExportBatchSize(maxExportBatch)}
	form := Form{Temporality: exporter.Temporality, Aggregation: exporter.Aggregation}
	s.guard.delta = form.temporality(sdkmetric.InstrumentKindCounter) == metricdata.DeltaTemporality
	for _, p := range producers(form) {
		options = append(options, sdkmetric.WithProducer(p))
	}
	return sdkmetric.NewPeriodicReader(guardedMetrics{exporter, s.guard.opened(), ender}, options...), nil
}

func (t *Telemetry) startLogs(ctx context.Context, s signal, res *resource.Resource) error {
	if s.exporter == "" {
		return nil
	}
	exporter, err := autoexport.NewLogExporter(ctx)
	if err != nil {
		return fmt.Errorf("exporting logs: %w", err)
	}
	provider := log.NewLoggerProvider(log.WithProcessor(log.NewBatchProcessor(guardedLogs{exporter, s.guard.opened()})), log.WithResource(res))
	t.shutdowns = append(t.shutdowns, provider.Shutdown)
	level := t.options.Level
	if level == nil {
		level = slog.LevelInfo
	}
	t.Logs = exportedLogs{otelslog.NewHandler(ScopeName, otelslog.WithLoggerProvider(provider), otelslog.WithVersion(t.options.Version)),
		level}
	return nil
}

func (t *Telemetry) startTraces(ctx context.Context, s signal, res *resource.Resource) error {
	if s.exporter == "" {
		return nil
	}
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return fmt.Errorf("exporting traces: %w", err)
	}
	sampler, _ := samplerOf(t.options.Getenv, s.explicit)
	tracing, provider := NewTracing(t.options.Version, sampler, sdktrace.WithBatcher(guardedSpans{exporter, s.guard.opened()}),
		sdktrace.WithResource(res))
	t.shutdowns = append(t.shutdowns, provider.Shutdown)
	tracing.genAI = GenAIOf(t.options.Getenv("OTEL_SEMCONV_STABILITY_OPT_IN"))
	t.Tracing = tracing
	return nil
}

// close ends the exports that are still on their way, for which the SDK does not wait, and waits a moment for the exporters to hang
// up.
func (t *Telemetry) close() {
	if t.abandon == nil {
		return
	}
	t.abandon()
	patience := time.NewTimer(closeTimeout)
	defer patience.Stop()
	for _, g := range t.guards {
		if g.closed == nil {
			continue
		}
		select {
		case <-g.closed:
		case <-patience.C:
			return
		}
	}
}

// Shutdown sends what is left and stops, within three seconds, whatever the collector does. A second one does nothing.
func (t *Telemetry) Shutdown() { t.stopped.Do(t.shutdown) }

func (t *Telemetry) shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	var all sync.WaitGroup
	for _, stop := range t.shutdowns {
		all.Go(func() {
			if err := stop(ctx); err != nil {
				t.options.Log.Warn("telemetry could not all be sent before the end", "error", t.redact.text(brief(err)))
			}
		})
	}
	all.Wait()
	t.close()
	if t.release != nil {
		_ = t.release() // a file that cannot be closed is closed with the process
	}
}
