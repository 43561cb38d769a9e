package messages

import (
	"encoding/json"
	"strconv"
	"strings"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

// where says what may stand in a list of blocks.
type where uint8

const (
	inSystem where = iota
	inUser
	inAssistant
	inResult
)

func (r *request) system(value []byte) (problem *format.Problem) {
	r.Instructions, problem = r.content(value, inSystem)
	if len(r.Instructions) > 0 && strings.HasPrefix(r.Instructions[0].Text, billingNote) {
		r.Note(llm.BillingNote, "system")
		r.Instructions = r.Instructions[1:]
	}
	return problem
}

// billingNote is how a block begins that Claude Code puts in front of its instructions, for Anthropic alone.
const billingNote = "x-anthropic-billing-header:"

func (r *request) messages(value []byte) *format.Problem {
	r.Turns = make([]llm.Turn, 0, format.Count(value))
	return format.Each(value, func(i int, element []byte) *format.Problem {
		r.place = place{message: i}
		role := ""
		var content []byte
		if !format.IsObject(element) {
			return format.MustBe("an object", element)
		}
		problem := format.Object(element, func(name string, value []byte) *format.Problem {
			switch name {
			case "role":
				return format.String(value, &role).In(name)
			case "content":
				content = value
			}
			return nil
		})
		if problem != nil {
			return problem
		}
		return r.turn(role, content)
	})
}

func (r *request) turn(role string, content []byte) *format.Problem {
	turn, in := llm.Turn{}, inUser
	switch role {
	case "user":
	case "assistant":
		turn.Role, in = llm.Assistant, inAssistant
	case "system", "developer":
		turn.Role, in = llm.System, inSystem
		r.Note(llm.MidSystem, "messages")
	default:
		return format.Wrong("must be user, assistant or system").In("role")
	}
	parts, problem := r.content(content, in)
	turn.Parts = parts
	r.Turns = append(r.Turns, turn)
	return problem.In("content")
}

// place is where a block stands.
type place struct {
	message, block int
	inner          int // in the result of a tool, from 1; 0 if it is in none
}

func (p *place) at(i int, in where) {
	switch in {
	case inUser, inAssistant:
		p.block, p.inner = i, 0
	case inResult:
		p.inner = i + 1
	case inSystem: // texts alone
	}
}

func (p *place) String() string {
	path := "messages[" + strconv.Itoa(p.message) + "].content[" + strconv.Itoa(p.block) + "]"
	if p.inner > 0 {
		path += ".content[" + strconv.Itoa(p.inner-1) + "]"
	}
	return path
}

// content reads a string or an array of blocks.
func (r *request) content(value []byte, in where) ([]llm.Part, *format.Problem) {
	if text, ok := jsonscan.String(value); ok {
		return []llm.Part{{Text: text}}, nil
	}
	if len(value) == 0 || value[0] != '[' {
		return nil, format.Wrong("must be a string or an array of content blocks")
	}
	parts := make([]llm.Part, 0, format.Count(value))
	problem := format.Each(value, func(i int, element []byte) *format.Problem {
		r.place.at(i, in)
		part, problem := r.block(element, in)
		parts = append(parts, part)
		return problem
	})
	return parts, problem
}

// block is a block as it stands.
type block struct {
	kind, id, name, use, title       string
	context, reference               string
	text, source, input, content     []byte
	thinking, signature, data, cache []byte
	failed, cites                    bool
}

func (b *block) member(name string, value []byte) *format.Problem {
	switch name {
	case "type":
		return format.String(value, &b.kind).In(name)
	case "text":
		b.text = value
	case "source":
		b.source = value
	case "id":
		return format.String(value, &b.id).In(name)
	case "name":
		return format.String(value, &b.name).In(name)
	case "input":
		b.input = value
	case "tool_use_id":
		return format.String(value, &b.use).In(name)
	case "content":
		b.content = value
	case "is_error":
		return format.Bool(value, &b.failed).In(name)
	case "thinking":
		b.thinking = value
	case "signature":
		b.signature = value
	case "data":
		b.data = value
	case "title":
		b.title, _ = jsonscan.String(value)
	case "context":
		b.context, _ = jsonscan.String(value)
	case "tool_name":
		b.reference, _ = jsonscan.String(value)
	case "citations": // of a document; an answer's are a list
		b.cites = format.IsObject(value) && string(jsonscan.MemberOf(value, "enabled")) == "true"
	case "cache_control":
		b.cache = value
	}
	return nil
}

func (r *request) block(element []byte, in where) (part llm.Part, problem *format.Problem) {
	var b block
	if !format.IsObject(element) {
		return part, format.MustBe("an object", element)
	}
	if problem = format.Object(element, b.member); problem != nil {
		return part, problem
	}
	if b.cites {
		r.Note(llm.Citations, "messages")
	}
	shown := in == inUser || in == inResult
	switch {
	case b.kind == "text":
		part, problem = plainText(b.text)
	case b.kind == "image" && shown:
		part, problem = image(b.source)
		problem = problem.In("source")
	case b.kind == "document" && shown:
		part, problem = r.document(&b)
		problem = problem.In("source")
	case b.kind == "search_result" && shown:
		part, problem = r.searchResult(&b)
	case b.kind == "tool_result" && in == inUser:
		part, problem = r.result(&b)
	case b.kind == "tool_use" && in == inAssistant:
		part, problem = toolUse(&b)
	case b.kind == "tool_reference" && in == inResult:
		r.Note(llm.ToolReferences, "messages")
		part.Text = b.reference
	case in == inAssistant:
		part, problem = r.thought(&b)
	default:
		problem = b.unknown()
	}
	part.Cache = r.hint(b.cache)
	return part, problem
}

func (b *block) unknown() *format.Problem {
	if b.kind == "" {
		return format.Wrong("is required").In("type")
	}
	switch b.kind {
	case "image", "document", "search_result", "tool_result", "tool_use", "thinking", "redacted_thinking", "tool_reference":
		return format.Wrong("is a block of type " + format.Quote(b.kind) + ", which has no place here")
	}
	return format.Asks(llm.OtherParts).Named(b.kind)
}

func plainText(value []byte) (part llm.Part, problem *format.Problem) {
	if !format.Given(value) {
		return part, format.Wrong("is required").In("text")
	}
	return part, format.String(value, &part.Text).In("text")
}

// hint is a cache_control, as it came.
func (r *request) hint(cache []byte) json.RawMessage {
	if !format.IsObject(cache) {
		return nil
	}
	r.Note(llm.CacheHints, "cache_control")
	return json.RawMessage(cache)
}

// thought reads a block of an earlier answer that is neither text nor a call.
func (r *request) thought(b *block) (part llm.Part, problem *format.Problem) {
	switch b.kind {
	case "thinking":
		r.Note(llm.EarlierReasoning, "messages")
		part.Kind = llm.Reasoning
		part.Text, _ = jsonscan.String(b.thinking)
		part.Signature, _ = jsonscan.String(b.signature)
	case "redacted_thinking":
		r.Note(llm.EarlierReasoning, "messages")
		part.Kind = llm.Redacted
		part.Text, _ = jsonscan.String(b.data)
	case "compaction": // what is left of the conversation before it
		part.Text, _ = jsonscan.String(b.content)
	case "fallback": // a mark where another model went on: it says nothing
	case "server_tool_use", "mcp_tool_use":
		r.Note(llm.EarlierServerTools, "messages")
	default:
		if !strings.HasSuffix(b.kind, "_tool_result") {
			return part, b.unknown()
		}
		r.Note(llm.EarlierServerTools, "messages") // such as web_search_tool_result
	}
	return part, nil
}

func toolUse(b *block) (llm.Part, *format.Problem) {
	part := llm.Part{Kind: llm.ToolCall, ID: b.id, Name: b.name, Input: json.RawMessage("{}")}
	switch {
	case b.id == "":
		return part, format.Wrong("is required").In("id")
	case b.name == "":
		return part, format.Wrong("is required").In("name")
	case !format.Given(b.input):
	case format.IsObject(b.input):
		part.Input = json.RawMessage(b.input)
	default:
		return part, format.Wrong("must be an object").In("input")
	}
	return part, nil
}

func (r *request) result(b *block) (part llm.Part, problem *format.Problem) {
	part = llm.Part{Kind: llm.ToolResult, ID: b.use, Failed: b.failed}
	if b.use == "" {
		return part, format.Wrong("is required").In("tool_use_id")
	}
	if format.Given(b.content) {
		part.Parts, problem = r.content(b.content, inResult)
	}
	return part, problem.In("content")
}

// searchResult reads what a client has found for the model, which is text with a title and a source.
func (r *request) searchResult(b *block) (llm.Part, *format.Problem) {
	r.Note(llm.SearchResults, "messages")
	part := llm.Part{}
	found, problem := r.content(b.content, inSystem)
	if problem != nil {
		return part, problem.In("content")
	}
	source, _ := jsonscan.String(b.source)
	lines := make([]string, 0, len(found)+2)
	for _, line := range [...]string{b.title, source} {
		if line != "" {
			lines = append(lines, line)
		}
	}
	for i := range found {
		lines = append(lines, found[i].Text)
	}
	part.Text = strings.Join(lines, "\n")
	return part, nil
}
