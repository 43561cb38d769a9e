package telemetry

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"

	"one-api/telemetry/otlptest"
)

func TestTheLatestGenAIConventionsAreForWhoAsksForThem(t *testing.T) {
	for optIn, want := range map[string]GenAI{
		"": GenAICurrent, "http/dup": GenAICurrent, "gen_ai_latest_experimental": GenAILatest, "http, gen_ai_latest_experimental ,x": GenAILatest, "gen_ai": GenAICurrent,
	} {
		require.Equal(t, want, GenAIOf(optIn), optIn)
	}
}

// exportedWith is what a collector gets of some attempts, with the variable set.
func exportedWith(t *testing.T, optIn string) *otlptest.Receiver {
	t.Helper()
	received := otlptest.Start(t)
	environ(t, "OTEL_EXPORTER_OTLP_ENDPOINT", received.HTTP, "OTEL_TRACES_SAMPLER", "always_on", "OTEL_SEMCONV_STABILITY_OPT_IN", optIn)
	started := startForTest(t, nil)
	channel := started.Metrics.Channel("primary", "openai")
	began := time.Now()
	ctx, _ := started.Tracing.Request(context.Background(), "POST", "/v1/chat/completions", http.Header{}, began)
	for _, a := range []*Attempt{
		streamed(chunked()), // 1200 of them 1000 cached, 340 of them 64 reasoning
		{Operation: "chat", Model: "gpt-5", Outcome: "completed", Duration: time.Second, Usage: Usage{
			Input: 100, CacheRead: 10, CacheWrite: 20, AudioIn: 30, ImageIn: 15, Output: 50, AudioOut: 40, Reasoning: 5,
		}},
		{Operation: "chat", Model: "gpt-5", Outcome: "idle_timeout", ErrorType: "idle_timeout", Duration: time.Second},
		{Operation: "embeddings", Model: "embed", Outcome: "completed", Duration: time.Second, Usage: Usage{Input: 7}},
	} {
		span := started.Tracing.Attempt(ctx, AttemptStart{Channel: "primary", Provider: "openai", Operation: a.Operation, Model: a.Model, Began: began})
		span.EndAttempt(began, a)
		channel.Attempt(a)
	}
	started.Shutdown()
	require.Empty(t, received.Problems())
	return received
}

func spanAttributes(received *otlptest.Receiver) map[string]bool {
	keys := map[string]bool{}
	for _, resource := range received.Spans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				if s.GetKind() == traces.Span_SPAN_KIND_CLIENT {
					for _, a := range s.GetAttributes() {
						keys[a.GetKey()] = true
					}
				}
			}
		}
	}
	return keys
}

func genAIClientNames(received *otlptest.Receiver) []string {
	return slices.DeleteFunc(received.Names(), func(name string) bool { return !strings.HasPrefix(name, "gen_ai.client.") })
}

func TestTheDefaultIsTheGenAIConventionsOfToday(t *testing.T) {
	received := exportedWith(t, "")
	require.Equal(t, []string{OperationDuration, PerOutputChunk, FirstChunk, TokenUsage}, genAIClientNames(received))
	require.EqualValues(t, 4, received.Sum(OperationDuration, nil))
	require.EqualValues(t, 1307, received.Histogram(TokenUsage, otlptest.Attrs{AttrTokenType: "input"}).Sum)
	keys := spanAttributes(received)
	require.True(t, keys["gen_ai.usage.cache_creation.input_tokens"])
	require.False(t, keys["gen_ai.usage.cache_write.input_tokens"])
	require.False(t, keys["gen_ai.usage.audio.input_tokens"])
}

