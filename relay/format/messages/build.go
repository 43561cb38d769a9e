package messages

import (
	"one-api/relay/format"
	"one-api/relay/llm"
)

// server is what providers that speak the Messages API are sent and answer.
type server struct{}

// builder says a request in the format.
type builder struct {
	format.JSON
	r       *llm.Request
	t       *format.Target
	habits  habits
	dropped []llm.Feature
	spare   int // hints for the cache that are left out: there are more than the API takes
	turns   []format.Side
	pairs   format.Pairing
	most    int64
	answer  []byte // the schema of the answer, as the API takes it
	inWords string // what the answer has to be like, if that is not a member of the request
}

// Build says a request in the format.
func (server) Build(r *llm.Request, t *format.Target) (body []byte, dropped []llm.Feature, problem *format.Problem) {
	b := &builder{r: r, t: t, habits: habitsOf(t.Model)}
	b.collect()
	if len(b.turns) == 0 {
		return nil, nil, &format.Problem{Path: "messages", What: "must have a user message that is not empty"}
	}
	if b.spare = max(0, b.hints()-mostHints); b.spare > 0 {
		b.drop(llm.CacheHints)
	}
	b.JSON = make([]byte, 0, format.SizeOf(b.r))
	b.Open('{')
	b.String("model", t.Model)
	b.most = r.MaxTokens
	if b.most == 0 {
		b.most = b.habits.most
	}
	if limit := b.habits.limit; limit > 0 && b.most > limit {
		b.most = limit
		b.drop(llm.MaxTokens)
	}
	b.form()
	b.Int("max_tokens", b.most)
	if r.Stream {
		b.Literal("stream", "true")
	}
	b.tools()
	b.system()
	b.messages()
	b.sampling(b.thinking())
	b.stops()
	b.config()
	if r.User != "" {
		if user := t.Seal.EndUser(r.User, longestUser); user != "" {
			b.Key("metadata")
			b.Open('{')
			b.String("user_id", user)
			b.Close('}')
		}
	}
	b.Close('}')
	return b.JSON, b.dropped, nil
}

// longestUser is how many characters a user_id may have.
const longestUser = 256

func (b *builder) drop(f llm.Feature) { b.dropped = append(b.dropped, f) }

// mostHints is how many cache_control the API takes. Those of the longest beginnings are kept.
const mostHints = 4

func (b *builder) hints() (n int) {
	count := func(p *llm.Part) {
		if p.Cache != nil {
			n++
		}
	}
	for i := range b.r.Tools {
		if b.r.Tools[i].Cache != nil {
			n++
		}
	}
	for i := range b.r.Instructions {
		count(&b.r.Instructions[i])
	}
	for _, turn := range b.turns {
		for _, p := range turn.Parts {
			count(p)
		}
	}
	return n
}

func (b *builder) cache(hint []byte) {
	switch {
	case hint == nil:
	case b.spare > 0:
		b.spare--
	default:
		b.Value("cache_control", hint)
	}
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
				b.block(&parts[i])
			}
		}
	}
	add(b.r.Instructions)
	for i := range b.r.Turns {
		if b.r.Turns[i].Role == llm.System {
			add(b.r.Turns[i].Parts)
		}
	}
	if b.inWords != "" {
		begin()
		b.block(&llm.Part{Text: b.inWords})
	}
	if open {
		b.Close(']')
	}
}

func (b *builder) sampling(thinks bool) {
	r := b.r
	temperature, topP := r.Temperature, r.TopP
	switch {
	case b.habits.noSampling || thinks:
		if temperature != nil && *temperature != 1 {
			b.drop(llm.Temperature)
		}
		if topP != nil && *topP != 1 {
			b.drop(llm.SamplingTopP)
		}
		if r.TopK != nil {
			b.drop(llm.SamplingTopK)
		}
		return
	case temperature != nil && topP != nil && (*topP == 1 || b.habits.oneOfTwo):
		if *topP != 1 {
			b.drop(llm.SamplingTopP)
		}
		topP = nil // many clients always send both
	}
	if temperature != nil {
		b.Float("temperature", min(*temperature, 1)) // whose range is 0 to 2 for OpenAI
	}
	if topP != nil {
		b.Float("top_p", *topP)
	}
	if r.TopK != nil {
		b.Int("top_k", *r.TopK)
	}
}

func (b *builder) stops() {
	open := false
	for _, s := range b.r.Stop {
		if format.IsBlank(s) {
			continue
		}
		if !open {
			b.Key("stop_sequences")
			b.Open('[')
			open = true
		}
		b.Text(s)
	}
	if open {
		b.Close(']')
	}
}

