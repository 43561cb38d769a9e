package gemini

import (
	"bytes"
	"strings"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
)

// Clean is the body of a request without what only this relay puts into the answers of others, and Gemini refuses: what is sealed into
// the ids of calls and into signatures. Nearly always it is the body itself. lost: some of it was what another provider has thought.
func Clean(body []byte) (clean []byte, lost bool) {
	body, lost = format.Unseal(body)
	for _, foreign := range [...]string{sealedSign, foreignSign} {
		var reasoned bool
		body, reasoned = resigned(body, foreign)
		lost = lost || reasoned
	}
	return body, lost
}

// ModelName is a model's name as it stands in a body.
func ModelName(model string) string { return "models/" + strings.TrimPrefix(model, "models/") }

// Named is the body of a question that may name the model again, in what it is about.
func Named(body []byte, model string) []byte { return renamed(body, ModelName(model), deepestModel) }

// sealedSign is how a signature begins that this relay has sealed: __sealed_, in base64.
const sealedSign = `"X19zZWFsZWRf`

// foreignSign is unsigned in the alphabet that clients write bytes in: Google's own decode a signature, and encode it again.
const foreignSign = `"skip/thought/signature/validator`

// resigned has another signature in the place of those that begin so: that which Gemini takes for the calls of others.
func resigned(body []byte, begins string) (signed []byte, reasoned bool) {
	at := bytes.Index(body, []byte(begins))
	if at < 0 {
		return body, false
	}
	out := make([]byte, 0, len(body))
	for at >= 0 {
		end := bytes.IndexByte(body[at+1:], '"')
		if end < 0 {
			break
		}
		reasoned = reasoned || len(openSigned(string(body[at+1:at+1+end]))) > 0
		out = append(append(append(append(out, body[:at]...), '"'), unsigned...), '"')
		body = body[at+1+end+1:]
		at = bytes.Index(body, []byte(begins))
	}
	return append(out, body...), reasoned
}

// HoldsSigned reports whether there may be signed parts in a body.
func HoldsSigned(body []byte) bool {
	return bytes.Contains(body, []byte(`"thoughtSignature"`)) || bytes.Contains(body, []byte(`"thought_signature"`))
}

// Unsigned is the body of a request whose calls of earlier turns have the signature that Gemini takes for those of others, whoever has
// signed them, and whose other parts have none: an API key's and a project's are not each other's.
func Unsigned(body []byte) []byte {
	if !HoldsSigned(body) {
		return body
	}
	return format.WithEach(body, "contents", func(content []byte) []byte {
		return format.WithEach(content, "parts", unsignedPart)
	})
}

func unsignedPart(part []byte) []byte {
	if jsonscan.MemberOf(part, "functionCall") != nil || jsonscan.MemberOf(part, "function_call") != nil {
		return format.WithIDs(part, func(string) string { return unsigned }, "thoughtSignature", "thought_signature")
	}
	return format.Without(part, "thoughtSignature", "thought_signature")
}

// deepestModel is how deep a body may name a model: batchEmbedContents does in each of its requests, countTokens in the one that it counts.
const deepestModel = 2

// renamed is an object whose model is another.
func renamed(object []byte, model string, depth int) []byte {
	var edits []jsonscan.Edit
	if !format.IsObject(bytes.TrimLeft(object, " \t\r\n")) || depth == 0 {
		return object
	}
	_ = jsonscan.Object(object, func(m jsonscan.Member) { // it has been read before
		switch string(m.Key) {
		case "model":
			edits = append(edits, jsonscan.Edit{From: m.Start, To: m.End, Text: model, Quote: true})
		case "generateContentRequest", "generate_content_request":
			edits = append(edits, jsonscan.Edit{From: m.Start, To: m.End, Text: string(renamed(m.Value, model, depth-1))})
		case "requests":
			list := append(make([]byte, 0, len(m.Value)+64), '[')
			if jsonscan.Elements(m.Value, func(element []byte) {
				if len(list) > 1 {
					list = append(list, ',')
				}
				list = append(list, renamed(element, model, depth-1)...)
			}) {
				edits = append(edits, jsonscan.Edit{From: m.Start, To: m.End, Text: string(append(list, ']'))})
			}
		}
	})
	if len(edits) == 0 {
		return object
	}
	return jsonscan.Splice(object, edits...)
}
