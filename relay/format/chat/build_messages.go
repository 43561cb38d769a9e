package chat

import (
	"strings"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
	"one-api/relay/provider"
)

// messages says the conversation.
func (b *builder) messages() {
	b.Key("messages")
	b.Open('[')
	b.instructions()
	for i := range b.r.Turns {
		turn := &b.r.Turns[i]
		switch turn.Role {
		case llm.User:
			b.user(turn.Parts)
		case llm.Assistant:
			b.flush()
			b.assistant(turn.Parts)
		case llm.System:
			if text := texts(turn.Parts, "\n\n"); b.quirks.MidSystem && text != "" {
				b.say("system", []llm.Part{{Text: text}})
			}
		}
	}
	b.flush()
	b.Close(']')
}

// instructions is the first system message. What was said later is joined to it, if the provider takes no other.
func (b *builder) instructions() {
	parts := b.r.Instructions
	if !b.quirks.MidSystem {
		parts = parts[:len(parts):len(parts)]
		for i := range b.r.Turns {
			if b.r.Turns[i].Role == llm.System {
				parts = append(parts, b.r.Turns[i].Parts...)
			}
		}
	}
	if f := b.r.Format; f != nil && f.Schema != nil && b.quirks.NoSchemas {
		parts = append(parts[:len(parts):len(parts)], llm.Part{
			Text: "Answer with one JSON object and nothing else. It has to be valid against this JSON schema:\n" + string(f.Schema),
		})
	}
	if texts(parts, "") == "" {
		return
	}
	b.Open('{')
	b.Literal("role", `"system"`)
	b.content(parts, "\n\n")
	b.Close('}')
}

// late is a message that has to wait: nothing may stand between calls and their results, nor between those.
type late struct {
	role  string
	parts []llm.Part
}

// say says a message, once all results are there that are owed.
func (b *builder) say(role string, parts []llm.Part) {
	b.late = append(b.late, late{role, parts})
	if b.owed <= 0 {
		b.flush()
	}
}

// flush says the messages that had to wait.
func (b *builder) flush() {
	for _, m := range b.late {
		b.Open('{')
		b.String("role", m.role)
		b.content(m.parts, "\n")
		b.Close('}')
	}
	b.late, b.owed = b.late[:0], 0
}

func texts(parts []llm.Part, separator string) string {
	if len(parts) == 1 {
		return parts[0].Text
	}
	all := make([]string, 0, len(parts))
	for i := range parts {
		if parts[i].Kind == llm.Text || parts[i].Kind == llm.Refusal {
			all = append(all, parts[i].Text)
		}
	}
	return strings.Join(all, separator)
}

// user says a turn's tool results, each a message of its own, and then one message with the rest. Images and documents in tool
// results come first in that one: OpenAI takes only text from tools.
func (b *builder) user(parts []llm.Part) {
	var rest []llm.Part
	results := false
	for i := range parts {
		if parts[i].Kind == llm.ToolResult {
			b.result(&parts[i])
			results = true
		}
	}
	if results {
		for i := range parts {
			for j := range parts[i].Parts {
				if inner := &parts[i].Parts[j]; parts[i].Kind == llm.ToolResult && !isText(inner) {
					rest = append(rest, *inner)
				}
			}
		}
	}
	if !results {
		rest = parts
	} else {
		for i := range parts {
			if parts[i].Kind != llm.ToolResult {
				rest = append(rest, parts[i])
			}
		}
	}
	switch {
	case len(rest) > 0 || !results:
		b.say("user", rest)
	case b.owed <= 0:
		b.flush()
	}
}

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
		if p.Media.URL != "" {
			b.String("url", p.Media.URL)
		} else {
			b.data("url", p.Media)
		}
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
		if p.Media.URL != "" {
			b.String("url", p.Media.URL)
		} else {
			b.data("url", p.Media)
		}
		b.Close('}')
	}
	b.cache(p.Cache)
	b.Close('}')
}

func (b *builder) data(name string, m *llm.Media) {
	b.Joined(name, "data:", m.Type, ";base64,", m.Data)
}

func (b *builder) result(p *llm.Part) {
	b.owed--
	var lines []string
	for i := range p.Parts {
		if isText(&p.Parts[i]) {
			lines = append(lines, textOf(&p.Parts[i]))
		}
	}
	text := strings.Join(lines, "\n")
	if p.Failed && !strings.HasPrefix(text, "Error:") {
		text = "Error: " + text
	}
	id, _ := opened(b.t, p.ID)
	b.Open('{')
	b.Literal("role", `"tool"`)
	b.String("content", text)
	b.String("tool_call_id", b.id(id))
	b.Close('}')
}

