package responses

import (
	"strings"

	"one-api/relay/format"
	"one-api/relay/llm"
)

// server is what providers that speak the Responses API are sent and answer.
type server struct{}

// builder says a request in the format.
type builder struct {
	format.JSON
	r       *llm.Request
	t       *format.Target
	habits  habits
	dropped []llm.Feature
}

// longestUser is how many characters a safety_identifier may have.
const longestUser = 64

// leastOutput is the least max_output_tokens that OpenAI takes.
const leastOutput = 16

// Build says a request in the format. Nothing is to be stored: what belongs together comes with each request.
func (server) Build(r *llm.Request, t *format.Target) (body []byte, dropped []llm.Feature, problem *format.Problem) {
	b := &builder{r: r, t: t, habits: habitsOf(t.Model)}
	b.JSON = make([]byte, 0, format.SizeOf(b.r))
	b.Open('{')
	b.String("model", t.Model)
	b.instructions()
	b.input()
	b.tools()
	b.limit()
	b.sampling()
	b.text()
	b.reasoning()
	b.Literal("store", "false")
	if r.Stream {
		b.Literal("stream", "true")
	}
	b.dropped = append(b.dropped, b.Own(r, t)...)
	if t.TakesOwn() && r.Labels != nil {
		b.Value("metadata", r.Labels)
	}
	if r.User != "" {
		name := "user" // which is all that compatible servers know
		if t.Official {
			name = "safety_identifier"
		}
		b.Said(name, t.Seal.EndUser(r.User, longestUser))
	}
	b.Close('}')
	return b.JSON, b.dropped, nil
}

func (b *builder) drop(f llm.Feature) { b.dropped = append(b.dropped, f) }

// limit says how long the answer may be. OpenAI refuses more than the model can.
func (b *builder) limit() {
	most := b.r.MaxTokens
	if most <= 0 {
		return
	}
	if b.habits.most > 0 && most > b.habits.most {
		most = b.habits.most
		b.drop(llm.MaxTokens)
	}
	b.Int("max_output_tokens", max(most, leastOutput))
}

func (b *builder) instructions() {
	var all []string
	for i := range b.r.Instructions {
		if text := b.r.Instructions[i].Text; strings.TrimSpace(text) != "" {
			all = append(all, text)
		}
	}
	b.Said("instructions", strings.Join(all, "\n\n"))
}

func (b *builder) sampling() {
	r := b.r
	if b.habits.noSampling {
		if r.Temperature != nil && *r.Temperature != 1 {
			b.drop(llm.Temperature)
		}
		if r.TopP != nil && *r.TopP != 1 {
			b.drop(llm.SamplingTopP)
		}
		return
	}
	if r.Temperature != nil {
		b.Float("temperature", *r.Temperature)
	}
	if r.TopP != nil {
		b.Float("top_p", *r.TopP)
	}
}

// text is the form that the answer's text has, and how much the model says, if it can be told.
func (b *builder) text() {
	verbosity := b.r.Verbosity
	if !b.t.TakesOwn() || !b.habits.verbosity {
		verbosity = ""
		if b.r.UsesFeature(llm.Verbosity) {
			b.drop(llm.Verbosity)
		}
	}
	if b.r.Format == nil && verbosity == "" {
		return
	}
	b.Key("text")
	b.Open('{')
	b.form()
	b.Said("verbosity", verbosity)
	b.Close('}')
}

func (b *builder) form() {
	f := b.r.Format
	if f == nil {
		return
	}
	b.Key("format")
	b.Open('{')
	if f.Schema == nil {
		b.Literal("type", `"json_object"`)
	} else {
		b.Literal("type", `"json_schema"`)
		name := f.Name
		if name == "" {
			name = "output"
		}
		b.String("name", name)
		b.Said("description", f.Description)
		b.Value("schema", f.Schema)
		b.Bool("strict", b.strict(f.Strict, f.Schema, llm.StrictSchemas))
	}
	b.Close('}')
}

// reasoning says how much the model is to think, and asks for what it thought: sealed, for its next turn.
func (b *builder) reasoning() {
	effort := b.effort()
	if effort != "" {
		b.Key("reasoning")
		b.Open('{')
		b.String("effort", effort)
		b.Close('}')
	}
	if b.habits.reasons {
		b.Literal("include", `["reasoning.encrypted_content"]`)
	}
}

func (b *builder) effort() string {
	r := b.r
	switch {
	case !b.habits.reasons || b.habits.noEffort:
		if r.Effort != "" && r.Effort != "none" {
			b.drop(llm.ReasoningEffort)
		}
		return ""
	case r.Effort != "":
		return format.PlainEffort(r.Effort)
	case r.Think == nil:
		return ""
	case r.Think.Off:
		return "low" // which all of them take
	case r.Think.Budget > 0:
		return format.EffortOf(r.Think.Budget)
	}
	return ""
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
		b.Literal("type", `"function"`)
		b.String("name", b.t.Name(tool.Name))
		b.Said("description", tool.Description)
		b.Value("parameters", format.FunctionSchema(tool.Schema))
		b.Bool("strict", b.strict(tool.Strict, tool.Schema, llm.StrictTools)) // which is the default here, and nowhere else
		b.Close('}')
	}
	b.Close(']')
	b.choice()
	if r.Serial {
		b.Literal("parallel_tool_calls", "false")
	}
}

// strict reports whether a schema is to be followed to the letter. OpenAI refuses that for schemas that others take.
func (b *builder) strict(asked *bool, schema []byte, f llm.Feature) bool {
	switch {
	case asked == nil || !*asked:
		return false
	case format.IsStrict(schema):
		return true
	}
	b.drop(f)
	return false
}

func (b *builder) choice() {
	c := b.r.Choice
	b.Said("tool_choice", format.ChoiceWord(c.How))
	if c.How == llm.ChoiceTool {
		b.Key("tool_choice")
		b.Open('{')
		b.Literal("type", `"function"`)
		b.String("name", b.t.Name(c.Name))
		b.Close('}')
	}
}
