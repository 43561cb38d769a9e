package gemini

import (
	"slices"
	"strings"

	"one-api/relay/format"
	"one-api/relay/llm"
)

// tool reads an element of tools: functions, or something that the provider runs itself.
func (r *request) tool(element []byte) *format.Problem {
	return object(element, func(name string, value []byte) *format.Problem {
		if name != "functionDeclarations" {
			return format.Asks(llm.ProviderTools).Named(name).In(name)
		}
		return Each(value, func(_ int, element []byte) *format.Problem { return r.function(element) }).In(name)
	})
}

func (r *request) function(element []byte) *format.Problem {
	var tool llm.Tool
	problem := object(element, func(name string, value []byte) (problem *format.Problem) {
		switch name {
		case "name":
			problem = format.String(value, &tool.Name)
		case "description":
			problem = format.String(value, &tool.Description)
		case "parameters":
			tool.Schema, problem = jsonSchema(value)
		case "parametersJsonSchema":
			if !format.IsObject(value) {
				return format.MustBe("an object", value).In(name)
			}
			tool.Schema = value
		default: // what it answers with, and how it is waited for
			r.Note(llm.ToolHints, "tools")
		}
		return problem.In(name)
	})
	switch {
	case problem != nil:
		return problem
	case tool.Name == "":
		return format.Wrong("is required").In("name")
	}
	r.Tools = append(r.Tools, tool)
	return nil
}

func (r *request) toolConfig(value []byte) *format.Problem {
	return members(value, func(name string, value []byte) *format.Problem {
		if name != "functionCallingConfig" {
			r.Note(llm.OtherMembers, "toolConfig."+name)
			return nil
		}
		return members(value, func(name string, value []byte) *format.Problem {
			switch name {
			case "mode":
				return r.mode(value).In(name)
			case "allowedFunctionNames":
				return texts(value, &r.allowed).In(name)
			}
			r.Note(llm.OtherMembers, "toolConfig.functionCallingConfig."+name)
			return nil
		}).In(name)
	})
}

func (r *request) mode(value []byte) *format.Problem {
	word := ""
	if problem := format.String(value, &word); problem != nil {
		return problem
	}
	switch strings.ToUpper(word) {
	case "", "MODE_UNSPECIFIED":
	case "AUTO", "VALIDATED":
		r.Choice.How = llm.ChoiceAuto
	case "ANY":
		r.Choice.How = llm.ChoiceAny
	case "NONE":
		r.Choice.How = llm.ChoiceNone
	default:
		return format.Wrong("must be AUTO, ANY, NONE or VALIDATED, and not " + format.Quote(word))
	}
	return nil
}

// limit leaves the model the functions that it is allowed to call: others have a word for one, and none for some.
func (r *request) limit() *format.Problem {
	const path = "toolConfig.functionCallingConfig.allowedFunctionNames"
	switch {
	case len(r.Tools) == 0 && r.Choice.How == llm.ChoiceAny:
		return &format.Problem{Path: "toolConfig.functionCallingConfig.mode", What: "asks for a call, but tools has no functionDeclarations"}
	case len(r.Tools) == 0:
		r.Choice = llm.Choice{}
		return nil
	case len(r.allowed) == 0:
		return nil
	}
	for _, name := range r.allowed {
		if !slices.ContainsFunc(r.Tools, func(t llm.Tool) bool { return t.Name == name }) {
			return &format.Problem{Path: path, What: "names " + format.Quote(name) + ", which is not among the functionDeclarations"}
		}
	}
	if len(r.allowed) == 1 && r.Choice.How == llm.ChoiceAny {
		r.Choice = llm.Choice{How: llm.ChoiceTool, Name: r.allowed[0]}
		return nil
	}
	r.Tools = slices.DeleteFunc(r.Tools, func(t llm.Tool) bool { return !slices.Contains(r.allowed, t.Name) })
	return nil
}
