package responses

import (
	"encoding/json"
	"strings"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

// textSchema is what a tool becomes whose input is text: a function with one argument.
const textSchema = `{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}`

// textArgument is the name of that argument.
const textArgument = "input"

// tool is a tool as it stands.
type tool struct {
	kind, name, description string
	parameters, form, tools []byte
	strict                  *bool
}

func (t *tool) member(name string, value []byte) *format.Problem {
	switch name {
	case "type":
		return format.String(value, &t.kind).In(name)
	case "name":
		return format.String(value, &t.name).In(name)
	case "description":
		return format.String(value, &t.description).In(name)
	case "strict":
		return format.Flag(value, &t.strict).In(name)
	case "parameters":
		if format.Given(value) && !format.IsObject(value) {
			return format.Wrong("must be a JSON schema object").In(name)
		}
		t.parameters = format.Raw(value)
	case "format":
		t.form = value
	case "tools":
		t.tools = value
	}
	return nil
}

// tools reads a list of tools: the request's, or a namespace's.
func (r *request) tools(value []byte, space string) *format.Problem {
	return format.Each(value, func(i int, element []byte) *format.Problem {
		var t tool
		if !format.IsObject(element) {
			return format.MustBe("an object", element)
		}
		if problem := format.Object(element, t.member); problem != nil {
			return problem
		}
		switch t.kind {
		case "function":
			return r.add(&t, space, llm.Tool{Description: t.description, Schema: t.parameters, Strict: t.strict})
		case "custom":
			return r.addText(&t, space)
		case "namespace":
			if space != "" || t.name == "" {
				return format.Wrong("must have a name, and be in no other namespace").In("name")
			}
			r.Note(llm.ToolNamespaces, "tools")
			return r.tools(t.tools, t.name).In("tools")
		case "web_search", "web_search_preview":
			if space == "" && r.search == nil {
				r.search = format.Asks(llm.ProviderTools).Named(t.kind).In("type").At(i).In("tools")
			}
			return nil
		case "":
			return format.Wrong("is missing").In("type")
		}
		return format.Asks(llm.ProviderTools).Named(t.kind).In("type")
	})
}

func (r *request) add(t *tool, space string, to llm.Tool) *format.Problem {
	if t.name == "" {
		return format.Wrong("is missing").In("name")
	}
	to.Name = flat(space, t.name)
	if to.Name != t.name {
		if was, taken := r.kept.names[to.Name]; taken && was != (qualified{space, t.name}) {
			return format.Wrong("is, with its namespace, too much like another tool's").In("name")
		}
		if r.kept.names == nil {
			r.kept.names = map[string]qualified{}
		}
		r.kept.names[to.Name] = qualified{space, t.name}
	}
	r.Tools = append(r.Tools, to)
	return nil
}

// addText adds a tool whose input is text, as a function with one argument. What its grammar is can only be said.
func (r *request) addText(t *tool, space string) *format.Problem {
	r.Note(llm.TextTools, "tools")
	description := t.description
	if grammar := grammarOf(t.form); grammar != "" {
		description = strings.TrimSpace(description + "\n\nThe argument " + textArgument + " has to follow this grammar:\n" + grammar)
	}
	if problem := r.add(t, space, llm.Tool{Description: description, Schema: json.RawMessage(textSchema)}); problem != nil {
		return problem
	}
	if r.kept.custom == nil {
		r.kept.custom = map[string]bool{}
	}
	r.kept.custom[flat(space, t.name)] = true
	return nil
}

// grammarOf is a custom tool's format: {"type":"grammar","syntax":"lark","definition":…}; empty means any text.
func grammarOf(value []byte) string {
	if !format.IsObject(value) {
		return ""
	}
	definition, _ := jsonscan.String(jsonscan.MemberOf(value, "definition"))
	return definition
}

// spare says what becomes of a web search, which nobody else does: what the model may do beside calling functions it does without.
// Where there is nothing else that it may call, or it has to call something, the search is what is wanted.
func (r *request) spare() *format.Problem {
	if r.search == nil {
		return nil
	}
	if len(r.Tools) == 0 || r.Choice.How == llm.ChoiceAny {
		return r.search
	}
	r.Note(llm.SpareSearch, "tools")
	return nil
}

// chosen is a tool_choice, or an element of a list of those that are allowed.
type chosen struct {
	kind, name, space, mode string
	tools                   []byte
}

func (c *chosen) member(name string, value []byte) *format.Problem {
	switch name {
	case "type":
		return format.String(value, &c.kind)
	case "name":
		return format.String(value, &c.name)
	case "namespace":
		return format.String(value, &c.space)
	case "mode":
		return format.String(value, &c.mode)
	case "tools":
		c.tools = value
	}
	return nil
}

// choose reads what tools have to be called.
func (r *request) choose(value []byte) *format.Problem {
	if !format.Given(value) {
		return nil
	}
	if word, ok := jsonscan.String(value); ok {
		if r.Choice.How, ok = format.ChoiceOf(word); !ok {
			return format.Wrong(`must be "auto", "none", "required" or an object`)
		}
		return r.chosenTools()
	}
	var c chosen
	if problem := format.Object(value, c.member); problem != nil {
		return problem
	}
	switch c.kind {
	case "function", "custom":
		r.Choice = llm.Choice{How: llm.ChoiceTool, Name: flat(c.space, c.name)}
		if c.space == "" {
			r.Choice.Name = r.found(c.name)
		}
	case "allowed_tools":
		r.Choice.How = llm.ChoiceAuto
		if c.mode == "required" {
			r.Choice.How = llm.ChoiceAny
		}
		if problem := r.allow(c.tools); problem != nil {
			return problem.In("tools")
		}
	default:
		return format.Asks(llm.ProviderTools).Named(c.kind).In("type")
	}
	return r.chosenTools()
}

// chosenTools checks the choice against the tools.
func (r *request) chosenTools() *format.Problem {
	how := r.Choice.How
	if len(r.Tools) == 0 {
		r.Choice = llm.Choice{}
		if how == llm.ChoiceAny || how == llm.ChoiceTool {
			return format.Wrong("asks for a tool, but there are no tools")
		}
	}
	if how != llm.ChoiceTool {
		return nil
	}
	for i := range r.Tools {
		if r.Tools[i].Name == r.Choice.Name {
			return nil
		}
	}
	return format.Wrong("names a tool that is not among the tools").In("name")
}

// found is the full name of a tool that a client names without its namespace.
func (r *request) found(name string) string {
	for i := range r.Tools {
		if r.Tools[i].Name == name {
			return name
		}
	}
	for full, q := range r.kept.names {
		if q.name == name {
			return full
		}
	}
	return name
}

// allow leaves no tools but those on a list, which is what it means that others may not be called.
func (r *request) allow(list []byte) *format.Problem {
	allowed := map[string]bool{}
	problem := format.Each(list, func(_ int, element []byte) *format.Problem {
		var c chosen
		if !format.IsObject(element) {
			return format.MustBe("an object", element)
		}
		if problem := format.Object(element, c.member); problem != nil {
			return problem
		}
		name := flat(c.space, c.name)
		if c.space == "" {
			name = r.found(c.name)
		}
		allowed[name] = true
		return nil
	})
	if problem != nil {
		return problem
	}
	all := r.Tools
	r.Tools = r.Tools[:0:0]
	for i := range all {
		if allowed[all[i].Name] {
			r.Tools = append(r.Tools, all[i])
		}
	}
	return nil
}
