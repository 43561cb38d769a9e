package converse

import "strings"

// habits is what models of a house have of what not all have
// (https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html, …/prompt-caching.html,
// …/structured-output.html). Of a model that nobody knows, such as one behind an inference profile of the operator's, nothing is known.
type habits struct {
	in       string // its id
	forced   bool   // a tool that has to be called: toolChoice any
	named    bool   // and a certain one: toolChoice tool
	statuses bool   // a result's status
	caches   bool   // cachePoint, in messages and the system prompt
	keeps    bool   // and behind tools
	schemas  bool   // outputConfig.textFormat, and tools that are strict
	topK     string // what the field of the model's own is called; empty: it has none
	thinks   thinking
}

// thinking is how a model is told how much to think.
type thinking uint8

const (
	untold       thinking = iota
	byThinking            // additionalModelRequestFields.thinking, as Anthropic's
	byEffort              // additionalModelRequestFields.reasoning_effort, as OpenAI's
	byNovaEffort          // additionalModelRequestFields.reasoningConfig
)

// models is data: the first one counts that has its word in the model's id.
var models = []habits{
	{in: "anthropic.", forced: true, named: true, statuses: true, caches: true, keeps: true, schemas: true, topK: "top_k", thinks: byThinking},
	{in: "claude", forced: true, named: true, statuses: true, caches: true, keeps: true, schemas: true, topK: "top_k", thinks: byThinking},
	{in: "amazon.nova-2", forced: true, named: true, statuses: true, caches: true, thinks: byNovaEffort},
	{in: "amazon.nova", forced: true, named: true, statuses: true, caches: true},
	{in: "openai.", schemas: true, thinks: byEffort},
	{in: "mistral.", forced: true, schemas: true},
	{in: "qwen.", forced: true, schemas: true},
	{in: "deepseek.v3", schemas: true},
	{in: "moonshot", schemas: true},
	{in: "minimax.", schemas: true},
	{in: "google.gemma", schemas: true},
	{in: "nvidia.", schemas: true},
	{in: "cohere.command-r", topK: "k"},
}

func habitsOf(model string) habits {
	model = strings.ToLower(model)
	for _, h := range models {
		if strings.Contains(model, h.in) {
			return h
		}
	}
	return habits{}
}
