package operator

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
)

// call is an endpoint of operators', as the OpenAPI document tells of it.
type call struct {
	method, path, about string
	who                 string            // "": everybody; "monitor", "admin"
	query               map[string]string // name -> what it is
	body                string            // an example, JSON; empty: there is none
	answers             int               // the status of success; 0: 200
}

// calls is every endpoint under /api. A test holds it to what is served.
var calls = []call{
	{method: "GET", path: "/api/status", about: "The relay runs: one-api's answer, for health checks."},
	{method: "GET", path: "/api/monitor/health", about: "Goroutines, memory, calls and channels in short; 503 while it drains."},
	{method: "GET", path: "/api/openapi.json", about: "This document."},
	{method: "GET", path: "/api/session", about: "Who the browser is logged in as."},
	{method: "POST", path: "/api/session", about: "Log in: a cookie for whoever shows ADMIN_TOKEN or MONITOR_TOKEN.", body: `{"token": "…"}`},
	{method: "DELETE", path: "/api/session", about: "Log out."},

	{method: "GET", path: "/api/monitor/channels", about: "Every channel.", who: "monitor"},
	{method: "GET", path: "/api/monitor/channels/{name}", about: "One channel.", who: "monitor"},
	{
		method: "GET", path: "/api/monitor/channels/{name}/recent", about: "How long its last attempts took, and how the last of them failed.",
		who: "monitor",
	},
	{
		method: "GET", path: "/api/monitor/channels/{name}/history", who: "monitor",
		about: "What its attempts were like, every three minutes of six hours.",
	},
	{
		method: "GET", path: "/api/monitor/requests", about: "What is in flight, oldest first.", who: "monitor",
		query: map[string]string{"channel": "those at one channel", "limit": "how many at most"},
	},
	{method: "GET", path: "/api/monitor/goroutines", about: "Who holds goroutines, and where they stand.", who: "monitor"},
	{method: "GET", path: "/api/monitor/leaks", about: "Goroutines that can never wake, as the garbage collector proves it.", who: "monitor"},
	{
		method: "GET", path: "/api/monitor/routes", about: "The channels that have a model, and why one would be passed over.", who: "monitor",
		query: map[string]string{"model": "the model, as a client names it"},
	},
	{
		method: "GET", path: "/api/monitor/history", about: "A sample every ten seconds, of six hours.", who: "monitor",
		query: map[string]string{"since": "only later ones: Unix seconds"},
	},
	{method: "GET", path: "/api/monitor/events", about: "The relay as it is, once a second: server-sent events.", who: "monitor"},
	{method: "DELETE", path: "/api/monitor/requests/{id}", about: "End a request.", who: "admin"},

	{
		method: "POST", path: "/api/channel/{name}/disable", about: "Take a channel out of use.", who: "admin",
		query: map[string]string{"cut": "true: end its calls as well"},
	},
	{method: "POST", path: "/api/channel/{name}/enable", about: "Put a channel back, and forget what was held against it.", who: "admin"},
	{method: "POST", path: "/api/channel/{name}/test", about: "Ask its upstream for the list of models.", who: "admin"},

	{method: "GET", path: "/api/token", about: "Every token, those of the configuration file included.", who: "admin"},
	{
		method: "POST", path: "/api/token", about: "Make a token. Its key is in the answer, this once.", who: "admin",
		answers: http.StatusCreated,
		body:    `{"name": "kid", "groups": ["default"], "models": [], "limits": {"rpm": 10}, "budget": {"usd": 5, "per": "month"}}`,
	},
	{method: "GET", path: "/api/token/{name}", about: "One token.", who: "admin"},
	{
		method: "PATCH", path: "/api/token/{name}", about: "Change a token: a merge patch (RFC 7396) of its members.", who: "admin",
		body: `{"disabled": false, "limits": {"rpm": 60, "tpm": 100000, "concurrent": 4}, "budget": {"usd": 20, "per": "week"}, "models": null}`,
	},
	{method: "DELETE", path: "/api/token/{name}", about: "Take a token away.", who: "admin"},
	{
		method: "POST", path: "/api/token/{name}/rotate", about: "A new key; the old one works for a while.", who: "admin",
		body: `{"grace_seconds": 86400}`,
	},

	{
		method: "GET", path: "/api/usage", about: "What was used and what it cost.", who: "admin",
		query: map[string]string{
			"by": "token, model, channel or day, or several as in day,token", "from": "the first day, as 2026-11-01", "to": "the last day",
			"format": "csv: as a table",
		},
	},
	{
		method: "GET", path: "/api/requests", about: "The log of requests, newest first.", who: "admin",
		query: map[string]string{
			"token": "of one token", "model": "for one model", "channel": "at one channel", "outcome": "that ended so",
			"client_request_id": "that the client calls so", "from": "from a day or time on", "to": "up to a day or time",
			"min_cost_usd": "that cost as much, or more", "format": "csv: as a table", "before": "next of the page before, or a time",
			"limit": "how many at most",
		},
	},
	{method: "GET", path: "/api/requests/{id}", about: "One request with its attempts.", who: "admin"},
	{
		method: "GET", path: "/api/prices", about: "What a model costs, and which rule says so.", who: "admin",
		query: map[string]string{"model": "the model"},
	},
	{method: "GET", path: "/api/config", about: "What is loaded, without secrets.", who: "admin"},
	{method: "POST", path: "/api/config/check", about: "What would become of a configuration file.", who: "admin", body: `{"yaml": "channels: …"}`},
}

