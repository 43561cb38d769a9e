package format

import (
	"slices"
	"strings"

	"one-api/relay/llm"
)

// Side is a turn of a conversation whose two sides alternate.
type Side struct {
	Assistant bool
	Parts     []*llm.Part
}

// Alternate puts turns together as APIs want them whose sides alternate: what one says in several turns is one, and the user begins. part
// gives each part as it is to be said; nil leaves it out. What system says is not among them. Within a turn of the user, parts are put into
// order, those that are equal in it stay as they are.
func Alternate(turns []llm.Turn, part func(*llm.Part) *llm.Part, order func(a, b *llm.Part) int) (sides []Side) {
	for i := range turns {
		from := &turns[i]
		if from.Role == llm.System {
			continue
		}
		assistant := from.Role == llm.Assistant
		for j := range from.Parts {
			p := part(&from.Parts[j])
			if p == nil {
				continue
			}
			if last := len(sides) - 1; last < 0 || sides[last].Assistant != assistant {
				sides = append(sides, Side{assistant, make([]*llm.Part, 0, len(from.Parts))})
			}
			last := &sides[len(sides)-1]
			last.Parts = append(last.Parts, p)
		}
	}
	if len(sides) > 0 && sides[0].Assistant {
		sides = slices.Insert(sides, 0, Side{Parts: []*llm.Part{{Text: "."}}})
	}
	for i := range sides {
		if !sides[i].Assistant {
			slices.SortStableFunc(sides[i].Parts, order)
		}
	}
	return sides
}

// ResultsFirst is the order that Anthropic's models demand of a turn that answers tool calls.
func ResultsFirst(a, b *llm.Part) int {
	switch {
	case (a.Kind == llm.ToolResult) == (b.Kind == llm.ToolResult):
		return 0
	case a.Kind == llm.ToolResult:
		return -1
	}
	return 1
}

// EndsWithAnswer reports whether an answer is the last that is said, and nothing is to be done for it.
func EndsWithAnswer(sides []Side) bool {
	if len(sides) == 0 {
		return false
	}
	last := sides[len(sides)-1]
	return last.Assistant && last.Parts[len(last.Parts)-1].Kind != llm.ToolCall
}

// TrimPrefill takes the white space off the end of an answer that is to be continued: Anthropic's models refuse it.
func TrimPrefill(sides []Side) {
	if len(sides) == 0 {
		return
	}
	last := sides[len(sides)-1]
	if n := len(last.Parts) - 1; last.Assistant && (last.Parts[n].Kind == llm.Text || last.Parts[n].Kind == llm.Refusal) {
		trimmed := *last.Parts[n]
		trimmed.Text = strings.TrimRight(trimmed.Text, " \t\r\n")
		last.Parts[n] = &trimmed
	}
}

// SaysSigned reports whether there is anything in a part that an API takes which takes back reasoning with its own signature only, and no
// blank text.
func SaysSigned(p *llm.Part) bool {
	switch p.Kind {
	case llm.Text, llm.Refusal:
		return !IsBlank(p.Text)
	case llm.Reasoning:
		return p.Signature != ""
	case llm.Redacted:
		return p.Text != ""
	case llm.Image, llm.Document, llm.Audio, llm.Video, llm.ToolCall, llm.ToolResult:
	}
	return true
}

// IsBlank reports whether a text is white space alone, or nothing.
func IsBlank(s string) bool { return strings.TrimSpace(s) == "" }
