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

// features are what telemetry calls each one, and what it is.
var features = [Features]struct{ name, what string }{
	MidSystem:        {"mid_system", "a system message in the midst of a conversation"},
	ImageURL:         {"image_url", "an image as a link"},
	ImageFile:        {"image_file", "an image by the id of an uploaded file"},
	AudioInput:       {"audio_input", "audio in a message"},
	DocumentData:     {"document_data", "a PDF with its data"},
	DocumentText:     {"document_text", "a document that is text"},
	DocumentURL:      {"document_url", "a document as a link"},
	DocumentFile:     {"document_file", "a document by the id of an uploaded file"},
	SearchResults:    {"search_results", "search results that the client has found (search_result)"},
	ResultMedia:      {"result_media", "images and documents in the result of a tool"},
	ResultFailure:    {"result_failure", "a tool that failed (is_error)"},
	EarlierReasoning: {"earlier_reasoning", "reasoning of earlier turns"},
	EarlierRefusal:   {"earlier_refusal", "a refusal of an earlier turn"},
	MessageName:      {"message_name", "the name of a message"},
	Prefill:          {"prefill", "a last assistant message that is to be continued"},
	ProviderTools:    {"provider_tools", "tools that the provider runs itself"},
	CustomTools:      {"custom_tools", "tools that are not functions"},
	OldFunctions:     {"old_functions", "functions and function_call, the API before tools"},
	StrictTools:      {"strict_tools", "tools whose arguments have to follow their schema (strict)"},
	AllowedTools:     {"allowed_tools", "a choice among some of the tools"},
	LongToolNames:    {"long_tool_names", "names of tools of more than 64 characters"},
	Temperature:      {"temperature", "temperature"},
	SamplingTopP:     {"top_p", "top_p"},
	SamplingTopK:     {"top_k", "top_k"},
	Seed:             {"seed", "seed"},
	Penalties:        {"penalties", "frequency_penalty and presence_penalty"},
	LogitBias:        {"logit_bias", "logit_bias"},
	Logprobs:         {"logprobs", "logprobs"},
	ManyChoices:      {"many_choices", "n above 1"},
	StopSequences:    {"stop_sequences", "stop sequences"},
	JSONObject:       {"json_object", "an answer that is any JSON object"},
	JSONSchema:       {"json_schema", "an answer that follows a JSON schema"},
	ReasoningEffort:  {"reasoning_effort", "how much effort reasoning is worth"},
	ThinkingBudget:   {"thinking_budget", "thinking, with a budget or without"},
	EndUser:          {"end_user", "the end user's name (user, metadata.user_id)"},
	CacheHints:       {"cache_hints", "cache_control"},
	CacheKeys:        {"cache_keys", "prompt_cache_key and prompt_cache_retention"},
	ServiceTier:      {"service_tier", "service_tier"},
	AudioOutput:      {"audio_output", "an answer that is audio"},
	WebSearch:        {"web_search", "web_search_options"},
	Prediction:       {"prediction", "prediction"},
	Verbosity:        {"verbosity", "verbosity"},
	StoredAnswers:    {"stored_answers", "store"},
	Labels:           {"labels", "metadata of OpenAI's"},
	MCPServers:       {"mcp_servers", "mcp_servers"},
	Containers:       {"containers", "container"},
	ContextEditing:   {"context_editing", "context_management"},
	Citations:        {"citations", "citations"},
}

func (f Feature) String() string { return features[f].name }

// What says what it is, for the documentation.
func (f Feature) What() string { return features[f].what }
