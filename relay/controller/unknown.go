package controller

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"one-api/relay/gate"
	"one-api/relay/reply"
	"one-api/relay/wire"
)

// fail answers a request that is not relayed with an error in the format that its client reads.
func fail(g *gin.Context, e *wire.Error) {
	gate.ReadAway(g.Writer, g.Request)
	var client reply.Writer
	client.Init(g.Writer, formatOf(g.Request))
	client.Fail(e)
}

// formatOf guesses what a client speaks that is not on a relayed endpoint: by its headers, else by the end of its path.
func formatOf(r *http.Request) wire.Format {
	if wire.IsGemini(r.URL.Path) || r.Header.Get("X-Goog-Api-Key") != "" || r.Header.Get("X-Goog-Api-Client") != "" {
		return wire.Gemini
	}
	path := strings.TrimRight(r.URL.Path, "/")
	if r.Header.Get("Anthropic-Version") != "" || r.Header.Get("X-Api-Key") != "" || strings.HasPrefix(path, wire.Messages.Path()) ||
		// what Anthropic has below it too
		strings.HasSuffix(path, "/messages") || strings.HasSuffix(path, "/messages/count_tokens") {
		return wire.Anthropic
	}
	return wire.OpenAI
}

// NotFound answers every path that there is not.
func (c *Controller) NotFound(g *gin.Context) {
	fail(g, &wire.Error{Status: http.StatusNotFound, Code: "unknown_url",
		Message: "Invalid URL (" + gate.Clip(g.Request.Method) + " " + gate.Clip(g.Request.URL.Path) + ")" +
			cmp.Or(baseURLHint(g.Request.URL.Path, g.Request.Host), c.adminHint(g.Request))})
}

// adminHint says why an operator does not find an endpoint that the README names; else it is empty.
func (c *Controller) adminHint(r *http.Request) string {
	path := r.URL.Path
	if c.Settings.AdminToken != "" || !slices.ContainsFunc(adminPaths, func(below string) bool {
		return path == below || strings.HasPrefix(path, below+"/")
	}) {
		return ""
	}
	return ": the admin endpoints exist once ADMIN_TOKEN is set"
}

// adminPaths are what the admin endpoints are, or are below.
var adminPaths = []string{
	"/api/channel", "/api/config", "/api/monitor/requests", "/api/prices", "/api/requests", "/api/token", "/api/usage", "/debug/pprof",
}

// endpoints are the paths below /v1 that clients append to a base URL.
var endpoints = func() []string {
	paths := []string{"/models"}
	for endpoint := range wire.Endpoints {
		if path, below := strings.CutPrefix(endpoint.Path(), "/v1/"); below && !strings.ContainsAny(path, ":{") {
			paths = append(paths, "/"+path)
		}
	}
	return paths
}()

// longestHost is as much of the name that a client asks for as a hint repeats.
const longestHost = 100

// relayAt is where a client has found this relay: by the name in its request, if that is one.
func relayAt(host string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune(".-_:[]", c)
	}
	if host == "" || len(host) > longestHost || strings.ContainsFunc(host, func(c rune) bool { return !plain(c) }) {
		return "this relay's address"
	}
	return "http(s)://" + host
}

// baseURLHint says what is wrong with the base URL of a client that asks for this path at a host, if that is plain; else it is empty.
func baseURLHint(path, host string) string {
	trimmed, at := strings.TrimRight(path, "/"), relayAt(host)
	for _, version := range [...]string{"/v1", "/v1beta"} {
		if strings.HasSuffix(trimmed, version+version) || strings.Contains(path, version+version+"/") {
			return ": " + version + " is in it twice. Your client adds one to its base URL by itself, so take it out there: it should be " + at +
				", without " + version
		}
	}
	if strings.HasPrefix(path, "//") {
		return ": two slashes stand before its path, so your client's base URL should not end with one"
	}
	if strings.Contains(path, "/v1/v1beta/") || strings.Contains(path, "/v1beta/v1/") {
		return ": two versions are in it. Your client adds one to its base URL by itself, so take the other one out there: it should be " + at
	}
	if verb := path[strings.LastIndexByte(path, ':')+1:]; len(verb) < len(path) && isVerb(verb) {
		return ": the path is /v1beta/models/MODEL:" + verb + ", so the base URL of a client of Gemini's should be " + at
	}
	for _, endpoint := range endpoints {
		before, found := strings.CutSuffix(trimmed, endpoint)
		switch {
		case !found || before == "/v1" && trimmed == path || strings.HasSuffix(before, "/chat"): // the last is of the longer endpoint
		case before == "/v1":
			return ": the path is /v1" + endpoint + ", without a slash at its end"
		case endpoint == "/messages" || endpoint == "/messages/count_tokens":
			return ": the path is /v1" + endpoint + ", so a client that adds /v1/messages by itself needs the base URL " + at + ", and one " +
				"that adds /messages " + at + "/v1"
		default:
			return ": the path is /v1" + endpoint + ", so your client's base URL should be " + at + "/v1"
		}
	}
	return ""
}

// isVerb reports whether that is what Gemini's clients ask of a model.
func isVerb(verb string) bool {
	for e := range wire.Endpoints {
		if verb != "" && e.Verb() == verb {
			return true
		}
	}
	return false
}

// WrongMethod answers a path that there is, under another method. Preflights are answered on any path, so one that allows
// nothing else is one that there is not.
func (c *Controller) WrongMethod(g *gin.Context) {
	allowed := g.Writer.Header().Get("Allow")
	if allowed == http.MethodOptions {
		g.Writer.Header().Del("Allow")
		c.NotFound(g)
		return
	}
	fail(g, &wire.Error{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed",
		Message: "Method " + gate.Clip(g.Request.Method) + " is not allowed here; Allow: " + allowed})
}
