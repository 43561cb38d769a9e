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

// mark is what an exemplar carries besides its value; nil means that no exemplar is taken.
type mark struct {
	at    time.Time
	trace trace.TraceID
	span  trace.SpanID
}

// mark fills into for a measurement in a span, if it is to have an exemplar.
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

// example is a taken exemplar.
type example struct {
	mark

	value int64
}

// reservoir holds the exemplars of one series: the latest in each place. It takes no memory before the first.
type reservoir struct {
	places atomic.Pointer[places]
}

type places struct {
	mu    sync.Mutex
	taken []example // a zero time marks an empty place
}

// take keeps a value in one of so many places.
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

// exemplarsOf hands over what is kept, in order of time. With delta temporality, each collection starts with new exemplars.
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

// octaves is how many exemplars a histogram with exponential buckets keeps: the latest of each power of two, so that a slow call is not
// lost among the many quick ones. The SDK keeps as many, chosen at random.
const octaves = 20

func octave(value float64) int {
	_, exponent := math.Frexp(value)
	return ((exponent % octaves) + octaves) % octaves
}
