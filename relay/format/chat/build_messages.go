package chat

import (
	"strings"

	"one-api/relay/format"
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
	if format.LacksJSONWord(b.r, true) {
		parts = append(parts[:len(parts):len(parts)], llm.Part{Text: format.JSONWord})
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
