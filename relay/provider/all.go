package provider

import "slices"

// All is every provider. The first ones are those whose formats the others speak.
func All() []Provider {
	return slices.Concat([]Provider{openAI, anthropic, gemini, xAI, azure, vertex, bedrock}, vendors)
}
