package relay

import (
	"one-api/relay/channel"
	"one-api/relay/channel/anthropic"
	"one-api/relay/channel/openai"
	"one-api/relay/channel/xai"
	"one-api/relay/config"
)

// Providers is every channel type. A new provider that speaks a format that there is, is one line here.
var Providers = map[string]channel.Provider{
	"openai":    {Lanes: openai.Lanes, List: openai.List, Name: openai.Provider, HidesReasoning: openai.HidesReasoning, WellKnown: openai.WellKnown, Provider: config.Provider{BaseURL: openai.DefaultBaseURL, Models: openai.DefaultModels}},
	"anthropic": {Lanes: anthropic.Lanes, List: anthropic.List, Name: anthropic.Provider, Continues: anthropic.Continues, WellKnown: anthropic.WellKnown, Provider: config.Provider{BaseURL: anthropic.DefaultBaseURL, Models: anthropic.DefaultModels}},
	"xai":       {Lanes: openai.Lanes, List: openai.List, Correct: xai.Correct, Name: xai.Provider, HidesReasoning: xai.HidesReasoning, WellKnown: xai.WellKnown, Provider: config.Provider{BaseURL: xai.DefaultBaseURL, Models: xai.DefaultModels}},
}

// ConfigProviders is what the configuration has to know of them.
func ConfigProviders() map[string]config.Provider {
	providers := make(map[string]config.Provider, len(Providers))
	for name, p := range Providers {
		providers[name] = p.Provider
	}
	return providers
}
