package chat

import "strings"

// habits is what models refuse or want that others of the same format do not.
type habits struct {
	prefix      string
	except      string // models that begin so are none of these; empty means all are
	noSampling  bool   // temperature and top_p
	noStops     bool
	verbosity   bool // verbosity is taken
	effort      bool // reasoning_effort is taken
	noEffort    bool // reasoning_effort is refused
	newName     bool // max_completion_tokens instead of max_tokens
	wideEffort  bool // reasoning_effort is low, high or max
	leastEffort string
	signs       bool  // tool calls of earlier turns are refused without a signature
	noThoughts  bool  // reasoning of earlier turns is refused (OpenAI's own, wherever they are served)
	wantsThinks bool  // tool calls of earlier turns are refused without their reasoning
	alwaysThink bool  // thinking cannot be turned off
	most        int64 // max_tokens that is taken; 0 if it is not known
}

// models is data, the first match counts:
//
//   - OpenAI's reasoning models: https://platform.openai.com/docs/guides/reasoning, and how much each one answers:
//     https://platform.openai.com/docs/models ("max_tokens is too large: 32000. This model supports at most 16384 completion tokens")
//   - Gemini 3: https://ai.google.dev/gemini-api/docs/thought-signatures
//   - xAI's: https://docs.x.ai/docs/guides/reasoning. grok-4.3 and later take an effort, those before them refuse it.
//   - DeepSeek's: https://api-docs.deepseek.com/guides/thinking_mode
//   - Kimi's: https://platform.moonshot.ai/docs. Their sampling is fixed; kimi-k3 and kimi-k2.7 always think.
//   - GLM's: https://docs.z.ai/guides/capabilities/thinking-mode
var models = []habits{
	{
		prefix: "gpt-5.", except: "chat", verbosity: true, noSampling: true, noStops: true, effort: true, newName: true, leastEffort: "none",
		noThoughts: true,
	},
	{
		prefix: "gpt-5", except: "chat", verbosity: true, noSampling: true, noStops: true, effort: true, newName: true, leastEffort: "minimal",
		noThoughts: true,
	},
	{prefix: "o1", noSampling: true, effort: true, newName: true, leastEffort: "low", noThoughts: true},
	{prefix: "o3", noSampling: true, noStops: true, effort: true, newName: true, leastEffort: "low", noThoughts: true},
	{prefix: "o4", noSampling: true, noStops: true, effort: true, newName: true, leastEffort: "low", noThoughts: true},
	{prefix: "gpt-4o", noEffort: true, noThoughts: true, most: 16384}, {prefix: "gpt-4.1", noEffort: true, noThoughts: true, most: 32768},
	{prefix: "gpt-4-turbo", noEffort: true, noThoughts: true, most: 4096}, {prefix: "gpt-3.5", noEffort: true, noThoughts: true, most: 4096},
	{prefix: "gpt-4.5", noEffort: true, noThoughts: true, most: 16384},
	{prefix: "gpt-", except: "oss", noEffort: true, noThoughts: true}, {prefix: "chatgpt-", noEffort: true, noThoughts: true, most: 16384},
	{prefix: "gemini-3", signs: true},
	{prefix: "grok-3-mini", noStops: true, effort: true, leastEffort: "low"},
	{prefix: "grok-4.3", noStops: true, effort: true, leastEffort: "none"},
	{prefix: "grok-4.5", noStops: true, effort: true, leastEffort: "low"},
	{prefix: "grok-4", except: "non-reasoning", noStops: true, noEffort: true}, {prefix: "grok-code", noStops: true, noEffort: true},
	{prefix: "grok-", noEffort: true},
	{prefix: "deepseek-v4", wantsThinks: true}, {prefix: "deepseek-reasoner", wantsThinks: true},
	{prefix: "kimi-k3", noSampling: true, effort: true, wideEffort: true, wantsThinks: true, alwaysThink: true},
	{prefix: "kimi-k2.7", noSampling: true, wantsThinks: true, alwaysThink: true},
	{prefix: "kimi-k2.", noSampling: true, wantsThinks: true}, {prefix: "kimi-k2-thinking", wantsThinks: true, alwaysThink: true},
	{prefix: "glm-5.3", effort: true, wideEffort: true, alwaysThink: true}, {prefix: "glm-5.2", effort: true, wideEffort: true},
}

func habitsOf(model string) habits {
	model = strings.ToLower(model[strings.LastIndexByte(model, '/')+1:]) // as in "openai/o3", which aggregators call it
	for _, h := range models {
		if strings.HasPrefix(model, h.prefix) && (h.except == "" || !strings.Contains(model, h.except)) && isWhole(model, h.prefix) {
			return h
		}
	}
	return habits{}
}

// isWhole reports whether a model of a short name is that family's, and not another one that begins with the same letters: gpt-x
// is none of OpenAI's.
func isWhole(model, prefix string) bool {
	if prefix != "gpt-" {
		return true
	}
	next := model[len(prefix):]
	return next != "" && next[0] >= '0' && next[0] <= '9'
}

// wideEffort is an effort in the words of those who know three.
func wideEffort(effort string) string {
	switch effort {
	case "minimal", "low":
		return "low"
	case "max":
		return "max"
	}
	return "high"
}
