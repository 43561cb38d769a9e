package llm

// Feature is something that a request can ask for and that not every format has. What becomes of it in a format is a column of
// that format's (format.Column); the documentation and the errors are made from it.
type Feature uint8

// The features. A format that does not speak of one carries it.
const (
	MidSystem Feature = iota
	ImageURL
	ImageFile
	AudioInput
	DocumentData
	DocumentText
	DocumentURL
	DocumentFile
	SearchResults
	ResultMedia
	ResultFailure
	EarlierReasoning
	EarlierRefusal
	MessageName
	Prefill
	ProviderTools
	CustomTools
	OldFunctions
	StrictTools
	AllowedTools
	LongToolNames
	Temperature
	SamplingTopP
	SamplingTopK
	Seed
	Penalties
	LogitBias
	Logprobs
	ManyChoices
	StopSequences
	JSONObject
	JSONSchema
	ReasoningEffort
	ThinkingBudget
	EndUser
	CacheHints
	CacheKeys
	ServiceTier
	AudioOutput
	WebSearch
	Prediction
	Verbosity
	StoredAnswers
	Labels
	MCPServers
	Containers
	ContextEditing
	Citations

	Features // how many there are
)

// names are what telemetry and the documentation call the features.
var names = [Features]string{
	MidSystem: "mid_system", ImageURL: "image_url", ImageFile: "image_file", AudioInput: "audio_input", DocumentData: "document_data",
	DocumentText: "document_text", DocumentURL: "document_url", DocumentFile: "document_file", SearchResults: "search_results",
	ResultMedia: "result_media", ResultFailure: "result_failure", EarlierReasoning: "earlier_reasoning", EarlierRefusal: "earlier_refusal",
	MessageName: "message_name", Prefill: "prefill", ProviderTools: "provider_tools", CustomTools: "custom_tools", OldFunctions: "old_functions",
	StrictTools: "strict_tools", AllowedTools: "allowed_tools", LongToolNames: "long_tool_names", Temperature: "temperature", SamplingTopP: "top_p",
	SamplingTopK: "top_k", Seed: "seed", Penalties: "penalties", LogitBias: "logit_bias", Logprobs: "logprobs", ManyChoices: "many_choices",
	StopSequences: "stop_sequences", JSONObject: "json_object", JSONSchema: "json_schema", ReasoningEffort: "reasoning_effort",
	ThinkingBudget: "thinking_budget", EndUser: "end_user", CacheHints: "cache_hints", CacheKeys: "cache_keys", ServiceTier: "service_tier",
	AudioOutput: "audio_output", WebSearch: "web_search", Prediction: "prediction", Verbosity: "verbosity", StoredAnswers: "stored_answers",
	Labels: "labels", MCPServers: "mcp_servers", Containers: "containers", ContextEditing: "context_editing", Citations: "citations",
}

func (f Feature) String() string { return names[f] }
