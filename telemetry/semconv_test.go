package telemetry

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	genai "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/semconv/v1.41.0/genaiconv"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/goconv"
	"go.opentelemetry.io/otel/semconv/v1.43.0/httpconv"
	"go.opentelemetry.io/otel/semconv/v1.43.0/processconv"
)

// published is an instrument as OpenTelemetry publishes it for Go: its kind is what it is made of.
type published interface {
	Name() string
	Unit() string
	Description() string
}

// kindOf is the kind that a published instrument is made of.
func kindOf(t *testing.T, p published) Kind {
	t.Helper()
	made := reflect.TypeOf(p).Field(0).Name
	for _, kind := range []struct {
		name string
		kind Kind
	}{{"UpDownCounter", UpDownCounter}, {"Counter", Counter}, {"Histogram", Histogram}, {"Gauge", Gauge}} { // the first that is in it
		if strings.Contains(made, kind.name) {
			return kind.kind
		}
	}
	require.Fail(t, made)
	return ""
}

// conventional is every instrument of ours that the conventions have, of the version that has it last.
var conventional = []published{
	httpconv.ServerRequestDuration{}, httpconv.ServerActiveRequests{}, httpconv.ClientOpenConnections{},
	processconv.UnixFileDescriptorCount{},
	goconv.GoroutineCount{}, goconv.MemoryUsed{}, goconv.MemoryLimit{}, goconv.MemoryAllocated{}, goconv.MemoryAllocations{}, goconv.MemoryGCGoal{},
	goconv.ProcessorLimit{}, goconv.ConfigGogc{}, goconv.ScheduleDuration{}, goconv.MemoryGCPauseDuration{}, goconv.MemoryGCCycles{}, goconv.CPUTime{},
	genaiconv.ClientOperationDuration{}, genaiconv.ClientOperationTimeToFirstChunk{}, genaiconv.ClientOperationTimePerOutputChunk{},
	genaiconv.ClientTokenUsage{}, genaiconv.ServerRequestDuration{}, genaiconv.ServerTimeToFirstToken{},
}

func TestNamesKindsAndUnitsAreThoseOfTheConventions(t *testing.T) {
	known := map[string]bool{}
	for _, p := range conventional {
		i := instrument(p.Name())
		require.Equal(t, kindOf(t, p), i.Kind, p.Name())
		require.Equal(t, p.Unit(), i.Unit, p.Name())
		known[p.Name()] = true
	}
	for _, i := range Instruments {
		ours := strings.HasPrefix(i.Name, "relay.")
		require.NotEqual(t, ours, known[i.Name], "%s: what is not under relay. is the conventions', and checked", i.Name)
	}
}

// boundsMeter notes the bounds that a published histogram is made with.
type boundsMeter struct {
	noop.Meter
	bounds []float64
}

func (m *boundsMeter) Float64Histogram(_ string, options ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	config := metric.NewFloat64HistogramConfig(options...)
	m.bounds = config.ExplicitBucketBoundaries()
	return noop.Float64Histogram{}, nil
}

// requireBounds lets the relay continue where the conventions stop: an answer of a model may take minutes.
func requireBounds(t *testing.T, published, ours []float64, name string) {
	t.Helper()
	require.NotEmpty(t, published, name)
	require.GreaterOrEqual(t, len(ours), len(published), name)
	require.Equal(t, published, ours[:len(published)], name)
	if name == PerOutputChunk || name == InferencePerChunk || strings.HasSuffix(name, "tokens") || name == TokenUsage {
		require.Len(t, ours, len(published), name)
	}
}

func TestTheBoundsOfHTTPAreThoseOfTheConventions(t *testing.T) {
	var meter boundsMeter
	_, err := httpconv.NewServerRequestDuration(&meter)
	require.NoError(t, err)
	requireBounds(t, meter.bounds, instrument(HTTPDuration).Bounds, HTTPDuration)
}

func TestAttributesAreThoseOfTheConventions(t *testing.T) {
	for ours, published := range map[string]string{
		AttrMethod: string(semconv.HTTPRequestMethodKey), AttrScheme: string(semconv.URLSchemeKey), AttrRoute: string(semconv.HTTPRouteKey),
		AttrStatus: string(semconv.HTTPResponseStatusCodeKey), AttrErrorType: string(semconv.ErrorTypeKey), AttrPath: string(semconv.URLPathKey),
		AttrConnectionState: string(semconv.HTTPConnectionStateKey), AttrCPUState: string(semconv.GoCPUStateKey), AttrMemoryType: string(semconv.GoMemoryTypeKey),
		AttrVersion: string(semconv.ServiceVersionKey), AttrGoVersion: string(semconv.ProcessRuntimeVersionKey),
		AttrOperation: string(genai.GenAIOperationNameKey), AttrProvider: string(genai.GenAIProviderNameKey), AttrModel: string(genai.GenAIRequestModelKey),
		AttrTokenType: string(genai.GenAITokenTypeKey), AttrStream: string(genai.GenAIRequestStreamKey), AttrFirstChunk: string(genai.GenAIResponseTimeToFirstChunkKey),
		AttrResponseModel: string(genai.GenAIResponseModelKey), AttrResponseID: string(genai.GenAIResponseIDKey), AttrFinishReasons: string(genai.GenAIResponseFinishReasonsKey),
		AttrInputTokens: string(genai.GenAIUsageInputTokensKey), AttrOutputTokens: string(genai.GenAIUsageOutputTokensKey),
		AttrCachedTokens: string(genai.GenAIUsageCacheReadInputTokensKey), attrCacheCreation: string(genai.GenAIUsageCacheCreationInputTokensKey),
		AttrReasoningTokens: string(genai.GenAIUsageReasoningOutputTokensKey),
	} {
		require.Equal(t, published, ours)
	}
	require.Equal(t, SchemaURL, semconv.SchemaURL)
}

// TestTheGenAIVersionsAreThosePublished checks against testdata/gen-ai.json: what the conventions' repository has in its model and, of
// bounds, in its documents, which no Go package has.
func TestTheGenAIVersionsAreThosePublished(t *testing.T) {
	type metric struct {
		Instrument Kind      `json:"instrument"`
		Unit       string    `json:"unit"`
		Bounds     []float64 `json:"bounds"`
		Attributes []string  `json:"attributes"`
	}
	var data struct{ Current, Latest map[string]metric }
	text, err := os.ReadFile("testdata/gen-ai.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &data))
	for version, metrics := range map[GenAI]map[string]metric{GenAICurrent: data.Current, GenAILatest: data.Latest} {
		seen := 0
		for _, i := range InstrumentsOf(version) {
			if !strings.HasPrefix(i.Name, "gen_ai.") {
				continue
			}
			published, ok := metrics[i.Name]
			require.True(t, ok, "%s is in no convention", i.Name)
			require.Equal(t, published.Instrument, i.Kind, i.Name)
			require.Equal(t, published.Unit, i.Unit, i.Name)
			require.Subset(t, i.Attributes, published.Attributes, i.Name)
			for _, a := range i.Attributes {
				require.True(t, strings.HasPrefix(a, "relay.") || strings.HasPrefix(a, "error.") || slices.Contains(published.Attributes, a), "%s has %s", i.Name, a)
			}
			if i.Kind == Histogram {
				requireBounds(t, published.Bounds, i.Bounds, i.Name)
			}
			seen++
		}
		require.Equal(t, len(metrics), seen)
	}
}
