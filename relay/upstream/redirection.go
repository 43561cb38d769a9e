package upstream

import (
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// login finds what the pages are called to which those are sent who have to show who they are.
var login = regexp.MustCompile(`(?i)\b(?:log-?in|sign-?in|auth|sso|oauth2?|saml|cas|idp)\b`)

// Redirection says in plain words where an upstream sends the relay on to: to which scheme, and what kind of path, but not to
// which host. That is mostly enough to see what is wrong with a base URL.
func Redirection(status int, from *url.URL, header http.Header) string {
	said := "redirected with status " + strconv.Itoa(status)
	to, err := url.Parse(header.Get("Location"))
	if err != nil || header.Get("Location") == "" {
		return said + ", without saying where to: redirects are not followed"
	}
	to = from.ResolveReference(to)
	scheme := to.Scheme
	if scheme != "http" && scheme != "https" {
		scheme = "another scheme"
	}
	host := "the same host"
	if !strings.EqualFold(to.Hostname(), from.Hostname()) {
		host = "another host"
	}
	return said + " to " + scheme + ", " + host + ", " + kindOfPath(from.Path, to.Path) +
		": redirects are not followed, base_url has to name where the API really is"
}

func kindOfPath(from, to string) string {
	switch {
	case to == from:
		return "the same path"
	case to == "" || to == "/":
		return "its front page"
	case strings.TrimSuffix(to, "/") == strings.TrimSuffix(from, "/"):
		return "the same path but for a / at the end"
	case path.Clean(to) == path.Clean(from):
		return "the same path but for doubled slashes"
	case strings.HasSuffix(to, from) || strings.HasSuffix(to, pathOf(from)):
		return "the same path below another one"
	case login.MatchString(to):
		return "a login page"
	}
	return "another path"
}

// Misplaced says what may be wrong if an upstream has nothing at the path, or a proxy on the way refuses; "" means nothing that
// is known.
func Misplaced(status int) string {
	switch status {
	case http.StatusNotFound:
		return "there is nothing at this path: is the base_url's path right?"
	case http.StatusMethodNotAllowed:
		return "POST is not allowed at this path: is the base_url's path right?"
	case http.StatusProxyAuthRequired:
		return "the proxy asks for credentials (proxy: http://user:password@host)"
	}
	return ""
}
