package gemini

import (
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"

	"one-api/relay/format"
	"one-api/relay/llm"
)

// place is where in the contents something stands.
type place struct{ content, part int }

func (p place) String() string {
	return "contents[" + strconv.Itoa(p.content) + "].parts[" + strconv.Itoa(p.part) + "]"
}

// isHeard reports whether a part is sound or a film, by its type.
func (r *request) isHeard(part *llm.Part, kind string) bool {
	switch {
	case strings.HasPrefix(kind, "audio/"):
		part.Kind = llm.Audio
		r.Note(llm.AudioInput, r.place.String())
	case strings.HasPrefix(kind, "video/"):
		part.Kind = llm.Video
		r.Note(llm.VideoInput, r.place.String())
	default:
		return false
	}
	return true
}

// isFilm reports whether a link is to a film of YouTube's, which the API takes without being told a type.
func isFilm(link string) bool {
	u, err := url.Parse(link)
	if err != nil {
		return false
	}
	host := strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
	return host == "youtube.com" || host == "youtu.be" || host == "m.youtube.com"
}

// details are how much of an image is looked at, as OpenAI says it.
var details = map[string]string{
	"MEDIA_RESOLUTION_LOW": "low", "MEDIA_RESOLUTION_HIGH": "high", "MEDIA_RESOLUTION_ULTRA_HIGH": "high",
}

// looked notes how something is to be looked at.
func (r *request) looked(part *llm.Part, p *piece) {
	if part.Kind == llm.Image && part.Media != nil && p.detail != "" {
		part.Media.Detail = p.detail
		r.Note(llm.ImageDetail, r.place.String()+".mediaResolution")
	}
	if p.film {
		r.Note(llm.OtherMembers, r.place.String()+".videoMetadata")
	}
}

func (r *request) resultMedia(to []llm.Part, element []byte) ([]llm.Part, *format.Problem) {
	problem := object(element, func(name string, value []byte) *format.Problem {
		var part llm.Part
		var problem *format.Problem
		switch name {
		case "inlineData":
			part, problem = r.inline(value)
		case "fileData":
			part, problem = r.file(value)
		default:
			problem = format.Asks(llm.OtherParts).Named(name)
		}
		to = append(to, part)
		return problem.In(name)
	})
	r.Note(llm.ResultMedia, "contents")
	return to, problem
}

// media reads a type and either data or an address.
func media(value []byte) (kind, data, uri, name string, problem *format.Problem) {
	problem = object(value, func(member string, value []byte) *format.Problem {
		switch member {
		case "mimeType":
			return format.String(value, &kind).In(member)
		case "data":
			return format.String(value, &data).In(member)
		case "fileUri":
			return format.String(value, &uri).In(member)
		case "displayName":
			return format.String(value, &name).In(member)
		}
		return nil
	})
	kind, _, _ = strings.Cut(strings.ToLower(kind), ";")
	return strings.TrimSpace(kind), data, uri, name, problem
}

// inline reads what is sent along.
func (r *request) inline(value []byte) (part llm.Part, problem *format.Problem) {
	kind, data, _, name, problem := media(value)
	switch {
	case problem != nil:
		return part, problem
	case kind == "":
		return part, format.Wrong("is required").In("mimeType")
	case data == "":
		return part, format.Wrong("is required").In("data")
	}
	data = plainBase64(data)
	part.Media = &llm.Media{Type: kind, Data: data, Name: name}
	switch {
	case strings.HasPrefix(kind, "image/"):
		part.Kind = llm.Image
	case kind == "application/pdf":
		part.Kind = llm.Document
		r.Note(llm.DocumentData, "contents")
	case format.IsText(kind):
		text, err := base64.StdEncoding.DecodeString(data)
		if err != nil {
			return part, format.Wrong("is not base64").In("data")
		}
		part.Kind = llm.Document
		r.Note(llm.DocumentText, "contents")
		part.Media = &llm.Media{Type: "text/plain", Text: strings.ToValidUTF8(string(text), "\uFFFD"), Name: name}
	case r.isHeard(&part, kind):
	default:
		return part, format.Asks(llm.OtherDocuments).Named(kind)
	}
	if name != "" && part.Kind == llm.Document {
		r.Note(llm.DocumentNotes, "contents")
	}
	return part, nil
}

// plainBase64 is base64 in the alphabet that everybody reads: protobuf's JSON also takes that for addresses, and no padding.
func plainBase64(data string) string {
	if strings.ContainsAny(data, "-_") {
		data = strings.NewReplacer("-", "+", "_", "/").Replace(data)
	}
	if rest := len(data) % 4; rest > 1 {
		data += "=="[:4-rest]
	}
	return data
}

// file reads what is somewhere else: a link, or something that Google keeps.
func (r *request) file(value []byte) (part llm.Part, problem *format.Problem) {
	kind, _, uri, name, problem := media(value)
	switch {
	case problem != nil:
		return part, problem
	case uri == "":
		return part, format.Wrong("is required").In("fileUri")
	}
	link, image, document := format.IsLink(uri) && !strings.Contains(uri, "/v1beta/files/") && !strings.Contains(uri, "/v1/files/"),
		strings.HasPrefix(kind, "image/"), kind == "application/pdf"
	guessed := kind
	if kind == "" {
		guessed = typeOfName(uri)
		image, document = strings.HasPrefix(guessed, "image/"), guessed == "application/pdf"
	}
	if guessed == "" && isFilm(uri) {
		guessed = "video/mp4"
	}
	part.Media = &llm.Media{URL: uri, Name: name, Type: kind}
	switch {
	case image && link:
		part.Kind = llm.Image
		r.Note(llm.ImageURL, "contents")
	case image:
		return part, format.Asks(llm.ImageFile).In("fileUri")
	case document && link:
		part.Kind = llm.Document
		r.Note(llm.DocumentURL, "contents")
	case !link:
		return part, format.Asks(llm.DocumentFile).In("fileUri")
	case r.isHeard(&part, guessed):
	default:
		return part, format.Asks(llm.OtherParts).Named(uri).In("fileUri")
	}
	return part, nil
}
