package chat

import (
	"strings"

	"one-api/relay/format"
	"one-api/relay/llm"
)

// isText reports whether a part can be said as text.
func isText(p *llm.Part) bool {
	return p.Kind == llm.Text || p.Kind == llm.Document && p.Media.Data == "" && p.Media.URL == ""
}

func textOf(p *llm.Part) string {
	if p.Kind == llm.Document {
		return heading(p.Media) + p.Media.Text
	}
	return p.Text
}

// heading is what a client says of a document that is said as text.
func heading(m *llm.Media) (text string) {
	for _, line := range [...]string{m.Name, m.Note} {
		if line != "" {
			text += line + "\n"
		}
	}
	return text
}

// content is a plain string if every part is text, since not every compatible server knows parts.
func (b *builder) content(parts []llm.Part, separator string) {
	plain, hints := true, false
	for i := range parts {
		plain = plain && isText(&parts[i])
		hints = hints || parts[i].Cache != nil
	}
	b.Key("content")
	if plain && (!hints || !b.quirks.CacheHints) {
		all := make([]string, len(parts))
		for i := range parts {
			all[i] = textOf(&parts[i])
		}
		b.Text(strings.Join(all, separator))
		return
	}
	b.Open('[')
	for i := range parts {
		b.part(&parts[i])
	}
	b.Close(']')
}

func (b *builder) part(p *llm.Part) {
	if isText(p) && textOf(p) == "" {
		return // OpenAI refuses an empty text beside an image
	}
	if p.Kind == llm.Document && p.Media.Note != "" && !isText(p) {
		b.part(&llm.Part{Text: p.Media.Note})
	}
	b.Open('{')
	switch {
	case isText(p):
		b.Literal("type", `"text"`)
		b.String("text", textOf(p))
	case p.Kind == llm.Image:
		b.Literal("type", `"image_url"`)
		b.Key("image_url")
		b.Open('{')
		b.url(p.Media)
		b.Said("detail", p.Media.Detail)
		b.Close('}')
	case p.Kind == llm.Document:
		b.Literal("type", `"file"`)
		b.Key("file")
		b.Open('{')
		b.data("file_data", p.Media)
		name := p.Media.Name
		if name == "" {
			name = "document.pdf" // OpenAI refuses a file without a name
		}
		b.String("filename", name)
		b.Close('}')
	case p.Kind == llm.Audio:
		b.Literal("type", `"input_audio"`)
		b.Key("input_audio")
		b.Open('{')
		b.String("data", p.Media.Data)
		b.String("format", format.AudioFormat(p.Media.Type))
		b.Close('}')
	case p.Kind == llm.Video:
		b.Literal("type", `"video_url"`)
		b.Key("video_url")
		b.Open('{')
		b.url(p.Media)
		b.Close('}')
	}
	b.cache(p.Cache)
	b.Close('}')
}

// url is where a medium is, or else the medium itself.
func (b *builder) url(m *llm.Media) {
	if m.URL != "" {
		b.String("url", m.URL)
	} else {
		b.data("url", m)
	}
}

func (b *builder) data(name string, m *llm.Media) {
	b.Joined(name, "data:", format.ImageType(m.Type), ";base64,", m.Data)
}
