// Package embeddings is OpenAI's embeddings (https://platform.openai.com/docs/api-reference/embeddings). Nothing is converted to or
// from them.
package embeddings

import (
	"one-api/relay/format"
	"one-api/relay/format/chat"
)

// Format is the format.
var Format = &format.Format{Name: "embeddings", Inspect: chat.Format.Inspect}
