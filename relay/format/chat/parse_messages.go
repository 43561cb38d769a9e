package chat

import (
	"encoding/json"
	"slices"
	"strings"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

// message is a message as it stands.
type message struct {
	role, refusal, id string
	name              string
	content, calls    []byte
	reasoning         string
	cache             json.RawMessage
}

func (r *request) messages(value []byte) *format.Problem {
	r.Turns = make([]llm.Turn, 0, format.Count(value))
	return format.Each(value, func(i int, element []byte) *format.Problem {
		r.place.message = i
		return r.message(element)
	})
}

func (r *request) message(element []byte) *format.Problem {
	var m message
	if !format.IsObject(element) {
		return format.MustBe("an object", element)
	}
	problem := format.Object(element, func(name string, value []byte) *format.Problem { return m.member(name, value).In(name) })
	if problem != nil {
		return problem
	}
	return r.turn(&m)
}

func (m *message) member(name string, value []byte) *format.Problem {
	switch name {
	case "role":
		return format.String(value, &m.role)
	case "content":
		m.content = value
	case "refusal":
		return format.String(value, &m.refusal)
	case "tool_call_id":
		return format.String(value, &m.id)
	case "tool_calls":
		m.calls = value
	case "reasoning_content":
		m.reasoning, _ = jsonscan.String(value)
	case "name":
		m.name, _ = jsonscan.String(value)
	case "audio":
		if format.Given(value) {
			return format.Asks(llm.OtherParts).Named(name) // an answer by its id, which its provider keeps
		}
	case "reasoning":
		if m.reasoning == "" {
			m.reasoning, _ = jsonscan.String(value)
		}
	case "cache_control":
		m.cache = format.Raw(value)
	case "function_call":
		if format.Given(value) {
			return format.Asks(llm.OldFunctions)
		}
	}
	return nil
}

// turn adds what the message says.
func (r *request) turn(m *message) *format.Problem {
	if m.name != "" {
		r.Note(llm.MessageName, "messages")
	}
	switch m.role {
	case "system", "developer":
		parts, problem := r.parts(m)
		r.instruct(parts)
		return problem.In("content")
	case "user":
		parts, problem := r.parts(m)
		r.say(llm.User, parts)
		return problem.In("content")
	case "assistant":
		parts, problem := r.answer(m)
		r.say(llm.Assistant, parts)
		return problem
	case "tool":
		if m.id == "" {
			return format.Wrong("must name the tool call that this message answers").In("tool_call_id")
		}
		parts, problem := r.parts(m)
		r.say(llm.User, []llm.Part{{Kind: llm.ToolResult, ID: m.id, Parts: parts, Cache: lift(parts)}})
		return problem.In("content")
	case "function":
		return format.Asks(llm.OldFunctions).Named(m.role).In("role")
	}
	return format.Wrong("must be system, developer, user, assistant or tool").In("role")
}

// instruct adds an instruction: to those in front as long as nothing else has been said, and to the conversation from then on.
func (r *request) instruct(parts []llm.Part) {
	switch {
	case len(parts) == 0:
	case len(r.Turns) == 0:
		r.Instructions = append(r.Instructions, parts...)
	default:
		r.Note(llm.MidSystem, "messages")
		r.say(llm.System, parts)
	}
}

func (r *request) say(role llm.Role, parts []llm.Part) {
	if len(parts) > 0 {
		r.Turns = append(r.Turns, llm.Turn{Role: role, Parts: parts})
	}
}

func (r *request) answer(m *message) ([]llm.Part, *format.Problem) {
	var parts []llm.Part
	if m.reasoning != "" {
		r.Note(llm.EarlierReasoning, "messages")
		parts = append(parts, llm.Part{Kind: llm.Reasoning, Text: m.reasoning})
	}
	said, problem := r.parts(m)
	if problem != nil {
		return nil, problem.In("content")
	}
	parts = append(parts, said...)
	if m.refusal != "" {
		parts = append(parts, llm.Part{Kind: llm.Refusal, Text: m.refusal})
	}
	parts = slices.Grow(parts, format.Count(m.calls))
	problem = format.Each(m.calls, func(_ int, element []byte) *format.Problem {
		call, problem := r.toolCall(element)
		parts = append(parts, call)
		return problem
	})
	return parts, problem.In("tool_calls")
}

// parts reads the content of a message: a string, parts, or nothing.
func (r *request) parts(m *message) ([]llm.Part, *format.Problem) {
	if !format.Given(m.content) {
		return nil, nil
	}
	if text, ok := jsonscan.String(m.content); ok {
		if text == "" {
			return nil, nil
		}
		return []llm.Part{{Text: text, Cache: r.hint(m.cache)}}, nil
	}
	if m.content[0] != '[' {
		return nil, format.Wrong("must be a string or an array of parts")
	}
	parts := make([]llm.Part, 0, format.Count(m.content))
	problem := format.Each(m.content, func(i int, element []byte) *format.Problem {
		r.place.part = i
		part, problem := r.part(element, m.role)
		if problem == nil && part != nil {
			parts = append(parts, *part)
		}
		return problem
	})
	if n := len(parts); n > 0 && parts[n-1].Cache == nil {
		parts[n-1].Cache = r.hint(m.cache)
	}
	return parts, problem
}

// hint is a cache_control, as it came.
func (r *request) hint(cache []byte) json.RawMessage {
	if !format.IsObject(cache) {
		return nil
	}
	r.Note(llm.CacheHints, "messages")
	return json.RawMessage(cache)
}

// lift is the last cache_control of some parts, which is said of the whole instead.
func lift(parts []llm.Part) (hint json.RawMessage) {
	for i := range parts {
		if parts[i].Cache != nil {
			hint, parts[i].Cache = parts[i].Cache, nil
		}
	}
	return hint
}

// contentPart is a part as it stands.
type contentPart struct {
	kind, text                  string
	image, file, refusal, cache []byte
	audio, video                []byte
}

func (p *contentPart) member(name string, value []byte) *format.Problem {
	switch name {
	case "type":
		return format.String(value, &p.kind).In(name)
	case "text":
		return format.String(value, &p.text).In(name)
	case "image_url":
		p.image = value
	case "file":
		p.file = value
	case "input_audio":
		p.audio = value
	case "video_url":
		p.video = value
	case "refusal":
		p.refusal = value
	case "cache_control":
		p.cache = value
	}
	return nil
}

// part reads a part; nil if there is nothing in it.
func (r *request) part(element []byte, role string) (*llm.Part, *format.Problem) {
	var p contentPart
	if problem := format.Object(element, p.member); problem != nil {
		return nil, problem
	}
	if role == "user" || role == "tool" {
		if part, problem := r.media(&p); part != nil || problem != nil {
			return part, problem
		}
	}
	switch {
	case p.kind == "text":
		if p.text == "" {
			return nil, nil
		}
		return &llm.Part{Text: p.text, Cache: r.hint(p.cache)}, nil
	case p.kind == "refusal" && role == "assistant":
		part := &llm.Part{Kind: llm.Refusal}
		if problem := format.String(p.refusal, &part.Text); problem != nil {
			return nil, problem.In("refusal")
		}
		return part, nil
	case (p.kind == "thinking" || p.kind == "reasoning") && role == "assistant": // as Mistral has it
		r.Note(llm.EarlierReasoning, "messages")
		return nil, nil
	case p.kind == "":
		return nil, format.Wrong("is missing").In("type")
	}
	return nil, format.Asks(llm.OtherParts).Named(p.kind)
}

// media reads a part that is no text; nil if it is of no kind that is carried.
func (r *request) media(p *contentPart) (*llm.Part, *format.Problem) {
	switch {
	case p.kind == "image_url":
		part, problem := r.image(p.image)
		part.Cache = r.hint(p.cache)
		return &part, problem.In("image_url")
	case p.kind == "file":
		part, problem := r.document(p.file)
		part.Cache = r.hint(p.cache)
		return &part, problem.In("file")
	case p.kind == "input_audio":
		part, problem := r.audio(p.audio)
		return &part, problem.In("input_audio")
	case p.kind == "video_url" && format.Given(p.video):
		part, problem := r.video(p.video)
		return &part, problem.In("video_url")
	}
	return nil, nil
}

// toolCall reads a call of an earlier answer. OpenAI's arguments are JSON text, as the model wrote it; others' are an object.
func (r *request) toolCall(element []byte) (llm.Part, *format.Problem) {
	call := llm.Part{Kind: llm.ToolCall}
	kind, arguments := "", ""
	var object []byte
	problem := format.Object(element, func(name string, value []byte) *format.Problem {
		switch name {
		case "id":
			return format.String(value, &call.ID).In(name)
		case "type":
			return format.String(value, &kind).In(name)
		case "function":
			return format.Object(value, func(name string, value []byte) *format.Problem {
				switch {
				case name == "name":
					return format.String(value, &call.Name).In(name)
				case name == "arguments" && format.IsObject(value):
					object = value
				case name == "arguments":
					return format.String(value, &arguments).In(name)
				}
				return nil
			}).In(name)
		}
		return nil
	})
	switch {
	case problem != nil:
		return call, problem
	case kind != "function" && kind != "":
		return call, format.Asks(llm.CustomTools).Named(kind).In("type")
	case call.ID == "":
		return call, format.Wrong("is missing").In("id")
	case call.Name == "":
		return call, format.Wrong("is missing").In("function.name")
	}
	switch text := strings.TrimSpace(arguments); {
	case object != nil:
		call.Input = json.RawMessage(object)
	case text == "":
		call.Input = json.RawMessage("{}")
	default:
		call.Input = json.RawMessage(text)
		if jsonscan.Object(call.Input, func(jsonscan.Member) {}) != nil {
			r.Note(llm.OddArguments, "messages")
			j := format.JSON{}
			j.Open('{')
			j.String("arguments", text)
			j.Close('}')
			call.Input = json.RawMessage(j)
		}
	}
	return call, nil
}
