package telemetry

import (
	"fmt"
	"sync/atomic"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// firstFew samples the first few calls of every second, and a part of the rest: a relay with little to do shows all that it
// does, and a busy one pays no more for it than a few calls' worth.
type firstFew struct {
	few  uint64
	rest sdktrace.Sampler
	now  func() time.Time
	// taken is the second, and in its low bits how many calls of it were sampled.
	taken atomic.Uint64
}

const takenBits = 16

func newFirstFew(few uint64, rest sdktrace.Sampler) *firstFew {
	return &firstFew{few: few, rest: rest, now: time.Now}
}

// ShouldSample draws for a call. It is asked a second time, by the SDK, for the calls that it has drawn: those carry their id.
func (f *firstFew) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	_, drawn := p.ParentContext.Value(drawnID{}).(trace.TraceID)
	if drawn || f.take() {
		return sdktrace.SamplingResult{Decision: sdktrace.RecordAndSample, Tracestate: trace.SpanContextFromContext(p.ParentContext).TraceState()}
	}
	return f.rest.ShouldSample(p)
}

func (f *firstFew) take() bool {
	second := uint64(f.now().Unix()) << takenBits //nolint:gosec // the clock is past 1970
	for {
		taken := f.taken.Load()
		next := taken + 1
		if taken>>takenBits<<takenBits != second {
			next = second + 1
		}
		if next-second > f.few {
			return false
		}
		if f.taken.CompareAndSwap(taken, next) {
			return true
		}
	}
}

// Description names the sampler.
func (f *firstFew) Description() string {
	return fmt.Sprintf("FirstFew{%d a second,%s}", f.few, f.rest.Description())
}
