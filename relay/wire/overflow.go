package wire

import (
	"regexp"
	"strings"
)

// overflowCode is OpenAI's word for a request that is longer than its model's context
// (https://platform.openai.com/docs/guides/error-codes).
const overflowCode = "context_length_exceeded"

// Anthropic has no code for it. Its clients go by the message: Claude Code shortens the conversation if the first of these is in it, and
// asks for fewer tokens if the second is.
const (
	promptTooLong  = "prompt is too long"
	contextAndMost = "exceed context limit"
)

// tokensSaid is how the others say what there is room for, and what was asked for: OpenAI, vLLM, DeepSeek, Mistral; xAI.
var tokensSaid = regexp.MustCompile(`(?i)maximum (?:context|prompt|input) length is ([0-9]{1,9})(?: tokens)?.{1,80}?(?:resulted in|requested|contains?)(?: about)? ([0-9]{1,9}) tokens`)

// inItsWords is an error as a client of the format knows it.
func (f Format) inItsWords(e *Error) *Error {
	if !e.Overflow {
		return e
	}
	said := *e
	switch f {
	case Gemini, GeminiList, Cohere: // which have none
	case OpenAI, Responses:
		said.Code = overflowCode
	case Anthropic:
		lower := strings.ToLower(e.Message)
		if strings.Contains(lower, promptTooLong) || strings.Contains(lower, contextAndMost) {
			return e
		}
		said.Message = promptTooLong + ": "
		if figures := tokensSaid.FindStringSubmatch(e.Message); figures != nil {
			said.Message += figures[2] + " tokens > " + figures[1] + " maximum: "
		}
		said.Message += e.Message
	}
	return &said
}
