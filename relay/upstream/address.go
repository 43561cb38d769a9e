package upstream

import (
	"net/url"
	"strings"

	"one-api/relay/wire"
)

// Address is where a request goes. It is made once, before a transport is chosen, so that every one asks for the same: what is
// escaped in a path stays so, and is not escaped once more.
type Address struct {
	url  *url.URL // nobody changes it
	path string   // of it, as it stands in a request's first line
}

// Addresses makes those of a channel, whose base URL ends in the API's version, or has it in a query. Those of the usual endpoints are
// ready.
type Addresses struct {
	base  *url.URL // nil if the channel has none
	ready map[string]*Address
}

// URL is the whole of it. Nobody changes it.
func (a *Address) URL() *url.URL { return a.url }

// AddressesOf makes those of a channel.
func AddressesOf(base *url.URL) Addresses {
	a := Addresses{base: base}
	if base == nil {
		return a
	}
	a.ready = make(map[string]*Address, wire.Endpoints)
	for e := range wire.Endpoints {
		if e.Verb() == "" { // whose address has the model in it
			a.ready[e.Path()] = a.make(e.Path(), "")
		}
	}
	return a
}

// Of is where a request goes of which an adaptor says this path, escaped, and this raw query.
func (a *Addresses) Of(path, query string) *Address {
	if query == "" {
		if known, ok := a.ready[path]; ok {
			return known
		}
	}
	return a.make(path, query)
}

func (a *Addresses) make(path, query string) *Address {
	u := *a.base
	escaped := a.base.EscapedPath() + pathOf(path)
	u.Path, u.RawPath = escaped, ""
	if plain, err := url.PathUnescape(escaped); err == nil {
		u.Path, u.RawPath = plain, escaped
	}
	switch {
	case query == "":
	case u.RawQuery == "":
		u.RawQuery = query
	default:
		u.RawQuery += "&" + query
	}
	return &Address{&u, u.EscapedPath()}
}

// pathOf is the part of a request's path that the base URL does not have.
func pathOf(path string) string { return strings.TrimPrefix(path, "/v1") }
