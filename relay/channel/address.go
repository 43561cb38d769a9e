package channel

import (
	"net/url"
	"strings"

	"one-api/relay/wire"
)

// address is where a request goes. It is made once, before a transport is chosen, so that every one asks for the same: what is
// escaped in a path stays so, and is not escaped once more.
type address struct {
	url  *url.URL // nobody changes it
	path string   // of it, as it stands in a request's first line
}

// addresses makes those of a channel, whose base URL ends in the API's version. Those of the usual endpoints are ready.
type addresses struct {
	base  *url.URL // nil: the channel has none
	ready map[string]*address
}

func addressesOf(base *url.URL) addresses {
	a := addresses{base: base}
	if base == nil {
		return a
	}
	a.ready = make(map[string]*address, wire.Endpoints)
	for e := range wire.Endpoints {
		a.ready[e.Path()] = a.make(e.Path(), "")
	}
	return a
}

// of is where a request goes of which an adaptor says this path, escaped, and this raw query.
func (a *addresses) of(path, query string) *address {
	if query == "" {
		if known, ok := a.ready[path]; ok {
			return known
		}
	}
	return a.make(path, query)
}

func (a *addresses) make(path, query string) *address {
	u := *a.base
	escaped := a.base.EscapedPath() + pathOf(path)
	u.Path, u.RawPath = escaped, ""
	if plain, err := url.PathUnescape(escaped); err == nil {
		u.Path, u.RawPath = plain, escaped
	}
	u.RawQuery = query
	return &address{&u, u.EscapedPath()}
}

// pathOf is the part of a request's path that the base URL does not have.
func pathOf(path string) string { return strings.TrimPrefix(path, "/v1") }
