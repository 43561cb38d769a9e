package chat

import (
	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

// client is what clients of chat completions say and are told.
type client struct{}

// request is a chat request on its way to a conversation without a format.
type request struct {
	*llm.Request
	parallel bool
	person   string          // safety_identifier
	place    place           // of the part that is being read
	allowed  map[string]bool // the tools that a choice allows; nil if it allows all
}

// Parse reads a request.
func (client) Parse(body []byte) (*llm.Request, *format.Problem) {
	r := request{Request: &llm.Request{}, parallel: true}
	if problem := format.Object(body, r.member); problem != nil {
		return nil, problem
	}
	if r.InstructionsAlone(); len(r.Turns) == 0 {
		return nil, &format.Problem{Path: "messages", What: "must have a user message that is not empty"}
	}
	if r.allow(); len(r.Tools) == 0 {
		if r.Choice.How == llm.ChoiceAny || r.Choice.How == llm.ChoiceTool {
			return nil, &format.Problem{Path: "tool_choice", What: "asks for a tool, but there are no tools"}
		}
		r.Choice = llm.Choice{}
	}
	r.Serial = !r.parallel && len(r.Tools) > 0
	if r.User == "" {
		r.User = r.person
	}
	return r.Request, nil
}

func (r *request) member(name string, value []byte) *format.Problem {
	if noted := r.noted(name, value); noted || !format.Given(value) {
		return nil
	}
	var problem *format.Problem
	switch name {
	case "model":
		problem = format.String(value, &r.Model)
	case "messages":
		problem = r.messages(value)
	case "tools":
		problem = r.tools(value)
	case "tool_choice":
		problem = r.choice(value)
	case "parallel_tool_calls":
		problem = format.Bool(value, &r.parallel)
	case "response_format":
		problem = r.form(value)
	case "reasoning_effort":
		problem = r.effort(value)
	case "reasoning":
		problem = r.reasoning(value)
	case "thinking":
		problem = r.thinking(value)
	case "enable_thinking":
		r.think().Off = string(value) == "false"
	case "thinking_budget":
		problem = r.budget(value)
	case "modalities":
		problem = r.modalities(value)
	case "user":
		problem = r.endUser(name, value, &r.User)
	case "safety_identifier": // which user is becoming
		problem = r.endUser(name, value, &r.person)
	case "stream":
		problem = format.Bool(value, &r.Stream)
	case "stream_options":
		problem = r.streamOptions(value)
	default:
		return r.sampling(name, value)
	}
	return problem.In(name)
}

func (r *request) endUser(name string, value []byte, to *string) *format.Problem {
	problem := format.String(value, to)
	if *to != "" {
		r.Note(llm.EndUser, name)
	}
	return problem
}

func (r *request) modalities(value []byte) *format.Problem {
	return format.Each(value, func(_ int, element []byte) *format.Problem {
		if string(element) == `"audio"` {
			r.Note(llm.AudioOutput, "modalities")
		}
		return nil
	})
}

func (r *request) streamOptions(value []byte) *format.Problem {
	return format.Object(value, func(name string, value []byte) *format.Problem {
		if name != "include_usage" {
			return nil
		}
		return format.Bool(value, &r.IncludeUsage).In(name)
	})
}

// sampling reads what says how the answer's words are chosen, and when they end.
func (r *request) sampling(name string, value []byte) *format.Problem {
	var problem *format.Problem
	switch name {
	case "max_completion_tokens":
		_, problem = format.Int(value, &r.MaxTokens)
	case "max_tokens":
		most := int64(0)
		if _, problem = format.Int(value, &most); r.MaxTokens == 0 {
			r.MaxTokens = most
		}
	case "stop":
		if problem = r.stop(value); len(r.Stop) > 0 {
			r.Note(llm.StopSequences, name)
		}
	case "seed":
		r.Note(llm.Seed, name)
		seed := int64(0)
		if _, problem = format.Int(value, &seed); problem == nil {
			r.Seed = &seed
		}
	case "presence_penalty":
		r.Note(llm.Penalties, name)
		problem = format.Float(value, &r.Presence)
	case "frequency_penalty":
		r.Note(llm.Penalties, name)
		problem = format.Float(value, &r.Frequency)
	default:
		return format.Sampling(name, value, r.Request)
	}
	return problem.In(name)
}

// asked are members that are a feature, if they are given at all.
var asked = map[string]llm.Feature{
	"functions": llm.OldFunctions, "function_call": llm.OldFunctions, "audio": llm.AudioOutput, "web_search_options": llm.WebSearch,
	"logit_bias":   llm.LogitBias,
	"service_tier": llm.ServiceTier, "prediction": llm.Prediction, "verbosity": llm.Verbosity, "metadata": llm.Labels,
	"prompt_cache_key": llm.CacheKeys, "prompt_cache_retention": llm.CacheKeys, "prompt_cache_options": llm.CacheKeys,
}

// noted notes a member that only some formats have.
func (r *request) noted(name string, value []byte) bool {
	if !format.Given(value) {
		return false
	}
	if feature, ok := asked[name]; ok {
		r.Note(feature, name)
		r.own(name, value)
		return true
	}
	switch name {
	case "n":
		if n, _ := jsonscan.Int(value); n > 1 {
			r.Note(llm.ManyChoices, name)
		}
	case "logprobs":
		if string(value) == "true" {
			r.Note(llm.Logprobs, name)
		}
	case "top_logprobs": // which says nothing without logprobs
	case "store":
		if string(value) == "true" {
			r.Note(llm.StoredAnswers, name)
		}
	default:
		return false
	}
	return true
}

// own keeps what both of OpenAI's APIs have.
func (r *request) own(name string, value []byte) {
	switch name {
	case "service_tier":
		r.Tier, _ = jsonscan.String(value)
	case "verbosity":
		r.Verbosity, _ = jsonscan.String(value)
	case "prompt_cache_key":
		r.CacheKey, _ = jsonscan.String(value)
	case "metadata":
		if format.IsObject(value) {
			r.Labels = format.Raw(value)
		}
	}
}

func (r *request) stop(value []byte) *format.Problem {
	if one, ok := jsonscan.String(value); ok {
		r.Stop = []string{one}
		return nil
	}
	wrong := format.Wrong("must be a string or an array of strings")
	if value[0] != '[' {
		return wrong
	}
	r.Stop = make([]string, 0, format.Count(value))
	problem := format.Each(value, func(_ int, element []byte) *format.Problem {
		one, ok := jsonscan.String(element)
		if !ok {
			return wrong
		}
		r.Stop = append(r.Stop, one)
		return nil
	})
	if problem != nil {
		return format.Wrong("must be a string or an array of strings")
	}
	return nil
}

func (r *request) form(value []byte) *format.Problem {
	var kind string
	form := &llm.Form{}
	problem := format.Object(value, func(name string, value []byte) *format.Problem {
		switch name {
		case "type":
			return format.String(value, &kind).In(name)
		case "json_schema":
			return format.Object(value, func(name string, value []byte) *format.Problem {
				switch name {
				case "schema":
					form.Schema = format.Raw(value)
				case "name":
					return format.String(value, &form.Name).In(name)
				case "description":
					return format.String(value, &form.Description).In(name)
				case "strict":
					return format.Flag(value, &form.Strict).In(name)
				}
				return nil
			}).In(name)
		}
		return nil
	})
	if problem != nil {
		return problem
	}
	switch kind {
	case "text":
		return nil
	case "json_object":
		form.Schema = nil
		r.Note(llm.JSONObject, "response_format")
	case "json_schema":
		if !format.IsObject(form.Schema) {
			return format.Wrong("must be a JSON schema object").In("json_schema.schema")
		}
		r.Note(llm.JSONSchema, "response_format")
	default:
		return format.Asks(llm.OtherForms).Named(kind).In("type")
	}
	r.Format = form
	return nil
}

func (r *request) effort(value []byte) *format.Problem {
	problem := format.String(value, &r.Effort)
	if r.Effort != "" {
		r.Note(llm.ReasoningEffort, "reasoning_effort")
	}
	return problem
}

// reasoning is OpenRouter's way to say it (https://openrouter.ai/docs/use-cases/reasoning-tokens).
func (r *request) reasoning(value []byte) *format.Problem {
	return format.Object(value, func(name string, value []byte) *format.Problem {
		switch name {
		case "effort":
			return r.effort(value).In(name)
		case "max_tokens":
			return r.budget(value).In(name)
		case "enabled":
			if string(value) == "false" {
				r.think().Off = true
			} else if string(value) == "true" {
				r.think()
			}
		}
		return nil
	})
}

// thinking is Anthropic's way to say it, which DeepSeek, Zhipu and Moonshot have taken over.
func (r *request) thinking(value []byte) *format.Problem {
	return format.Object(value, func(name string, value []byte) *format.Problem {
		switch name {
		case "type":
			kind, _ := jsonscan.String(value)
			r.think().Off = kind == "disabled"
		case "budget_tokens":
			return r.budget(value).In(name)
		}
		return nil
	})
}

func (r *request) budget(value []byte) *format.Problem {
	r.Note(llm.ThinkingBudget, "thinking")
	_, problem := format.Int(value, &r.think().Budget)
	return problem
}

// think is what the request says of thinking, whichever member says it.
func (r *request) think() *llm.Thinking {
	if r.Think == nil {
		r.Think = &llm.Thinking{}
	}
	return r.Think
}
