package telemetry

import (
	"context"
	"errors"
	"math"
	"os"
	"runtime/metrics"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// runtimeHistograms exports the Go runtime's histograms with the list's bounds. The stock producer sends all of the runtime's
// own: 162 series for one figure.
type runtimeHistograms struct{ began time.Time }

var runtimeHistogramSources = []struct{ name, source string }{
	{GoScheduleDuration, "/sched/latencies:seconds"},
	{GoGCPause, "/sched/pauses/total/gc:seconds"},
}

// Produce is the SDK's collection.
func (r runtimeHistograms) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	samples := make([]metrics.Sample, len(runtimeHistogramSources))
	for i, s := range runtimeHistogramSources {
		samples[i].Name = s.source
	}
	metrics.Read(samples)
	now := time.Now()
	out := metricdata.ScopeMetrics{Scope: scope}
	for i, s := range runtimeHistogramSources {
		if samples[i].Value.Kind() != metrics.KindFloat64Histogram {
			continue // a runtime that does not have it
		}
		point := rebucket(samples[i].Value.Float64Histogram(), runtimeBounds)
		point.StartTime, point.Time = r.began, now
		i := instrument(s.name)
		out.Metrics = append(out.Metrics, metricdata.Metrics{
			Name: i.Name, Unit: i.Unit, Description: i.Description,
			Data: metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality, DataPoints: []metricdata.HistogramDataPoint[float64]{point}},
		})
	}
	return []metricdata.ScopeMetrics{out}, nil
}

// joined is several producers as one.
type joined []sdkmetric.Producer

// Produce is the SDK's collection.
func (j joined) Produce(ctx context.Context) (all []metricdata.ScopeMetrics, err error) {
	for _, p := range j {
		metrics, e := p.Produce(ctx)
		all, err = append(all, metrics...), errors.Join(err, e)
	}
	return all, err
}

// rebucket puts the runtime's many fine buckets into few coarse ones. A fine bucket goes where its upper bound belongs, so the
// result errs on the slow side; the sum takes the middle of each fine bucket.
func rebucket(h *metrics.Float64Histogram, bounds []float64) metricdata.HistogramDataPoint[float64] {
	p := metricdata.HistogramDataPoint[float64]{Attributes: *attribute.EmptySet(), Bounds: bounds, BucketCounts: make([]uint64, len(bounds)+1)}
	for i, n := range h.Counts {
		if n == 0 {
			continue
		}
		low, high := h.Buckets[i], h.Buckets[i+1]
		at, _ := slices.BinarySearch(bounds, high)
		p.BucketCounts[at] += n
		p.Count += n
		switch {
		case math.IsInf(high, 1):
			p.Sum += low * float64(n)
		case math.IsInf(low, -1):
			p.Sum += high * float64(n)
		default:
			p.Sum += (low + high) / 2 * float64(n)
		}
	}
	return p
}

// observeRuntime registers what contrib/instrumentation/runtime leaves out.
func observeRuntime(meter metric.Meter) error {
	cycles, cpu, files := instrument(GoGCCycles), instrument(GoCPUTime), instrument(FileDescriptors)
	gc, err1 := meter.Int64ObservableCounter(cycles.Name, metric.WithUnit(cycles.Unit), metric.WithDescription(cycles.Description))
	seconds, err2 := meter.Float64ObservableCounter(cpu.Name, metric.WithUnit(cpu.Unit), metric.WithDescription(cpu.Description))
	open, err3 := meter.Int64ObservableGauge(files.Name, metric.WithUnit(files.Unit), metric.WithDescription(files.Description))
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			return err
		}
	}
	states := []struct{ source, state string }{
		{"/cpu/classes/user:cpu-seconds", "user"}, {"/cpu/classes/gc/total:cpu-seconds", "gc"},
		{"/cpu/classes/idle:cpu-seconds", "idle"}, {"/cpu/classes/scavenge/total:cpu-seconds", "scavenge"},
	}
	options := make([]metric.ObserveOption, len(states))
	for i, s := range states {
		options[i] = metric.WithAttributeSet(attribute.NewSet(text(AttrCPUState, s.state)))
	}
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		samples := make([]metrics.Sample, len(states)+1)
		for i, s := range states {
			samples[i].Name = s.source
		}
		samples[len(states)].Name = "/gc/cycles/total:gc-cycles"
		metrics.Read(samples)
		for i := range states {
			o.ObserveFloat64(seconds, samples[i].Value.Float64(), options[i])
		}
		o.ObserveInt64(gc, int64(samples[len(states)].Value.Uint64()))
		if n, ok := openFiles(); ok {
			o.ObserveInt64(open, int64(n))
		}
		return nil
	}, gc, seconds, open)
	return err
}

// openFiles counts the process's file descriptors; false where the system does not tell.
func openFiles() (int, bool) {
	directory, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0, false
	}
	defer func() { _ = directory.Close() }()
	names, err := directory.Readdirnames(-1)
	if err != nil {
		return 0, false
	}
	return len(names) - 1, true // without the directory's own
}
