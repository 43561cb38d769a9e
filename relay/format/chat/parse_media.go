package chat

import (
	"strings"

	"one-api/relay/format"
	"one-api/relay/llm"
)

// image reads an image: a data URL, or a link.
func (r *request) image(value []byte) (llm.Part, *format.Problem) {
	part := llm.Part{Kind: llm.Image, Media: &llm.Media{}}
	link := ""
	problem := format.Object(value, func(name string, value []byte) *format.Problem {
		switch name {
		case "url":
			return format.String(value, &link).In(name)
		case "detail":
			return format.String(value, &part.Media.Detail).In(name)
		}
		return nil
	})
	if part.Media.Detail != "" && part.Media.Detail != "auto" {
		r.Note(llm.ImageDetail, "messages")
	}
	if problem != nil {
		return part, problem
	}
	if format.IsLink(link) {
		part.Media.URL = link
		return part, nil
	}
	data, ok := format.ParseDataURL(link)
	if !ok || !data.Base64 || !strings.HasPrefix(data.Type, "image/") {
		return part, format.Wrong("must be an http(s) link or a base64 data URL of an image").In("url")
	}
	if data.Type == "image/jpg" { // a common mistake, which not everybody forgives
		data.Type = "image/jpeg"
	}
	part.Media.Type, part.Media.Data = data.Type, data.Payload
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
	data, ok := format.ParseDataURL(content)
	switch {
	case ok && data.Base64 && data.Type == "application/pdf":
		part.Media.Type, part.Media.Data = data.Type, data.Payload
	case ok && data.Type == "text/plain":
		text, err := data.Text()
		if err != nil {
			return part, format.Wrong("is not the data URL that it claims to be").In("file_data")
		}
		part.Media.Type, part.Media.Text = data.Type, text
	default:
		if !ok {
			return part, format.Wrong("must be a data URL").In("file_data")
		}
		return part, format.Asks(llm.OtherDocuments).Named(data.Type).In("file_data")
	}
	return part, nil
}
