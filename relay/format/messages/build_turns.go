package messages

import (
	"one-api/relay/format"
	"one-api/relay/llm"
)

// collect puts the turns together as the API wants them: they alternate, the results of parallel calls are in one turn and come
// first in it, and nothing is blank.
func (b *builder) collect() {
	b.turns = format.Alternate(b.r.Turns, func(from *llm.Part) *llm.Part {
		if p := b.t.Reasoning(from, sealedSignature, sealedData); format.SaysSigned(p) {
			b.pairs.Note(p)
			return p
		}
		return nil
	}, format.ResultsFirst)
	if b.habits.noPrefill && format.EndsWithAnswer(b.turns) {
		b.turns = append(b.turns, format.Side{Parts: []*llm.Part{{Text: goOn}}})
		b.drop(llm.Prefill)
	}
	format.TrimPrefill(b.turns)
}

// goOn is what the user says to models that do not continue an answer by themselves: "This model does not support assistant message
// prefill. The conversation must end with a user message."
const goOn = "Continue."

func (b *builder) messages() {
	b.Key("messages")
	b.Open('[')
	for _, turn := range b.turns {
		b.Open('{')
		if turn.Assistant {
			b.Literal("role", `"assistant"`)
		} else {
			b.Literal("role", `"user"`)
		}
		b.Key("content")
		b.Open('[')
		for _, p := range turn.Parts {
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
		b.String("id", b.toolID(p))
		b.String("name", b.name(p.Name))
		b.Value("input", p.Input)
	case llm.ToolResult:
		b.result(p)
	case llm.Audio, llm.Video: // the column refuses them
	}
	b.cache(p.Cache)
	b.Close('}')
}

// result keeps one text a string. A blank result is one without content.
func (b *builder) result(p *llm.Part) {
	b.Literal("type", `"tool_result"`)
	b.String("tool_use_id", b.toolID(p))
	if p.Failed {
		b.Literal("is_error", "true")
	}
	said := 0
	for i := range p.Parts {
		if format.SaysSigned(&p.Parts[i]) {
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
		if inner := &p.Parts[i]; format.SaysSigned(inner) {
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
		b.String("media_type", format.ImageType(m.Type))
		b.String("data", m.Data)
	default:
		b.Literal("type", `"text"`)
		b.Literal("media_type", `"text/plain"`)
		b.String("data", m.Text)
	}
	b.Close('}')
}

// toolID makes an id one that Anthropic takes. A conversation may have begun with a provider that names its calls otherwise,
// such as functions.get_time:0, or that counts them from 0 in every answer: the API takes each id once.
func (b *builder) toolID(p *llm.Part) string {
	id, _, _ := b.t.OpenCallID(p.ID)
	return format.FitID(b.pairs.Apart(id, p), longestID)
}

// longestID is how many letters the id of a call may have.
const longestID = 64
