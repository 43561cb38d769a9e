package gemini

import (
	"slices"
	"strings"
)

// thinking is how a model is told how much to think.
type thinking uint8

const (
	notTold  thinking = iota // it cannot be told
	byBudget                 // thinkingBudget, in tokens
	byLevel                  // thinkingLevel
)

// habits is what models refuse or want that others of the same format do not.
type habits struct {
	prefix      string
	told        thinking
	least, most int64    // of a budget
	canStop     bool     // a budget of 0 is taken
	levels      []string // that are taken, the lowest first
	signs       bool     // calls of the current turn are refused without a signature
	formOrTools bool     // tools and an answer in JSON are refused together
	longest     int64    // maxOutputTokens that is taken; 0 if it is not known
}

// The levels that there are.
const (
	minimal = "minimal"
	low     = "low"
	medium  = "medium"
	high    = "high"
)

// models is data, the first match counts (https://ai.google.dev/gemini-api/docs/thinking, …/thought-signatures and, for how much each one
// answers, …/models: Vertex AI refuses more, "the supported range is from 1 (inclusive) to 65537 (exclusive)"). Those of which
// nothing is known are aliases, or newer: a budget they take too.
var models = []habits{
	{prefix: "gemini-3-pro-image", signs: true, longest: 32768}, {prefix: "gemini-3.1-flash-image", signs: true, longest: 32768},
	{prefix: "gemini-3-pro", told: byLevel, levels: []string{low, high}, signs: true, longest: 65536},
	{prefix: "gemini-3.1-pro", told: byLevel, levels: []string{low, medium, high}, signs: true, longest: 65536},
	{prefix: "gemini-3", told: byLevel, levels: []string{minimal, low, medium, high}, signs: true, longest: 65536},
	{prefix: "gemini-2.5-flash-image", formOrTools: true, longest: 32768},
	{prefix: "gemini-2.5-computer-use", formOrTools: true, longest: 65536},
	{prefix: "gemini-2.5-pro", told: byBudget, least: 128, most: 32768, formOrTools: true, longest: 65536},
	{prefix: "gemini-2.5-flash-lite", told: byBudget, least: 512, most: 24576, canStop: true, formOrTools: true, longest: 65536},
	{prefix: "gemini-2.5-flash", told: byBudget, least: 1, most: 24576, canStop: true, formOrTools: true, longest: 65536},
	{prefix: "gemini-2.0", formOrTools: true, longest: 8192}, {prefix: "gemini-2", formOrTools: true},
	{prefix: "gemini-1", formOrTools: true, longest: 8192}, {prefix: "gemma-"}, {prefix: "learnlm-"},
	{prefix: "gemini-", told: byBudget, least: 512, most: 24576},
}

func habitsOf(model string) habits {
	model = strings.ToLower(model[strings.LastIndexByte(model, '/')+1:]) // as in "models/gemini-2.5-pro"
	for _, h := range models {
		if strings.HasPrefix(model, h.prefix) {
			return h
		}
	}
	return habits{}
}

// budgets is how many tokens an effort is worth, for models that are told a budget
// (https://ai.google.dev/gemini-api/docs/openai#thinking).
var budgets = map[string]int64{"none": 0, minimal: 1024, low: 1024, medium: 8192, high: 24576, "xhigh": 32768, "max": 32768}

// budget is how many tokens the model may think, as near to those as it takes.
func (h *habits) budget(tokens int64) int64 {
	if tokens <= 0 && h.canStop {
		return 0
	}
	return min(max(tokens, h.least), h.most)
}

// ordered are the levels, the lowest first.
var ordered = []string{minimal, low, medium, high}

// level is the level that comes closest to an effort, of those that the model takes: a higher one rather than a lower one, but for those
// who want none.
func (h *habits) level(effort string) string {
	switch effort {
	case "none":
		return h.levels[0]
	case "xhigh", "max":
		effort = high
	}
	for i := max(slices.Index(ordered, effort), 0); i < len(ordered); i++ {
		if slices.Contains(h.levels, ordered[i]) {
			return ordered[i]
		}
	}
	return h.levels[len(h.levels)-1]
}

// levelOfBudget is the effort that comes closest to a number of tokens to think with.
func levelOfBudget(tokens int64) string {
	switch {
	case tokens <= 2048:
		return low
	case tokens <= 8192:
		return medium
	}
	return high
}
