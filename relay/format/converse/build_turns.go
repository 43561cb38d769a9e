package converse

import (
	"encoding/base64"
	"strconv"
	"strings"

	"one-api/relay/format"
	"one-api/relay/llm"
)

// collect puts the turns together as the API wants them: they alternate, the results of parallel calls are in one turn and come
// first in it, and nothing is blank.
func (b *builder) collect() {
	b.turns = format.Alternate(b.r.Turns, func(from *llm.Part) *llm.Part {
		if p := b.t.Reasoning(from, sealedSignature, sealedContent); format.SaysSigned(p) {
			b.pairs.Note(p)
			return p
		}
		return nil
	}, format.ResultsFirst)
	format.TrimPrefill(b.turns)
}

func (b *builder) messages() *format.Problem {
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
		if onlyDocuments(turn.Parts) { // beside which the API wants a text
			b.text(".")
		}
		for _, p := range turn.Parts {
			if problem := b.block(p); problem != nil {
				return problem
			}
			b.cache(p.Cache)
		}
		b.Close(']')
		b.Close('}')
	}
	b.Close(']')
	return nil
}

func onlyDocuments(parts []*llm.Part) bool {
	documents, texts := false, false
	for _, p := range parts {
		documents = documents || p.Kind == llm.Document
		texts = texts || p.Kind == llm.Text
	}
	return documents && !texts
}

func (b *builder) text(text string) {
	b.Open('{')
	b.String("text", text)
	b.Close('}')
}

func (b *builder) block(p *llm.Part) *format.Problem {
	switch p.Kind {
	case llm.Text, llm.Refusal:
		b.text(p.Text)
	case llm.Image:
		return b.image(p.Media)
	case llm.Document:
		return b.document(p.Media)
	case llm.Reasoning:
		b.Open('{')
		b.Key("reasoningContent")
		b.Open('{')
		b.Key("reasoningText")
		b.Open('{')
		b.String("text", p.Text)
		b.String("signature", p.Signature)
		b.Close('}')
		b.Close('}')
		b.Close('}')
	case llm.Redacted:
		b.Open('{')
		b.Key("reasoningContent")
		b.Open('{')
		b.String("redactedContent", p.Text)
		b.Close('}')
		b.Close('}')
	case llm.ToolCall:
		b.Open('{')
		b.Key("toolUse")
		b.Open('{')
		b.String("toolUseId", b.toolID(p))
		b.String("name", b.name(p.Name))
		b.Value("input", p.Input)
		b.Close('}')
		b.Close('}')
	case llm.ToolResult:
		return b.result(p)
	case llm.Audio, llm.Video: // the column refuses them
	}
	return nil
}

// result has at least one part: the API wants one.
func (b *builder) result(p *llm.Part) *format.Problem {
	b.Open('{')
	b.Key("toolResult")
	b.Open('{')
	b.String("toolUseId", b.toolID(p))
	if p.Failed && b.habits.statuses {
		b.Literal("status", `"error"`)
	}
	b.Key("content")
	b.Open('[')
	said := 0
	if p.Failed && !b.habits.statuses {
		b.text("The tool has failed:")
		said++
	}
	for i := range p.Parts {
		inner := &p.Parts[i]
		if !format.SaysSigned(inner) {
			continue
		}
		said++
		if problem := b.block(inner); problem != nil {
			return problem
		}
	}
	if said == 0 {
		b.text("(nothing)")
	}
	b.Close(']')
	b.Close('}')
	b.Close('}')
	return nil
}

// imageFormats and documentFormats are what the API calls a media type.
var (
	imageFormats = map[string]string{
		"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp",
	}
	documentFormats = map[string]string{
		"application/pdf": "pdf", "text/plain": "txt", "text/csv": "csv", "text/html": "html", "text/markdown": "md", "text/md": "md",
		"application/msword": "doc", "application/vnd.ms-excel": "xls",
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":       "xlsx",
	}
)

func wrong(what string) *format.Problem { return &format.Problem{Path: "messages", What: what} }

func (b *builder) image(m *llm.Media) *format.Problem {
	kind, known := imageFormats[m.Type]
	switch {
	case m.URL != "":
		return wrong("have an image that is a link, which this model's provider does not fetch: send the image itself (base64)")
	case !known:
		return wrong("have an image that is none of png, jpeg, gif and webp")
	}
	b.Open('{')
	b.Key("image")
	b.Open('{')
	b.String("format", kind)
	b.bytes(m.Data)
	b.Close('}')
	b.Close('}')
	return nil
}

func (b *builder) document(m *llm.Media) *format.Problem {
	kind, data := documentFormats[m.Type], m.Data
	switch {
	case m.URL != "":
		return wrong("have a document that is a link, which this model's provider does not fetch: send the document itself (base64)")
	case data == "":
		kind, data = "txt", base64.StdEncoding.EncodeToString([]byte(m.Text))
	case kind == "":
		return wrong("have a document of the type " + format.Quote(m.Type) + ", which this model's provider does not take")
	}
	if !format.IsBlank(m.Note) {
		b.text(m.Note)
	}
	b.named++
	b.Open('{')
	b.Key("document")
	b.Open('{')
	b.String("format", kind)
	b.String("name", documentName(m.Name, b.named))
	b.bytes(data)
	b.Close('}')
	b.Close('}')
	return nil
}

func (b *builder) bytes(data string) {
	b.Key("source")
	b.Open('{')
	b.String("bytes", data)
	b.Close('}')
}

// longestDocumentName is how many letters a document's name may have.
const longestDocumentName = 200

// documentName is a name in the letters that the API takes: letters, digits, single blanks, hyphens, parentheses and brackets. Two
// documents of a request may not have the same.
func documentName(name string, n int) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-()[]", r) {
			return r
		}
		return ' '
	}, name)
	name = strings.Join(strings.Fields(name), " ")
	number := strconv.Itoa(n)
	if name == "" {
		return "document " + number
	}
	return name[:min(len(name), longestDocumentName-len(number)-1)] + " " + number
}

// longestID is how many letters the id of a call may have.
const longestID = 64

// toolID makes an id one that the API takes. A conversation may have begun with a provider that names its calls otherwise.
func (b *builder) toolID(p *llm.Part) string {
	id, _, _ := b.t.OpenCallID(p.ID)
	return format.FitID(b.pairs.Apart(id, p), longestID)
}
