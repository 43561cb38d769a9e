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

	"one-api/relay/channel"
	"one-api/relay/reply"
	"one-api/relay/wire"
	"one-api/telemetry"
)

const scopeKey = "scope"

// scope is what the handlers of one request share.
type scope struct {
	id  string
	end *RequestEnd // nil: not a relayed endpoint
}

func scopeOf(g *gin.Context) *scope {
	s, _ := g.Value(scopeKey).(*scope)
	return s
}

// Observe counts the requests that are being served, and records each one's end.
func (c *Controller) Observe(g *gin.Context) {
	began, method := time.Now(), telemetry.MethodIndex(g.Request.Method)
	c.handling[method].Add(1)
	if g.Request.ContentLength != 0 {
		leaveUnread(g.Writer) // most handlers do; who reads the body sets deadlines of its own
	}
	defer func() {
		c.handling[method].Add(-1)
		if c.Metrics == nil {
			return
		}
		r := telemetry.HTTP{Method: g.Request.Method, Route: g.FullPath(), Status: g.Writer.Status(), Duration: time.Since(began)}
		if s := scopeOf(g); s != nil && s.end != nil {
			r.Status, r.ErrorType = s.end.Status, s.end.ErrorType()
		} else if r.Status >= http.StatusInternalServerError {
			r.ErrorType = strconv.Itoa(r.Status)
		}
		c.Metrics.HTTP(r)
	}()
	g.Next()
}

// RequestID gives every request an id and every response its header. A client's own is kept where it is short and harmless.
func RequestID(g *gin.Context) {
	id := g.GetHeader("X-Request-Id")
	if !acceptableID(id) {
		id = NewID()
	}
	g.Set(scopeKey, &scope{id: id})
	g.Header(reply.RequestIDHeader, id)
	// The SDKs report the id under the name that their provider gives it.
	if strings.HasPrefix(g.Request.URL.Path, wire.Messages.Path()) {
		g.Header("Request-Id", id)
	} else {
		g.Header("X-Request-Id", id)
	}
}

// requestID is the id that RequestID gave.
func requestID(g *gin.Context) string { return scopeOf(g).id }

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
				fail(g, channel.Panicked().Err)
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
