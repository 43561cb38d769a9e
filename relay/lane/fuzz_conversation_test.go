package lane_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"one-api/relay/wire"
)

// conversation is what a request says, whatever its format: what has to survive a conversion. The converters may move
// boundaries (Anthropic's turns alternate and OpenAI's need not), so it holds neither messages nor parts.
type conversation struct {
	System string
	Turns  []turn
}

// turn is everything that one side says before the other does.
type turn struct {
	Assistant bool
	Text      string // the user's joined by line breaks, as the conversion to OpenAI does; the assistant's as it stands
	Images    []string
	Files     []string
	Calls     []call
	Results   []result
}

type call struct{ ID, Name, Arguments string }

type result struct{ ID, Text string }

// repeatsAnID reports whether two calls have the same one.
func (c *conversation) repeatsAnID() bool {
	seen := map[string]bool{}
	for _, turn := range c.Turns {
		for _, call := range turn.Calls {
			if seen[call.ID] {
				return true
			}
			seen[call.ID] = true
		}
	}
	return false
}

// reading is a conversation while it is read.
type reading struct {
	conversation
	system []string
	texts  []string // of the current turn
	shown  []string // its images in tool results, which both converters put first
	filed  []string // its files there
	turn   turn
}

func (r *reading) side(assistant bool) {
	if r.turn.Assistant != assistant {
		r.close()
		r.turn.Assistant = assistant
	}
}

func (r *reading) close() {
	separator := "\n"
	if r.turn.Assistant {
		separator = ""
	}
	r.turn.Text = strings.Join(r.texts, separator)
	r.turn.Images = append(r.shown, r.turn.Images...)
	r.turn.Files = append(r.filed, r.turn.Files...)
	if t := &r.turn; t.Text != "" || t.Images != nil || t.Files != nil || t.Calls != nil || t.Results != nil {
		r.Turns = append(r.Turns, r.turn)
	}
	r.turn, r.texts, r.shown, r.filed = turn{}, nil, nil, nil
	r.System = strings.Join(r.system, "\n\n")
}

// A message that says nothing does not end the turn before it.

func (r *reading) say(assistant bool, text string) {
	if strings.TrimSpace(text) != "" {
		r.side(assistant)
		r.texts = append(r.texts, text)
	}
}

func (r *reading) called(id, name, arguments string) {
	r.side(true)
	r.turn.Calls = append(r.turn.Calls, call{anthropicID(id), name, arguments})
}

// shows is a user's image or file, or one in a tool's result.
func (r *reading) shows(part wire.ChatPart, inResult bool) {
	r.side(false)
	images, files := &r.turn.Images, &r.turn.Files
	if inResult {
		images, files = &r.shown, &r.filed
	}
	if part.ImageURL != nil {
		*images = append(*images, part.ImageURL.URL)
	} else {
		*files = append(*files, part.File.Filename+" "+part.File.FileData)
	}
}

func (r *reading) answers(id string, texts []string) {
	text := strings.Join(texts, "\n")
	if strings.TrimSpace(text) == "" {
		text = ""
	}
	r.side(false)
	r.turn.Results = append(r.turn.Results, result{anthropicID(id), text})
}

// anthropicID is an id as Anthropic takes it: [a-zA-Z0-9_-]+. Others are rewritten, the call's and the result's alike.
func anthropicID(id string) string {
	const taken = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(taken, r) {
			return r
		}
		return '_'
	}, id)
}

// readChat reads a chat request that the conversion has taken.
func readChat(t *testing.T, request *wire.ChatRequest) conversation {
	t.Helper()
	var r reading
	for _, m := range request.Messages {
		parts := chatParts(t, m.Content)
		switch m.Role {
		case "system", "developer":
			for _, part := range parts {
				if strings.TrimSpace(part.Text) != "" {
					r.system = append(r.system, part.Text)
				}
			}
		case "tool":
			texts := []string{}
			for _, part := range parts {
				if part.Type != "text" {
					r.shows(part, true)
				} else if strings.TrimSpace(part.Text) != "" {
					texts = append(texts, part.Text)
				}
			}
			r.answers(m.ToolCallID, texts)
		default:
			for _, part := range parts {
				switch part.Type {
				case "text":
					r.say(m.Role == "assistant", part.Text)
				case "refusal":
					r.say(true, part.Refusal)
				default:
					r.shows(part, false)
				}
			}
			r.say(m.Role == "assistant", m.Refusal)
			for _, c := range m.ToolCalls {
				r.called(c.ID, c.Function.Name, compact(t, c.Function.Arguments))
			}
		}
	}
	r.close()
	return r.conversation
}

