package responses

import (
	"encoding/json"
	"strings"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

// item is an item of the input as it stands.
type item struct {
	kind, role, call, name, space string
	content, output, summary      []byte
	arguments, input, sealed      []byte
	tools                         []byte
}

func (it *item) member(name string, value []byte) *format.Problem {
	switch name {
	case "type":
		return format.String(value, &it.kind).In(name)
	case "role":
		return format.String(value, &it.role).In(name)
	case "call_id":
		return format.String(value, &it.call).In(name)
	case "name":
		return format.String(value, &it.name).In(name)
	case "namespace":
		return format.String(value, &it.space).In(name)
	case "content":
		it.content = value
	case "output":
		it.output = value
	case "summary":
		it.summary = value
	case "arguments":
		it.arguments = value
	case "input":
		it.input = value
	case "encrypted_content":
		it.sealed = value
	case "tools":
		it.tools = value
	}
	return nil
}

// input reads the conversation: a text, or items.
func (r *request) input(value []byte) *format.Problem {
	if text, ok := jsonscan.String(value); ok {
		if text != "" {
			r.say(llm.User, llm.Part{Text: text})
		}
		return nil
	}
	return format.Each(value, func(i int, element []byte) *format.Problem {
		var it item
		r.place.item = i
		if !format.IsObject(element) {
			return format.MustBe("an object", element)
		}
		if problem := format.Object(element, it.member); problem != nil {
			return problem
		}
		return r.item(&it)
	})
}

// say adds to what a side says. Items of one side are one turn, since other formats have the calls of an answer, and the results of
// such calls, together; but what the user says beside them is a turn of its own.
func (r *request) say(role llm.Role, parts ...llm.Part) {
	if len(parts) == 0 {
		return
	}
	if n := len(r.Turns); n > 0 && r.Turns[n-1].Role == role &&
		(role == llm.Assistant || isResult(&parts[0]) && isResult(&r.Turns[n-1].Parts[0])) {
		r.Turns[n-1].Parts = append(r.Turns[n-1].Parts, parts...)
		return
	}
	r.Turns = append(r.Turns, llm.Turn{Role: role, Parts: parts})
}

func isResult(p *llm.Part) bool { return p.Kind == llm.ToolResult }

func (r *request) item(it *item) *format.Problem {
	switch it.kind {
	case "", "message":
		return r.message(it)
	case "function_call":
		return r.called(it, r.arguments(it.arguments))
	case "custom_tool_call":
		text, _ := jsonscan.String(it.input)
		return r.called(it, textArguments(text))
	case "function_call_output", "custom_tool_call_output":
		return r.result(it)
	case "reasoning":
		return r.thought(it)
	case "additional_tools":
		return r.tools(it.tools, "").In("tools")
	case "item_reference", "compaction", "compaction_trigger":
		return format.Asks(llm.KeptState).Named(it.kind).In("type")
	}
	if isHosted(it.kind) {
		r.Note(llm.EarlierServerTools, "input")
		return nil
	}
	return format.Asks(llm.OtherParts).Named(it.kind).In("type")
}

// isHosted reports whether an item is a step of a tool that the provider runs or knows itself, such as web_search_call. What came of it
// is in the text that follows.
func isHosted(kind string) bool {
	return strings.HasSuffix(kind, "_call") || strings.HasSuffix(kind, "_call_output") || strings.HasPrefix(kind, "mcp_") ||
		kind == "tool_search_output" || kind == "program" || kind == "program_output"
}

func (r *request) message(it *item) *format.Problem {
	r.place.list = "content"
	parts, problem := r.content(it.content, it.role)
	if problem != nil {
		return problem.In("content")
	}
	switch it.role {
	case "user":
		r.say(llm.User, parts...)
	case "assistant":
		r.say(llm.Assistant, parts...)
	case "system", "developer":
		r.instruct(parts)
	default:
		return format.Wrong("must be user, assistant, system or developer").In("role")
	}
	return nil
}

// instruct adds an instruction: to those in front as long as nothing else has been said, and to the conversation from then on.
func (r *request) instruct(parts []llm.Part) {
	switch {
	case len(parts) == 0:
	case len(r.Turns) == 0:
		r.alone = true
		r.Instructions = append(r.Instructions, parts...)
	default:
		r.Note(llm.MidSystem, "input")
		r.Turns = append(r.Turns, llm.Turn{Role: llm.System, Parts: parts})
	}
}

func (r *request) called(it *item, input json.RawMessage) *format.Problem {
	switch {
	case it.call == "":
		return format.Wrong("is missing").In("call_id")
	case it.name == "":
		return format.Wrong("is missing").In("name")
	}
	r.say(llm.Assistant, llm.Part{Kind: llm.ToolCall, ID: it.call, Name: flat(it.space, it.name), Input: input})
	return nil
}

// arguments is what a call was given, as an object. A model may have written something else, which is kept as text: the conversation
// continues all the same.
func (r *request) arguments(value []byte) json.RawMessage {
	if format.IsObject(value) {
		return json.RawMessage(value)
	}
	text, _ := jsonscan.String(value)
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return json.RawMessage("{}")
	case jsonscan.Object([]byte(text), func(jsonscan.Member) {}) != nil:
		r.Note(llm.OddArguments, "input")
		var j format.JSON
		j.Open('{')
		j.String("arguments", text)
		j.Close('}')
		return json.RawMessage(j)
	}
	return json.RawMessage(text)
}

// textArguments is the input of a tool that is a text, as its only argument.
func textArguments(text string) json.RawMessage {
	var j format.JSON
	j.Open('{')
	j.String(textArgument, text)
	j.Close('}')
	return json.RawMessage(j)
}

func (r *request) result(it *item) *format.Problem {
	if it.call == "" {
		return format.Wrong("must name the call that this answers").In("call_id")
	}
	r.place.list = "output"
	parts, problem := r.content(it.output, "tool")
	if problem != nil {
		return problem.In("output")
	}
	r.say(llm.User, llm.Part{Kind: llm.ToolResult, ID: it.call, Parts: parts})
	return nil
}

// thought reads reasoning of an earlier answer. What is sealed in it only its maker can open; a summary is for everybody.
func (r *request) thought(it *item) *format.Problem {
	var texts []string
	for _, list := range [...][]byte{it.content, it.summary} {
		problem := format.Each(list, func(_ int, element []byte) *format.Problem {
			if text, _ := jsonscan.String(jsonscan.MemberOf(element, "text")); text != "" {
				texts = append(texts, text)
			}
			return nil
		})
		if problem != nil {
			return problem
		}
		if len(texts) > 0 {
			break // the summary of what there is in full
		}
	}
	part := llm.Part{Kind: llm.Reasoning, Text: strings.Join(texts, "\n\n")}
	part.Signature, _ = jsonscan.String(it.sealed)
	if part.Text != "" || part.Signature != "" {
		r.Note(llm.EarlierReasoning, "input")
		r.say(llm.Assistant, part)
	}
	return nil
}
