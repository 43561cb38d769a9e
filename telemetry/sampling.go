package telemetry

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Unless traces were asked for explicitly, the first defaultFew calls of every second are traced and defaultRatio of the rest: tracing
// every call of a busy relay costs more than all metrics together.
const (
	defaultFew   = 10
	defaultRatio = 0.01
)

// samplerOf is the sampler that OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG name, as the SDK reads them (it complains
// about what it cannot read), and its name for people. It is needed here because it is asked before there is a span.
func samplerOf(getenv func(string) string, explicit bool) (sdktrace.Sampler, string) {
	name := strings.ToLower(strings.TrimSpace(getenv("OTEL_TRACES_SAMPLER")))
	if name == "" && !explicit {
		return sdktrace.ParentBased(newFirstFew(defaultFew, sdktrace.TraceIDRatioBased(defaultRatio))),
			fmt.Sprintf("%d calls a second and %g of the rest, the default; OTEL_TRACES_SAMPLER changes it", defaultFew, defaultRatio)
	}
	root, parentBased := strings.CutPrefix(name, "parentbased_")
	var sampler sdktrace.Sampler
	switch root {
	case "always_on":
		sampler = sdktrace.AlwaysSample()
	case "always_off":
		sampler = sdktrace.NeverSample()
	case "traceidratio":
		ratio := ratioOf(getenv("OTEL_TRACES_SAMPLER_ARG"))
		sampler, name = sdktrace.TraceIDRatioBased(ratio), ratioName(name, ratio)
	default:
		return sdktrace.ParentBased(sdktrace.AlwaysSample()), "parentbased_always_on"
	}
	if parentBased {
		sampler = sdktrace.ParentBased(sampler)
	}
	return sampler, name
}

func ratioName(name string, ratio float64) string {
	return name + " " + strconv.FormatFloat(ratio, 'g', -1, 64)
}

// ratioOf is 1 for what is not a ratio, as it is to the SDK.
func ratioOf(argument string) float64 {
	ratio, err := strconv.ParseFloat(strings.TrimSpace(argument), 64)
	if err != nil || !(ratio >= 0 && ratio <= 1) {
		return 1
	}
	return ratio
}

// drawnID is the key under which a context carries the trace id that the sampler chose.
type drawnID struct{}

// drawnIDs gives a trace the id that the sampler was asked about.
type drawnIDs struct{}

func (drawnIDs) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	id, drawn := ctx.Value(drawnID{}).(trace.TraceID)
	if !drawn {
		id = newTraceID()
	}
	return id, newSpanID()
}

func (drawnIDs) NewSpanID(context.Context, trace.TraceID) trace.SpanID { return newSpanID() }

// newTraceID returns a unique id, which need not be secret. An id of zeros is invalid.
func newTraceID() (id trace.TraceID) {
	for !id.IsValid() {
		binary.LittleEndian.PutUint64(id[:8], rand.Uint64()) //nolint:gosec // unique, not secret
		binary.LittleEndian.PutUint64(id[8:], rand.Uint64()) //nolint:gosec // unique, not secret
	}
	return id
}

func newSpanID() (id trace.SpanID) {
	for !id.IsValid() {
		binary.LittleEndian.PutUint64(id[:], rand.Uint64()) //nolint:gosec // unique, not secret
	}
	return id
}
