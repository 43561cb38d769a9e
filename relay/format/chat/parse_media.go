package chat

import (
	"encoding/base64"
	"net/url"
	"strings"

	"one-api/relay/format"
	"one-api/relay/llm"
)

// image reads an image: a data URL, or a link.
func image(value []byte) (llm.Part, *format.Problem) {
	part := llm.Part{Kind: llm.Image, Media: &llm.Media{}}
	link := ""
	problem := format.Object(value, func(name string, value []byte) *format.Problem {
		if name != "url" {
			return nil
		}
		return format.String(value, &link).In(name)
	})
	if problem != nil {
		return part, problem
	}
	if hasScheme(link, "http://") || hasScheme(link, "https://") {
		part.Media.URL = link
		return part, nil
	}
	data, ok := parseDataURL(link)
	if !ok || !data.base64 || !strings.HasPrefix(data.mediaType, "image/") {
		return part, format.Wrong("must be an http(s) link or a base64 data URL of an image").In("url")
	}
	if data.mediaType == "image/jpg" { // a common mistake, which not everybody forgives
		data.mediaType = "image/jpeg"
	}
	part.Media.Type, part.Media.Data = data.mediaType, data.payload
	return part, nil
}

// document reads a file part that brings its content along.
func (r *request) document(value []byte) (llm.Part, *format.Problem) {
	part := llm.Part{Kind: llm.Document, Media: &llm.Media{}}
	id, content := "", ""
	problem := format.Object(value, func(name string, value []byte) *format.Problem {
		switch name {
		case "file_id":
			return format.String(value, &id).In(name)
		case "file_data":
			return format.String(value, &content).In(name)
		case "filename":
			return format.String(value, &part.Media.Name).In(name)
		}
		return nil
	})
	switch {
	case problem != nil:
		return part, problem
	case id != "":
		return part, format.Asks(llm.DocumentFile).In("file_id")
	case content == "":
		return part, format.Wrong("is missing").In("file_data")
	}
	data, ok := parseDataURL(content)
	switch {
	case ok && data.base64 && data.mediaType == "application/pdf":
		part.Media.Type, part.Media.Data = data.mediaType, data.payload
	case ok && data.mediaType == "text/plain":
		text, err := data.text()
		if err != nil {
			return part, format.Wrong("is not the data URL that it claims to be").In("file_data")
		}
		part.Media.Type, part.Media.Text = data.mediaType, text
	default:
		if !ok {
			return part, format.Wrong("must be a data URL").In("file_data")
		}
		return part, format.Asks(llm.OtherDocuments).Named(data.mediaType).In("file_data")
	}
	return part, nil
}

// dataURL is data:[<media type>][;base64],<payload> (RFC 2397).
type dataURL struct {
	mediaType string // in lower case, without parameters
	base64    bool
	payload   string // as it stands
}

func parseDataURL(s string) (dataURL, bool) {
	const scheme = "data:"
	if !hasScheme(s, scheme) {
		return dataURL{}, false
	}
	head, payload, ok := strings.Cut(s[len(scheme):], ",")
	if !ok {
		return dataURL{}, false
	}
	mediaType, parameters, _ := strings.Cut(head, ";")
	last := parameters[strings.LastIndexByte(parameters, ';')+1:]
	return dataURL{
		mediaType: strings.ToLower(strings.TrimSpace(mediaType)),
		base64:    strings.EqualFold(strings.TrimSpace(last), "base64"),
		payload:   payload,
	}, true
}

func (d dataURL) text() (string, error) {
	if !d.base64 {
		return url.PathUnescape(d.payload)
	}
	text, err := base64.StdEncoding.DecodeString(d.payload)
	return string(text), err
}

// hasScheme compares without regard to case, as RFC 3986 asks for.
func hasScheme(s, scheme string) bool {
	return len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme)
}
