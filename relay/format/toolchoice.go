package format

import (
	"slices"

	"one-api/relay/llm"
)

// choices is the words that both of OpenAI's APIs have for tool choices, but for the one that names a tool.
var choices = [...]string{llm.ChoiceUnsaid: "", llm.ChoiceAuto: "auto", llm.ChoiceNone: "none", llm.ChoiceAny: "required"}

// ChoiceOf is the choice that a word of OpenAI's stands for; false if it is none of them.
func ChoiceOf(word string) (how llm.Choosing, ok bool) {
	at := slices.Index(choices[:], word)
	return llm.Choosing(max(at, 0)), at > 0 //nolint:gosec // there are few
}

// ChoiceWord is OpenAI's word for a choice; empty if there is none, or if a tool is named.
func ChoiceWord(how llm.Choosing) string {
	if how == llm.ChoiceTool {
		return ""
	}
	return choices[how]
}
