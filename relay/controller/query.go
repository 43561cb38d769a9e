package controller

import (
	"net/url"
	"strings"

	"one-api/relay/apikey"
)

// maxParameters is how many parameters an address may have for any of them to be passed on. No API has half as many.
const maxParameters = 32

// credentials are the names under which keys stand in addresses, without case and what separates their parts. Of what a client
// says there, adaptors may pass on what their provider's format defines; a client's key is not even there for them to pass on.
var credentials = map[string]bool{
	"key": true, "apikey": true, "xapikey": true, "xgoogapikey": true, "accesskey": true, "token": true, "accesstoken": true, "authtoken": true,
	"bearertoken": true, "authorization": true, "auth": true, "bearer": true, "secret": true, "password": true,
}

var separators = strings.NewReplacer("-", "", "_", "", ".", "")

// withoutKeys is an address's query without its credentials, whatever they are called: those of such a name, and those that are the
// key of a client. What cannot be read is not in it either.
func withoutKeys(query string, tokens *apikey.Store) string {
	if query == "" {
		return ""
	}
	parameters := strings.FieldsFunc(query, func(c rune) bool { return c == '&' || c == ';' }) // some servers take either
	if len(parameters) > maxParameters {
		return ""
	}
	kept := make([]string, 0, len(parameters))
	for _, parameter := range parameters {
		if !isKey(parameter, tokens) {
			kept = append(kept, parameter)
		}
	}
	return strings.Join(kept, "&")
}

func isKey(parameter string, tokens *apikey.Store) bool {
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
		if word = strings.TrimSpace(word); word != "" && (tokens.Find(word) != nil || tokens.Find(bare(word)) != nil) {
			return true
		}
	}
	return false
}
