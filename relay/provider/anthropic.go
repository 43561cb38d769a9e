package provider

// anthropic is Anthropic (https://docs.claude.com/en/api), and whatever is compatible with it.
var anthropic = Provider{
	Type: "anthropic", Also: []string{"claude"},
	Generic: true, BaseURL: "https://api.anthropic.com/v1", Speaks: []Dialect{{Format: Messages}}, List: listOfModels + "?limit=1000", Auth: XAPIKey, KeyVariables: []string{"ANTHROPIC_API_KEY"},
	Models:    []string{"claude-*"},
	WellKnown: []string{"claude-opus-4-1", "claude-opus-4-0", "claude-sonnet-4-5", "claude-sonnet-4-0", "claude-haiku-4-5", "claude-3-5-haiku-latest"},
	// A last assistant message is the beginning of the answer, and may not end in white space
	// (https://docs.claude.com/en/docs/build-with-claude/prompt-engineering/prefill-claudes-response). Models that do not support it
	// answer 400.
	Continues: Continuing{Official: true, TrimSpace: true},
}
