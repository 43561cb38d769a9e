package anthropic

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// contentBlocks converts the content of a message: a string, parts, or nothing. Blank texts are left out.
func contentBlocks(content []byte, role, at string) ([]wire.Block, error) {
	at += ".content"
	if !given(content) {
		return nil, nil
	}
	if s, ok := jsonscan.String(content); ok {
		return appendText(nil, s), nil
	}
	var blocks []wire.Block
	var failed error
	j := 0
	array := jsonscan.Elements(content, func(element []byte) {
		if failed == nil {
			blocks, failed = appendPart(blocks, element, role, fmt.Sprintf("%s[%d]", at, j))
		}
		j++
	})
	if !array {
		return nil, wire.BadRequest(at, at+" must be a string or an array of parts")
	}
	return blocks, failed
}

func appendPart(blocks []wire.Block, element []byte, role, at string) ([]wire.Block, error) {
	var part wire.ChatPart
	if err := json.Unmarshal(element, &part); err != nil {
		return nil, decodeError(at, err)
	}
	media := role == "user" || role == "tool"
	var block wire.Block
	var err error
	switch {
	case part.Type == "text":
		return appendText(blocks, part.Text), nil
	case part.Type == "refusal" && role == assistantRole:
		return appendText(blocks, part.Refusal), nil
	case part.Type == "image_url" && media:
		block, err = image(part.ImageURL, at)
	case part.Type == "file" && media:
		block, err = document(part.File, at)
	case part.Type == "input_audio":
		err = wire.BadRequest(at, at+": this provider does not take audio")
	case part.Type == "":
		err = wire.BadRequest(at+".type", at+" must have a type")
	default:
		err = wire.BadRequest(at, at+": this provider does not take parts of this type in a message of the role "+role)
	}
	if err != nil {
		return nil, err
	}
	return append(blocks, block), nil
}

// image converts an image part: its URL is a data URL or a link that Anthropic fetches.
func image(part *wire.ChatImageURL, at string) (wire.Block, error) {
	var link string
	if part != nil {
		link = part.URL
	}
	if hasScheme(link, "http://") || hasScheme(link, "https://") {
		return wire.Block{Type: "image", Source: &wire.Source{Type: "url", URL: link}}, nil
	}
	data, ok := parseDataURL(link)
	if !ok || !data.base64 || !strings.HasPrefix(data.mediaType, "image/") {
		return wire.Block{}, wire.BadRequest(at+".image_url.url", at+".image_url.url must be an http(s) link or a base64 data URL of an image")
	}
	if data.mediaType == "image/jpg" { // a common mistake, which Anthropic does not forgive
		data.mediaType = "image/jpeg"
	}
	return wire.Block{Type: "image", Source: &wire.Source{Type: "base64", MediaType: data.mediaType, Data: data.payload}}, nil
}

// document converts a file part that brings its content along.
func document(part *wire.ChatFile, at string) (wire.Block, error) {
	at += ".file"
	switch {
	case part != nil && part.FileID != "":
		return wire.Block{}, wire.BadRequest(at+".file_id", at+".file_id: this provider does not know the files of another: send file_data")
	case part == nil || part.FileData == "":
		return wire.Block{}, wire.BadRequest(at+".file_data", at+".file_data is missing")
	}
	at += ".file_data"
	block := wire.Block{Type: "document", Title: part.Filename}
	data, ok := parseDataURL(part.FileData)
	switch {
	case ok && data.base64 && data.mediaType == "application/pdf":
		block.Source = &wire.Source{Type: "base64", MediaType: data.mediaType, Data: data.payload}
	case ok && data.mediaType == "text/plain":
		text, err := data.text()
		if err != nil {
			return block, wire.BadRequest(at, at+" is not the data URL that it claims to be")
		}
		block.Source = &wire.Source{Type: "text", MediaType: data.mediaType, Data: text}
	default:
		return block, wire.BadRequest(at, at+" must be a data URL of the type application/pdf (base64) or text/plain")
	}
	return block, nil
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
