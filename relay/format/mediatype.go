package format

import (
	"mime"
	"strings"

	"one-api/relay/llm"
)

// MediaType is a media type without its parameters, in lower case.
func MediaType(s string) string {
	if kind, _, err := mime.ParseMediaType(s); err == nil {
		return kind
	}
	kind, _, _ := strings.Cut(strings.ToLower(s), ";")
	return strings.TrimSpace(kind)
}

// ImageType is the media type of an image by the name that providers know: of JPEGs some clients say image/jpg.
func ImageType(kind string) string {
	if kind = strings.ToLower(kind); kind == "image/jpg" {
		return "image/jpeg"
	}
	return kind
}

// IsText reports whether what is of a media type is text that a model can be shown as it is.
func IsText(kind string) bool {
	switch kind {
	case "application/json", "application/xml", "application/yaml", "application/x-yaml", "application/javascript", "application/x-javascript",
		"application/x-python", "application/sql", "application/toml":
		return true
	}
	return strings.HasPrefix(kind, "text/")
}

// The two kinds of sound that OpenAI takes (https://platform.openai.com/docs/guides/audio).
const (
	wav = "wav"
	mp3 = "mp3"
)

// AudioFormat is OpenAI's word for sound of a media type; empty: it does not take any such.
func AudioFormat(kind string) string {
	switch kind {
	case "audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave":
		return wav
	case "audio/mpeg", "audio/mp3":
		return mp3
	}
	return ""
}

// AudioType is the media type of sound for which OpenAI has a word, in the words of Gemini's documentation
// (https://ai.google.dev/gemini-api/docs/audio).
func AudioType(word string) string { return "audio/" + strings.ToLower(word) }

// ReadAudio reads sound as both of OpenAI's APIs have it: {"data":…,"format":"wav"}.
func ReadAudio(value []byte) (llm.Part, *Problem) {
	part := llm.Part{Kind: llm.Audio, Media: &llm.Media{}}
	word := ""
	if !IsObject(value) {
		return part, MustBe("an object", value)
	}
	problem := Object(value, func(name string, value []byte) *Problem {
		switch name {
		case "data":
			return String(value, &part.Media.Data).In(name)
		case "format":
			return String(value, &word).In(name)
		}
		return nil
	})
	if data, ok := ParseDataURL(part.Media.Data); ok && data.Base64 { // which is a mistake that many make
		part.Media.Data = data.Payload
		if word == "" {
			word = strings.TrimPrefix(data.Type, "audio/")
		}
	}
	switch {
	case problem != nil:
	case part.Media.Data == "":
		problem = Wrong("is missing").In("data")
	case word == "":
		problem = Wrong("is missing").In("format")
	}
	part.Media.Type = AudioType(word)
	return part, problem
}
