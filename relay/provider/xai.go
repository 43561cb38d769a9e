package provider

import (
	"net/http"

	"one-api/relay/wire"
)

// xAI is xAI (https://docs.x.ai/docs/api-reference), whose API is OpenAI's except for its errors.
var xAI = Provider{
	Type: "xai", Also: []string{"grok", "x.ai", "x-ai", "x_ai", "xgrok"}, Name: "x_ai",
	BaseURL: "https://api.x.ai/v1", Speaks: andResponses(inChat(texts, wire.ImagesGenerate, wire.ImagesEdit)), List: listOfModels, Auth: Bearer, KeyVariables: []string{"XAI_API_KEY"},
	Models:         []string{"grok-*"},
	WellKnown:      []string{"grok-4", "grok-4-fast-reasoning", "grok-4-fast-non-reasoning", "grok-code-fast-1", "grok-3", "grok-3-mini"},
	SaysCost:       true,               // https://docs.x.ai/developers/cost-tracking
	HidesReasoning: []string{"grok-4"}, // https://docs.x.ai/docs/guides/reasoning
	Quirks:         Quirks{MaxCompletionTokens: true, MidSystem: true, MostStops: 4},
	// Outside the documentation: 403 "Content violates usage guidelines. Team: …, API key ID: …, Model: …, Failed check:
	// SAFETY_CHECK_TYPE_…" is about the prompt and not about the key.
	Says: []Saying{{
		Status: http.StatusForbidden, Words: []string{"violates usage guidelines", "content policy", "safety_check"},
		Means: AboutRequest, Code: "content_policy_violation",
	}},
}
