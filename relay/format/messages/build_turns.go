package messages

import (
	"slices"
	"strings"

	"one-api/relay/format"
	"one-api/relay/llm"
)

// collect puts the turns together as the API wants them: they alternate, the results of parallel calls are in one turn and come
// first in it, and nothing is blank.
func (b *builder) collect() {
	for i := range b.r.Turns {
		from := &b.r.Turns[i]
		if from.Role == llm.System {
			continue
		}
		assistant := from.Role == llm.Assistant
		for j := range from.Parts {
			p := b.opened(&from.Parts[j])
			if !says(p) {
				continue
			}
			if last := len(b.turns) - 1; last < 0 || b.turns[last].assistant != assistant {
				b.turns = append(b.turns, turn{assistant, make([]*llm.Part, 0, len(from.Parts))})
			}
			last := &b.turns[len(b.turns)-1]
			last.parts = append(last.parts, p)
		}
	}
	if len(b.turns) > 0 && b.turns[0].assistant {
		b.turns = slices.Insert(b.turns, 0, turn{parts: []*llm.Part{{Text: "."}}})
	}
	b.trimPrefill()
	for i := range b.turns {
		if !b.turns[i].assistant {
			slices.SortStableFunc(b.turns[i].parts, resultsFirst)
		}
	}
}

// opened is a part with what is sealed in it as its maker gave it. What another channel has sealed, or nobody, is as if it were not
// there.
func (b *builder) opened(p *llm.Part) *llm.Part {
	sealed := p.Signature
	switch p.Kind {
	case llm.Reasoning:
	case llm.Redacted:
		sealed = p.Text
	case llm.Text, llm.Image, llm.Document, llm.ToolCall, llm.ToolResult, llm.Refusal:
		return p
	}
	_, kept := b.t.Seal.Open(sealed)
	if signature, ok := strings.CutPrefix(kept, sealedSignature); ok {
		return &llm.Part{Kind: llm.Reasoning, Text: p.Text, Signature: signature}
	}
	data, ok := strings.CutPrefix(kept, sealedData)
	if !ok {
		data = ""
	}
	return &llm.Part{Kind: llm.Redacted, Text: data}
}

// trimPrefill takes the white space off the end of an answer that is to be continued: the API refuses it.
func (b *builder) trimPrefill() {
	if len(b.turns) == 0 {
		return
	}
	last := b.turns[len(b.turns)-1]
	if n := len(last.parts) - 1; last.assistant && (last.parts[n].Kind == llm.Text || last.parts[n].Kind == llm.Refusal) {
		trimmed := *last.parts[n]
		trimmed.Text = strings.TrimRight(trimmed.Text, " \t\r\n")
		last.parts[n] = &trimmed
	}
}

// says reports whether there is anything in a part that Anthropic takes. Reasoning it takes back with its own signature only.
func says(p *llm.Part) bool {
	switch p.Kind {
	case llm.Text, llm.Refusal:
		return !blank(p.Text)
	case llm.Reasoning:
		return p.Signature != ""
	case llm.Redacted:
		return p.Text != ""
	case llm.Image, llm.Document, llm.ToolCall, llm.ToolResult:
	}
	return true
}

// resultsFirst is the order that Anthropic demands of a turn that answers tool calls.
func resultsFirst(a, b *llm.Part) int {
	switch {
	case (a.Kind == llm.ToolResult) == (b.Kind == llm.ToolResult):
		return 0
	case a.Kind == llm.ToolResult:
		return -1
	}
	return 1
}

func (b *builder) messages() {
	b.Key("messages")
	b.Open('[')
	for _, turn := range b.turns {
		b.Open('{')
		if turn.assistant {
			b.Literal("role", `"assistant"`)
		} else {
			b.Literal("role", `"user"`)
		}
		b.Key("content")
		b.Open('[')
		for _, p := range turn.parts {
			b.block(p)
		}
		b.Close(']')
		b.Close('}')
	}
	b.Close(']')
}

func (b *builder) block(p *llm.Part) {
	b.Open('{')
	switch p.Kind {
	case llm.Text, llm.Refusal:
		b.Literal("type", `"text"`)
		b.String("text", p.Text)
	case llm.Image:
		b.Literal("type", `"image"`)
		b.source(p.Media)
	case llm.Document:
		b.Literal("type", `"document"`)
		b.Said("title", p.Media.Name)
		b.source(p.Media)
	case llm.Reasoning:
		b.Literal("type", `"thinking"`)
		b.String("thinking", p.Text)
		b.String("signature", p.Signature)
	case llm.Redacted:
		b.Literal("type", `"redacted_thinking"`)
		b.String("data", p.Text)
	case llm.ToolCall:
		b.Literal("type", `"tool_use"`)
		b.String("id", toolID(p.ID))
		b.String("name", p.Name)
		b.Value("input", p.Input)
	case llm.ToolResult:
		b.result(p)
	}
	b.cache(p.Cache)
	b.Close('}')
}

// result keeps one text a string. A blank result is one without content.
func (b *builder) result(p *llm.Part) {
	b.Literal("type", `"tool_result"`)
	b.String("tool_use_id", toolID(p.ID))
	if p.Failed {
		b.Literal("is_error", "true")
	}
	said := 0
	for i := range p.Parts {
		if says(&p.Parts[i]) {
			said++
		}
	}
	switch {
	case said == 0:
		return
	case len(p.Parts) == 1 && p.Parts[0].Kind == llm.Text:
		b.String("content", p.Parts[0].Text)
		return
	}
	b.Key("content")
	b.Open('[')
	for i := range p.Parts {
		if inner := &p.Parts[i]; says(inner) {
			b.block(inner)
		}
	}
	b.Close(']')
}

func (b *builder) source(m *llm.Media) {
	b.Key("source")
	b.Open('{')
	switch {
	case m.URL != "":
		b.Literal("type", `"url"`)
		b.String("url", m.URL)
	case m.Data != "":
		b.Literal("type", `"base64"`)
		b.String("media_type", m.Type)
		b.String("data", m.Data)
	default:
		b.Literal("type", `"text"`)
		b.Literal("media_type", `"text/plain"`)
		b.String("data", m.Text)
	}
	b.Close('}')
}

// toolID makes an id one that Anthropic takes. A conversation may have begun with a provider that names its calls otherwise,
// such as functions.get_time:0.
func toolID(id string) string { return format.PlainID(format.Unsealed(id)) }
