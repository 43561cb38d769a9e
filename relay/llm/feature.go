package llm

// Feature is something that a request can ask for and that not every format has. What becomes of it in a format is a column of
// that format's (format.Column); the documentation and the errors are made from it.
type Feature uint8

// The features. A format that does not mention one carries it.
const (
	MidSystem Feature = iota
	BillingNote
	ImageURL
	ImageFile
	ImageDetail
	AudioInput
	VideoInput
	DocumentData
	DocumentText
	DocumentURL
	DocumentFile
	DocumentNotes
	OtherDocuments
	OtherParts
	SearchResults
	ResultMedia
	ResultFailure
	EarlierReasoning
	EarlierRefusal
	EarlierServerTools
	OddArguments
	MessageName
	Prefill
	ProviderTools
	SpareSearch
	CustomTools
	TextTools
	ToolNamespaces
	OldFunctions
	ToolReferences
	ToolHints
	StrictTools
	ForcedTools
	AllowedTools
	LongToolNames
	SerialTools
	MaxTokens
	LeadingAnswer
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
	StrictSchemas
	OtherForms
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
	InferenceGeo
	Threads
	KeptState
	KeptPrompts
	SafetySettings
	ImageOutput
	OtherMembers

	Features // how many there are
)

// features are what telemetry calls each one, and what it is.
var features = [Features]struct{ name, what string }{
	MidSystem:          {"mid_system", "a system message in the midst of a conversation"},
	BillingNote:        {"billing_note", "a note of Claude Code's to Anthropic's billing among the instructions"},
	ImageURL:           {"image_url", "an image as a link"},
	ImageFile:          {"image_file", "an image by the id of an uploaded file"},
	ImageDetail:        {"image_detail", "how much of an image is looked at (detail)"},
	AudioInput:         {"audio_input", "audio in a message"},
	VideoInput:         {"video_input", "a film in a message"},
	DocumentData:       {"document_data", "a PDF with its data"},
	DocumentText:       {"document_text", "a document that is text"},
	DocumentURL:        {"document_url", "a document as a link"},
	DocumentFile:       {"document_file", "a document by the id of an uploaded file"},
	DocumentNotes:      {"document_notes", "the title and the context of a document"},
	OtherDocuments:     {"other_documents", "a document that is neither a PDF nor text"},
	OtherParts:         {"other_parts", "a part of a message that only one format has"},
	SearchResults:      {"search_results", "search results that the client has found (search_result)"},
	ResultMedia:        {"result_media", "images and documents in the result of a tool"},
	ResultFailure:      {"result_failure", "a tool that failed (is_error)"},
	EarlierReasoning:   {"earlier_reasoning", "reasoning of earlier turns"},
	EarlierRefusal:     {"earlier_refusal", "a refusal of an earlier turn"},
	EarlierServerTools: {"earlier_server_tools", "what tools that the provider ran itself did in earlier turns"},
	OddArguments:       {"odd_arguments", "arguments of an earlier tool call that are no JSON object"},
	MessageName:        {"message_name", "the name of a message"},
	Prefill:            {"prefill", "a last assistant message that is to be continued"},
	ProviderTools:      {"provider_tools", "tools that the provider runs itself"},
	SpareSearch:        {"spare_search", "a web search of the Responses API that the model may do beside functions (tool_choice auto)"},
	CustomTools:        {"custom_tools", "tools that are not functions"},
	TextTools:          {"text_tools", "tools of the Responses API whose input is text (custom)"},
	ToolNamespaces:     {"tool_namespaces", "tools of the Responses API in namespaces"},
	OldFunctions:       {"old_functions", "functions and function_call, the API before tools"},
	ToolReferences:     {"tool_references", "names of tools that a search for tools has found (tool_reference)"},
	ToolHints:          {"tool_hints", "what a provider is told beside of a tool (defer_loading, input_examples, allowed_callers …)"},
	StrictTools:        {"strict_tools", "tools whose arguments have to follow their schema (strict)"},
	ForcedTools:        {"forced_tools", "a tool that has to be called"},
	AllowedTools:       {"allowed_tools", "a choice among some of the tools"},
	LongToolNames:      {"long_tool_names", "names of tools of more than 64 characters"},
	SerialTools:        {"serial_tools", "at most one tool call at a time"},
	MaxTokens:          {"max_tokens", "a limit of the answer"},
	LeadingAnswer:      {"leading_answer", "a conversation that begins with an answer"},
	Temperature:        {"temperature", "temperature"},
	SamplingTopP:       {"top_p", "top_p"},
	SamplingTopK:       {"top_k", "top_k"},
	Seed:               {"seed", "seed"},
	Penalties:          {"penalties", "frequency_penalty and presence_penalty"},
	LogitBias:          {"logit_bias", "logit_bias"},
	Logprobs:           {"logprobs", "logprobs"},
	ManyChoices:        {"many_choices", "n above 1"},
	StopSequences:      {"stop_sequences", "stop sequences"},
	JSONObject:         {"json_object", "an answer that is any JSON object"},
	JSONSchema:         {"json_schema", "an answer that follows a JSON schema"},
	StrictSchemas:      {"strict_schemas", "an answer that follows its schema to the letter (strict)"},
	OtherForms:         {"other_forms", "a form of answers other than text and JSON"},
	ReasoningEffort:    {"reasoning_effort", "how much effort reasoning is worth"},
	ThinkingBudget:     {"thinking_budget", "thinking, with a budget or without"},
	EndUser:            {"end_user", "the end user's name (user, metadata.user_id)"},
	CacheHints:         {"cache_hints", "cache_control"},
	CacheKeys:          {"cache_keys", "prompt_cache_key and prompt_cache_retention"},
	ServiceTier:        {"service_tier", "service_tier"},
	AudioOutput:        {"audio_output", "an answer that is audio"},
	WebSearch:          {"web_search", "web_search_options"},
	Prediction:         {"prediction", "prediction"},
	Verbosity:          {"verbosity", "verbosity"},
	StoredAnswers:      {"stored_answers", "store"},
	Labels:             {"labels", "metadata of OpenAI's, labels of Google's"},
	MCPServers:         {"mcp_servers", "mcp_servers"},
	Containers:         {"containers", "container"},
	ContextEditing:     {"context_editing", "context_management"},
	Citations:          {"citations", "citations"},
	InferenceGeo:       {"inference_geo", "inference_geo"},
	Threads:            {"threads", "a conversation that the provider keeps (thread)"},
	KeptState: {"kept_state", "what the provider keeps of earlier requests (previous_response_id, conversation, prompt, " +
		"background, item_reference, compaction)"},
	KeptPrompts:    {"kept_prompts", "a prompt that Gemini keeps (cachedContent)"},
	SafetySettings: {"safety_settings", "Gemini's safetySettings"},
	ImageOutput:    {"image_output", "an answer that is an image (responseModalities)"},
	OtherMembers:   {"other_members", "members of a request that no other format has"},
}

func (f Feature) String() string { return features[f].name }

// What describes the feature, for the documentation.
func (f Feature) What() string { return features[f].what }
