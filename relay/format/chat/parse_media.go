package chat

import (
	"strconv"
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
	return part, format.ReadLinked(link, "image/", "an image", part.Media).In("url")
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
	case format.IsLink(id): // as some name what Gemini is to fetch
		r.Note(llm.DocumentURL, r.place.String())
		part.Media.URL = id
		return part, nil
	case id != "":
		return part, format.Asks(llm.DocumentFile).In("file_id")
	case content == "":
		return part, format.Wrong("is missing").In("file_data")
	}
	data, ok := format.ParseDataURL(content)
	if !ok && strings.HasSuffix(strings.ToLower(part.Media.Name), ".pdf") { // which OpenAI takes
		data, ok = format.DataURL{Type: "application/pdf", Base64: true, Payload: content}, true
	}
	switch {
	case ok && data.Base64 && data.Type == "application/pdf":
		part.Media.Type, part.Media.Data = data.Type, data.Payload
	case ok && format.IsText(data.Type):
		text, err := data.Text()
		if err != nil {
			return part, format.Wrong("is not the data URL that it claims to be").In("file_data")
		}
		part.Media.Type, part.Media.Text = "text/plain", text
	default:
		if !ok {
			return part, format.Wrong("must be a data URL").In("file_data")
		}
		return part, format.Asks(llm.OtherDocuments).Named(data.Type).In("file_data")
	}
	return part, nil
}

// place is where in a request something stands.
type place struct{ message, part int }

func (p place) String() string {
	return "messages[" + strconv.Itoa(p.message) + "].content[" + strconv.Itoa(p.part) + "]"
}

// audio reads sound: {"data":…,"format":"wav"} (https://platform.openai.com/docs/guides/audio).
func (r *request) audio(value []byte) (llm.Part, *format.Problem) {
	r.Note(llm.AudioInput, r.place.String())
	return format.ReadAudio(value)
}

// video reads a film as Qwen's, Zhipu's and OpenRouter's have it: {"url":…}, a link or a data URL.
func (r *request) video(value []byte) (llm.Part, *format.Problem) {
	r.Note(llm.VideoInput, r.place.String())
	part := llm.Part{Kind: llm.Video, Media: &llm.Media{}}
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
	return part, format.ReadLinked(link, "video/", "a film", part.Media).In("url")
}