// document is the OpenAPI document of the calls.
var document = sync.OnceValue(func() []byte {
	paths := map[string]map[string]any{}
	for _, c := range calls {
		if paths[c.path] == nil {
			paths[c.path] = map[string]any{}
		}
		paths[c.path][strings.ToLower(c.method)] = c.operation()
	}
	text, err := json.MarshalIndent(map[string]any{
		"openapi": "3.1.0",
		"info":    map[string]any{"title": "One API, for operators", "version": "1"},
		"paths":   paths,
		"components": map[string]any{"securitySchemes": map[string]any{
			"monitor": map[string]any{"type": "http", "scheme": "bearer", "description": "MONITOR_TOKEN, or ADMIN_TOKEN"},
			"admin":   map[string]any{"type": "http", "scheme": "bearer", "description": "ADMIN_TOKEN"},
		}},
	}, "", "  ")
	if err != nil { // there is nothing in it that cannot be written
		return []byte("{}")
	}
	return text
})

func (c *call) operation() map[string]any {
	status := "200"
	if c.answers == http.StatusCreated {
		status = "201"
	}
	text := func(about string) map[string]any { return map[string]any{"description": about} }
	responses := map[string]any{status: text("it was done")}
	operation := map[string]any{"summary": c.about, "responses": responses}
	if c.who != "" {
		operation["security"] = []any{map[string]any{c.who: []any{}}}
		responses["401"] = text("the token is missing, or another")
	}
	parameters := []any{}
	for part := range strings.SplitSeq(c.path, "/") {
		if name, is := strings.CutPrefix(part, "{"); is {
			responses["404"] = text("there is none of that " + strings.TrimSuffix(name, "}"))
			parameters = append(parameters, map[string]any{
				"name": strings.TrimSuffix(name, "}"), "in": "path", "required": true, "schema": map[string]any{"type": "string"},
			})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.query)) {
		parameters = append(parameters, map[string]any{
			"name": name, "in": "query", "description": c.query[name], "schema": map[string]any{"type": "string"},
		})
	}
	if len(parameters) > 0 {
		operation["parameters"] = parameters
	}
	if c.body != "" {
		responses["400"] = text("the body is wrong, and the message says what")
		operation["requestBody"] = map[string]any{"content": map[string]any{
			"application/json": map[string]any{"schema": map[string]any{"type": "object"}, "example": json.RawMessage(c.body)},
		}}
	}
	return operation
}

// OpenAPI serves GET /api/openapi.json.
func OpenAPI(g *gin.Context) { g.Data(http.StatusOK, "application/json; charset=utf-8", document()) }
