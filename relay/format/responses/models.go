package responses

import "strings"

// habits is what models refuse or want that others of the same format do not.
type habits struct {
	prefix     string
	except     string // models that have it in their names are none of these; empty means all are
	reasons    bool   // reasoning.effort is taken, and reasoning is given back sealed
	noEffort   bool   // reasoning.effort is not
	noSampling bool   // temperature and top_p are refused
	verbosity  bool   // text.verbosity is taken
	most       int64  // max_output_tokens that is taken; 0 if it is not known
}

// models is data, the first match counts: OpenAI's reasoning models (https://platform.openai.com/docs/guides/reasoning) and xAI's
// (https://docs.x.ai/docs/guides/reasoning), and how much OpenAI's others answer (https://platform.openai.com/docs/models).
var models = []habits{
	{prefix: "gpt-5", except: "chat", verbosity: true, reasons: true, noSampling: true},
	{prefix: "o1", reasons: true, noSampling: true}, {prefix: "o3", reasons: true, noSampling: true},
	{prefix: "o4", reasons: true, noSampling: true},
	{prefix: "codex-", reasons: true, noSampling: true}, {prefix: "computer-use", reasons: true, noSampling: true},
	{prefix: "gpt-4o", most: 16384}, {prefix: "gpt-4.1", most: 32768}, {prefix: "gpt-4-turbo", most: 4096}, {prefix: "gpt-3.5", most: 4096},
	{prefix: "gpt-4.5", most: 16384}, {prefix: "chatgpt-", most: 16384},
	{prefix: "grok-3-mini", reasons: true}, {prefix: "grok-4", reasons: true, noEffort: true},
	{prefix: "grok-code", reasons: true, noEffort: true},
}

func habitsOf(model string) habits {
	model = model[strings.LastIndexByte(model, '/')+1:] // as in "openai/o3", which aggregators call it
	for _, h := range models {
		if strings.HasPrefix(model, h.prefix) && (h.except == "" || !strings.Contains(model, h.except)) {
			return h
		}
	}
	return habits{}
}
