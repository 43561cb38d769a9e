package chat

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
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
	late    []string // system messages that have to wait for the results of tools
	waiting bool     // for those results
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
	b.JSON = make([]byte, 0, b.size())
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
	if r.User != "" && !b.quirks.NoUser {
		longest := b.quirks.LongestUser
		if longest == 0 {
			longest = 64 // OpenAI's
		}
		b.Said("user", t.Seal.EndUser(r.User, longest))
	}
	b.Close('}')
	return b.JSON, b.dropped, nil
}

// size guesses how long the body becomes.
func (b *builder) size() int {
	n := 512
	add := func(parts []llm.Part) {
		for i := range parts {
			p := &parts[i]
			n += len(p.Text) + len(p.Text)/16 + len(p.Input) + len(p.Input)/4 + len(p.ID) + len(p.Name) + 96
			if p.Media != nil {
				n += len(p.Media.Data) + len(p.Media.URL) + len(p.Media.Text)
			}
			for j := range p.Parts {
				inner := &p.Parts[j]
				n += len(inner.Text) + len(inner.Text)/16 + 32
				if inner.Media != nil {
					n += len(inner.Media.Data) + len(inner.Media.URL) + len(inner.Media.Text)
				}
			}
		}
	}
	add(b.r.Instructions)
	for i := range b.r.Turns {
		add(b.r.Turns[i].Parts)
	}
	for i := range b.r.Tools {
		t := &b.r.Tools[i]
		n += len(t.Schema) + len(t.Description) + len(t.Name) + 96
	}
	return n
}

func (b *builder) drop(f llm.Feature) { b.dropped = append(b.dropped, f) }

func (b *builder) limits() {
	r := b.r
	switch {
	case r.MaxTokens <= 0:
	case b.quirks.MaxCompletionTokens || b.habits.newName:
		b.Int("max_completion_tokens", r.MaxTokens)
	default:
		b.Int("max_tokens", r.MaxTokens) // compatible servers may know only the old name
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
		if isStrict(f.Schema) {
			b.Literal("strict", "true")
		}
		b.Close('}')
		b.Close('}')
	}
}

// thinking says whether and how much the model is to think.
func (b *builder) thinking() {
	r := b.r
	said, off := r.Think != nil, r.Effort == "none" || r.Think != nil && r.Think.Off
	switch {
	case b.quirks.Thinking == provider.SwitchType && off:
		b.Literal("thinking", `{"type":"disabled"}`)
	case b.quirks.Thinking == provider.SwitchType && said:
		b.Literal("thinking", `{"type":"enabled"}`)
	case b.quirks.Thinking == provider.SwitchEnable && (off || said):
		b.Bool("enable_thinking", !off)
	}
	if effort := b.effort(); effort != "" {
		b.String("reasoning_effort", effort)
	}
}

func (b *builder) effort() string {
	r := b.r
	switch {
	case b.quirks.NoEffort || b.quirks.Thinking != provider.SwitchNone || b.habits.noEffort:
		if r.Effort != "" && r.Effort != "none" {
			b.drop(llm.ReasoningEffort)
		}
		return ""
	case r.Effort != "":
		return plainEffort(r.Effort)
	case r.Think == nil || !b.habits.effort:
		return "" // of others it is not known that they take it
	case r.Think.Off:
		return b.habits.leastEffort
	case r.Think.Budget > 0:
		return effortOfBudget(r.Think.Budget)
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
		b.Key("function")
		b.Open('{')
		b.String("name", b.name(tool.Name))
		b.Said("description", tool.Description)
		if tool.Schema != nil {
			b.Value("parameters", tool.Schema)
		}
		if tool.Strict != nil && (!*tool.Strict || isStrict(tool.Schema)) {
			b.Bool("strict", *tool.Strict)
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

func (b *builder) choice() {
	c := b.r.Choice
	if b.quirks.NoToolChoice {
		if c.How == llm.ChoiceAny || c.How == llm.ChoiceTool {
			b.drop(llm.AllowedTools)
		}
		return
	}
	switch c.How {
	case llm.ChoiceUnsaid:
	case llm.ChoiceAuto:
		b.Literal("tool_choice", `"auto"`)
	case llm.ChoiceNone:
		b.Literal("tool_choice", `"none"`)
	case llm.ChoiceAny:
		b.Literal("tool_choice", `"required"`)
	case llm.ChoiceTool:
		b.Key("tool_choice")
		b.Open('{')
		b.Literal("type", `"function"`)
		b.Key("function")
		b.Open('{')
		b.String("name", b.name(c.Name))
		b.Close('}')
		b.Close('}')
	}
}

// longestName is how many characters OpenAI takes of a function's name.
const longestName = 64

// name is a tool's name as the provider takes it. One that is too long gets a shorter one, which the answer is told of.
func (b *builder) name(name string) string {
	if len(name) <= longestName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	mark := "_" + hex.EncodeToString(sum[:4])
	short := strings.ToValidUTF8(name[:longestName-len(mark)], "") + mark
	if b.t.Names == nil {
		b.t.Names = map[string]string{}
	}
	b.t.Names[short] = name
	return short
}

// cache adds a cache_control, if the provider is known to take it.
func (b *builder) cache(hint []byte) {
	if hint != nil && b.quirks.CacheHints {
		b.Value("cache_control", hint)
	}
}

// deepestSchema is how deep a schema is looked into.
const deepestSchema = 32

// isStrict reports whether OpenAI takes a schema with strict: every object names all its properties as required, and takes no
// others (https://platform.openai.com/docs/guides/structured-outputs#supported-schemas).
func isStrict(schema []byte) bool { return format.IsObject(schema) && strictIn(schema, deepestSchema) }

func strictIn(value []byte, depth int) bool {
	if depth == 0 {
		return false
	}
	if len(value) > 0 && value[0] == '[' {
		all := true
		jsonscan.Elements(value, func(element []byte) { all = all && strictIn(element, depth-1) })
		return all
	}
	if !format.IsObject(value) {
		return true
	}
	all, isObject, closed := true, false, false
	properties := map[string]bool{}
	var required []byte
	_ = jsonscan.Object(value, func(m jsonscan.Member) { // the request has been read
		switch string(m.Key) {
		case "type":
			isObject = isObject || string(m.Value) == `"object"`
		case "additionalProperties":
			closed = string(m.Value) == "false"
		case "required":
			required = m.Value
		case "properties", "$defs", "definitions":
			_ = jsonscan.Object(m.Value, func(inner jsonscan.Member) {
				if string(m.Key) == "properties" {
					properties[string(inner.Key)] = true
				}
				all = all && strictIn(inner.Value, depth-1)
			})
		case "items", "anyOf":
			all = all && strictIn(m.Value, depth-1)
		case "oneOf", "allOf", "not", "patternProperties", "if":
			all = false
		}
	})
	jsonscan.Elements(required, func(element []byte) {
		name, _ := jsonscan.String(element)
		delete(properties, name)
	})
	return all && (!isObject || closed && len(properties) == 0)
}
