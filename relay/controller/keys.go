package controller

import (
	"net/http"
	"strings"

	"one-api/relay/apikey"
)

// keyHeaders are the headers that clients send their keys in: OpenAI's, Anthropic's, Azure's and Google's. Which one a client
// uses depends on its SDK and not on the endpoint, so each is good on all of them.
var keyHeaders = [...]string{"Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key"}

// maxKeys is how many keys of one request are looked at. A client has one, or one real one beside its SDK's placeholder.
const maxKeys = 8

// tokenOf finds the token of a request: that of any valid key that it shows. nil: it shows none.
func tokenOf(r *http.Request, tokens *apikey.Store) *apikey.Key {
	looked := 0
	for _, name := range &keyHeaders {
		for _, key := range r.Header[name] {
			if name == "Authorization" {
				key = bare(key)
			}
			if key = strings.TrimSpace(key); key == "" {
				continue
			}
			if found := tokens.Find(key); found != nil {
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

// bearer is the bearer token of a request; empty: none.
func bearer(r *http.Request) string { return bare(r.Header.Get("Authorization")) }