func TestTheLatestGenAIConventionsCountInferenceAndItsTokens(t *testing.T) {
	received := exportedWith(t, "gen_ai_latest_experimental")
	require.Equal(t, slices.Sorted(slices.Values([]string{
		InferenceDuration, OperationDuration, InferenceFirstChunk, InferencePerChunk, InferenceInput, InferenceOutput,
		UsageInput, UsageOutput, UsageCacheRead, UsageCacheWrite, UsageReasoning,
	})), genAIClientNames(received))
	require.EqualValues(t, 3, received.Sum(InferenceDuration, nil))
	require.EqualValues(t, 1, received.Sum(OperationDuration, nil), "embeddings are no inference")
	require.EqualValues(t, 1, received.Sum(OperationDuration, otlptest.Attrs{AttrOperation: "embeddings"}))
	require.EqualValues(t, 1, received.Sum(InferenceFirstChunk, nil))
	require.EqualValues(t, 299, received.Sum(InferencePerChunk, nil))

	require.EqualValues(t, 4, received.Sum(InferenceInput, nil), "every attempt, failed ones too")
	require.EqualValues(t, 1, received.Sum(InferenceInput, otlptest.Attrs{AttrErrorType: "idle_timeout"}))
	require.EqualValues(t, 1307, received.Histogram(InferenceInput, nil).Sum)
	require.EqualValues(t, 390, received.Histogram(InferenceOutput, nil).Sum)

	of := func(name, modality string) float64 { return received.Sum(name, otlptest.Attrs{AttrModality: modality}) }
	require.EqualValues(t, 1307, received.Sum(UsageInput, nil))
	require.EqualValues(t, 1200+7+30, of(UsageInput, "unknown"), "what nobody tells apart, and what was cached")
	require.EqualValues(t, 25, of(UsageInput, "text"))
	require.EqualValues(t, 30, of(UsageInput, "audio"))
	require.EqualValues(t, 15, of(UsageInput, "image"))
	require.EqualValues(t, 390, received.Sum(UsageOutput, nil))
	require.EqualValues(t, 340, of(UsageOutput, "unknown"))
	require.EqualValues(t, 10, of(UsageOutput, "text"))
	require.EqualValues(t, 40, of(UsageOutput, "audio"))
	require.EqualValues(t, 1010, received.Sum(UsageCacheRead, nil))
	require.EqualValues(t, 20, received.Sum(UsageCacheWrite, nil))
	require.EqualValues(t, 69, received.Sum(UsageReasoning, nil))
	require.EqualValues(t, received.Sum(TokensCached, nil), received.Sum(UsageCacheRead, nil))

	keys := spanAttributes(received)
	require.True(t, keys["gen_ai.usage.cache_write.input_tokens"])
	require.False(t, keys["gen_ai.usage.cache_creation.input_tokens"])
	require.True(t, keys["gen_ai.usage.audio.input_tokens"])
	for _, i := range InstrumentsOf(GenAILatest) {
		metric, ok := received.Metric(i.Name)
		if ok {
			require.Equal(t, string(i.Kind), metric.Kind, i.Name)
			for _, p := range received.Points(i.Name, nil) {
				for key := range p.Attributes {
					require.Contains(t, i.Attributes, key, i.Name)
				}
			}
		}
	}
}

func TestTheSeriesOfTheLatestConventionsEndAsTheOthersDo(t *testing.T) {
	m := NewAs(10, Form{GenAI: GenAILatest})
	c := m.Configure([]Configured{everything("a", "x", "y")})[0]
	for _, model := range []string{"x", "y"} {
		c.Attempt(&Attempt{Operation: "chat", Model: model, Outcome: "completed", Usage: Usage{Input: 1}})
	}
	named := everything("a", "x")
	named.Serves = func(model string) bool { return model == "x" }
	m.Configure([]Configured{named})
	_, err := m.Produce(context.Background())
	require.NoError(t, err)
	require.Len(t, c.usage.all(), 1)
	require.Len(t, c.tokens.all(), 1)
	require.Len(t, c.attempts.all(), 1)
}

func TestRecordingByTheLatestConventionsAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	channel := NewAs(10, Form{GenAI: GenAILatest}).Channel("primary", "openai")
	a := streamed(chunked())
	a.Usage.AudioIn, a.Usage.ImageOut = 1, 1
	channel.Attempt(a)
	require.Zero(t, testing.AllocsPerRun(1000, func() { channel.Attempt(a) }))
}
