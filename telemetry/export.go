package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	contribruntime "go.opentelemetry.io/contrib/instrumentation/runtime"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Bounds of exporting.
const (
	maxExportBatch  = 5000            // points; 10,000 series exceed gRPC's 4 MiB
	shutdownTimeout = 3 * time.Second // when the collector is gone
	failureLogPause = time.Minute
	minCollectPause = time.Second // the runtime's memory statistics are read no more often
)

// Options is what exporting has to know besides the OTEL_* variables.
type Options struct {
	Version  string
	Instance string // service.instance.id; empty: the host's name
	MaxPairs int    // (channel, model) pairs that are told apart
	Log      *slog.Logger
	Level    slog.Leveler // from which on logs are exported; nil: Info
	// Getenv reads an OTEL_* variable; nil: os.Getenv. The exporters themselves always read the process's environment.
	Getenv func(string) string
}

// Telemetry is what leaves the process. Its zero value is telemetry that is off.
type Telemetry struct {
	Metrics *Metrics     // nil: off
	Meter   metric.Meter // nil: off
	Tracing *Tracing     // nil: off
	Logs    slog.Handler // nil: off
	Plan    string       // what goes where, for people

	options   Options
	shutdowns []func(context.Context) error
	counting  atomic.Pointer[Metrics] // Metrics, for exports that fail while Start is still at it
	logged    atomic.Int64            // when a failed export was last logged, Unix seconds
}

// signal says where one kind of telemetry goes.
type signal struct {
	exporter string // otlp, prometheus, console, …; empty: off
	protocol string // grpc or http/protobuf, for otlp
	explicit bool   // OTEL_*_EXPORTER says so
}

// Start reads the OTEL_* variables and starts what they ask for. Without any of them it starts nothing, and costs nothing.
func Start(ctx context.Context, o Options) (*Telemetry, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	t := &Telemetry{options: o, Plan: "off"}
	if strings.EqualFold(o.Getenv("OTEL_SDK_DISABLED"), "true") { // the Go SDK does not look
		return t, nil
	}
	metrics, traces, logs := planned(o.Getenv, "METRICS"), planned(o.Getenv, "TRACES"), planned(o.Getenv, "LOGS")
	if !logs.explicit {
		logs = signal{} // standard output has them; twice has to be asked for
	}
	if metrics.exporter == "" && traces.exporter == "" && logs.exporter == "" {
		return t, nil
	}
	t.Plan = describePlan(o.Getenv, metrics, traces, logs)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(t.failed))
	res, err := resourceOf(ctx, o)
	if err != nil {
		return nil, err
	}
	for _, start := range []func() error{
		func() error { return t.startMetrics(ctx, metrics, res) },
		func() error { return t.startTraces(ctx, traces, res) },
		func() error { return t.startLogs(ctx, logs, res) },
	} {
		if err := start(); err != nil {
			t.Shutdown()
			return nil, err
		}
	}
	return t, nil
}

