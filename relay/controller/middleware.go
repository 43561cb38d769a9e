package controller

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"one-api/relay/outcome"
	"one-api/relay/reply"
	"one-api/relay/wire"
	"one-api/telemetry"
)

const requestIDKey = "request_id"

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
	g.Set(requestIDKey, new(givenID).give(g.Writer.Header(), g.Request))
}

// givenID is a request's ids as the values of headers, where they cost no allocation of their own.
type givenID struct{ own, client [1]string }

// give makes the id of a request, and writes it into the response's header. It is always the relay's: requests are found,
// ended and accounted for by it, and a client could send the same one twice. A client's own X-Request-Id is echoed where it is
// short and harmless.
func (v *givenID) give(header http.Header, r *http.Request) string {
	v.own[0] = NewID()
	header[reply.RequestIDHeader] = v.own[:]
	// The SDKs report the id under the name that their provider gives it.
	if strings.HasPrefix(r.URL.Path, wire.Messages.Path()) {
		header["Request-Id"] = v.own[:]
	} else {
		header["X-Request-Id"] = v.own[:]
	}
	if sent := r.Header.Get("X-Request-Id"); acceptableID(sent) {
		v.client[0] = sent
		header["X-Request-Id"] = v.client[:]
	}
	return v.own[0]
}

// requestID is the id that RequestID gave.
func requestID(g *gin.Context) string { return g.GetString(requestIDKey) }

// acceptableID keeps ids out of headers, answers and log lines that could be anything but an id there.
func acceptableID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// NewID is unique, not secret.
func NewID() string {
	var b [16]byte
	for i := 0; i < len(b); i += 8 {
		n := rand.Uint64()
		for j := range 8 {
			b[i+j] = byte(n >> (8 * j))
		}
	}
	return hex.EncodeToString(b[:])
}

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
	if r.Header.Get("Origin") == "" {
		return false
	}
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Expose-Headers", exposedHeaders)
	return true
}
