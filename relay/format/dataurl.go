package format

import (
	"encoding/base64"
	"net/url"
	"strings"

	"one-api/relay/llm"
)

// DataURL is data:[<media type>][;base64],<payload> (RFC 2397).
type DataURL struct {
	Type    string // in lower case, without parameters
	Base64  bool
	Payload string // as it stands
}

// ParseDataURL reads one; false if it is none.
func ParseDataURL(s string) (DataURL, bool) {
	const scheme = "data:"
	if !hasScheme(s, scheme) {
		return DataURL{}, false
	}
	head, payload, ok := strings.Cut(s[len(scheme):], ",")
	if !ok {
		return DataURL{}, false
	}
	mediaType, parameters, _ := strings.Cut(head, ";")
	last := parameters[strings.LastIndexByte(parameters, ';')+1:]
	return DataURL{
		Type:    strings.ToLower(strings.TrimSpace(mediaType)),
		Base64:  strings.EqualFold(strings.TrimSpace(last), "base64"),
		Payload: payload,
	}, true
}

// Text is what it has in it, of one that is text.
func (d DataURL) Text() (string, error) {
	if !d.Base64 {
		return url.PathUnescape(d.Payload)
	}
	text, err := base64.StdEncoding.DecodeString(d.Payload)
	return string(text), err
}

// IsLink reports whether a text is an http or https URL.
func IsLink(s string) bool { return hasScheme(s, "http://") || hasScheme(s, "https://") }

// hasScheme compares without regard to case, as RFC 3986 asks for.
func hasScheme(s, scheme string) bool {
	return len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme)
}

// ReadLinked reads what both of OpenAI's APIs have as one text, into m: an http or https link, or a base64 data URL. It must be of a media
// type that begins with kind; what is the word for it in a problem.
func ReadLinked(text, kind, what string, m *llm.Media) *Problem {
	if IsLink(text) {
		m.URL = text
		return nil
	}
	data, ok := ParseDataURL(text)
	if !ok || !data.Base64 || !strings.HasPrefix(data.Type, kind) {
		return Wrong("must be an http(s) link or a base64 data URL of " + what)
	}
	if data.Type == "image/jpg" { // a common mistake, which not everybody forgives
		data.Type = "image/jpeg"
	}
	m.Type, m.Data = data.Type, data.Payload
	return nil
}
