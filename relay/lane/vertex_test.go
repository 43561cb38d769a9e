package lane

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
)

// TestTheVersionStandsInThePlaceOfTheModel wherever that is, and nothing else of the body changes.
func TestTheVersionStandsInThePlaceOfTheModel(t *testing.T) {
	for body, want := range map[string]string{
		`{"model":"x"}`:                                 `{"anthropic_version":"vertex-2023-10-16"}`,
		`{ "model" : "x" , "max_tokens":1}`:             `{ "anthropic_version":"vertex-2023-10-16" , "max_tokens":1}`,
		`{"max_tokens":1,"model":"x\"y","a":[{}]}`:      `{"max_tokens":1,"anthropic_version":"vertex-2023-10-16","a":[{}]}`,
		`{"mod\u0065l":"x","a":"model"}`:                `{"anthropic_version":"vertex-2023-10-16","a":"model"}`,
		`{"anthropic_version":"old","model":"x","a":1}`: `{"anthropic_version":"vertex-2023-10-16","a":1}`,
		`{"model":"x","a":1, "anthropic_version":"o" }`: `{"anthropic_version":"vertex-2023-10-16","a":1 }`,
		`{"model":"x","model":"y","b":2}`:               `{"anthropic_version":"vertex-2023-10-16","b":2}`,
	} {
		got := vertexMessages([]byte(body))
		assert.Equal(t, want, string(got))
		require.True(t, json.Valid(got))
	}
}

func TestAModelsPlaceOnVertexHasItsPublisher(t *testing.T) {
	for model, want := range map[string]string{
		"gemini-2.5-pro": "/publishers/google/models/gemini-2.5-pro:streamGenerateContent", "google/gemini-2.5-pro": "/publishers/google/models/gemini-2.5-pro:streamGenerateContent",
		"publishers/google/models/x": "/publishers/google/models/x:streamGenerateContent", "endpoints/123": "/endpoints/123:streamGenerateContent", "a/../b": "/publishers/google/models/a%2F..%2Fb:streamGenerateContent",
	} {
		path, query := vertexGeminiPlace(wire.GeminiStream, model, true)
		assert.Equal(t, want, path)
		assert.Equal(t, "alt=sse", query)
	}
	for model, want := range map[string]string{
		"claude-sonnet-4-5@20250929": "/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict", "anthropic/claude-x": "/publishers/anthropic/models/claude-x:rawPredict",
	} {
		path, _ := vertexMessagesPlace(wire.Messages, model, false)
		assert.Equal(t, want, path)
	}
}
