package responses

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"one-api/relay/format"
	"one-api/relay/llm"
)

// input says the conversation, as items.
func (b *builder) input() {
	b.Key("input")
	b.Open('[')
	if format.LacksJSONWord(b.r, false) { // in the instructions it does not count
		b.message(`"system"`, []llm.Part{{Text: format.JSONWord}})
	}
	for i := range b.r.Turns {
		turn := &b.r.Turns[i]
		switch turn.Role {
		case llm.User:
			b.user(turn.Parts)
		case llm.Assistant:
			b.assistant(turn.Parts)
		case llm.System:
			b.message(`"system"`, turn.Parts)
		}
	}
	b.Close(']')
}

// user says the results of tools, each an item of its own, and then the rest.
func (b *builder) user(parts []llm.Part) {
	rest := parts[:0:0]
	for i := range parts {
		if parts[i].Kind == llm.ToolResult {
			b.result(&parts[i])
		} else {
			rest = append(rest, parts[i])
		}
	}
	b.message(`"user"`, rest)
}

// assistant says an earlier answer: what it said, thought and called, in its order.
func (b *builder) assistant(parts []llm.Part) {
	for i := 0; i < len(parts); i++ {
		switch p := &parts[i]; p.Kind {
		case llm.Text, llm.Refusal:
			from := i
			for i+1 < len(parts) && (parts[i+1].Kind == llm.Text || parts[i+1].Kind == llm.Refusal) {
				i++
			}
			b.message(`"assistant"`, parts[from:i+1])
		case llm.ToolCall:
			b.Open('{')
			b.Literal("type", `"function_call"`)
			b.String("call_id", b.callID(p.ID))
			b.String("name", b.t.Name(p.Name))
			b.String("arguments", string(p.Input))
			b.Close('}')
		case llm.Reasoning:
			b.thought(p.Text, p.Signature)
		case llm.Redacted:
			b.thought("", p.Text)
		case llm.Image, llm.Document, llm.Audio, llm.Video, llm.ToolResult:
		}
	}
}

// thought gives reasoning back to the channel that made it; nobody else could read it.
func (b *builder) thought(summary, sealed string) {
	encrypted := b.t.Encrypted(sealed, sealKind)
	if encrypted == "" {
		return
	}
	b.Open('{')
	b.Literal("type", `"reasoning"`)
	b.Key("summary")
	b.Open('[')
	if summary != "" {
		summaryOf(&b.JSON, []byte(summary))
	}
	b.Close(']')
	b.String("encrypted_content", encrypted)
	b.Close('}')
}

// sealKind is in front of what is sealed, which tells it from what other formats seal.
const sealKind = "rs:"

// message is a message of texts, images and documents; without any of them there is none.
func (b *builder) message(role string, parts []llm.Part) {
	said := false
	for i := range parts {
		if !isBlank(&parts[i]) {
			if !said {
				b.Open('{')
				b.Literal("type", `"message"`)
				b.Literal("role", role)
				b.Key("content")
				b.Open('[')
			}
			said = true
			b.part(&parts[i], role == `"assistant"`)
		}
	}
	if said {
		b.Close(']')
		b.Close('}')
	}
}

func isBlank(p *llm.Part) bool {
	switch p.Kind {
	case llm.Text, llm.Refusal:
		return p.Text == ""
	case llm.Document:
		return p.Media.Data == "" && p.Media.URL == "" && p.Media.Text == ""
	case llm.Image:
		return p.Media.Data == "" && p.Media.URL == ""
	case llm.Audio, llm.Video, llm.ToolCall, llm.ToolResult, llm.Reasoning, llm.Redacted:
	}
	return true
}

func (b *builder) part(p *llm.Part, answer bool) {
	if p.Kind == llm.Document && p.Media.Note != "" && (p.Media.Data != "" || p.Media.URL != "") {
		b.part(&llm.Part{Text: p.Media.Note}, answer)
	}
	b.Open('{')
	switch {
	case p.Kind == llm.Image:
		b.Literal("type", `"input_image"`)
		detail := p.Media.Detail
		if detail == "" {
			detail = "auto"
		}
		b.String("detail", detail)
		b.media("image_url", "image_url", p.Media)
	case p.Kind == llm.Document && (p.Media.Data != "" || p.Media.URL != ""):
		b.Literal("type", `"input_file"`)
		if p.Media.Data != "" {
			name := p.Media.Name
			if name == "" {
				name = "document.pdf" // OpenAI refuses a file without a name
			}
			b.String("filename", name)
		}
		b.media("file_data", "file_url", p.Media)
	case p.Kind == llm.Document:
		b.Literal("type", `"input_text"`)
		b.String("text", documentText(p.Media))
	case p.Kind == llm.Refusal:
		b.Literal("type", `"refusal"`)
		b.String("refusal", p.Text)
	case answer:
		b.Literal("type", `"output_text"`)
		b.String("text", p.Text)
		b.Literal("annotations", "[]")
	default:
		b.Literal("type", `"input_text"`)
		b.String("text", p.Text)
	}
	b.Close('}')
}

// documentText is a document that is text, with what a client says of it in front.
func documentText(m *llm.Media) string {
	text := ""
	for _, line := range [...]string{m.Name, m.Note} {
		if line != "" {
			text += line + "\n"
		}
	}
	return text + m.Text
}

// media says data or a link.
func (b *builder) media(data, link string, m *llm.Media) {
	if m.URL != "" {
		b.String(link, m.URL)
		return
	}
	b.Joined(data, "data:", format.ImageType(m.Type), ";base64,", m.Data)
}

func (b *builder) result(p *llm.Part) {
	b.Open('{')
	b.Literal("type", `"function_call_output"`)
	b.String("call_id", b.callID(p.ID))
	plain := true
	var lines []string
	for i := range p.Parts {
		inner := &p.Parts[i]
		switch {
		case inner.Kind == llm.Text:
			lines = append(lines, inner.Text)
		case inner.Kind == llm.Document && inner.Media.Data == "" && inner.Media.URL == "":
			lines = append(lines, documentText(inner.Media))
		default:
			plain = false
		}
	}
	text := strings.Join(lines, "\n")
	failed := p.Failed && !strings.HasPrefix(text, "Error:")
	if plain {
		if failed {
			text = "Error: " + text
		}
		b.String("output", text)
		b.Close('}')
		return
	}
	b.Key("output")
	b.Open('[')
	if failed {
		b.part(&llm.Part{Text: "Error:"}, false)
	}
	for i := range p.Parts {
		if !isBlank(&p.Parts[i]) {
			b.part(&p.Parts[i], false)
		}
	}
	b.Close(']')
	b.Close('}')
}

// longestCallID is how many characters OpenAI takes of a call's id.
const longestCallID = 64

// callID is a call's id as the provider takes it, the same every time.
func (b *builder) callID(id string) string {
	id, _, _ = b.t.OpenCallID(id)
	if len(id) <= longestCallID {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "call_" + hex.EncodeToString(sum[:16])
}
