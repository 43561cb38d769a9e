package telemetry

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace"
)

// mark is what an exemplar says beside its value. nil if none is to be taken.
type mark struct {
	at    time.Time
	trace trace.TraceID
	span  trace.SpanID
}

// mark fills into for a measurement in a span, if there is to be an exemplar of it.
func (f *Form) mark(s Span, into *mark) *mark {
	if f.Exemplars == ExemplarsOff || s.span == nil && f.Exemplars == ExemplarsOfTraced {
		return nil
	}
	if s.span != nil {
		in := s.span.SpanContext()
		if !in.IsSampled() && f.Exemplars == ExemplarsOfTraced {
			return nil
		}
		into.trace, into.span = in.TraceID(), in.SpanID()
	}
	into.at = time.Now()
	return into
}

// example is an exemplar that was taken.
type example struct {
	mark

	value int64
}

// reservoir is the exemplars of one series: the latest in each of its places. It takes no memory before the first.
type reservoir struct {
	places atomic.Pointer[places]
}

type places struct {
	mu    sync.Mutex
	taken []example // those without a time are none
}

// take keeps a value at a place of so many.
func (r *reservoir) take(of int, at int, value int64, m *mark) {
	p := r.places.Load()
	if p == nil {
		r.places.CompareAndSwap(nil, &places{taken: make([]example, of)})
		p = r.places.Load()
	}
	p.mu.Lock()
	p.taken[at] = example{*m, value}
	p.mu.Unlock()
}

// exemplarsOf hands over what is kept, in the order of time. What is counted anew (delta) has new exemplars, too.
func exemplarsOf[N int64 | float64](r *reservoir, unit float64, w *window) (all []metricdata.Exemplar[N]) {
	p := r.places.Load()
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.taken {
		e := &p.taken[i]
		if e.at.IsZero() {
			continue
		}
		one := metricdata.Exemplar[N]{Time: e.at, Value: N(float64(e.value) / unit)}
		if e.trace.IsValid() {
			one.TraceID, one.SpanID = slices.Clone(e.trace[:]), slices.Clone(e.span[:])
		}
		all = append(all, one)
	}
	slices.SortStableFunc(all, func(a, b metricdata.Exemplar[N]) int { return a.Time.Compare(b.Time) })
	if w.delta {
		clear(p.taken)
	}
	return all
}

// octaves is how many exemplars a histogram of exponential buckets keeps: the latest of each power of two, so that the slow call is
// not lost among the many quick ones. The SDK keeps as many, at random.
const octaves = 20

func octave(value float64) int {
	_, exponent := math.Frexp(value)
	return ((exponent % octaves) + octaves) % octaves
}
