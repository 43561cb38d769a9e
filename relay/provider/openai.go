package provider

// openAI is OpenAI (https://platform.openai.com/docs), and whatever is compatible with it and has no entry of its own.
var openAI = Provider{
	Type: "openai", Also: []string{"gpt", "chatgpt", "open-ai", "open_ai", "oai", "openai-compatible", "openai_compatible", "compatible", "custom"},
	Generic: true, BaseURL: "https://api.openai.com/v1", Speaks: []Dialect{{Format: Chat, Endpoints: ofOpenAI}, {Format: Responses, AtHome: true}, {Format: Realtime}}, List: listOfModels, Auth: Bearer, KeyVariables: []string{"OPENAI_API_KEY"},
	Models: []string{"gpt-*", "chatgpt-*", "o1*", "o3*", "o4*", "text-embedding-*", "davinci-*", "babbage-*", "dall-e-*", "whisper-*", "tts-*", "omni-moderation-*", "text-moderation-*"},
	WellKnown: []string{
		"gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-5", "gpt-5-mini", "gpt-5-nano", "o1", "o3", "o3-mini", "o4-mini",
		"text-embedding-3-small", "text-embedding-3-large", "gpt-image-1", "gpt-4o-mini-tts", "gpt-4o-transcribe", "whisper-1", "omni-moderation-latest",
	},
	// https://platform.openai.com/docs/guides/reasoning: it is not a part of a chat completion
	HidesReasoning: []string{"o1", "o3", "o4", "gpt-5"},
	// https://platform.openai.com/docs/models: what each of these is served on
	OnlyResponses: []string{
		"o?-pro", "o?-pro-20*", "gpt-*-pro", "gpt-*-pro-20*", "codex-*", "gpt-*-codex*", "o?-deep-research*", "o?-mini-deep-research*",
		"computer-use-*",
	},
	// "Invalid 'messages[1].tool_calls[0].id': string too long. Expected a string with maximum length 40": of some of its models, by now
	Quirks: Quirks{MaxCompletionTokens: true, OwnMembers: true, Reasoning: BackNever, MidSystem: true, MostStops: 4, LongestID: 40},
}
