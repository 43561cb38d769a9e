// Package xai speaks to xAI (https://docs.x.ai/docs/api-reference), whose API is OpenAI's but for its errors.
package xai

// Provider is the provider's name in telemetry (gen_ai.provider.name of the OpenTelemetry GenAI conventions).
const Provider = "x_ai"

// DefaultBaseURL is where a channel without a base URL of its own sends its calls.
const DefaultBaseURL = "https://api.x.ai"

// DefaultModels are the globs of the models that a channel without a list of its own serves.
var DefaultModels = []string{"grok-*"}

// WellKnown is some of the provider's models (https://docs.x.ai/docs/models).
var WellKnown = []string{"grok-4", "grok-4-fast-reasoning", "grok-4-fast-non-reasoning", "grok-code-fast-1", "grok-3", "grok-3-mini"}

// HidesReasoning is the models whose reasoning is no part of a chat completion (https://docs.x.ai/docs/guides/reasoning).
var HidesReasoning = []string{"grok-4"}