// thinking says whether and how much the model is to think, and reports whether it does.
func (b *builder) thinking() bool {
	r, h := b.r, b.habits
	if t := r.Think; t != nil && t.Off || r.Effort == "none" {
		if h.budget || h.adaptive {
			b.Literal("thinking", `{"type":"disabled"}`)
		}
		return false
	}
	budget := budgets[r.Effort]
	if r.Think != nil && r.Think.Budget > 0 {
		budget = max(r.Think.Budget, leastBudget)
	}
	switch {
	case r.Effort == "" && r.Think == nil:
		return false
	case r.Choice.How == llm.ChoiceAny || r.Choice.How == llm.ChoiceTool: // the API takes no thinking beside a tool that has to be called
		b.unthought()
		return false
	case h.adaptive && h.hides:
		b.Literal("thinking", `{"type":"adaptive","display":"summarized"}`)
		return true
	case h.adaptive:
		b.Literal("thinking", `{"type":"adaptive"}`)
		return true
	case !h.budget, b.most <= leastBudget, b.callsUnthought():
		b.unthought()
		return false
	}
	if budget == 0 {
		budget = budgets["medium"]
	}
	b.Key("thinking")
	b.Open('{')
	b.Literal("type", `"enabled"`)
	b.Int("budget_tokens", max(leastBudget, min(budget, b.most*3/4)))
	b.Close('}')
	return true
}

// unthought counts that the model is not told to think, although it was asked for.
func (b *builder) unthought() {
	switch {
	case b.r.Think != nil:
		b.drop(llm.ThinkingBudget)
	case !b.habits.effort:
		b.drop(llm.ReasoningEffort)
	}
}

// callsUnthought reports whether the last answer ends with tool calls, and without the signed reasoning that the API wants in front
// of them while it thinks: a client of another format has no place to keep it.
func (b *builder) callsUnthought() bool {
	for i := len(b.turns) - 1; i >= 0; i-- {
		if !b.turns[i].Assistant {
			continue
		}
		calls, thought := false, false
		for _, p := range b.turns[i].Parts {
			calls = calls || p.Kind == llm.ToolCall
			thought = thought || p.Kind == llm.Reasoning
		}
		return calls && !thought
	}
	return false
}

func (b *builder) config() {
	effort := ""
	if b.habits.effort {
		effort = efforts[b.r.Effort]
	}
	if effort == "" && b.answer == nil {
		return
	}
	b.Key("output_config")
	b.Open('{')
	b.Said("effort", effort)
	if b.answer != nil {
		b.Key("format")
		b.Open('{')
		b.Literal("type", `"json_schema"`)
		b.Value("schema", b.answer)
		b.Close('}')
	}
	b.Close('}')
}

func (b *builder) tools() {
	r := b.r
	if len(r.Tools) == 0 {
		return
	}
	b.Key("tools")
	b.Open('[')
	for i := range r.Tools {
		tool := &r.Tools[i]
		b.Open('{')
		b.String("name", b.name(tool.Name))
		b.Said("description", tool.Description)
		b.input(tool)
		b.cache(tool.Cache)
		b.Close('}')
	}
	b.Close(']')
	b.choice()
}

// input is what a tool is called with. A model is held to that only as far as the API takes its schema for it.
func (b *builder) input(tool *llm.Tool) {
	if tool.Strict == nil || !*tool.Strict {
		b.ObjectSchema("input_schema", tool.Schema)
		if tool.Strict != nil && b.habits.schemas {
			b.Literal("strict", "false")
		}
		return
	}
	held := []byte(nil)
	if b.habits.schemas {
		held = closed(tool.Schema)
	}
	if held == nil {
		b.ObjectSchema("input_schema", tool.Schema)
		b.drop(llm.StrictTools)
		return
	}
	b.ObjectSchema("input_schema", held)
	b.Literal("strict", "true")
}

// longestName is how many characters Anthropic takes of a tool's name.
const longestName = 128

func (b *builder) name(name string) string { return b.t.NameOf(name, longestName) }

func (b *builder) choice() {
	c := b.r.Choice
	if c.How == llm.ChoiceUnsaid {
		if !b.r.Serial {
			return
		}
		c.How = llm.ChoiceAuto
	}
	b.Key("tool_choice")
	b.Open('{')
	b.Literal("type", [...]string{llm.ChoiceAuto: `"auto"`, llm.ChoiceNone: `"none"`, llm.ChoiceAny: `"any"`, llm.ChoiceTool: `"tool"`}[c.How])
	if c.How == llm.ChoiceTool {
		b.String("name", b.name(c.Name))
	}
	if b.r.Serial && c.How != llm.ChoiceNone {
		b.Literal("disable_parallel_tool_use", "true")
	}
	b.Close('}')
}

// blank reports whether Anthropic would refuse a text as empty.
