package openai

import (
	"fmt"

	"one-api/relay/wire"
)

// chatPart converts a block of a user turn or of a tool's result.
func chatPart(block *wire.Block, path string) (wire.ChatPart, *wire.Error) {
	switch block.Type {
	case "text":
		if block.Text == nil {
			return wire.ChatPart{}, invalid(path+".text", "is required")
		}
		return wire.ChatPart{Type: "text", Text: *block.Text}, nil
	case "image":
		return imagePart(block.Source, path+".source")
	case "document":
		return documentPart(block, path+".source")
	}
	return wire.ChatPart{}, unknownBlock(block, path)
}

func imagePart(source *wire.Source, path string) (wire.ChatPart, *wire.Error) {
	if source == nil {
		return wire.ChatPart{}, invalid(path, "is required")
	}
	part := wire.ChatPart{Type: "image_url"}
	switch source.Type {
	case "base64":
		if source.MediaType == "" || source.Data == "" {
			return part, invalid(path, "media_type and data are required")
		}
		part.ImageURL = &wire.ChatImageURL{URL: dataURL(source.MediaType, source.Data)}
	case "url":
		if source.URL == "" {
			return part, invalid(path+".url", "is required")
		}
		part.ImageURL = &wire.ChatImageURL{URL: source.URL}
	default:
		return part, unknownSource(source, path)
	}
	return part, nil
}

func documentPart(block *wire.Block, path string) (wire.ChatPart, *wire.Error) {
	source := block.Source
	if source == nil {
		return wire.ChatPart{}, invalid(path, "is required")
	}
	switch source.Type {
	case "text":
		return wire.ChatPart{Type: "text", Text: source.Data}, nil
	case "base64":
		if source.MediaType != "application/pdf" {
			return wire.ChatPart{}, invalid(path+".media_type", "must be application/pdf")
		}
		if source.Data == "" {
			return wire.ChatPart{}, invalid(path+".data", "is required")
		}
		file := &wire.ChatFile{FileData: dataURL(source.MediaType, source.Data), Filename: block.Title}
		if file.Filename == "" {
			file.Filename = "document.pdf" // OpenAI refuses a file without a name
		}
		return wire.ChatPart{Type: "file", File: file}, nil
	}
	return wire.ChatPart{}, unknownSource(source, path)
}

func unknownSource(source *wire.Source, path string) *wire.Error {
	if source.Type == "" {
		return invalid(path+".type", "is required")
	}
	return invalid(path, fmt.Sprintf("a source of type %q cannot be sent to this model's provider", wire.Clip(source.Type, longestQuote)))
}

func dataURL(mediaType, data string) string { return "data:" + mediaType + ";base64," + data }
