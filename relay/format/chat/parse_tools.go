package chat

import (
	"slices"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

func (r *request) tools(value []byte) *format.Problem {
	r.Tools = make([]llm.Tool, 0, format.Count(value))
	return format.Each(value, func(_ int, element []byte) *format.Problem {
		var tool llm.Tool
		kind := ""
		problem := format.Object(element, func(name string, value []byte) *format.Problem {
			switch name {
			case "type":
				return format.String(value, &kind).In(name)
			case "cache_control":
				tool.Cache = r.hint(value)
			case "function":
				return format.Object(value, func(name string, value []byte) *format.Problem { return function(&tool, name, value).In(name) }).In(name)
			}
			return nil
		})
		switch {
		case problem != nil:
			return problem
		case kind != "function":
			return format.Asks(llm.CustomTools).Named(kind).In("type")
		case tool.Name == "":
			return format.Wrong("is missing").In("function.name")
		}
		r.Tools = append(r.Tools, tool)
		return nil
	})
}

func function(tool *llm.Tool, name string, value []byte) *format.Problem {
	switch name {
	case "name":
		return format.String(value, &tool.Name)
	case "description":
		return format.String(value, &tool.Description)
	case "strict":
		return format.Flag(value, &tool.Strict)
	case "parameters":
		if format.Given(value) && !format.IsObject(value) {
			return format.Wrong("must be a JSON schema object")
		}
		tool.Schema = format.Raw(value)
	}
	return nil
}

func (r *request) choice(value []byte) *format.Problem {
	wrong := format.Wrong(`must be "auto", "none", "required" or a named function`)
	if word, ok := jsonscan.String(value); ok {
		if r.Choice.How, ok = format.ChoiceOf(word); !ok {
			return wrong
		}
		return nil
	}
	kind, named, allowed := "", "", []byte(nil)
	problem := format.Object(value, func(name string, value []byte) *format.Problem {
		switch name {
		case "type":
			return format.String(value, &kind)
		case "allowed_tools":
			allowed = value
		case "function":
			return format.Object(value, func(name string, value []byte) *format.Problem {
				if name != "name" {
					return nil
				}
				return format.String(value, &named)
			})
		}
		return nil
	})
	switch {
	case problem == nil && kind == "allowed_tools":
		return r.allows(allowed).In("allowed_tools")
	case problem == nil && kind == "custom":
		return format.Asks(llm.CustomTools).Named(kind).In("type")
	case problem != nil || kind != "function" || named == "":
		return wrong
	}
	r.Choice = llm.Choice{How: llm.ChoiceTool, Name: named}
	return nil
}

// allows reads a choice among some of the tools: {"mode":"auto","tools":[{"type":"function","function":{"name":"f"}}]}.
func (r *request) allows(value []byte) *format.Problem {
	r.Note(llm.AllowedTools, "tool_choice")
	r.Choice.How = llm.ChoiceAuto
	problem := format.Object(value, func(name string, value []byte) *format.Problem {
		switch name {
		case "mode":
			mode := ""
			problem := format.String(value, &mode)
			if mode == "required" {
				r.Choice.How = llm.ChoiceAny
			}
			return problem.In(name)
		case "tools":
			r.allowed = map[string]bool{}
			return format.Each(value, func(_ int, element []byte) *format.Problem {
				named := ""
				problem := format.String(jsonscan.MemberOf(jsonscan.MemberOf(element, "function"), "name"), &named)
				r.allowed[named] = true
				return problem.In("function.name")
			}).In(name)
		}
		return nil
	})
	if problem == nil && r.allowed == nil {
		return format.Wrong("is missing").In("tools")
	}
	return problem
}

// allow leaves no tools but those that are allowed, which is what it means that others may not be called.
func (r *request) allow() {
	if r.allowed != nil {
		r.Tools = slices.DeleteFunc(r.Tools, func(tool llm.Tool) bool { return !r.allowed[tool.Name] })
	}
}
