package config

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A URL is never quoted in a message: a misplaced user name, password or query of it may be a secret.

var versionSegment = regexp.MustCompile(`^v\d`)

// pastedEndpoints are what providers' documentation has behind their base URLs; a longer one stands before its own end.
var pastedEndpoints = []string{
	"/chat/completions", "/completions", "/embeddings", "/messages/count_tokens", "/messages", "/responses", "/models",
	"/images/generations", "/images/edits", "/images/variations", "/audio/speech", "/audio/transcriptions", "/audio/translations",
	"/moderations", "/rerank", "/realtime",
}

// pastedModel is the address of a model of those whose model is in the path, and what of it is too much: Google's, Amazon's.
var pastedModel = regexp.MustCompile(
	`(/models/[^/]*:[A-Za-z]+|/model/[^/]+/(?:invoke|invoke-with-response-stream|converse|converse-stream|count-tokens))$`)

// partOfEndpoint is where an endpoint's address was cut in its midst, behind the version.
var partOfEndpoint = regexp.MustCompile(`/v[0-9][A-Za-z0-9.]*(/chat|/images|/audio)$`)

// versionTwice is a path with one version in it twice.
var versionTwice = regexp.MustCompile(`(?:^|/)(v\d[A-Za-z0-9.]*)/(v\d[A-Za-z0-9.]*)(?:/|$)`)

// usualVersion is what is added to a base URL without a version, unless something else is said.
const usualVersion = "v1"

// versionForm is a version as it stands in a path.
var versionForm = regexp.MustCompile(`^v[0-9][A-Za-z0-9.]*$`)

// parseBaseURL reads an upstream's base URL in its normal form: without a trailing slash, and with a version segment, that which is
// given where it has none; "" adds none. message is what is wrong, "" for nothing.
func parseBaseURL(text, version string) (base *url.URL, message string) {
	u, message := readBaseURL(text)
	if message != "" {
		return nil, message
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	if version != "" && !isVersioned(path) {
		path += "/" + version
	}
	// Parsed once more, so that two spellings of one path become equal values.
	base, err := url.Parse((&url.URL{Scheme: u.Scheme, Host: u.Host}).String() + path)
	if err != nil {
		return nil, baseURLForm
	}
	return base, ""
}

const baseURLForm = "must be an http or https URL such as https://api.example.com/v1"

// readBaseURL reads a base URL as it was written.
func readBaseURL(text string) (u *url.URL, message string) {
	if u, message = plainURL(text); message != "" {
		return nil, message
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	for _, endpoint := range pastedEndpoints {
		if strings.HasSuffix(path, endpoint) {
			return nil, "is the address of an endpoint: leave " + endpoint + " out, the relay adds it itself"
		}
	}
	if found := partOfEndpoint.FindStringSubmatch(path); found != nil {
		return nil, "ends in a part of the address of an endpoint: leave " + found[1] + " out, the relay adds it itself"
	}
	if pastedModel.MatchString(path) {
		return nil, "is the address of a model: leave out what begins with " + pastedModel.FindString(path)[:len("/model")] +
			", the relay adds it itself, and name the model in models or model_mapping"
	}
	if found := versionTwice.FindStringSubmatch(path); found != nil && found[1] == found[2] {
		return nil, "has /" + found[1] + " in its path twice: once is enough"
	}
	return u, ""
}

// plainURL reads an http or https URL with nothing but a host and a path.
func plainURL(text string) (u *url.URL, message string) {
	if hasInvisible(text) {
		return nil, "must not contain a blank, a line break or an invisible character"
	}
	u, err := url.Parse(text)
	switch {
	case strings.HasPrefix(text, "arn:"):
		return nil, "is an ARN, which names a model and no address: give it in models, or behind a name of your own in model_mapping"
	case !strings.Contains(text, ":/"):
		return nil, baseURLForm + ": this one does not begin with http:// or https://, so write that in front of it"
	case err != nil || u.Scheme != "http" && u.Scheme != "https":
		return nil, baseURLForm
	case u.User != nil:
		return nil, "must not hold a user name or password"
	case strings.ContainsAny(text, "?#"):
		return nil, queryProblem(u)
	case u.Hostname() == "":
		return nil, "must have a host"
	case !validPort(u):
		return nil, "must have a port from 1 to 65535, or none"
	}
	return u, ""
}

// VersionOf is the version segment of a base URL; "": it has none.
func VersionOf(base *url.URL) string {
	for segment := range strings.SplitSeq(base.Path, "/") {
		if versionSegment.MatchString(segment) {
			return segment
		}
	}
	return ""
}

func isVersioned(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if versionSegment.MatchString(segment) {
			return true
		}
	}
	return false
}

// address is where a channel's upstream is. version is what the file says of it; nil: nothing. A provider's own host is known: how
// much of its path is there or not, and whether it has a version, need not be said. official: it is one of the provider's own.
func address(text string, version *string, p *Provider) (base *url.URL, official bool, message string) {
	if version != nil {
		base, message = parseBaseURL(text, *version)
		return base, message == "" && isOwn(base, p), message
	}
	if base, message = parseBaseURL(text, ""); message != "" {
		return nil, false, message
	}
	for _, own := range ownAddresses(p) {
		if base.Scheme == own.Scheme && base.Host == own.Host && isBelow(own.Path, base.Path) {
			return own, true, ""
		}
	}
	base, message = parseBaseURL(text, cmp.Or(p.Version, usualVersion))
	return base, message == "" && isOwn(base, p), message
}

// isBelow reports whether a path is another one, or in it.
func isBelow(path, above string) bool { return path == above || strings.HasPrefix(path, above+"/") }

func isOwn(base *url.URL, p *Provider) bool {
	return slices.ContainsFunc(ownAddresses(p), func(own *url.URL) bool { return *own == *base })
}

// ownAddresses is where the provider itself answers, the usual one first.
func ownAddresses(p *Provider) (all []*url.URL) {
	version := cmp.Or(p.Version, usualVersion)
	if p.Unversioned {
		version = ""
	}
	for _, text := range append([]string{p.BaseURL}, p.Elsewhere...) {
		if own, message := parseBaseURL(text, version); message == "" {
			all = append(all, own)
		}
	}
	return all
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
