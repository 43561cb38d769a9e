package converse

import (
	"cmp"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

// server is what is sent to the Converse API, and what it answers.
type server struct{}

// builder says a request in the format.
type builder struct {
	format.JSON
	r       *llm.Request
	t       *format.Target
	habits  habits
	dropped []llm.Feature
	turns   []format.Side
	pairs   format.Pairing
	spare   int      // hints for the cache that are left out: there are more than the API takes
	named   int      // documents so far
	inWords []string // what the model is told in words, if there is no member for it
}

// Build says a request in the format.
func (server) Build(r *llm.Request, t *format.Target) (body []byte, dropped []llm.Feature, problem *format.Problem) {
	b := &builder{r: r, t: t, habits: habitsOf(t.Model)}
	b.collect()
	if len(b.turns) == 0 {
		return nil, nil, &format.Problem{Path: "messages", What: "must have a user message that is not empty"}
	}
	b.spare = max(0, b.hints()-mostHints)
	if b.spare > 0 || b.hints() > 0 && !b.habits.caches {
		b.drop(llm.CacheHints)
	}
	b.JSON = make([]byte, 0, format.SizeOf(r))
	b.Open('{')
	b.tools()
	b.form()
	b.system()
	if problem := b.messages(); problem != nil {
		return nil, nil, problem
	}
	b.inference()
	b.further()
	b.Close('}')
	return b.JSON, b.dropped, nil
}

func (b *builder) drop(f llm.Feature) {
	for _, dropped := range b.dropped {
		if dropped == f {
			return
		}
	}
	b.dropped = append(b.dropped, f)
}

// mostHints is how many cachePoint the API takes. Those of the longest beginnings are kept.
const mostHints = 4

func (b *builder) hints() (n int) {
	if b.habits.keeps {
		for i := range b.r.Tools {
			if b.r.Tools[i].Cache != nil {
				n++
			}
		}
	}
	for i := range b.r.Instructions {
		if b.r.Instructions[i].Cache != nil {
			n++
		}
	}
	for _, turn := range b.turns {
		for _, p := range turn.Parts {
			if p.Cache != nil {
				n++
			}
		}
	}
	return n
}

// cache says that the conversation up to here is to be kept. hint is what the client says of it: {"type":"ephemeral","ttl":"1h"}.
func (b *builder) cache(hint []byte) {
	if hint == nil || !b.habits.caches {
		return
	}
	if b.spare > 0 {
		b.spare--
		return
	}
	b.Open('{')
	b.Key("cachePoint")
	b.Open('{')
	b.Literal("type", `"default"`)
	if ttl, _ := jsonscan.String(jsonscan.MemberOf(hint, "ttl")); ttl == "5m" || ttl == "1h" {
		b.String("ttl", ttl)
	}
	b.Close('}')
	b.Close('}')
}

// system says the instructions, from wherever they stood.
func (b *builder) system() {
	open := false
	begin := func() {
		if !open {
			b.Key("system")
			b.Open('[')
			open = true
		}
	}
	add := func(parts []llm.Part) {
		for i := range parts {
			if !format.IsBlank(parts[i].Text) {
				begin()
				b.text(parts[i].Text)
				b.cache(parts[i].Cache)
			}
		}
	}
	add(b.r.Instructions)
	for i := range b.r.Turns {
		if b.r.Turns[i].Role == llm.System {
			add(b.r.Turns[i].Parts)
		}
	}
	for _, words := range b.inWords {
		begin()
		b.text(words)
	}
	if open {
		b.Close(']')
	}
}

const (
	anyObject  = "Answer with one valid JSON object and nothing else: no other text, and no Markdown around it."
	withSchema = anyObject + " It has to be valid against this JSON schema:\n"
	noCalls    = "Do not call any tool in your next answer."
	oneCall    = "Call a tool in your next answer."
	thisCall   = "Call this tool in your next answer: "
)

// form says what form the answer has to have.
func (b *builder) form() {
	f := b.r.Format
	switch {
	case f == nil:
		return
	case f.Schema == nil:
		b.inWords = append(b.inWords, anyObject)
		return
	case !b.habits.schemas:
		b.inWords = append(b.inWords, withSchema+string(f.Schema))
		return
	}
	b.Key("outputConfig")
	b.Open('{')
	b.Key("textFormat")
	b.Open('{')
	b.Literal("type", `"json_schema"`)
	b.Key("structure")
	b.Open('{')
	b.Key("jsonSchema")
	b.Open('{')
	b.String("schema", format.Compact(f.Schema)) // as text
	b.Said("name", format.Identifier(f.Name))
	b.Said("description", f.Description)
	for range 4 {
		b.Close('}')
	}
}

// inference says how the answer comes about.
func (b *builder) inference() {
	r := b.r
	b.Key("inferenceConfig")
	empty := len(b.JSON)
	b.Open('{')
	if r.MaxTokens > 0 {
		b.Int("maxTokens", r.MaxTokens)
	}
	if r.Temperature != nil {
		b.Float("temperature", min(*r.Temperature, 1)) // whose range is 0 to 2 for OpenAI
	}
	if r.TopP != nil && (r.Temperature == nil || *r.TopP != 1) { // many clients always send both
		b.Float("topP", *r.TopP)
	}
	open := false
	for _, s := range r.Stop {
		if format.IsBlank(s) {
			continue
		}
		if !open {
			b.Key("stopSequences")
			b.Open('[')
			open = true
		}
		b.Text(s)
	}
	if open {
		b.Close(']')
	}
	b.Close('}')
	if len(b.JSON) == empty+len("{}") { // nothing was said
		b.JSON = b.JSON[:empty-len(`,"inferenceConfig":`)]
	}
}

// further says what only the model's own fields can.
func (b *builder) further() {
	var own format.JSON
	if k := b.r.TopK; k != nil {
		if b.habits.topK == "" {
			b.drop(llm.SamplingTopK)
		} else {
			own.Int(b.habits.topK, *k)
		}
	}
	b.thinking(&own)
	if len(own) > 0 {
		b.Key("additionalModelRequestFields")
		b.Open('{')
		b.JSON = append(b.JSON, own...)
		b.Close('}')
	}
}

// Budgets of thinking by effort, in tokens, and what they need beside them.
var budgets = map[string]int64{"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 24576, "max": 32768}

const leastBudget = 1024

// thinking says whether and how much the model is to think, if the client has said it.
func (b *builder) thinking(own *format.JSON) {
	r := b.r
	if r.Effort == "" && r.Think == nil || r.Effort == "none" || r.Think != nil && r.Think.Off {
		return
	}
	effort := cmp.Or(r.Effort, "medium")
	switch b.habits.thinks {
	case byEffort:
		own.String("reasoning_effort", threeOf(effort))
	case byNovaEffort:
		own.Key("reasoningConfig")
		own.Open('{')
		own.Literal("type", `"enabled"`)
		own.String("maxReasoningEffort", threeOf(effort))
		own.Close('}')
	case byThinking:
		budget := budgets[effort]
		if r.Think != nil && r.Think.Budget > 0 {
			budget = r.Think.Budget
		}
		if budget = min(max(budget, leastBudget), r.MaxTokens*3/4); budget < leastBudget || b.forces() {
			b.unthought()
			return
		}
		own.Key("thinking")
		own.Open('{')
		own.Literal("type", `"enabled"`)
		own.Int("budget_tokens", budget)
		own.Close('}')
	case untold:
		b.unthought()
	}
}

func (b *builder) forces() bool {
	return b.r.Choice.How == llm.ChoiceAny || b.r.Choice.How == llm.ChoiceTool
}

// unthought counts that the model is not told to think, although it was asked for.
func (b *builder) unthought() {
	if b.r.Think != nil {
		b.drop(llm.ThinkingBudget)
		return
	}
	b.drop(llm.ReasoningEffort)
}

// threeOf is an effort where there are low, medium and high.
func threeOf(effort string) string {
	switch effort {
	case "minimal", "low":
		return "low"
	case "medium":
		return "medium"
	}
	return "high"
}

// blank reports whether the API would refuse a text as empty.
