package chat

import "strings"

// habits is what models refuse or want that others of the same format do not.
type habits struct {
	prefix      string
	except      string // models that begin so are none of these; empty: all are
	noSampling  bool   // temperature and top_p
	noStops     bool
	effort      bool // reasoning_effort is taken
	noEffort    bool // reasoning_effort is refused
	newName     bool // max_completion_tokens instead of max_tokens
	leastEffort string
	signs       bool // tool calls of earlier turns are refused without a signature
}

// models is data, the first match counts:
//
//   - OpenAI's reasoning models: https://platform.openai.com/docs/guides/reasoning
//   - Gemini 3: https://ai.google.dev/gemini-api/docs/thought-signatures
//   - xAI's: https://docs.x.ai/docs/guides/reasoning
var models = []habits{
	{prefix: "gpt-5.", except: "chat", noSampling: true, noStops: true, effort: true, newName: true, leastEffort: "none"},
	{prefix: "gpt-5", except: "chat", noSampling: true, noStops: true, effort: true, newName: true, leastEffort: "minimal"},
	{prefix: "o1", noSampling: true, effort: true, newName: true, leastEffort: "low"},
	{prefix: "o3", noSampling: true, noStops: true, effort: true, newName: true, leastEffort: "low"},
	{prefix: "o4", noSampling: true, noStops: true, effort: true, newName: true, leastEffort: "low"},
	{prefix: "gpt-", except: "oss", noEffort: true}, {prefix: "chatgpt-", noEffort: true},
	{prefix: "gemini-3", signs: true},
	{prefix: "grok-3-mini", noStops: true, effort: true}, {prefix: "grok-4", noStops: true, noEffort: true},
	{prefix: "grok-code", noStops: true, noEffort: true}, {prefix: "grok-", noEffort: true},
}

func habitsOf(model string) habits {
	model = model[strings.LastIndexByte(model, '/')+1:] // as in "openai/o3", which aggregators call it
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

// effortOfBudget is the effort that comes closest to a number of tokens to think with.
func effortOfBudget(tokens int64) string {
	switch {
	case tokens <= 2048:
		return "low"
	case tokens <= 8192:
		return "medium"
	}
	return "high"
}

// plainEffort is an effort in the words that every server knows.
func plainEffort(effort string) string {
	switch effort {
	case "xhigh", "max":
		return "high"
	}
	return effort
}
