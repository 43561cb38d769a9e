package telemetry

import (
	"slices"
	"strings"
)

// GenAI is a version of OpenTelemetry's conventions for generative AI, which are still in development: names change.
type GenAI int

// The versions.
const (
	// GenAICurrent is the last that OpenTelemetry's own conventions had (v1.41.0), which dashboards and backends know.
	GenAICurrent GenAI = iota
	// GenAILatest is what the conventions' own repository (open-telemetry/semantic-conventions-genai) makes of them.
	GenAILatest
)

// GenAIOf reads OTEL_SEMCONV_STABILITY_OPT_IN, a list of what somebody wants the newer conventions for.
func GenAIOf(optIn string) GenAI {
	for of := range strings.SplitSeq(optIn, ",") {
		if strings.TrimSpace(of) == "gen_ai_latest_experimental" {
			return GenAILatest
		}
	}
	return GenAICurrent
}

// Instrument names of the latest conventions.
const (
	InferenceDuration   = "gen_ai.client.inference.duration"
	InferenceFirstChunk = "gen_ai.client.inference.time_to_first_chunk"
	InferencePerChunk   = "gen_ai.client.inference.time_per_output_chunk"
	InferenceInput      = "gen_ai.client.inference.operation.input_tokens"
	InferenceOutput     = "gen_ai.client.inference.operation.output_tokens"
	UsageInput          = "gen_ai.client.inference.usage.input_tokens"
	UsageOutput         = "gen_ai.client.inference.usage.output_tokens"
	UsageCacheRead      = "gen_ai.client.inference.usage.cache_read.input_tokens"
	UsageCacheWrite     = "gen_ai.client.inference.usage.cache_write.input_tokens"
	UsageReasoning      = "gen_ai.client.inference.usage.reasoning.output_tokens"
)

// Renamed is the latest name of each instrument of which nothing else has changed than its name.
var Renamed = map[string]string{OperationDuration: InferenceDuration, FirstChunk: InferenceFirstChunk, PerOutputChunk: InferencePerChunk}

// Modalities of tokens.
const (
	modalityText    = "text"
	modalityAudio   = "audio"
	modalityImage   = "image"
	modalityUnknown = "unknown"
)

// embeddings is the one operation of the relay's that is not an inference.
const embeddings = "embeddings"

// named is an instrument under another name.
func named(i Instrument, name string) Instrument {
	i.Name = name
	return i
}

var (
	operationDuration = Instrument{
		Name: OperationDuration, Kind: Histogram, Unit: "s", Bounds: durationBounds, Source: FromAttempt, Attributes: perAttempt,
		Description: "Duration of an attempt at a channel, to its end.",
		Question:    "Which channel is slow, and how do its calls end?",
		Cardinality: "(pairs of channel and model that the configuration names, + at most METRICS_MAX_MODEL_LABELS that it does not, + " +
			"channels) × operations (19) × endings (15, and one more for each status that upstreams send, 32 at most)",
	}
	firstChunk = Instrument{
		Name: FirstChunk, Kind: Histogram, Unit: "s", Bounds: durationBounds, Source: FromAttempt, Attributes: perChannelModel,
		Description: "Time from the start of an attempt to the first content of its stream: text, reasoning, a piece of a tool call.",
		Question:    "Which channel keeps people waiting?", Cardinality: "pairs of channel and model × operations",
	}
	perOutputChunk = Instrument{
		Name: PerOutputChunk, Kind: Histogram, Unit: "s", Bounds: chunkBounds, Source: FromAttempt, Attributes: perOperation,
		Description: "Time between two events of a stream that carry a part of the answer.",
		Question:    "Which channel stutters?", Cardinality: "channels × operations that stream (2)",
	}
	tokenUsage = Instrument{
		Name: TokenUsage, Kind: Histogram, Unit: "{token}", Bounds: tokenBounds, Source: FromAttempt,
		Attributes:  append([]string{AttrTokenType}, perChannelModel...),
		Description: "Tokens of an attempt, as the provider counts them. Cached and reasoning tokens are part of input and output.",
		Question:    "What is used, and where?", Cardinality: "pairs of channel and model × operations (19) × 2",
	}
)

// genAIClient is what the conventions have of calls to providers.
func genAIClient(version GenAI) []Instrument {
	if version == GenAICurrent {
		return []Instrument{operationDuration, firstChunk, perOutputChunk, tokenUsage}
	}
	renamed := func(i Instrument) Instrument { return named(i, Renamed[i.Name]) }
	inference, other := renamed(operationDuration), operationDuration
	other.Description = "Duration of an attempt at a channel that is no inference (embeddings), to its end."
	return []Instrument{
		inference, other, renamed(firstChunk), renamed(perOutputChunk),
		tokensOf(InferenceInput, "Input tokens of an attempt, as the provider counts them; 0 where it did not."),
		tokensOf(InferenceOutput, "Output tokens of an attempt, as the provider counts them; 0 where it did not."),
		usageOf(UsageInput, "Input tokens, cached ones included.", "What is used, and where?"),
		usageOf(UsageOutput, "Output tokens, reasoning included.", "What is used, and where?"),
		usageOf(UsageCacheRead, "Input tokens that the provider read from its prompt cache: a part of the input.",
			"Does prompt caching work on this channel?"),
		usageOf(UsageCacheWrite, "Input tokens that the provider wrote to its prompt cache: a part of the input.",
			"Is more written to the cache than is ever read?"),
		usageOf(UsageReasoning, "Output tokens that the model spent on reasoning: a part of the output.",
			"How much of the output does nobody read?"),
	}
}

func tokensOf(name, description string) Instrument {
	return Instrument{
		Name: name, Kind: Histogram, Unit: "{token}", Bounds: tokenBounds, Source: FromAttempt,
		Attributes: append([]string{AttrErrorType}, perChannelModel...), Description: description,
		Question: "How large is a call?", Cardinality: "pairs of channel and model × operations (19) × endings with an error that had usage",
	}
}

func usageOf(name, description, question string) Instrument {
	return Instrument{
		Name: name, Kind: Counter, Unit: "{token}", Source: FromAttempt, Attributes: append([]string{AttrModality}, perChannelModel...),
		Description: description + " By modality where the provider tells.",
		Question:    question, Cardinality: "pairs of channel and model × operations (19) × modalities (4)",
	}
}

// InstrumentsOf is the list with the names of a version of the GenAI conventions.
func InstrumentsOf(version GenAI) []Instrument {
	return slices.Concat(ofClients, genAIClient(version), ofChannels, ofRelay, ofRuntime)
}

// Instruments is the list with the names of today.
var Instruments = InstrumentsOf(GenAICurrent)

// names are those that the version has for what the relay records.
type names struct{ duration, firstChunk, perChunk string }

func (v GenAI) names() names {
	if v == GenAILatest {
		return names{Renamed[OperationDuration], Renamed[FirstChunk], Renamed[PerOutputChunk]}
	}
	return names{OperationDuration, FirstChunk, PerOutputChunk}
}

// instrument finds one in the list; one that is not in it is a mistake that every start would meet.
func (v GenAI) instrument(name string) Instrument {
	for _, i := range InstrumentsOf(v) {
		if i.Name == name {
			return i
		}
	}
	panic(name + " is not in the list of instruments")
}

// instrument finds one that all versions have.
func instrument(name string) Instrument { return GenAICurrent.instrument(name) }
