package channel

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"one-api/relay/config"
	"one-api/relay/lane"
	"one-api/relay/provider"
	"one-api/relay/wire"
)

// TestModelsThatOpenAIServesOnResponsesOnlyAreKnown goes by https://platform.openai.com/docs/models.
func TestModelsThatOpenAIServesOnResponsesOnlyAreKnown(t *testing.T) {
	var openAI provider.Provider
	for _, p := range provider.All() {
		if p.Type == "openai" {
			openAI = p
		}
	}
	c := &Channel{Of: &openAI, Channel: config.Channel{Official: true, ModelMapping: map[string]string{"mine": "o3-pro"}}}
	c.ResponsesLanes[wire.ChatCompletions] = aLane{}
	for model, only := range map[string]bool{
		"o1-pro": true, "o1-pro-2025-03-19": true, "o3-pro": true, "gpt-5-pro": true, "gpt-5-pro-2025-10-06": true, "gpt-5.2-pro": true,
		"codex-mini-latest": true, "gpt-5-codex": true, "gpt-5.1-codex-max": true, "gpt-5.1-codex-mini": true, "o3-deep-research": true,
		"o4-mini-deep-research-2025-06-26": true, "computer-use-preview": true, "openai/o3-pro": true, "mine": true,

		"o1": false, "o3": false, "o3-mini": false, "gpt-5": false, "gpt-5-mini": false, "gpt-4o": false, "gpt-4.1": false, "gpt-5-chat-latest": false,
		"o4-mini": false, "gpt-4-turbo-preview": false, "gpt-5-search-api": false, "gpt-4o-search-preview": false, "promodel": false,
	} {
		assert.Equal(t, only, c.OnResponses(wire.ChatCompletions, model), model)
	}
	assert.False(t, c.OnResponses(wire.Embeddings, "o3-pro"), "there is no other way for these")
	c.Official = false
	assert.False(t, c.OnResponses(wire.ChatCompletions, "o3-pro"), "nobody knows of another's")
	c.Responses.Add("o3-pro")
	assert.True(t, c.OnResponses(wire.ChatCompletions, "mine"), "but what has been refused is known")
}

type aLane struct{ lane.Lane }
