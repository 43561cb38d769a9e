package config

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// A URL is never quoted in a message: a misplaced user name, password or query of it may be a secret.

var versionSegment = regexp.MustCompile(`^v\d`)

// pastedEndpoints are what providers' documentation has behind their base URLs; a longer one stands before its own end.
var pastedEndpoints = []string{
	"/chat/completions", "/completions", "/embeddings", "/messages/count_tokens", "/messages", "/responses", "/models",
	"/images/generations", "/audio/speech", "/audio/transcriptions", "/moderations", "/rerank",
}

// parseBaseURL reads an upstream's base URL in its normal form: without a trailing slash and with a version segment, /v1 where
// it has none. message is what is wrong, "" for nothing.
func parseBaseURL(text string) (base *url.URL, message string) {
	const form = "must be an http or https URL such as https://api.example.com/v1"
	if hasInvisible(text) {
		return nil, "must not contain a blank, a line break or an invisible character"
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https":
		return nil, form
	case u.User != nil:
		return nil, "must not hold a user name or password"
	case strings.ContainsAny(text, "?#"):
		return nil, "must not have a query or a fragment"
	case u.Hostname() == "":
		return nil, "must have a host"
	case !validPort(u):
		return nil, "must have a port from 1 to 65535, or none"
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	for _, endpoint := range pastedEndpoints {
		if strings.HasSuffix(path, endpoint) {
			return nil, "is the address of an endpoint: leave " + endpoint + " out, the relay adds it itself"
		}
	}
	versioned := false
	for segment := range strings.SplitSeq(path, "/") {
		versioned = versioned || versionSegment.MatchString(segment)
	}
	if !versioned {
		path += "/v1"
	}
	// Parsed once more, so that two spellings of one path become equal values.
	base, err = url.Parse((&url.URL{Scheme: u.Scheme, Host: u.Host}).String() + path)
	if err != nil {
		return nil, form
	}
	return base, ""
}

// parseProxy reads a proxy's URL, of a scheme that net/http.Transport.Proxy serves.
func parseProxy(text string) (proxy *url.URL, message string) {
	const form = "must be an http, https, socks5 or socks5h URL such as http://proxy.example.com:3128"
	u, err := url.Parse(text)
	if err != nil {
		return nil, form
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		return nil, form
	}
	switch {
	case u.Hostname() == "":
		return nil, "must have a host"
	case !validPort(u):
		return nil, "must have a port from 1 to 65535, or none"
	}
	return u, ""
}

func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return true
	}
	port, err := strconv.Atoi(u.Port())
	return err == nil && port >= 1 && port <= 65535
}
