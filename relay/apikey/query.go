package apikey

import (
	"net/url"
	"strings"
)

// maxParameters is how many parameters an address may have for any of them to be passed on. No API has half as many.
const maxParameters = 32

// credentials are the names under which keys stand in addresses, without case and what separates their parts. Of what a client
// says there, adaptors may pass on what their provider's format defines; a client's key is not even there for them to pass on.
var credentials = map[string]bool{
	"key": true, "apikey": true, "xapikey": true, "xgoogapikey": true, "accesskey": true, "token": true, "accesstoken": true,
	"authtoken":   true,
	"bearertoken": true, "authorization": true, "auth": true, "bearer": true, "secret": true, "password": true,
}

var separators = strings.NewReplacer("-", "", "_", "", ".", "")

// WithoutKeys is an address's query without its credentials, whatever they are called: those of such a name, and those that are the
// key of a client. What cannot be read is not in it either.
func (s *Store) WithoutKeys(query string) string {
	if query == "" {
		return ""
	}
	parameters := strings.FieldsFunc(query, func(c rune) bool { return c == '&' || c == ';' }) // some servers take either
	if len(parameters) > maxParameters {
		return ""
	}
	kept := make([]string, 0, len(parameters))
	for _, parameter := range parameters {
		if !s.isKey(parameter) {
			kept = append(kept, parameter)
		}
	}
	return strings.Join(kept, "&")
}

func (s *Store) isKey(parameter string) bool {
	name, value, _ := strings.Cut(parameter, "=")
	name, err := url.QueryUnescape(name)
	if err != nil || credentials[strings.ToLower(separators.Replace(name))] {
		return true
	}
	value, err = url.QueryUnescape(value)
	if err != nil {
		return true
	}
	for _, word := range [...]string{name, value} {
		if word = strings.TrimSpace(word); word != "" && (s.Find(word) != nil || s.Find(bare(word)) != nil) {
			return true
		}
	}
	return false
}
