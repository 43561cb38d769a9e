package messages

import (
	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

// client is what clients of the Messages API say and are told.
type client struct{}

// request is a Messages request on its way to a conversation without a format.
type request struct {
	*llm.Request
	serial bool
	cache  []byte // a cache_control of the whole
	place  place  // of the block that is being read
}

// Parse reads a request.
func (client) Parse(body []byte) (*llm.Request, *format.Problem) {
	r := request{Request: &llm.Request{IncludeUsage: true}}
	if problem := format.Object(body, r.member); problem != nil {
		return nil, problem
	}
	switch {
	case r.MaxTokens <= 0:
		return nil, &format.Problem{Path: "max_tokens", What: "is required and must be at least 1"}
	case len(r.Turns) == 0:
		return nil, &format.Problem{Path: "messages", What: "must have at least one message"}
	case r.Choice.How == llm.ChoiceTool && r.Choice.Name == "":
		return nil, &format.Problem{Path: "tool_choice.name", What: "is required with the type tool"}
	case len(r.Tools) == 0 && (r.Choice.How == llm.ChoiceAny || r.Choice.How == llm.ChoiceTool):
		return nil, &format.Problem{Path: "tool_choice", What: "asks for a tool, but tools is empty"}
	}
	if len(r.Tools) == 0 {
		r.Choice = llm.Choice{}
	}
	r.Serial = r.serial && len(r.Tools) > 0
	r.hintAtEnd()
	return r.Request, nil
}

// asked are members that are a feature, if they are given at all.
var asked = map[string]llm.Feature{
	"mcp_servers": llm.MCPServers, "container": llm.Containers, "context_management": llm.ContextEditing, "service_tier": llm.ServiceTier,
	"inference_geo": llm.InferenceGeo,
}

// hintAtEnd puts a cache_control of the whole where the API does: at the last part
// (https://docs.claude.com/en/docs/build-with-claude/prompt-caching#automatic-caching).
func (r *request) hintAtEnd() {
	hint := r.hint(r.cache)
	if parts := r.Turns[len(r.Turns)-1].Parts; hint != nil && len(parts) > 0 && parts[len(parts)-1].Cache == nil {
		parts[len(parts)-1].Cache = hint
	}
}

func (r *request) member(name string, value []byte) *format.Problem {
	if !format.Given(value) {
		return nil
	}
	if feature, ok := asked[name]; ok {
		if format.Count(value) > 0 || value[0] != '[' {
			r.Note(feature, name)
		}
		return nil
	}
	var problem *format.Problem
	switch name {
	case "model":
		problem = format.String(value, &r.Model)
	case "system":
		problem = r.system(value)
	case "messages":
		problem = r.messages(value)
	case "tools":
		problem = r.tools(value)
	case "tool_choice":
		problem = r.choice(value)
	case "output_config":
		problem = r.config(value)
	case "output_format": // what output_config.format was called in its beta
		problem = r.form(value)
	case "thinking":
		problem = r.thinking(value)
	case "metadata":
		problem = r.metadata(value)
	case "cache_control":
		r.cache = value
	case "thread": // Anthropic's SDK continues without one if it is told so
		return format.Asks(llm.Threads).Detailed(`{"error_code":"thread_unsupported_request","unsupported":["thread"]}`).In(name)
	case "stream":
		problem = format.Bool(value, &r.Stream)
	default:
		return r.sampling(name, value)
	}
	return problem.In(name)
}

// sampling reads what says how the answer's words are chosen, and when they end.
func (r *request) sampling(name string, value []byte) *format.Problem {
	var problem *format.Problem
	switch name {
	case "max_tokens":
		_, problem = format.Int(value, &r.MaxTokens)
	case "stop_sequences":
		r.Stop = make([]string, 0, format.Count(value))
		problem = format.Each(value, func(_ int, element []byte) *format.Problem {
			r.Stop = append(r.Stop, "")
			return format.String(element, &r.Stop[len(r.Stop)-1])
		})
		if len(r.Stop) > 0 {
			r.Note(llm.StopSequences, name)
		}
	default:
		return format.Sampling(name, value, r.Request)
	}
	return problem.In(name)
}

func (r *request) metadata(value []byte) *format.Problem {
	return format.Object(value, func(name string, value []byte) *format.Problem {
		if name != "user_id" {
			return nil
		}
		problem := format.String(value, &r.User)
		if r.User != "" {
			r.Note(llm.EndUser, "metadata.user_id")
		}
		return problem.In(name)
	})
}

func (r *request) config(value []byte) *format.Problem {
	return format.Object(value, func(name string, value []byte) *format.Problem {
		switch name {
		case "effort":
			problem := format.String(value, &r.Effort)
			if r.Effort != "" {
				r.Note(llm.ReasoningEffort, "output_config.effort")
			}
			return problem.In(name)
		case "format":
			return r.form(value).In(name)
		}
		r.Note(llm.OtherMembers, "output_config."+name)
		return nil
	})
}

func (r *request) form(value []byte) *format.Problem {
	if !format.Given(value) {
		return nil
	}
	kind, form := "", &llm.Form{}
	problem := format.Object(value, func(name string, value []byte) *format.Problem {
		switch name {
		case "type":
			return format.String(value, &kind).In(name)
		case "schema":
			form.Schema = format.Raw(value)
		case "name":
			form.Name, _ = jsonscan.String(value)
		}
		return nil
	})
	switch {
	case problem != nil:
		return problem
	case kind != "json_schema":
		return format.Wrong("must be json_schema").In("type")
	case !format.IsObject(form.Schema):
		return format.Wrong("must be an object").In("schema")
	}
	r.Note(llm.JSONSchema, "output_config.format")
	r.Format = form
	return nil
}

func (r *request) thinking(value []byte) *format.Problem {
	think := &llm.Thinking{}
	problem := format.Object(value, func(name string, value []byte) *format.Problem {
		switch name {
		case "type":
			kind, _ := jsonscan.String(value)
			think.Off = kind == "disabled"
		case "budget_tokens":
			_, problem := format.Int(value, &think.Budget)
			return problem.In(name)
		}
		return nil
	})
	r.Think = think
	if !think.Off {
		r.Note(llm.ThinkingBudget, "thinking")
	}
	return problem
}

func (r *request) tools(value []byte) *format.Problem {
	r.Tools = make([]llm.Tool, 0, format.Count(value))
	return format.Each(value, func(_ int, element []byte) *format.Problem {
		var tool llm.Tool
		kind := ""
		if !format.IsObject(element) {
			return format.MustBe("an object", element)
		}
		problem := format.Object(element, func(name string, value []byte) *format.Problem {
			switch name {
			case "type":
				return format.String(value, &kind).In(name)
			case "name":
				return format.String(value, &tool.Name).In(name)
			case "description":
				return format.String(value, &tool.Description).In(name)
			case "strict":
				if format.Given(value) {
					tool.Strict = new(bool)
					return format.Bool(value, tool.Strict).In(name)
				}
			case "input_schema":
				if format.Given(value) && !format.IsObject(value) {
					return format.Wrong("must be an object").In(name)
				}
				tool.Schema = format.Raw(value)
			case "cache_control":
				tool.Cache = r.hint(value)
			default:
				r.Note(llm.ToolHints, "tools")
			}
			return nil
		})
		switch {
		case problem != nil:
			return problem
		case kind != "" && kind != "custom":
			return format.Asks(llm.ProviderTools).Named(kind).In("type")
		case tool.Name == "":
			return format.Wrong("is required").In("name")
		}
		r.Tools = append(r.Tools, tool)
		return nil
	})
}

func (r *request) choice(value []byte) *format.Problem {
	kind := ""
	problem := format.Object(value, func(name string, value []byte) *format.Problem {
		switch name {
		case "type":
			return format.String(value, &kind).In(name)
		case "name":
			return format.String(value, &r.Choice.Name).In(name)
		case "disable_parallel_tool_use":
			return format.Bool(value, &r.serial).In(name)
		}
		return nil
	})
	if problem != nil {
		return problem
	}
	switch kind {
	case "auto":
		r.Choice.How = llm.ChoiceAuto
	case "any":
		r.Choice.How = llm.ChoiceAny
	case "none":
		r.Choice.How = llm.ChoiceNone
	case "tool":
		r.Choice.How = llm.ChoiceTool
	default:
		return format.Wrong("must be auto, any, tool or none").In("type")
	}
	return nil
}
