package messages

import (
	"strings"

	"one-api/relay/format"
	"one-api/relay/llm"
)

// source is where an image or a document comes from.
type source struct {
	kind, mediaType, data, url string
	content                    []byte
}

func readSource(value []byte) (s source, problem *format.Problem) {
	if !format.Given(value) {
		return s, format.Wrong("is required")
	}
	problem = format.Object(value, func(name string, value []byte) *format.Problem {
		switch name {
		case "type":
			return format.String(value, &s.kind).In(name)
		case "media_type":
			return format.String(value, &s.mediaType).In(name)
		case "data":
			return format.String(value, &s.data).In(name)
		case "url":
			return format.String(value, &s.url).In(name)
		case "content":
			s.content = value
		}
		return nil
	})
	if problem == nil && s.kind == "" {
		problem = format.Wrong("is required").In("type")
	}
	return s, problem
}

// unknown is the problem of a source that is neither data nor what of: of a link, of an uploaded file, or of nothing that is known.
func (s *source) unknown(link, file llm.Feature) *format.Problem {
	switch s.kind {
	case "url":
		return format.Asks(link)
	case "file":
		return format.Asks(file)
	}
	return format.Asks(llm.OtherParts).Named(s.kind)
}

func image(value []byte) (llm.Part, *format.Problem) {
	part := llm.Part{Kind: llm.Image}
	s, problem := readSource(value)
	if problem != nil {
		return part, problem
	}
	switch s.kind {
	case "base64":
		if s.mediaType == "" || s.data == "" {
			return part, format.Wrong("must have media_type and data")
		}
		part.Media = &llm.Media{Type: s.mediaType, Data: s.data}
	case "url":
		if s.url == "" {
			return part, format.Wrong("is required").In("url")
		}
		part.Media = &llm.Media{URL: s.url}
	default:
		return part, s.unknown(llm.ImageURL, llm.ImageFile)
	}
	return part, nil
}

func (r *request) document(b *block) (llm.Part, *format.Problem) {
	part := llm.Part{Kind: llm.Document}
	s, problem := readSource(b.source)
	if problem != nil {
		return part, problem
	}
	switch s.kind {
	case "text":
		part.Media = &llm.Media{Type: "text/plain", Text: s.data, Name: b.title, Note: b.context}
	case "content":
		inner, problem := r.content(s.content, inSystem)
		if problem != nil {
			return part, problem.In("content")
		}
		texts := make([]string, len(inner))
		for i := range inner {
			texts[i] = inner[i].Text
		}
		part.Media = &llm.Media{Type: "text/plain", Text: strings.Join(texts, "\n"), Name: b.title, Note: b.context}
	case "base64":
		if s.mediaType != "application/pdf" {
			return part, format.Wrong("must be application/pdf").In("media_type")
		}
		if s.data == "" {
			return part, format.Wrong("is required").In("data")
		}
		part.Media = &llm.Media{Type: s.mediaType, Data: s.data, Name: b.title, Note: b.context}
	case "url":
		if s.url == "" {
			return part, format.Wrong("is required").In("url")
		}
		r.Note(llm.DocumentURL, r.place.String()+".source")
		part.Media = &llm.Media{Type: "application/pdf", URL: s.url, Name: b.title, Note: b.context} // the only kind that there is
	default:
		return part, s.unknown(llm.DocumentURL, llm.DocumentFile)
	}
	return part, nil
}
