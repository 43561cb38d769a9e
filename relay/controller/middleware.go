package controller

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"

	"github.com/gin-gonic/gin"

	"one-api/relay/reply"
	"one-api/relay/wire"
)

const requestIDKey = "request_id"

// RequestID gives every request an id and every response its header. A client's own is kept where it is short and harmless.
func RequestID(g *gin.Context) {
	id := g.GetHeader("X-Request-Id")
	if !acceptableID(id) {
		id = newID()
	}
	g.Set(requestIDKey, id)
	g.Header(reply.RequestIDHeader, id)
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

// newID is unique, not secret.
func newID() string {
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
			c.Log.Error("panic in a request", "request_id", requestID(g), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			if !g.Writer.Written() {
				fail(g, &wire.Error{Status: http.StatusInternalServerError, Type: "api_error", Code: "internal_error", Message: "the relay failed internally"})
			}
			g.Abort()
		}
	}()
	g.Next()
}

// CORS lets web pages call the relay, as one-api did: the key is in a header, never in a cookie, so any origin may.
func CORS(g *gin.Context) {
	if g.GetHeader("Origin") == "" {
		return
	}
	g.Header("Access-Control-Allow-Origin", "*")
	g.Header("Access-Control-Expose-Headers", reply.RequestIDHeader+", Retry-After")
	if g.Request.Method == http.MethodOptions {
		g.Header("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
		g.Header("Access-Control-Allow-Headers", "*, Authorization")
		g.Header("Access-Control-Max-Age", "86400")
		g.AbortWithStatus(http.StatusNoContent)
	}
}
