package gemini

import (
	"net/url"
	"path"
	"strings"

	"one-api/relay/format"
	"one-api/relay/llm"
)

// collect puts the turns together as the API wants them: they alternate, and the results of the calls of an answer are in one.
func (b *builder) collect() {
	for i := range b.r.Turns {
		b.unread(b.r.Turns[i].Parts)
	}
	b.turns = format.Alternate(b.r.Turns, func(p *llm.Part) *llm.Part {
		if !says(p) {
			return nil
		}
		b.pairs.Note(p)
		return p
	}, b.resultsFirst)
}

// unread notes what another provider has thought in an answer. What Gemini has thought itself is not signed, and its words are not given
// back: it goes by the signatures of its calls, which are sealed into their ids.
func (b *builder) unread(answer []llm.Part) {
	thought, signed, calls, own := false, false, false, false
	for i := range answer {
		switch p := &answer[i]; p.Kind {
		case llm.Reasoning:
			thought, signed = thought || p.Text != "", signed || p.Signature != ""
		case llm.Redacted:
			signed = signed || p.Text != ""
		case llm.ToolCall:
			_, id, signature := b.t.Seal.OpenCallID(p.ID)
			calls, own = true, own || id != "" || signature != ""
		case llm.Text, llm.Image, llm.Document, llm.Audio, llm.Video, llm.ToolResult, llm.Refusal:
		}
	}
	if signed || thought && calls && !own {
		b.t.Unread()
	}
}

// resultsFirst is the order of a turn that answers calls: their results, in the order of the calls, and then the rest.
func (b *builder) resultsFirst(x, y *llm.Part) int {
	switch isX, isY := x.Kind == llm.ToolResult, y.Kind == llm.ToolResult; {
	case isX && isY:
		_, first := b.pairs.Call(x)
		_, second := b.pairs.Call(y)
		return first - second
	case isX:
		return -1
	case isY:
		return 1
	}
	return 0
}

// says reports whether there is anything in a part that the API takes.
func says(p *llm.Part) bool {
	switch p.Kind {
	case llm.Text, llm.Refusal:
		return p.Text != ""
	case llm.Reasoning, llm.Redacted:
		return false
	case llm.Image, llm.Audio, llm.Video:
		return p.Media.Data != "" || p.Media.URL != ""
	case llm.Document:
		return p.Media.Data != "" || p.Media.URL != "" || p.Media.Text != ""
	case llm.ToolCall, llm.ToolResult:
	}
	return true
}

func (b *builder) contents() {
	b.Key("contents")
	b.Open('[')
	for _, turn := range b.turns {
		b.Open('{')
		if turn.Assistant {
			b.Literal("role", `"model"`)
		} else {
			b.Literal("role", `"user"`)
		}
		b.Key("parts")
		b.Open('[')
		called := false
		for _, p := range turn.Parts {
			switch p.Kind {
			case llm.ToolCall:
				b.call(p, !called)
				called = true
			case llm.ToolResult:
				b.result(p)
			default:
				b.part(p)
			}
		}
		for _, p := range turn.Parts { // a function answers with an object, and nothing else
			for i := range p.Parts {
				if inner := &p.Parts[i]; p.Kind == llm.ToolResult && says(inner) && !isText(inner) {
					b.part(inner)
				}
			}
		}
		b.Close(']')
		b.Close('}')
	}
	b.Close(']')
}

// isText reports whether a part can be said as text.
func isText(p *llm.Part) bool {
	return p.Kind == llm.Text || p.Kind == llm.Refusal || p.Kind == llm.Document && p.Media.Data == "" && p.Media.URL == ""
}

// words is the text of a part that is text, with what a client says of a document in front.
func words(p *llm.Part) string {
	if p.Kind != llm.Document {
		return p.Text
	}
	text := ""
	for _, line := range [...]string{p.Media.Name, p.Media.Note} {
		if line != "" {
			text += line + "\n"
		}
	}
	return text + p.Media.Text
}

func (b *builder) text(text string) {
	b.Open('{')
	b.String("text", text)
	b.Close('}')
}

