package telemetry

import (
	"math"
	"sync"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// exponential holds the buckets of a base-2 exponential histogram. Scale s divides every power of two into 2^s buckets: bucket i is for
// values above 2^(i/2^s), up to 2^((i+1)/2^s). The number of buckets is bounded; if values lie too far apart, the scale goes down. The
// result equals the SDK's, bucket for bucket, but each series has a lock of its own.
type exponential struct {
	most     int
	maxScale int32
	noMinMax bool

	mu       sync.Mutex
	scale    int32
	first    int32    // the number of counts[0]
	counts   []uint64 // its capacity is most
	zeros    uint64
	count    uint64
	sum      float64
	min, max float64
}

func newExponential(of *sdkmetric.AggregationBase2ExponentialHistogram) *exponential {
	e := &exponential{most: max(2, int(of.MaxSize)), maxScale: of.MaxScale, noMinMax: of.NoMinMax}
	e.counts = make([]uint64, 0, e.most)
	e.reset()
	return e
}

// reset forgets everything. The caller holds the lock.
func (e *exponential) reset() {
	e.scale, e.first, e.counts = e.maxScale, 0, e.counts[:0]
	e.zeros, e.count, e.sum, e.min, e.max = 0, 0, 0, math.Inf(1), math.Inf(-1)
}

func (e *exponential) record(value float64) {
	e.mu.Lock()
	e.add(value, 1)
	e.mu.Unlock()
}

// recordAll records whole numbers, unit of which make one of the instrument's unit, under one lock.
func (e *exponential) recordAll(values []uint64, unit float64) {
	e.mu.Lock()
	for _, v := range values {
		e.add(float64(v)/unit, 1)
	}
	e.mu.Unlock()
}

// add counts a value n times. The caller holds the lock.
func (e *exponential) add(value float64, n uint64) {
	e.count += n
	e.sum += value * float64(n)
	e.min, e.max = min(e.min, value), max(e.max, value)
	if value <= 0 {
		e.zeros += n // times and counts are never negative
		return
	}
	at := bucketOf(value, e.scale)
	if by := e.tooFine(at); by > 0 {
		e.coarsen(by)
		at = bucketOf(value, e.scale)
	}
	e.counts[e.reach(at)] += n
}

// bucketOf is the index of a value's bucket.
func bucketOf(value float64, scale int32) int32 {
	fraction, exponent := math.Frexp(value) // value = fraction × 2^exponent, and .5 ≤ fraction < 1
	if scale > 0 {
		return int32(exponent)<<scale + int32(math.Log(fraction)*math.Ldexp(math.Log2E, int(scale))) - 1 //nolint:gosec // exponents have 11 bits
	}
	at := int32(exponent) - 1 //nolint:gosec // exponents have 11 bits
	if fraction == .5 {
		at-- // a bucket includes its upper bound
	}
	return at >> -scale
}

// tooFine is by how much the scale has to go down before there is room for a bucket.
func (e *exponential) tooFine(at int32) (by int32) {
	if len(e.counts) == 0 {
		return 0
	}
	low, high := min(at, e.first), max(at, e.first+int32(len(e.counts))-1) //nolint:gosec // there are few buckets
	for int(high)-int(low) >= e.most {
		low, high, by = low>>1, high>>1, by+1
	}
	return by
}

// coarsen merges 2^by buckets into one, in place: none moves up.
func (e *exponential) coarsen(by int32) {
	e.scale -= by
	first, last := e.first>>by, 0
	for i, n := range e.counts {
		last = int((e.first+int32(i))>>by - first)
		if last != i {
			e.counts[last] += n
			e.counts[i] = 0
		}
	}
	e.first = first
	if len(e.counts) > 0 {
		e.counts = e.counts[:last+1]
	}
}

// reach extends the counted buckets to include one, and returns its place. There must be room for it.
func (e *exponential) reach(at int32) int {
	switch {
	case len(e.counts) == 0:
		e.first = at
		e.counts = e.counts[:1]
		e.counts[0] = 0
	case at < e.first:
		before, shift := len(e.counts), int(e.first-at)
		e.counts = e.counts[:before+shift]
		copy(e.counts[shift:], e.counts[:before])
		clear(e.counts[:shift])
		e.first = at
	case int(at-e.first) >= len(e.counts):
		before := len(e.counts)
		e.counts = e.counts[:at-e.first+1]
		clear(e.counts[before:])
	}
	return int(at - e.first)
}

// point hands over what was counted; false if nothing was. With delta temporality it is then forgotten.
func (e *exponential) point(delta bool) (p metricdata.ExponentialHistogramDataPoint[float64], ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.count == 0 {
		return p, false
	}
	p.Count, p.Sum, p.Scale, p.ZeroCount = e.count, e.sum, e.scale, e.zeros
	p.PositiveBucket = metricdata.ExponentialBucket{Offset: e.first, Counts: append([]uint64(nil), e.counts...)}
	if !e.noMinMax {
		p.Min, p.Max = metricdata.NewExtrema(e.min), metricdata.NewExtrema(e.max)
	}
	if delta {
		e.reset()
	}
	return p, true
}