// assistant says an earlier answer: its text, which Anthropic splits in the middle of sentences where it cites, and its calls.
func (b *builder) assistant(parts []llm.Part) {
	var said, thought strings.Builder
	calls, signed := 0, false
	for i := range parts {
		switch p := &parts[i]; p.Kind {
		case llm.Text, llm.Refusal:
			said.WriteString(p.Text)
		case llm.ToolCall:
			calls++
		case llm.Reasoning:
			if b.quirks.Reasoning == provider.BackAlways || b.habits.wantsThinks || p.Signature == "" {
				thought.WriteString(p.Text)
			}
			signed = signed || p.Signature != ""
		case llm.Redacted:
			signed = signed || p.Text != ""
		case llm.Image, llm.Document, llm.Audio, llm.Video, llm.ToolResult:
		}
	}
	if isEmpty(parts) {
		return // only the provider's own tools ran in it
	}
	b.Open('{')
	b.Literal("role", `"assistant"`)
	if said.Len() > 0 || calls == 0 {
		b.String("content", said.String())
	} else {
		b.Literal("content", "null")
	}
	if !b.thought(thought.String(), calls > 0) && signed {
		b.t.Unread()
	}
	if calls > 0 {
		b.owed = calls
		b.Key("tool_calls")
		b.Open('[')
		first := true
		for i := range parts {
			if parts[i].Kind == llm.ToolCall {
				b.call(&parts[i], first)
				first = false
			}
		}
		b.Close(']')
	}
	b.Close('}')
}

// isEmpty reports whether a turn has parts, and nothing is left of any.
func isEmpty(parts []llm.Part) bool {
	for i := range parts {
		if parts[i].Kind != llm.Text || parts[i].Text != "" {
			return false
		}
	}
	return len(parts) > 0
}

// nothingThought stands for reasoning that a client has not given back, or that there never was, if the provider refuses turns
// without any: DeepSeek V4 and Kimi take an empty text for none.
const nothingThought = " "

const thoughts = "reasoning_content"

// Thoughtful is a request, of a provider's own format, whose answers of earlier turns all have some reasoning. If they have it
// already, that is the request itself.
func Thoughtful(body []byte) []byte {
	var messages jsonscan.Member
	_ = jsonscan.Object(body, func(m jsonscan.Member) { // it has been read before
		if string(m.Key) == "messages" {
			messages = m
		}
	})
	list, changed := append(make([]byte, 0, len(messages.Value)+64), '['), false
	jsonscan.Elements(messages.Value, func(message []byte) {
		if len(list) > 1 {
			list = append(list, ',')
		}
		given, added := withThoughts(message)
		list, changed = append(list, given...), changed || added
	})
	if !changed {
		return body
	}
	out := make([]byte, 0, len(body)+len(list))
	return append(append(append(append(out, body[:messages.Start]...), list...), ']'), body[messages.End:]...)
}

func withThoughts(message []byte) (out []byte, added bool) {
	var role []byte
	var said jsonscan.Member
	if !format.IsObject(message) {
		return message, false
	}
	_ = jsonscan.Object(message, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "role":
			role = m.Value
		case thoughts:
			said = m
		}
	})
	text, _ := jsonscan.String(said.Value)
	switch {
	case string(role) != `"assistant"` || text != "":
		return message, false
	case said.End > 0:
		out = append(out, message[:said.Start]...)
		return append(append(out, `"`+nothingThought+`"`...), message[said.End:]...), true
	}
	return append(append(out, `{"`+thoughts+`":"`+nothingThought+`",`...), message[1:]...), true
}

// thought gives back what an earlier answer came of, to those who take it. It reports whether it did.
func (b *builder) thought(text string, called bool) bool {
	back := b.quirks.Reasoning
	switch {
	case back == provider.BackNever, b.habits.noThoughts && back == provider.BackUnsigned:
		return false
	case text == "" && (b.t.Thoughts || back == provider.BackAlways || back == provider.BackUnsigned && called && b.habits.wantsThinks):
		b.String(thoughts, nothingThought)
		return false
	case text == "":
		return false
	case back == provider.BackDetails:
		b.Key("reasoning_details")
		b.Open('[')
		b.Open('{')
		b.Literal("type", `"reasoning.text"`)
		b.String("text", text)
		b.Close('}')
		b.Close(']')
	default:
		b.String(thoughts, text)
	}
	return true
}

// unsigned is what Gemini takes for the signature of a call that another model has made
// (https://ai.google.dev/gemini-api/docs/thought-signatures).
const unsigned = "skip_thought_signature_validator"

func (b *builder) call(p *llm.Part, first bool) {
	id, signature := opened(b.t, p.ID)
	b.Open('{')
	b.String("id", b.id(id))
	b.Literal("type", `"function"`)
	b.Key("function")
	b.Open('{')
	b.String("name", b.t.Name(p.Name))
	b.String("arguments", string(p.Input))
	b.Close('}')
	if signature == "" && first && (b.quirks.ThoughtSignatures || b.habits.signs) {
		signature = unsigned
	}
	if signature != "" {
		b.Key("extra_content")
		b.Open('{')
		b.Key("google")
		b.Open('{')
		b.String("thought_signature", signature)
		b.Close('}')
		b.Close('}')
	}
	b.Close('}')
}

// id is a call's id as the provider takes it.
func (b *builder) id(id string) string {
	if fit := fitOf(b.quirks); fit != nil {
		return fit(id)
	}
	return id
}
