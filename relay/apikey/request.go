package apikey

import (
	"cmp"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// keyHeaders are the headers that clients send their keys in: OpenAI's, Anthropic's, Azure's and Google's. Which one a client
// uses depends on its SDK and not on the endpoint, so each is good on all of them.
var keyHeaders = [...]string{"Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key"}

// maxKeys is how many keys of one request are looked at. A client has one, or one real one beside its SDK's placeholder.
const maxKeys = 8

// Why is why a key opens nothing.
type Why uint8

// The reasons.
const (
	Unknown   Why = iota // nobody has it
	Disabled             // its client is
	Expired              // its time is over
	Elsewhere            // it may not be used from where it is used
	Pinned               // a channel's number stands behind it
)

// FindIn gives the client of a request, by any valid key that its header shows; nil: it shows none, and why is why the first one that there
// is opens nothing. from is the address that a request comes from, and is asked if a key wants to know. beside are the keys that it shows
// elsewhere.
func (s *Store) FindIn(r *http.Request, from func(*http.Request) netip.Addr, beside ...string) (key *Key, why Why) {
	looked := 0
	for _, name := range &keyHeaders {
		for _, key := range r.Header[name] {
			if name == "Authorization" {
				key = bare(key)
			}
			if key = strings.TrimSpace(key); key == "" {
				continue
			}
			found, closed := s.open(key, r, from)
			if found != nil {
				return found, Unknown
			}
			why = cmp.Or(why, closed)
			if looked++; looked == maxKeys {
				return nil, why
			}
		}
	}
	for _, key := range beside[:min(len(beside), maxKeys)] {
		found, closed := s.open(strings.TrimSpace(key), r, from)
		if found != nil {
			return found, Unknown
		}
		why = cmp.Or(why, closed)
	}
	return nil, why
}

// open gives the client of a key that opens something; nil: why says why it does not.
func (s *Store) open(key string, r *http.Request, from func(*http.Request) netip.Addr) (found *Key, why Why) {
	if found = s.Find(key); found == nil {
		if s.pinned(key) {
			return nil, Pinned
		}
		return nil, Unknown
	}
	if why = found.closed(r, from); why != Unknown {
		return nil, why
	}
	return found, Unknown
}

// pinned reports whether a key is somebody's with the number of a channel behind it, as one-api and its forks take it from
// administrators: sk-KEY-12.
func (s *Store) pinned(key string) bool {
	at := strings.LastIndexByte(key, '-')
	if at <= 0 || at == len(key)-1 || strings.Trim(key[at+1:], "0123456789") != "" {
		return false
	}
	return s.Find(key[:at]) != nil
}

// closed is why a key opens nothing; Unknown: it does.
func (k *Key) closed(r *http.Request, from func(*http.Request) netip.Addr) Why {
	switch {
	case k.disabled:
		return Disabled
	case !k.expires.IsZero() && !time.Now().Before(k.expires):
		return Expired
	case k.networks != nil && !allowed(from(r), k.networks):
		return Elsewhere
	}
	return Unknown
}

func allowed(address netip.Addr, networks []netip.Prefix) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(address) })
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
