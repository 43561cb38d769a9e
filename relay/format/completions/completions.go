// Package completions is OpenAI's completions (https://platform.openai.com/docs/api-reference/completions): the answers have the
// form of chat completions except for the place of their text, and nothing is converted to or from them.
package completions

import (
	"one-api/relay/format"
	"one-api/relay/format/chat"
)

// Format is the format.
var Format = &format.Format{Name: "completions", Inspect: chat.Format.Inspect}
