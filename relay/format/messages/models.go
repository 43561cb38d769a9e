package messages

import (
	"strconv"
	"strings"
)

// version is a Claude model's version, the major one times a hundred: 4.5 is 405. 0 if it cannot be told from the name.
type version int

// versionOf reads a version out of the many forms in which the name of a model is written: claude-opus-4-1-20250805,
// claude-3-5-sonnet@20240620, us.anthropic.claude-sonnet-4-5-20250929-v1:0, anthropic/claude-opus-4.8.
func versionOf(model string) version {
	at := strings.Index(model, "claude-")
	if at < 0 {
		return 0
	}
	var numbers []int
	for _, word := range strings.FieldsFunc(model[at+len("claude-"):], func(r rune) bool { return strings.ContainsRune("-.@:/", r) }) {
		if word[0] == 'v' && len(word) > 1 && word[1] >= '0' && word[1] <= '9' {
			break // of the API's form, not of the model
		}
		if n, err := strconv.Atoi(word); err == nil && len(word) <= 2 {
			numbers = append(numbers, n)
		}
	}
	switch len(numbers) {
	case 0:
		return 0
	case 1:
		return version(numbers[0] * 100)
	}
	return version(numbers[0]*100 + numbers[1])
}

// habits is what models from a version on refuse or can do (https://docs.claude.com/en/docs/about-claude/models).
type habits struct {
	from       version
	noSampling bool  // temperature, top_p and top_k
	oneOfTwo   bool  // temperature or top_p, not both
	budget     bool  // thinking with a budget
	adaptive   bool  // thinking as much as it needs
	effort     bool  // output_config.effort
	schemas    bool  // output_config.format, and tools that are strict
	noPrefill  bool  // a conversation that ends with an answer
	hides      bool  // thoughts are told only to those who ask for them
	most       int64 // max_tokens if the client says nothing
	limit      int64 // max_tokens that is taken; 0 if it is not known
}

// models is data, the newest first: the first one counts that is not newer than the model.
var models = []habits{
	{from: 407, noSampling: true, adaptive: true, effort: true, schemas: true, noPrefill: true, hides: true, most: 16384},
	{from: 406, oneOfTwo: true, adaptive: true, budget: true, effort: true, schemas: true, noPrefill: true, most: 16384},
	{from: 401, oneOfTwo: true, budget: true, schemas: true, most: 16384, limit: 64000},
	{from: 307, budget: true, most: 16384, limit: 64000},
	{from: 305, most: 8192, limit: 8192},
	{from: 1, most: 4096, limit: 4096},
}

func habitsOf(model string) habits {
	v := versionOf(model)
	if v == 405 && strings.Contains(model, "opus") {
		return habits{oneOfTwo: true, budget: true, effort: true, schemas: true, most: 16384, limit: 64000}
	}
	if strings.Contains(model, "claude-instant") {
		v = 200
	}
	for _, h := range models {
		if v >= h.from {
			if h.limit > 32000 && v < 405 && strings.Contains(model, "opus") {
				h.limit = 32000
			}
			return h
		}
	}
	return habits{schemas: true, most: 16384} // an alias
}

// budgets is how many tokens an effort is worth, for models that are told a budget.
var budgets = map[string]int64{"minimal": 1024, "low": 2048, "medium": 6144, "high": 12288, "xhigh": 12288, "max": 12288}

// leastBudget is the least that the API takes.
const leastBudget = 1024

// efforts are the words that the API knows.
var efforts = map[string]string{"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "max"}