func (b *builder) part(p *llm.Part) {
	if isText(p) {
		b.text(words(p))
		return
	}
	m := p.Media
	for _, note := range [...]string{m.Name, m.Note} {
		if note != "" && p.Kind == llm.Document {
			b.text(note)
		}
	}
	b.Open('{')
	if m.URL != "" {
		b.Key("fileData")
		b.Open('{')
		b.Said("mimeType", typeOf(p))
		b.String("fileUri", m.URL)
	} else {
		b.Key("inlineData")
		b.Open('{')
		b.String("mimeType", format.ImageType(m.Type))
		b.String("data", m.Data)
	}
	b.Close('}')
	b.Close('}')
}

// typeOf is the type of what is behind a link, which the API wants to be told: by how its path ends, or the usual one.
func typeOf(p *llm.Part) string {
	if p.Media.Type != "" {
		return format.ImageType(p.Media.Type)
	}
	kind := typeOfName(p.Media.URL)
	switch family, _, _ := strings.Cut(kind, "/"); {
	case p.Kind == llm.Image && family != "image":
		return "image/jpeg"
	case p.Kind == llm.Document && (kind == "" || family == "image" || family == "audio" || family == "video"):
		return "application/pdf"
	case p.Kind == llm.Audio && family != "audio":
		return "audio/mp3"
	case p.Kind == llm.Video && family != "video":
		return "" // of YouTube's it need not be told
	}
	return kind
}

// typeOfName is the type of what is behind a link, by how its path ends; empty: that says nothing.
func typeOfName(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return types[strings.ToLower(path.Ext(u.Path))]
}

// types are those of files that the API takes, by the ends of their names (https://ai.google.dev/gemini-api/docs/image-understanding,
// …/document-processing, …/audio, …/video-understanding).
var types = map[string]string{
	".png": "image/png", ".webp": "image/webp", ".heic": "image/heic", ".heif": "image/heif", ".gif": "image/gif", ".jpg": "image/jpeg",
	".jpeg": "image/jpeg",
	".mp3":  "audio/mp3", ".wav": "audio/wav", ".aac": "audio/aac", ".ogg": "audio/ogg", ".flac": "audio/flac", ".aiff": "audio/aiff",
	".mp4": "video/mp4", ".mov": "video/mov", ".mpeg": "video/mpeg", ".mpg": "video/mpg", ".avi": "video/avi", ".webm": "video/webm",
	".wmv": "video/wmv",
	".pdf": "application/pdf", ".txt": "text/plain", ".md": "text/md", ".html": "text/html", ".csv": "text/csv", ".xml": "text/xml",
}

// unsigned is what Gemini takes for the signature of a call that another model has made
// (https://ai.google.dev/gemini-api/docs/thought-signatures).
const unsigned = "skip_thought_signature_validator"

// call says a call of an earlier answer, with its id and its signature if this channel has made it. first: it is the first one of its
// answer, which is the one that is signed.
func (b *builder) call(p *llm.Part, first bool) {
	_, own, signature := b.t.OpenCallID(p.ID)
	b.Open('{')
	b.Key("functionCall")
	b.Open('{')
	b.Said("id", own)
	b.String("name", b.t.NameBegun(p.Name))
	b.Value("args", p.Input)
	b.Close('}')
	if signature == "" && first && b.habits.signs {
		signature = unsigned
	}
	b.Said("thoughtSignature", signature)
	b.Close('}')
}

func (b *builder) result(p *llm.Part) {
	public, own, _ := b.t.OpenCallID(p.ID)
	name := public // the API says that it fits to no call
	if call, _ := b.pairs.Call(p); call != nil {
		name = call.Name
	}
	var lines []string
	for i := range p.Parts {
		if inner := &p.Parts[i]; isText(inner) && says(inner) {
			lines = append(lines, words(inner))
		}
	}
	b.Open('{')
	b.Key("functionResponse")
	b.Open('{')
	b.Said("id", own)
	b.String("name", b.t.NameBegun(name))
	b.Key("response")
	b.Open('{')
	what := "output"
	if p.Failed {
		what = "error"
	}
	b.String(what, strings.Join(lines, "\n"))
	b.Close('}')
	b.Close('}')
	b.Close('}')
}
