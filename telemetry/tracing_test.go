package telemetry

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// traceCall makes all the spans of a call of one attempt.
func traceCall(t *Tracing, header http.Header) {
	began := time.Now()
	ctx, request := t.Request(context.Background(), http.MethodPost, "/v1/messages", header, began)
	attempt := t.Attempt(ctx, AttemptStart{Channel: "a", Provider: "openai", Operation: "chat", Model: "m", Stream: true, Began: began})
	_ = attempt.In(ctx)
	attempt.EndAttempt(began, &Attempt{Outcome: "completed", FirstChunk: time.Millisecond, Duration: time.Second, Usage: Usage{Input: 1}})
	request.EndRequest(&Request{Outcome: "completed", ID: "id"})
}

func TestACallThatIsNotTracedAllocatesNothing(t *testing.T) {
	header := http.Header{"Authorization": {"Bearer sk-test"}}
	never, _ := NewTracing("v", sdktrace.NeverSample())
	rarely, _ := NewTracing("v", sdktrace.ParentBased(sdktrace.TraceIDRatioBased(1e-15)))
	for name, tracing := range map[string]*Tracing{"off": nil, "never": never, "a draw that is lost": rarely} {
		t.Run(name, func(t *testing.T) {
			require.Zero(t, testing.AllocsPerRun(1000, func() { traceCall(tracing, header) }))
			ctx, _ := tracing.Request(context.Background(), http.MethodPost, "/v1/messages", header, time.Now())
			require.Equal(t, context.Background(), ctx, "the context is the one that it was")
		})
	}
}

func BenchmarkTracing(b *testing.B) {
	lost, _ := NewTracing("v", sdktrace.ParentBased(sdktrace.TraceIDRatioBased(1e-15)))
	won, _ := NewTracing("v", sdktrace.AlwaysSample())
	for _, c := range []struct {
		name    string
		tracing *Tracing
	}{{"off", nil}, {"a draw that is lost", lost}, {"a call with one attempt", won}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				traceCall(c.tracing, http.Header(nil))
			}
		})
	}
}

func TestTheSamplerIsAskedAboutTheIDThatTheTraceGets(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	tracing, provider := NewTracing("v", sdktrace.TraceIDRatioBased(.5), sdktrace.WithSyncer(spans))
	const calls = 1000
	for range calls {
		traceCall(tracing, nil)
	}
	all := spans.GetSpans()
	require.NoError(t, provider.Shutdown(context.Background()))
	// 2 spans a call in half of the calls; 10 standard deviations to either side.
	require.InDelta(t, calls, len(all), 320)
	traces := map[string]int{}
	for _, s := range all {
		traces[s.SpanContext.TraceID().String()]++
	}
	for _, n := range traces {
		require.Equal(t, 2, n, "a trace is whole")
	}
}

func TestAModelsNameIsBoundedAndStaysUTF8(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	tracing, provider := NewTracing("v", sdktrace.AlwaysSample(), sdktrace.WithSyncer(spans))
	model := strings.Repeat("長", 10_000) + "\xff"
	ctx, request := tracing.Request(context.Background(), http.MethodPost, "/v1/messages", nil, time.Now())
	tracing.Attempt(ctx, AttemptStart{Operation: "chat", Model: model}).EndAttempt(time.Now(), &Attempt{Answer: Answer{Model: model, ID: model, Ends: []string{model}}})
	request.EndRequest(&Request{Model: model})
	all := spans.GetSpans()
	require.NoError(t, provider.Shutdown(context.Background()))
	require.Len(t, all, 2)
	for _, s := range all {
		require.True(t, utf8.ValidString(s.Name))
		require.Less(t, len(s.Name), longestText+20)
		for _, a := range s.Attributes {
			require.True(t, utf8.ValidString(a.Value.String()))
			require.LessOrEqual(t, len(strings.Trim(a.Value.String(), `[]"`)), longestText+3)
		}
	}
}

func TestTheSamplerIsTheOneThatTheEnvironmentNames(t *testing.T) {
	always, never := sdktrace.AlwaysSample(), sdktrace.NeverSample()
	for _, c := range []struct {
		sampler, argument string
		explicit          bool
		want              sdktrace.Sampler
		name              string
	}{
		{"", "", false, sdktrace.ParentBased(newFirstFew(10, sdktrace.TraceIDRatioBased(.01))), "10 calls a second and 0.01 of the rest, the default; OTEL_TRACES_SAMPLER changes it"},
		{"", "0.5", false, sdktrace.ParentBased(newFirstFew(10, sdktrace.TraceIDRatioBased(.01))), "10 calls a second and 0.01 of the rest, the default; OTEL_TRACES_SAMPLER changes it"},
		{"", "", true, sdktrace.ParentBased(always), "parentbased_always_on"},
		{"always_on", "", false, always, "always_on"},
		{"always_off", "", true, never, "always_off"},
		{"traceidratio", "0.25", false, sdktrace.TraceIDRatioBased(.25), "traceidratio 0.25"},
		{"traceidratio", "", false, sdktrace.TraceIDRatioBased(1), "traceidratio 1"},
		{"traceidratio", "2", false, sdktrace.TraceIDRatioBased(1), "traceidratio 1"},
		{"traceidratio", "NaN", false, sdktrace.TraceIDRatioBased(1), "traceidratio 1"},
		{" ParentBased_TraceIDRatio ", " .1 ", false, sdktrace.ParentBased(sdktrace.TraceIDRatioBased(.1)), "parentbased_traceidratio 0.1"},
		{"parentbased_always_on", "", false, sdktrace.ParentBased(always), "parentbased_always_on"},
		{"parentbased_always_off", "", false, sdktrace.ParentBased(never), "parentbased_always_off"},
		{"jaeger_remote", "", false, sdktrace.ParentBased(always), "parentbased_always_on"},
	} {
		sampler, name := samplerOf(func(variable string) string {
			return map[string]string{"OTEL_TRACES_SAMPLER": c.sampler, "OTEL_TRACES_SAMPLER_ARG": c.argument}[variable]
		}, c.explicit)
		require.Equal(t, c.want.Description(), sampler.Description(), c.sampler)
		require.Equal(t, c.name, name)
	}
}
