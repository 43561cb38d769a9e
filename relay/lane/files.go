package lane

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"one-api/relay/jsonscan"
	"one-api/relay/provider"
	"one-api/relay/wire"
)

// A file that was uploaded to a provider belongs to the account that it was uploaded to, which all tokens share, and so does what a
// provider has cached of a prompt. The relay passes no uploads on, and knows nobody who has made one: a native call that names one is
// refused, unless its token may name what is not known to be its own. (A converted one is refused by its format; the Responses API has
// ids of which the relay knows who made them, and a gate of its own.)

// steps are the members that lead to files, from the request inward, and marks what is in every request that names one.
var (
	steps = map[wire.Format]map[string]bool{
		wire.OpenAI:    {"messages": true, "content": true, "file": true, "image": true, "images": true, "mask": true},
		wire.Anthropic: {"system": true, "messages": true, "content": true, "source": true},
		wire.Gemini: {
			"requests": true, "generateContentRequest": true, "generate_content_request": true, "systemInstruction": true,
			"system_instruction": true, "contents": true, "content": true, "parts": true, "functionResponse": true, "function_response": true,
			"fileData": true, "file_data": true,
		},
	}
	marks = map[wire.Format][]string{
		wire.OpenAI: {"file_id"}, wire.Anthropic: {"file_id"}, wire.Gemini: {"fileUri", "file_uri", "cachedContent", "cached_content"},
	}
)

// insteads is what is to be sent in the place of a file's name.
var insteads = map[wire.Format]string{
	wire.OpenAI: "`file_data`", wire.Anthropic: "a `source` of the type base64, text or url", wire.Gemini: "`inlineData`",
}

// foreignFile is why a native call is refused that names a file of nobody's; nil: it names none.
func foreignFile(call *Call) *wire.Error {
	if call.Form != nil || call.Endpoint.ByID() {
		return nil
	}
	format := call.Endpoint.Format()
	if format == wire.GeminiList {
		format = wire.Gemini
	}
	return foreignFileIn(call, call.Body, format)
}

// foreignFileIn is the same of a body in one of the formats.
func foreignFileIn(call *Call, body []byte, format wire.Format) *wire.Error {
	f := finder{format: format, steps: steps[format]}
	if call.Token == nil || call.Token.ForeignIDs || f.steps == nil || !f.mayName(body) {
		return nil
	}
	f.object(body, "")
	return f.found
}

// deepest is how many names and indexes lead to a file at the most: no format has more, and whoever writes more has each level read again.
const deepest = 16

// finder looks for the first file that a request names.
type finder struct {
	format wire.Format
	steps  map[string]bool
	path   []string
	found  *wire.Error
}

// mayName reports whether there may be one: hardly any request has, and it is not gone through. A name may be written with escapes.
func (f *finder) mayName(body []byte) bool {
	holds := func(mark string) bool { return bytes.Contains(body, []byte(mark)) }
	return slices.ContainsFunc(marks[f.format], holds) || holds(`\u00`)
}

// object looks into an object, which is the value of a member of that name.
func (f *finder) object(value []byte, of string) {
	if f.found != nil || len(f.path) > deepest || len(value) == 0 || value[0] != '{' {
		return
	}
	uploads := f.format == wire.Anthropic && isUploadBlock(value)
	_ = jsonscan.Object(value, func(m jsonscan.Member) { // it has been read before
		name := string(m.Key)
		if f.found != nil {
			return
		}
		f.path = append(f.path, "."+name)
		switch {
		case f.isFile(name, of, uploads):
			f.check(m.Value)
		case f.steps[name]:
			f.value(m.Value, name)
		}
		f.path = f.path[:len(f.path)-1]
	})
}

// isUploadBlock reports whether an object is a block that gives a container a file.
func isUploadBlock(value []byte) (is bool) {
	_ = jsonscan.Object(value, func(m jsonscan.Member) {
		if string(m.Key) == "type" {
			kind, _ := jsonscan.String(m.Value)
			is = is || kind == "container_upload"
		}
	})
	return is
}

// value looks into the value of a member that leads to files.
func (f *finder) value(value []byte, of string) {
	i := 0
	if jsonscan.Elements(value, func(element []byte) {
		f.path = append(f.path, "["+strconv.Itoa(i)+"]")
		f.object(element, of)
		f.path = f.path[:len(f.path)-1]
		i++
	}) {
		return
	}
	f.object(value, of)
}

// isFile reports whether a member names one. What Anthropic's tools have left behind in earlier turns has ids as well, which are told and
// not asked for.
func (f *finder) isFile(name, of string, uploads bool) bool {
	switch f.format {
	case wire.OpenAI:
		return name == "file_id"
	case wire.Anthropic:
		return name == "file_id" && (of == "source" || uploads)
	default:
		return name == "fileUri" || name == "file_uri" || name == "cachedContent" || name == "cached_content"
	}
}

// check refuses what a member names if that is in the account of the provider's.
func (f *finder) check(value []byte) {
	id, _ := jsonscan.String(value)
	fetched := f.format == wire.OpenAI && (strings.HasPrefix(id, "http://") || strings.HasPrefix(id, "https://")) // as some have it for Gemini
	if name := f.path[len(f.path)-1]; f.format == wire.Gemini && !strings.HasPrefix(name, ".cached") {
		fetched = !isUpload(id)
	}
	if id == "" || fetched {
		return
	}
	at := strings.TrimPrefix(strings.Join(f.path, ""), ".")
	f.found = &wire.Error{
		Status: http.StatusNotFound, Code: provider.NotKept, Param: at,
		Message: "'" + wire.Clip(id, 100) + "' (`" + at + "`) not found. What a provider keeps is its account's, and this key is not known to have " +
			"made it: send the content itself (" + insteads[f.format] + "), or have the operator say `foreign_ids: true` of the key.",
	}
}

// isUpload reports whether a URI is of a file that Gemini's Files API keeps (https://ai.google.dev/api/files).
func isUpload(uri string) bool {
	uri = strings.ToLower(uri)
	_, path, isLink := strings.Cut(uri, "://")
	if !isLink {
		return strings.HasPrefix(strings.TrimLeft(uri, "/"), "files/")
	}
	return strings.HasPrefix(path, "generativelanguage.") || strings.Contains(path, "/v1beta/files/") || strings.Contains(path, "/v1/files/")
}
