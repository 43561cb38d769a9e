package chat

import (
	"cmp"

	"one-api/relay/format"
	"one-api/relay/llm"
	"one-api/relay/provider"
)

// server is what providers that speak chat completions are sent and answer.
type server struct{}

// builder says a request in the format.
type builder struct {
	format.JSON
	r       *llm.Request
	t       *format.Target
	quirks  *provider.Quirks
	habits  habits
	dropped []llm.Feature
	late    []late // what has to wait for the results of tools
	owed    int    // how many of those have not come
}

func quirksOf(t *format.Target) *provider.Quirks {
	if t.Quirks == nil {
		return &provider.Quirks{}
	}
	return t.Quirks
}

// Build says a request in the format.
func (server) Build(r *llm.Request, t *format.Target) (body []byte, dropped []llm.Feature, problem *format.Problem) {
	b := &builder{r: r, t: t, quirks: quirksOf(t), habits: habitsOf(t.Model)}
	if problem = b.unheard(); problem != nil {
		return nil, nil, problem
	}
	b.JSON = make([]byte, 0, format.SizeOf(b.r))
	b.Open('{')
	b.String("model", t.Model)
	b.messages()
	b.tools()
	b.limits()
	b.sampling()
	b.form()
	b.thinking()
	if r.Stream {
		b.Literal("stream", "true")
		if t.AskUsage {
			t.Asked = true
			b.Literal("stream_options", `{"include_usage":true}`)
		}
	}
	b.dropped = append(b.dropped, b.Own(r, t)...)
	b.verbosity()
	if r.User != "" && !b.quirks.NoUser {
		longest := b.quirks.LongestUser
		if longest == 0 {
			longest = 64 // OpenAI's
		}
		b.Said("user", t.Seal.EndUser(r.User, longest))
	}
	b.add(b.quirks.Also)
	b.Close('}')
	return b.JSON, b.dropped, nil
}

// verbosity is how much the model says, for those that can be told.
func (b *builder) verbosity() {
	switch {
	case b.t.TakesOwn() && b.habits.verbosity:
		b.Said("verbosity", b.r.Verbosity)
	case b.r.UsesFeature(llm.Verbosity):
		b.drop(llm.Verbosity)
	}
}

// add adds members that are JSON already.
func (b *builder) add(members string) {
	if members != "" {
		b.Raw(members)
	}
}

func (b *builder) drop(f llm.Feature) { b.dropped = append(b.dropped, f) }

func (b *builder) limits() {
	r := b.r
	most := r.MaxTokens
	if b.habits.most > 0 && most > b.habits.most {
		most = b.habits.most
		b.drop(llm.MaxTokens)
	}
	switch {
	case most <= 0:
	case b.quirks.MaxCompletionTokens || b.habits.newName:
		b.Int("max_completion_tokens", most)
	default:
		b.Int("max_tokens", most) // compatible servers may know only the old name
	}
	stops := r.Stop
	if most := b.quirks.MostStops; most > 0 && len(stops) > most {
		stops = stops[:most]
		b.drop(llm.StopSequences)
	}
	switch {
	case len(stops) == 0:
	case b.habits.noStops:
		b.drop(llm.StopSequences)
	default:
		b.Key("stop")
		b.Open('[')
		for _, s := range stops {
			b.Text(s)
		}
		b.Close(']')
	}
}

// leastTemperature is what stands for 0 if that is refused.
const leastTemperature = 0.01

func (b *builder) sampling() {
	r := b.r
	if r.Seed != nil {
		b.Int(cmp.Or(b.quirks.Seed, "seed"), *r.Seed)
	}
	switch {
	case r.TopK == nil:
	case b.quirks.TopK && !b.habits.noSampling:
		b.Int("top_k", *r.TopK)
	default:
		b.drop(llm.SamplingTopK)
	}
	if b.habits.noSampling {
		if r.Temperature != nil && *r.Temperature != 1 {
			b.drop(llm.Temperature)
		}
		if r.TopP != nil && *r.TopP != 1 {
			b.drop(llm.SamplingTopP)
		}
		if isSet(r.Presence) || isSet(r.Frequency) {
			b.drop(llm.Penalties)
		}
		return
	}
	if r.Temperature != nil {
		temperature := *r.Temperature
		if b.quirks.NoZero {
			temperature = max(temperature, leastTemperature)
		}
		b.Float("temperature", temperature)
	}
	if r.TopP != nil {
		b.Float("top_p", *r.TopP)
	}
	if r.Presence != nil {
		b.Float("presence_penalty", *r.Presence)
	}
	if r.Frequency != nil {
		b.Float("frequency_penalty", *r.Frequency)
	}
}

// isSet reports whether a penalty is one.
func isSet(penalty *float64) bool { return penalty != nil && *penalty != 0 }

func (b *builder) form() {
	f := b.r.Format
	switch {
	case f == nil:
	case f.Schema == nil || b.quirks.NoSchemas:
		b.Literal("response_format", `{"type":"json_object"}`)
	default:
		b.Key("response_format")
		b.Open('{')
		b.Literal("type", `"json_schema"`)
		b.Key("json_schema")
		b.Open('{')
		name := f.Name
		if name == "" {
			name = "output"
		}
		b.String("name", name)
		b.Said("description", f.Description)
		b.Value("schema", f.Schema)
		b.strict(f.Strict == nil || *f.Strict, f.Schema, llm.StrictSchemas)
		b.Close('}')
		b.Close('}')
	}
}

