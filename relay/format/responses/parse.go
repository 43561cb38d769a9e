package responses

import (
	"bytes"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

// client is what clients of the Responses API say and are told.
type client struct{}

// request is a request on its way to a conversation without a format.
type request struct {
	*llm.Request
	kept   *kept
	said   map[string][]byte // members that the answer repeats
	choice []byte            // tool_choice, which is read when all tools are known
	serial bool
	place  place           // of the part that is being read
	person string          // safety_identifier
	alone  bool            // an instruction stands in the input
	search *format.Problem // of a web search among the tools, if it is wanted; nil: there is none
}

// Parse reads a request.
func (client) Parse(body []byte) (*llm.Request, *format.Problem) {
	k := &kept{}
	r := request{Request: &llm.Request{IncludeUsage: true, Kept: k}, kept: k, said: map[string][]byte{}}
	if problem := format.Object(body, r.member); problem != nil {
		return nil, problem
	}
	if r.alone {
		r.InstructionsAlone()
	}
	if len(r.Turns) == 0 {
		return nil, &format.Problem{Path: "input", What: "must have something of the user in it"}
	}
	problem := r.choose(r.choice).In("tool_choice")
	if unspared := r.spare(); unspared != nil {
		problem = unspared
	}
	if problem != nil {
		return nil, problem
	}
	r.Serial = r.serial && len(r.Tools) > 0
	if r.User == "" {
		r.User = r.person
	}
	k.repeats(r.said)
	return r.Request, nil
}

// asked are members that are a feature, if they are given at all.
var asked = map[string]llm.Feature{
	"prompt_cache_key": llm.CacheKeys, "prompt_cache_retention": llm.CacheKeys, "prompt_cache_options": llm.CacheKeys, "metadata": llm.Labels,
	"context_management": llm.ContextEditing,
}

// stateful are members that need what only the provider that made it keeps.
var stateful = map[string]bool{"previous_response_id": true, "conversation": true, "prompt": true}

func (r *request) member(name string, value []byte) *format.Problem {
	if !format.Given(value) {
		return nil
	}
	if stateful[name] {
		return format.Asks(llm.KeptState).In(name)
	}
	r.repeat(name, value)
	if feature, ok := asked[name]; ok {
		if !format.IsEmpty(value) {
			r.Note(feature, name)
			r.own(name, value)
		}
		return nil
	}
	var problem *format.Problem
	switch name {
	case "model":
		problem = format.String(value, &r.Model)
	case "instructions":
		problem = r.instructions(value)
	case "input":
		problem = r.input(value)
	case "tools":
		problem = r.tools(value, "")
	case "tool_choice":
		r.choice = value
	case "parallel_tool_calls":
		r.serial = string(value) == "false"
	case "max_output_tokens":
		_, problem = format.Int(value, &r.MaxTokens)
	case "text":
		problem = r.text(value)
	case "reasoning":
		problem = r.reasoning(value)
	case "user":
		problem = r.user(value, &r.User)
	case "safety_identifier":
		problem = r.user(value, &r.person)
	case "stream":
		problem = format.Bool(value, &r.Stream)
	default:
		return r.further(name, value)
	}
	return problem.In(name)
}

// further reads the members that change little.
func (r *request) further(name string, value []byte) *format.Problem {
	switch name {
	case "background":
		if string(value) == "true" {
			return format.Asks(llm.KeptState).In(name)
		}
	case "store":
		if string(value) == "true" {
			r.Note(llm.StoredAnswers, name)
		}
	case "truncation":
		if word, _ := jsonscan.String(value); word == "auto" {
			r.Note(llm.ContextEditing, name)
		}
	case "service_tier":
		if word, _ := jsonscan.String(value); word != "auto" && word != "default" {
			r.Note(llm.ServiceTier, name)
			r.Tier = word
		}
	case "top_logprobs":
		if n, _ := jsonscan.Int(value); n > 0 {
			r.Note(llm.Logprobs, name)
		}
	case "include":
		if bytes.Contains(value, []byte(`"message.output_text.logprobs"`)) {
			r.Note(llm.Logprobs, name)
		}
	case "stream_options", "max_tool_calls": // of what only OpenAI itself does
	default:
		return format.Sampling(name, value, r.Request)
	}
	return nil
}

// own keeps what both of OpenAI's APIs have.
func (r *request) own(name string, value []byte) {
	switch name {
	case "prompt_cache_key":
		r.CacheKey, _ = jsonscan.String(value)
	case "metadata":
		if format.IsObject(value) {
			r.Labels = format.Raw(value)
		}
	}
}

// repeat notes what the answer says again. The text is copied: it outlives the body.
func (r *request) repeat(name string, value []byte) {
	for _, m := range echoed {
		if m.name == name && len(value) <= longestEcho {
			r.said[name] = bytes.Clone(value)
			return
		}
	}
}

func (r *request) user(value []byte, to *string) *format.Problem {
	problem := format.String(value, to)
	if *to != "" {
		r.Note(llm.EndUser, "user")
	}
	return problem
}

// instructions come before all else, wherever they stand in the body.
func (r *request) instructions(value []byte) *format.Problem {
	var text string
	if value[0] == '[' { // which the API gives back, and some clients send
		return r.input(value)
	}
	problem := format.String(value, &text)
	if text != "" {
		r.Instructions = append([]llm.Part{{Text: text}}, r.Instructions...)
	}
	return problem
}

func (r *request) text(value []byte) *format.Problem {
	return format.Object(value, func(name string, value []byte) *format.Problem {
		switch name {
		case "format":
			return r.form(value).In(name)
		case "verbosity":
			if word, _ := jsonscan.String(value); word != "" && word != "medium" { // which is the default
				r.Note(llm.Verbosity, "text.verbosity")
				r.Verbosity = word
			}
		}
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
		case "name":
			return format.String(value, &form.Name).In(name)
		case "description":
			return format.String(value, &form.Description).In(name)
		case "schema":
			form.Schema = format.Raw(value)
		case "strict":
			return format.Flag(value, &form.Strict).In(name)
		}
		return nil
	})
	switch {
	case problem != nil:
		return problem
	case kind == "text" || kind == "":
		return nil
	case kind == "json_object":
		form.Schema = nil
		r.Note(llm.JSONObject, "text.format")
	case kind != "json_schema":
		return format.Asks(llm.OtherForms).Named(kind).In("type")
	case !format.IsObject(form.Schema):
		return format.Wrong("must be a JSON schema object").In("schema")
	default:
		r.Note(llm.JSONSchema, "text.format")
	}
	r.Format = form
	return nil
}

func (r *request) reasoning(value []byte) *format.Problem {
	return format.Object(value, func(name string, value []byte) *format.Problem {
		if name != "effort" {
			return nil // a summary is what other providers give of themselves
		}
		problem := format.String(value, &r.Effort)
		if r.Effort != "" {
			r.Note(llm.ReasoningEffort, "reasoning.effort")
		}
		return problem.In(name)
	})
}
