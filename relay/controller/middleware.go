package controller

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"one-api/relay/gate"
	"one-api/relay/outcome"
	"one-api/relay/reply"
	"one-api/relay/wire"
	"one-api/telemetry"
)

// Observe counts the requests that are being served, and records each one's end.
func (c *Controller) Observe(g *gin.Context) {
	began, method := time.Now(), telemetry.MethodIndex(g.Request.Method)
	c.handling[method].Add(1)
	if g.Request.ContentLength != 0 {
		leaveUnread(g.Writer) // most handlers do
	}
	defer func() {
		c.handling[method].Add(-1)
		r := telemetry.HTTP{Method: g.Request.Method, Route: g.FullPath(), Status: g.Writer.Status(), Duration: time.Since(began)}
		if r.Status >= http.StatusInternalServerError {
			r.ErrorType = strconv.Itoa(r.Status)
		}
		c.Metrics.HTTP(r)
	}()
	g.Next()
}

// RequestID gives every request an id and every response its header.
func RequestID(g *gin.Context) {
	closeIfAmbiguous(g.Writer.Header(), g.Request)
	new(gate.ID).Give(g.Writer.Header(), g.Request)
}

// requestID is the id that RequestID gave.
func requestID(g *gin.Context) string { return gate.RequestID(g.Writer.Header()) }

// Recover answers a request whose handler panicked, where the handler does not do so itself.
func (c *Controller) Recover(g *gin.Context) {
	defer func() {
		if p := recover(); p != nil {
			c.Log.ErrorContext(g.Request.Context(), "panic in a request", "request_id", requestID(g), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			if !g.Writer.Written() {
				fail(g, outcome.Panicked().Err)
			}
			g.Abort()
		}
	}()
	g.Next()
}

// CORS lets web pages call the relay, as one-api did: the key is in a header, never in a cookie, so any origin may. What operators
// look at stays closed to pages: there it may be the browser's place in the network that opens the door.
func (c *Controller) CORS(g *gin.Context) {
	if c.operators(g) || !allowOrigin(g.Writer.Header(), g.Request) || g.Request.Method != http.MethodOptions {
		return
	}
	g.Header("Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE, OPTIONS")
	g.Header("Access-Control-Allow-Headers", "*, Authorization")
	g.Header("Access-Control-Max-Age", "86400")
	g.AbortWithStatus(http.StatusNoContent)
}

// operators reports whether a request is for an operator's endpoint, or asks whether one may be called.
func (c *Controller) operators(g *gin.Context) bool {
	path := g.FullPath()
	if g.Request.Method == http.MethodOptions {
		path = g.Request.URL.Path
	}
	switch path {
	case "/api/status":
		return false
	case "/api/monitor/health":
		return !c.Settings.PublicHealth
	}
	return strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/debug/")
}

// exposedHeaders is what pages may read of an answer besides its body: all that the relay writes there and a browser would keep
// from them (https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name).
var exposedHeaders = strings.Join([]string{
	reply.RequestIDHeader, "X-Request-Id", "Request-Id", "Retry-After", "Allow", fallbackHeader,
}, ", ")

// allowOrigin answers a web page's request as one; false: it is none.
func allowOrigin(header http.Header, r *http.Request) bool {
	if wire.First(r.Header, "Origin") == "" {
		return false
	}
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Expose-Headers", exposedHeaders)
	return true
}
