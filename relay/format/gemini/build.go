package gemini

import (
	"strings"

	"one-api/relay/format"
	"one-api/relay/llm"
)

// server is what providers that speak the Gemini API are sent and answer.
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
	inWords string // what the answer has to be like, where that is no member of the request
}

// Build says a request in the format. The model, and whether the answer is a stream, stand in the address.
func (server) Build(r *llm.Request, t *format.Target) (body []byte, dropped []llm.Feature, problem *format.Problem) {
	b := &builder{r: r, t: t, habits: habitsOf(t.Model)}
	b.collect()
	if len(b.turns) == 0 {
		return nil, nil, &format.Problem{Path: "messages", What: "must have a user message that is not empty"}
	}
	b.JSON = make([]byte, 0, format.SizeOf(b.r))
	b.form()
	b.Open('{')
	b.system()
	b.contents()
	b.tools()
	b.generation()
	b.Close('}')
	return b.JSON, b.dropped, nil
}

func (b *builder) drop(f llm.Feature) { b.dropped = append(b.dropped, f) }

// system says the instructions, from wherever they stood.
func (b *builder) system() {
	open := false
	say := func(text string) {
		if strings.TrimSpace(text) == "" {
			return
		}
		if !open {
			open = true
			b.Key("systemInstruction")
			b.Open('{')
			b.Key("parts")
			b.Open('[')
		}
		b.text(text)
	}
	for i := range b.r.Instructions {
		say(b.r.Instructions[i].Text)
	}
	for i := range b.r.Turns {
		if turn := &b.r.Turns[i]; turn.Role == llm.System {
			for j := range turn.Parts {
				say(turn.Parts[j].Text)
			}
		}
	}
	say(b.inWords)
	if open {
		b.Close(']')
		b.Close('}')
	}
}

func (b *builder) tools() {
	r := b.r
	if len(r.Tools) == 0 {
		return
	}
	strict := false
	b.Key("tools")
	b.Open('[')
	b.Open('{')
	b.Key("functionDeclarations")
	b.Open('[')
	for i := range r.Tools {
		tool := &r.Tools[i]
		b.Open('{')
		b.String("name", b.t.NameBegun(tool.Name))
		b.Said("description", tool.Description)
		if tool.Schema != nil && string(tool.Schema) != "{}" {
			b.Value("parametersJsonSchema", tool.Schema)
		}
		b.Close('}')
		strict = strict || tool.Strict != nil && *tool.Strict
	}
	b.Close(']')
	b.Close('}')
	b.Close(']')
	if strict {
		b.drop(llm.StrictTools)
	}
	if r.Serial {
		b.drop(llm.SerialTools)
	}
	b.choice()
}

var modes = [...]string{llm.ChoiceAuto: `"AUTO"`, llm.ChoiceNone: `"NONE"`, llm.ChoiceAny: `"ANY"`, llm.ChoiceTool: `"ANY"`}

func (b *builder) choice() {
	c := b.r.Choice
	if c.How == llm.ChoiceUnsaid {
		return
	}
	b.Key("toolConfig")
	b.Open('{')
	b.Key("functionCallingConfig")
	b.Open('{')
	b.Literal("mode", modes[c.How])
	if c.How == llm.ChoiceTool {
		b.Key("allowedFunctionNames")
		b.Open('[')
		b.Text(b.t.NameBegun(c.Name))
		b.Close(']')
	}
	b.Close('}')
	b.Close('}')
}

const (
	anyObject  = "Answer with one valid JSON object and nothing else: no other text, and no Markdown around it."
	withSchema = anyObject + " It has to be valid against this JSON schema:\n"
)

// form finds out whether the form of the answer has to be asked for in words.
func (b *builder) form() {
	switch f := b.r.Format; {
	case f == nil || !b.habits.formOrTools || len(b.r.Tools) == 0:
	case f.Schema == nil:
		b.inWords = anyObject
	default:
		b.inWords = withSchema + string(f.Schema)
	}
}

// mostStops is how many stop sequences the API takes.
const mostStops = 5

// generation says how the answer comes about.
func (b *builder) generation() {
	r := b.r
	b.Key("generationConfig")
	empty := len(b.JSON)
	b.Open('{')
	if most := r.MaxTokens; most > 0 {
		if b.habits.longest > 0 && most > b.habits.longest {
			most = b.habits.longest
			b.drop(llm.MaxTokens)
		}
		b.Int("maxOutputTokens", most)
	}
	if r.Temperature != nil {
		b.Float("temperature", *r.Temperature)
	}
	if r.TopP != nil {
		b.Float("topP", *r.TopP)
	}
	if r.TopK != nil {
		b.Int("topK", *r.TopK)
	}
	if r.Seed != nil {
		b.Int("seed", int64(int32(*r.Seed))) //nolint:gosec // the API takes 32 bits: another one is a seed as well, and the same every time
	}
	if stops := r.Stop; len(stops) > 0 {
		if len(stops) > mostStops {
			stops = stops[:mostStops]
			b.drop(llm.StopSequences)
		}
		b.Key("stopSequences")
		b.Open('[')
		for _, s := range stops {
			b.Text(s)
		}
		b.Close(']')
	}
	if r.Format != nil && b.inWords == "" {
		b.Literal("responseMimeType", `"application/json"`)
		if r.Format.Schema != nil {
			b.Value("responseJsonSchema", r.Format.Schema)
		}
	}
	b.thinking()
	b.Close('}')
	if len(b.JSON) == empty+len("{}") { // nothing was said
		b.JSON = b.JSON[:empty-len(`,"generationConfig":`)]
	}
}

// thinking says how much the model is to think, if the client has said it.
func (b *builder) thinking() {
	r, h := b.r, &b.habits
	off := r.Effort == "none" || r.Think != nil && r.Think.Off
	if r.Effort == "" && r.Think == nil {
		return
	}
	if h.told == notTold {
		switch {
		case off:
		case r.Think != nil:
			b.drop(llm.ThinkingBudget)
		default:
			b.drop(llm.ReasoningEffort)
		}
		return
	}
	b.Key("thinkingConfig")
	b.Open('{')
	if h.told == byLevel {
		b.level(off)
	} else {
		b.budget(off)
	}
	if !off {
		b.Literal("includeThoughts", "true")
	}
	b.Close('}')
}

func (b *builder) level(off bool) {
	effort := b.r.Effort
	switch {
	case off:
		effort = "none"
	case b.r.Think != nil && b.r.Think.Budget > 0:
		effort = levelOfBudget(b.r.Think.Budget)
	case effort == "":
		return // as much as it needs
	}
	b.String("thinkingLevel", strings.ToUpper(b.habits.level(effort)))
}

func (b *builder) budget(off bool) {
	tokens, known := budgets[b.r.Effort]
	switch {
	case off:
		tokens = 0
	case b.r.Think != nil && b.r.Think.Budget > 0:
		tokens = b.r.Think.Budget
	case !known:
		b.Int("thinkingBudget", asNeeded)
		return
	}
	b.Int("thinkingBudget", b.habits.budget(tokens))
}

// asNeeded is the budget of a model that thinks as much as it needs.
const asNeeded = -1
