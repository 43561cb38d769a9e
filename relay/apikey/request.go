package apikey

import (
	"net/http"
	"strings"
)

// keyHeaders are the headers that clients send their keys in: OpenAI's, Anthropic's, Azure's and Google's. Which one a client
// uses depends on its SDK and not on the endpoint, so each is good on all of them.
var keyHeaders = [...]string{"Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key"}

// maxKeys is how many keys of one request are looked at. A client has one, or one real one beside its SDK's placeholder.
const maxKeys = 8

// FindIn gives the client of a request, by any valid key that its header shows; nil: it shows none.
func (s *Store) FindIn(header http.Header) *Key {
	looked := 0
	for _, name := range &keyHeaders {
		for _, key := range header[name] {
			if name == "Authorization" {
				key = bare(key)
			}
			if key = strings.TrimSpace(key); key == "" {
				continue
			}
			if found := s.Find(key); found != nil {
				return found
			}
			if looked++; looked == maxKeys {
				return nil
			}
		}
	}
	return nil
}

const bearerScheme = "Bearer "

// bare is the key in an Authorization header; empty: it is of another scheme. one-api took a key without a scheme, too.
func bare(value string) string {
	if len(value) >= len(bearerScheme) && strings.EqualFold(value[:len(bearerScheme)], bearerScheme) {
		return strings.TrimSpace(value[len(bearerScheme):])
	}
	if strings.ContainsRune(value, ' ') {
		return ""
	}
	return value
}

// Bearer is the bearer token in a header; empty: none.
func Bearer(header http.Header) string { return bare(header.Get("Authorization")) }