// strict reports whether a schema is one that has to be followed to the letter, unless OpenAI would refuse it with that.
func (b *builder) strict(wanted bool, schema []byte, f llm.Feature) {
	switch {
	case !wanted:
		b.Literal("strict", "false")
	case format.IsStrict(schema):
		b.Literal("strict", "true")
	default:
		b.drop(f)
	}
}

// thinking says whether and how much the model is to think. What of that the provider cannot be told is counted.
func (b *builder) thinking() {
	r := b.r
	said, off := r.Think != nil && !r.Think.Off, r.Effort == "none" || r.Think != nil && r.Think.Off
	switch {
	case b.mustNotThink():
		if said {
			b.drop(llm.ThinkingBudget)
		}
		said, off = false, true
	case off && b.habits.alwaysThink:
		b.drop(llm.ThinkingBudget)
		off = false
	}
	effort := b.effort(off)
	switch b.quirks.Thinking {
	case provider.SwitchType:
		if off {
			b.Literal("thinking", `{"type":"disabled"}`)
		} else if said {
			b.Literal("thinking", `{"type":"enabled"}`)
		}
	case provider.SwitchEnable:
		b.enable(said, off)
	case provider.SwitchReasoning:
		b.reasoning(said, off, effort)
		return
	case provider.SwitchNone:
		if said && effort == "" && !b.habits.effort {
			b.drop(llm.ThinkingBudget)
		}
	}
	b.Said("reasoning_effort", effort)
}

// mustNotThink reports whether a tool has to be called by a model that cannot think meanwhile.
func (b *builder) mustNotThink() bool {
	return b.quirks.ThoughtlessChoice && b.forced() && !b.habits.alwaysThink
}

// enable is DashScope's way to say it.
func (b *builder) enable(said, off bool) {
	if !off && !said {
		return
	}
	b.Bool("enable_thinking", !off)
	if budget := b.r.Think; said && budget.Budget > 0 && b.quirks.MostThinking > 0 {
		b.Int("thinking_budget", min(budget.Budget, b.quirks.MostThinking))
	}
}

// reasoning is OpenRouter's way to say it (https://openrouter.ai/docs/use-cases/reasoning-tokens).
func (b *builder) reasoning(said, off bool, effort string) {
	if !off && !said && effort == "" {
		return
	}
	b.Key("reasoning")
	b.Open('{')
	switch {
	case off:
		b.Literal("enabled", "false")
	case effort != "":
		b.String("effort", effort)
	case b.r.Think.Budget > 0:
		b.Int("max_tokens", b.r.Think.Budget)
	default:
		b.Literal("enabled", "true")
	}
	b.Close('}')
}

// effort is reasoning_effort; empty if it is not said.
func (b *builder) effort(off bool) string {
	r := b.r
	said := r.Effort
	switch {
	case off && b.quirks.Thinking != provider.SwitchNone:
		return ""
	case b.habits.noEffort || b.quirks.NoEffort && !b.habits.effort:
		if said != "" && said != "none" {
			b.drop(llm.ReasoningEffort)
		}
		return ""
	case said != "":
	case r.Think == nil:
		return ""
	case r.Think.Off:
		return b.habits.leastEffort
	case r.Think.Budget > 0 && (b.habits.effort || b.quirks.WideEffort):
		said = format.EffortOf(r.Think.Budget)
	default:
		return "" // of others it is not known that they take it
	}
	if b.quirks.WideEffort || b.habits.wideEffort {
		return wideEffort(said)
	}
	return format.PlainEffort(said)
}

func (b *builder) tools() {
	r := b.r
	if len(r.Tools) == 0 || b.quirks.NoToolChoice && r.Choice.How == llm.ChoiceNone {
		return
	}
	b.Key("tools")
	b.Open('[')
	for i := range r.Tools {
		tool := &r.Tools[i]
		b.Open('{')
		b.Literal("type", `"function"`)
		b.Key("function")
		b.Open('{')
		b.String("name", b.t.Name(tool.Name))
		b.Said("description", tool.Description)
		if tool.Schema != nil {
			b.Value("parameters", format.FunctionSchema(tool.Schema))
		}
		if tool.Strict != nil {
			b.strict(*tool.Strict, tool.Schema, llm.StrictTools)
		}
		b.Close('}')
		b.cache(tool.Cache)
		b.Close('}')
	}
	b.Close(']')
	b.choice()
	if r.Serial {
		b.Literal("parallel_tool_calls", "false")
	}
}

// forced reports whether a tool has to be called.
func (b *builder) forced() bool {
	how := b.r.Choice.How
	return len(b.r.Tools) > 0 && (how == llm.ChoiceAny || how == llm.ChoiceTool)
}

func (b *builder) choice() {
	c := b.r.Choice
	if b.quirks.NoToolChoice || b.forced() && b.quirks.ThoughtlessChoice && b.habits.alwaysThink {
		if b.forced() {
			b.drop(llm.ForcedTools)
		}
		return
	}
	b.Said("tool_choice", format.ChoiceWord(c.How))
	if c.How == llm.ChoiceTool {
		b.Key("tool_choice")
		b.Open('{')
		b.Literal("type", `"function"`)
		b.Key("function")
		b.Open('{')
		b.String("name", b.t.Name(c.Name))
		b.Close('}')
		b.Close('}')
	}
}

// cache adds a cache_control, if the provider is known to take it.
func (b *builder) cache(hint []byte) {
	if hint != nil && b.quirks.CacheHints {
		b.Value("cache_control", hint)
	}
}
