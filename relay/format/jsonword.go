package format

import (
	"strings"

	"one-api/relay/llm"
)

// JSONWord asks for JSON where nothing else does: OpenAI and others refuse an answer's form of any JSON object if the word does not stand
// in the conversation ("'messages' must contain the word 'json' in some form"), as Gemini's clients need not have it, for one.
const JSONWord = "Answer with one JSON object and nothing else."

// LacksJSONWord reports whether a request asks for any JSON object, and nobody says JSON among the turns and, if they count, the
// instructions.
func LacksJSONWord(r *llm.Request, instructions bool) bool {
	if r.Format == nil || r.Format.Schema != nil {
		return false
	}
	if instructions && sayJSON(r.Instructions) {
		return false
	}
	for i := range r.Turns {
		if sayJSON(r.Turns[i].Parts) {
			return false
		}
	}
	return true
}

func sayJSON(parts []llm.Part) bool {
	for i := range parts {
		if p := &parts[i]; p.Kind != llm.Reasoning && p.Kind != llm.Redacted &&
			(strings.Contains(strings.ToLower(p.Text), "json") || sayJSON(p.Parts)) {
			return true
		}
	}
	return false
}
