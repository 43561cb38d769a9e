package telemetry

import (
	"context"
	"errors"
	"math"
	"os"
	"runtime/metrics"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// runtimeHistograms exports the Go runtime's histograms with the list's bounds, or in exponential buckets. The stock producer sends
// all of the runtime's own: 162 series for one figure.
type runtimeHistograms struct {
	form  Form
	began time.Time

	mu   sync.Mutex
	told [][]uint64 // counts of the last collection, if the reader asks for deltas
	at   time.Time  // of it
}

var runtimeHistogramSources = []struct{ name, source string }{
	{GoScheduleDuration, "/sched/latencies:seconds"},
	{GoGCPause, "/sched/pauses/total/gc:seconds"},
}

func newRuntimeHistograms(form Form) *runtimeHistograms {
	now := time.Now()
	return &runtimeHistograms{form: form, began: now, at: now, told: make([][]uint64, len(runtimeHistogramSources))}
}

// Produce is the SDK's collection.
func (r *runtimeHistograms) Produce(ctx context.Context) ([]metricdata.ScopeMetrics, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	samples := make([]metrics.Sample, len(runtimeHistogramSources))
	for i, s := range runtimeHistogramSources {
		samples[i].Name = s.source
	}
	metrics.Read(samples)
	now := time.Now()
	w := &window{r.form.temporality(sdkmetric.InstrumentKindHistogram) == metricdata.DeltaTemporality, r.at}
	out := metricdata.ScopeMetrics{Scope: r.form.scope()}
	for i, s := range runtimeHistogramSources {
		if samples[i].Value.Kind() != metrics.KindFloat64Histogram {
			continue // this runtime does not have it
		}
		h := samples[i].Value.Float64Histogram()
		if w.delta {
			r.told[i] = untold(h, r.told[i])
		}
		i := instrument(s.name)
		out.Metrics = append(out.Metrics, metricdata.Metrics{
			Name: i.Name, Unit: i.Unit, Description: i.Description, Data: r.form.distribution(h, i.Bounds, w, r.began, now),
		})
	}
	r.at = now
	return []metricdata.ScopeMetrics{out}, nil
}

// untold leaves in a histogram what was not in it the last time, and returns what the next one has to leave out.
func untold(h *metrics.Float64Histogram, told []uint64) []uint64 {
	all := slices.Clone(h.Counts)
	for i, n := range told {
		h.Counts[i] -= n
	}
	return all
}

// distribution is one of the runtime's histograms, in the form that the reader wants.
func (f *Form) distribution(h *metrics.Float64Histogram, bounds []float64, w *window, began, now time.Time) metricdata.Aggregation {
	if of := f.exponential(); of != nil {
		e := newExponential(of)
		for i, n := range h.Counts {
			if n > 0 {
				e.add(middle(h.Buckets[i], h.Buckets[i+1]), n)
			}
		}
		points := []metricdata.ExponentialHistogramDataPoint[float64]{}
		if p, ok := e.point(false); ok {
			p.StartTime, p.Time = w.start(began), now
			points = append(points, p)
		}
		return metricdata.ExponentialHistogram[float64]{Temporality: w.temporality(), DataPoints: points}
	}
	point := rebucket(h, bounds)
	point.StartTime, point.Time = w.start(began), now
	return metricdata.Histogram[float64]{Temporality: w.temporality(), DataPoints: []metricdata.HistogramDataPoint[float64]{point}}
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

// rebucket merges the runtime's many fine buckets into a few coarse ones. A fine bucket goes where its upper bound belongs, so the result
// errs on the slow side; the sum is taken from the middle of each fine bucket.
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
		p.Sum += middle(low, high) * float64(n)
	}
	return p
}

// middle is the value that stands for all values between two bounds.
func middle(low, high float64) float64 {
	switch {
	case math.IsInf(high, 1):
		return low
	case math.IsInf(low, -1):
		return high
	}
	return (low + high) / 2
}

// observeRuntime registers what contrib/instrumentation/runtime leaves out.
func observeRuntime(meter metric.Meter) error {
	cycles, cpu, files := instrument(GoGCCycles), instrument(GoCPUTime), instrument(FileDescriptors)
	gc, err1 := meter.Int64ObservableCounter(cycles.Name, metric.WithUnit(cycles.Unit), metric.WithDescription(cycles.Description))
	seconds, err2 := meter.Float64ObservableCounter(cpu.Name, metric.WithUnit(cpu.Unit), metric.WithDescription(cpu.Description))
	open, err3 := meter.Int64ObservableUpDownCounter(files.Name, metric.WithUnit(files.Unit), metric.WithDescription(files.Description))
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
		o.ObserveInt64(gc, int64(samples[len(states)].Value.Uint64())) //nolint:gosec // bytes of memory fit
		if n, ok := openFiles(); ok {
			o.ObserveInt64(open, int64(n))
		}
		return nil
	}, gc, seconds, open)
	return err
}

// openFiles counts the process's file descriptors; false if the system does not report them.
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