// planned reads what the variables say of one signal.
func planned(getenv func(string) string, name string) signal {
	s := signal{exporter: getenv("OTEL_" + name + "_EXPORTER")}
	s.explicit = s.exporter != ""
	endpoint := firstSet(getenv, "OTEL_EXPORTER_OTLP_"+name+"_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
	if s.exporter == "" && endpoint != "" {
		s.exporter = "otlp"
	}
	if s.exporter == "none" {
		s.exporter = ""
	}
	if s.exporter == "otlp" {
		s.protocol = firstSet(getenv, "OTEL_EXPORTER_OTLP_"+name+"_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
		if s.protocol == "" {
			s.protocol = protocolOf(endpoint)
		}
	}
	return s
}

// protocolOf guesses the protocol from the port, where nobody says it: 4317 is OTLP's for gRPC.
func protocolOf(endpoint string) string {
	if u, err := url.Parse(endpoint); err == nil && u.Port() == "4317" {
		return "grpc"
	}
	return "http/protobuf"
}

func firstSet(getenv func(string) string, names ...string) string {
	for _, name := range names {
		if value := getenv(name); value != "" {
			return value
		}
	}
	return ""
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
			endpoint := firstSet(getenv, "OTEL_EXPORTER_OTLP_"+strings.ToUpper(s.name)+"_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
			parts = append(parts, fmt.Sprintf("%s=otlp %s to %s", s.name, s.protocol, hostOf(endpoint)))
		case "prometheus":
			host, port := firstSet(getenv, "OTEL_EXPORTER_PROMETHEUS_HOST"), firstSet(getenv, "OTEL_EXPORTER_PROMETHEUS_PORT")
			parts = append(parts, fmt.Sprintf("%s=prometheus at http://%s:%s/metrics", s.name, orElse(host, "localhost"), orElse(port, "9464")))
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

// hostOf leaves out of an endpoint what may be secret.
func hostOf(endpoint string) string {
	if endpoint == "" {
		return "the exporter's default endpoint"
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return "an endpoint that is no URL"
	}
	return u.Scheme + "://" + u.Host
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func resourceOf(ctx context.Context, o Options) (*resource.Resource, error) {
	instance := o.Instance
	if instance == "" {
		instance, _ = os.Hostname() // without one the instance has no name, which is worth no failure
	}
	// What the environment says comes last and wins.
	res, err := resource.New(ctx,
		resource.WithAttributes(
			attribute.String("service.name", "one-api"), attribute.String("service.version", o.Version),
			attribute.String("service.instance.id", instance),
		),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return res, nil
}

func (t *Telemetry) startMetrics(ctx context.Context, s signal, res *resource.Resource) error {
	if s.exporter == "" {
		return nil
	}
	var m *Metrics
	reader, err := metricReader(ctx, s, func(form Form) []sdkmetric.Producer {
		form.Version, form.Exemplars = t.options.Version, ExemplarsOf(t.options.Getenv("OTEL_METRICS_EXEMPLAR_FILTER"))
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
		// The SDK only has instruments that are read when it collects: there is no span, and no use for 3 KB a series.
		options = append(options, sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter))
	}
	provider := sdkmetric.NewMeterProvider(options...)
	t.shutdowns = append(t.shutdowns, provider.Shutdown)
	t.Meter = provider.Meter(ScopeName, metric.WithInstrumentationVersion(t.options.Version), metric.WithSchemaURL(SchemaURL))
	if err := contribruntime.Start(contribruntime.WithMeterProvider(provider), contribruntime.WithMinimumReadMemStatsInterval(minCollectPause)); err != nil {
		return fmt.Errorf("observing the Go runtime: %w", err)
	}
	t.Metrics = m
	t.counting.Store(m)
	return observeRuntime(t.Meter)
}

// metricReader is autoexport's, but for OTLP, where batches have to be bounded, and where the environment says in what form metrics
// are to be: producers are those of a form.
func metricReader(ctx context.Context, s signal, producers func(Form) []sdkmetric.Producer) (sdkmetric.Reader, error) {
	if s.exporter != "otlp" {
		if os.Getenv("OTEL_METRICS_PRODUCERS") != "" {
			return nil, errors.New("OTEL_METRICS_PRODUCERS is set, and would take the place of the relay's own metrics: unset it")
		}
		all := producers(Form{})
		autoexport.WithFallbackMetricProducer(func(context.Context) (sdkmetric.Producer, error) { return joined(all), nil })
		return autoexport.NewMetricReader(ctx)
	}
	var exporter sdkmetric.Exporter
	var err error
	switch s.protocol {
	case "grpc":
		exporter, err = otlpmetricgrpc.New(ctx)
	case "http/protobuf":
		exporter, err = otlpmetrichttp.New(ctx)
	default:
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL: %q is not known; use grpc or http/protobuf", s.protocol)
	}
	if err != nil {
		return nil, err
	}
	options := []sdkmetric.PeriodicReaderOption{sdkmetric.WithMaxExportBatchSize(maxExportBatch)}
	for _, p := range producers(Form{Temporality: exporter.Temporality, Aggregation: exporter.Aggregation}) {
		options = append(options, sdkmetric.WithProducer(p))
	}
	return sdkmetric.NewPeriodicReader(exporter, options...), nil
}

func (t *Telemetry) startLogs(ctx context.Context, s signal, res *resource.Resource) error {
	if s.exporter == "" {
		return nil
	}
	defaultProtocol("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", s)
	exporter, err := autoexport.NewLogExporter(ctx)
	if err != nil {
		return fmt.Errorf("exporting logs: %w", err)
	}
	provider := log.NewLoggerProvider(log.WithProcessor(log.NewBatchProcessor(exporter)), log.WithResource(res))
	t.shutdowns = append(t.shutdowns, provider.Shutdown)
	level := t.options.Level
	if level == nil {
		level = slog.LevelInfo
	}
	t.Logs = exportedLogs{otelslog.NewHandler(ScopeName, otelslog.WithLoggerProvider(provider), otelslog.WithVersion(t.options.Version)), level}
	return nil
}

func (t *Telemetry) startTraces(ctx context.Context, s signal, res *resource.Resource) error {
	if s.exporter == "" {
		return nil
	}
	defaultProtocol("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", s)
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return fmt.Errorf("exporting traces: %w", err)
	}
	sampler, _ := samplerOf(t.options.Getenv, s.explicit)
	tracing, provider := NewTracing(t.options.Version, sampler, sdktrace.WithBatcher(exporter), sdktrace.WithResource(res))
	t.shutdowns = append(t.shutdowns, provider.Shutdown)
	t.Tracing = tracing
	return nil
}

// defaultProtocol tells autoexport the protocol that the endpoint's port suggests, where no variable names one.
func defaultProtocol(name string, s signal) {
	if s.protocol != "" && os.Getenv(name) == "" && os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL") == "" {
		_ = os.Setenv(name, s.protocol) // fails for impossible names only
	}
}

// failed is told of every export that failed: it is counted, and logged once a minute at most.
func (t *Telemetry) failed(err error) {
	t.counting.Load().ExportFailed()
	now := time.Now().Unix()
	last := t.logged.Load()
	if now-last < int64(failureLogPause.Seconds()) || !t.logged.CompareAndSwap(last, now) {
		return
	}
	t.options.Log.Warn("telemetry could not be exported; requests are not affected, and counts catch up when it can", "error", err.Error())
}

// Shutdown sends what is left and stops, within three seconds, whatever the collector does.
func (t *Telemetry) Shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	var all sync.WaitGroup
	for _, stop := range t.shutdowns {
		all.Go(func() {
			if err := stop(ctx); err != nil {
				t.options.Log.Warn("telemetry could not all be sent before the end", "error", err.Error())
			}
		})
	}
	all.Wait()
}
