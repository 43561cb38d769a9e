// Package media is OpenAI's images, audio and moderations, and Jina's rerank: what is passed on without being decoded
// (https://platform.openai.com/docs/api-reference/images, …/audio, …/moderations, https://api.jina.ai/redoc). Nothing of an answer is
// kept but the few figures that say what it cost.
package media

import "one-api/relay/format"

// The formats.
var (
	Images      = &format.Format{Name: "images", Inspect: inspect(true, "data")}
	Audio       = &format.Format{Name: "audio", Inspect: inspect(false, "text", "audio")}
	Moderations = &format.Format{Name: "moderations", Inspect: inspect(false, "results")}
	Rerank      = &format.Format{Name: "rerank", Inspect: inspect(false, "results", "data")}
	Cohere      = &format.Format{Name: "rerank (Cohere)", Inspect: inspect(false, "results")}
)

// inspect makes the inspectors of answers of which a member of one of these names is the answer itself. images: what they say is
// pictures.
func inspect(images bool, says ...string) func(int) format.Translator {
	return func(choices int) format.Translator {
		return &inspector{says: says, images: images, choices: max(1, choices)}
	}
}
