package telemetry

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestTheFirstFewCallsOfEverySecondAreSampledHoweverManyComeAtOnce(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	f := newFirstFew(10, sdktrace.NeverSample())
	f.now = func() time.Time { return at }
	for range 3 {
		var sampled atomic.Int64
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 100 {
					if f.ShouldSample(sdktrace.SamplingParameters{ParentContext: context.Background()}).Decision == sdktrace.RecordAndSample {
						sampled.Add(1)
					}
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 10, sampled.Load())
		at = at.Add(time.Second)
	}
}

func TestACallThatWasDrawnIsTracedThoughTheSDKAsksAgain(t *testing.T) {
	f := newFirstFew(1, sdktrace.NeverSample())
	f.now = func() time.Time { return time.Unix(1_800_000_000, 0) }
	spans := tracetest.NewInMemoryExporter()
	tracing, provider := NewTracing("v0", sdktrace.ParentBased(f), sdktrace.WithSyncer(spans))
	defer func() { require.NoError(t, provider.Shutdown(context.Background())) }()
	for range 5 {
		_, span := tracing.Request(context.Background(), "POST", "/v1/chat/completions", http.Header{}, time.Now())
		span.EndRequest(&Request{Outcome: "completed", Status: 200})
	}
	require.Len(t, spans.GetSpans(), 1) // before the provider is shut down
}
