package responses

import (
	"strconv"
	"strings"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

// place is where in the input something stands.
type place struct {
	item, part int
	list       string // that the part is in
}

func (p *place) String() string {
	return "input[" + strconv.Itoa(p.item) + "]." + p.list + "[" + strconv.Itoa(p.part) + "]"
}

// contentPart is a part of a message as it stands.
type contentPart struct {
	kind, text, refusal, detail string
	image, file, data, url, doc string // image_url, file_id, file_data, file_url, filename
	audio                       []byte // input_audio
}

func (p *contentPart) member(name string, value []byte) *format.Problem {
	if name == "input_audio" {
		p.audio = value
		return nil
	}
	to := map[string]*string{
		"type": &p.kind, "text": &p.text, "refusal": &p.refusal, "detail": &p.detail, "image_url": &p.image, "file_id": &p.file,
		"file_data": &p.data,
		"file_url":  &p.url,
		"filename":  &p.doc,
	}[name]
	if to == nil {
		return nil
	}
	if name == "image_url" && format.IsObject(value) { // as a chat completion has it
		if problem := format.String(jsonscan.MemberOf(value, "detail"), &p.detail); problem != nil {
			return problem.In("detail")
		}
		value = jsonscan.MemberOf(value, "url")
	}
	return format.String(value, to).In(name)
}

// content reads what a message or the result of a tool says: a text, or parts.
func (r *request) content(value []byte, role string) ([]llm.Part, *format.Problem) {
	if !format.Given(value) {
		return nil, nil
	}
	if text, ok := jsonscan.String(value); ok {
		if text == "" {
			return nil, nil
		}
		return []llm.Part{{Text: text}}, nil
	}
	if value[0] != '[' {
		return nil, format.Wrong("must be a string or an array of parts")
	}
	parts := make([]llm.Part, 0, format.Count(value))
	problem := format.Each(value, func(i int, element []byte) *format.Problem {
		if !format.IsObject(element) {
			return format.MustBe("an object", element)
		}
		r.place.part = i
		part, problem := r.part(element, role)
		if problem == nil && part != nil {
			parts = append(parts, *part)
		}
		return problem
	})
	return parts, problem
}

// part reads a part; nil if there is nothing in it.
func (r *request) part(element []byte, role string) (*llm.Part, *format.Problem) {
	var p contentPart
	if problem := format.Object(element, p.member); problem != nil {
		return nil, problem
	}
	media := role == "user" || role == "tool"
	switch {
	case p.kind == "input_text" || p.kind == "output_text" || p.kind == "text" || p.kind == "summary_text":
		if p.text == "" {
			return nil, nil
		}
		return &llm.Part{Text: p.text}, nil
	case p.kind == "refusal" && role == "assistant":
		r.Note(llm.EarlierRefusal, "input")
		return &llm.Part{Kind: llm.Refusal, Text: p.refusal}, nil
	case p.kind == "input_image" && media:
		return r.image(&p)
	case p.kind == "input_file" && media:
		return r.file(&p)
	case p.kind == "input_audio" && media:
		r.Note(llm.AudioInput, r.place.String())
		part, problem := format.ReadAudio(p.audio)
		return &part, problem.In("input_audio")
	case p.kind == "":
		return nil, format.Wrong("is missing").In("type")
	}
	switch p.kind {
	case "refusal", "input_image", "input_file", "input_audio":
		return nil, format.Wrong("is of the type " + format.Quote(p.kind) + ", which has no place here").In("type")
	}
	return nil, format.Asks(llm.OtherParts).Named(p.kind).In("type")
}

func (r *request) image(p *contentPart) (*llm.Part, *format.Problem) {
	part := &llm.Part{Kind: llm.Image, Media: &llm.Media{Detail: p.detail}}
	if p.detail != "" && p.detail != "auto" {
		r.Note(llm.ImageDetail, "input")
	}
	if p.file != "" {
		r.Note(llm.ImageFile, "input")
		return part, nil
	}
	problem := format.ReadLinked(p.image, "image/", "an image", part.Media)
	if part.Media.URL != "" {
		r.Note(llm.ImageURL, "input")
	}
	return part, problem.In("image_url")
}

func (r *request) file(p *contentPart) (*llm.Part, *format.Problem) {
	part := &llm.Part{Kind: llm.Document, Media: &llm.Media{Name: p.doc}}
	switch {
	case p.file != "":
		r.Note(llm.DocumentFile, "input")
		return part, nil
	case p.url != "":
		r.Note(llm.DocumentURL, "input")
		part.Media.URL = p.url
		return part, nil
	case p.data == "":
		return nil, format.Wrong("is missing").In("file_data")
	}
	data, ok := format.ParseDataURL(p.data)
	if !ok && strings.HasSuffix(strings.ToLower(p.doc), ".pdf") { // which OpenAI takes
		data, ok = format.DataURL{Type: "application/pdf", Base64: true, Payload: p.data}, true
	}
	switch {
	case !ok:
		return nil, format.Wrong("must be a data URL").In("file_data")
	case data.Base64 && data.Type == "application/pdf":
		r.Note(llm.DocumentData, "input")
		part.Media.Type, part.Media.Data = data.Type, data.Payload
	case format.IsText(data.Type):
		text, err := data.Text()
		if err != nil {
			return nil, format.Wrong("is not the data URL that it claims to be").In("file_data")
		}
		r.Note(llm.DocumentText, "input")
		part.Media.Type, part.Media.Text = "text/plain", text
	default:
		return nil, format.Asks(llm.OtherDocuments).Named(data.Type).In("file_data")
	}
	return part, nil
}