// chatParts are the parts of a message's content. A plain string is one; a text file is a text.
func chatParts(t *testing.T, content json.RawMessage) []wire.ChatPart {
	t.Helper()
	var text string
	if len(content) == 0 || string(content) == "null" {
		return nil
	}
	if content[0] == '"' {
		mustDecode(t, content, &text)
		return []wire.ChatPart{{Type: "text", Text: text}}
	}
	var parts []wire.ChatPart
	mustDecode(t, content, &parts)
	for i, part := range parts {
		switch part.Type {
		case "image_url":
			part.ImageURL.URL = plainDataURL(part.ImageURL.URL)
		case "file":
			part.File.FileData = plainDataURL(part.File.FileData)
			heading := headed(part.File.Filename)
			if part.File.Filename == "" {
				part.File.Filename = "document.pdf"
			}
			if payload, is := strings.CutPrefix(part.File.FileData, "data:text/plain;base64,"); is {
				b, _ := base64.StdEncoding.DecodeString(payload)
				parts[i] = wire.ChatPart{Type: "text", Text: heading + string([]rune(string(b)))}
			} else if payload, is := strings.CutPrefix(part.File.FileData, "data:text/plain,"); is {
				b, _ := url.PathUnescape(payload)
				parts[i] = wire.ChatPart{Type: "text", Text: heading + string([]rune(b))}
			}
		}
	}
	return parts
}

// headed is the title of a document that is said as text.
func headed(title string) string {
	if title == "" {
		return ""
	}
	return string([]rune(title)) + "\n"
}

// plainDataURL is a data URL without parameters and in lower case, as Anthropic's form keeps it. A link stays as it is.
func plainDataURL(link string) string {
	head, payload, is := strings.Cut(link, ",")
	if !is || !strings.EqualFold(link[:min(5, len(link))], "data:") {
		return link
	}
	mediaType, parameters, _ := strings.Cut(strings.ToLower(head[len("data:"):]), ";")
	mediaType = strings.Replace(strings.TrimSpace(mediaType), "image/jpg", "image/jpeg", 1)
	if strings.HasSuffix(strings.TrimSpace(parameters), "base64") {
		mediaType += ";base64"
	}
	return "data:" + mediaType + "," + payload
}

// readMessages reads a Messages request that the conversion has taken.
func readMessages(t *testing.T, request *wire.MessagesRequest) conversation {
	t.Helper()
	var r reading
	for _, b := range blocks(t, request.System) {
		if strings.TrimSpace(*b.Text) != "" {
			r.system = append(r.system, *b.Text)
		}
	}
	for _, m := range request.Messages {
		for _, b := range blocks(t, m.Content) {
			switch b.Type {
			case "tool_use":
				input := string(b.Input)
				if input == "null" {
					input = ""
				}
				r.called(b.ID, b.Name, compact(t, input))
			case "tool_result":
				r.readResult(t, &b)
			case "thinking", "redacted_thinking":
			default:
				if part := partOf(&b); part.Type == "text" {
					r.say(m.Role == "assistant", part.Text)
				} else {
					r.shows(part, false)
				}
			}
		}
	}
	r.close()
	return r.conversation
}

func (r *reading) readResult(t *testing.T, b *wire.Block) {
	texts := []string{}
	for _, inner := range blocks(t, b.Content) {
		if part := partOf(&inner); part.Type == "text" {
			texts = append(texts, part.Text)
		} else {
			r.shows(part, true)
		}
	}
	if text := strings.Join(texts, "\n"); b.IsError && !strings.HasPrefix(text, "Error:") {
		texts = []string{"Error: " + text} // OpenAI's form has no other place for it
	}
	r.answers(b.ToolUseID, texts)
}

// partOf says a block in the other format.
func partOf(b *wire.Block) wire.ChatPart {
	switch {
	case b.Type == "text":
		return wire.ChatPart{Type: "text", Text: *b.Text}
	case b.Source.Type == "text":
		return wire.ChatPart{Type: "text", Text: headed(b.Title) + b.Source.Data}
	case b.Type == "document":
		name := b.Title
		if name == "" {
			name = "document.pdf"
		}
		return wire.ChatPart{Type: "file", File: &wire.ChatFile{Filename: name, FileData: "data:application/pdf;base64," + b.Source.Data}}
	case b.Source.Type == "url":
		return wire.ChatPart{Type: "image_url", ImageURL: &wire.ChatImageURL{URL: plainDataURL(b.Source.URL)}}
	}
	link := "data:" + b.Source.MediaType + ";base64," + b.Source.Data
	return wire.ChatPart{Type: "image_url", ImageURL: &wire.ChatImageURL{URL: plainDataURL(link)}}
}

// blocks are the blocks of a content. A plain string is one.
func blocks(t *testing.T, content json.RawMessage) []wire.Block {
	t.Helper()
	if len(content) == 0 || string(content) == "null" {
		return nil
	}
	if content[0] == '"' {
		var text string
		mustDecode(t, content, &text)
		return []wire.Block{{Type: "text", Text: &text}}
	}
	var list []wire.Block
	mustDecode(t, content, &list)
	return list
}

func mustDecode(t *testing.T, b []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%v in %q", err, b)
	}
}
