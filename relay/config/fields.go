package config

import (
	"net/http"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"
)

const (
	nameMessage      = "must be 1 to 64 of the characters A-Z, a-z, 0-9, \".\", \"_\" and \"-\", and not only dots"
	invisibleMessage = "must not contain spaces, line breaks or invisible characters"
	emptyMessage     = "must not be empty"

	// maxCount bounds weights and slots, so that their sums stay far from overflow.
	maxCount = 1_000_000_000
)

var nameForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// nameProblem judges a name that becomes a metric attribute and a segment of a URL's path, where "." and ".." mean something.
func nameProblem(text string) string {
	if !nameForm.MatchString(text) || strings.Trim(text, ".") == "" {
		return nameMessage
	}
	return ""
}

// keyProblem judges a key, which becomes a part of a header.
func keyProblem(text string) string {
	switch {
	case text == "":
		return emptyMessage
	case strings.ContainsRune(text, '\r') || !hasInvisible(text) && blemish(text) != "":
		return blemish(text)
	case strings.HasPrefix(strings.ToLower(text), "bearer "):
		return "begins with Bearer, which is added by itself: leave it out"
	case hasInvisible(text):
		return invisibleMessage
	}
	return ""
}

// upstreamKeyProblem judges a provider's key: all of them are ASCII, which is what a header may hold.
func upstreamKeyProblem(text string) string {
	switch {
	case strings.HasPrefix(strings.TrimSpace(text), "{") && strings.Contains(text, `"type"`):
		return "is what stands in a credentials file, and no key: write it to a file that only the relay can read, and give its path to a " +
			"channel of the type vertex as credentials_file"
	case strings.HasSuffix(text, ".json"):
		return "is the name of a file, and no key: a channel of the type vertex takes it as credentials_file"
	case strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://"):
		return "is an address, and no key: addresses are given as base_url"
	}
	if strings.Contains(strings.TrimSpace(text), "\n") {
		return "holds several lines: each key is an item of the list, or there is one too many"
	}
	if message := keyProblem(text); message != "" {
		return message
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) {
		return "holds a character that no key has (an ellipsis, a typographic quote, a full-width letter): copy it again"
	}
	return ""
}

// nameForKey is what is wrong with a key of a file that is the name of the variable that was meant to give it; "": nothing.
func nameForKey(text string) string {
	if name, is := strings.CutPrefix(text, "$"); is && isVariableName(name) {
		return "is the name of a variable, and not its value: write ${…} around the name"
	}
	return ""
}

// modelProblem judges the name of a model or a glob.
func modelProblem(text string) string {
	switch {
	case text == "":
		return emptyMessage
	case strings.TrimSpace(text) != text, hasInvisible(strings.ReplaceAll(text, " ", "")):
		return "must not contain line breaks or invisible characters, nor begin or end with a space"
	}
	return ""
}

// hasInvisible is true for white space, control characters, what is not UTF-8, and format characters such as the byte order
// mark and the zero-width space that come along when a key is copied.
func hasInvisible(text string) bool {
	return !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	})
}

// modelMapping reads what a client asks for and what the upstream is asked for.
func (d *decoder) modelMapping(v value) map[string]string {
	var mapping map[string]string
	for _, e := range d.entries(v) {
		if message := modelProblem(e.name); message != "" {
			d.report(e.place, "the model's name %s", message)
		}
		s, ok := d.scalar(e.value)
		if !ok {
			continue
		}
		if message := modelProblem(s.text); message != "" {
			d.report(s.place, "%s", message)
			continue
		}
		if mapping == nil {
			mapping = map[string]string{}
		}
		mapping[e.name] = s.text
	}
	return mapping
}

// headers reads extra request headers. Those that belong to the connection, or that net/http derives, are refused.
func (d *decoder) headers(v value) map[string]string {
	var headers map[string]string
	first := map[string]place{}
	for _, e := range d.entries(v) {
		if !httpguts.ValidHeaderFieldName(e.name) {
			d.report(e.place, "is not the name of an HTTP header")
			continue
		}
		name := http.CanonicalHeaderKey(e.name)
		if at, seen := first[name]; seen {
			d.report(e.place, "the same header as %v", at)
			continue
		}
		first[name] = e.place
		switch name {
		case "Host", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Upgrade", "Te", "Keep-Alive":
			d.report(e.place, "this header cannot be set")
			continue
		}
		if strings.HasPrefix(name, "Proxy-") {
			d.report(e.place, "this header cannot be set; a proxy's credentials belong into its URL")
			continue
		}
		s, ok := d.scalar(e.value)
		if !ok {
			continue
		}
		if !httpguts.ValidHeaderFieldValue(s.text) {
			d.report(s.place, "must not contain line breaks or control characters")
			continue
		}
		if headers == nil {
			headers = map[string]string{}
		}
		headers[name] = s.text
	}
	return headers
}
