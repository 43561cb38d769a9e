package controller

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"one-api/relay/gate"
	"one-api/relay/outcome"
	"one-api/telemetry"
)

// other is a request that is not relayed.
type other struct {
	gate.Arrival
	g     *gin.Context
	began time.Time
}

// Route is the pattern of its path.
func (o *other) Route() string { return o.g.FullPath() }

// Began is when it came.
func (o *other) Began() time.Time { return o.began }

// HTTP is what is told of it when it has ended.
func (o *other) HTTP() telemetry.HTTP {
	h := telemetry.HTTP{Method: o.R.Method, Route: o.Route(), Status: o.g.Writer.Status(), Duration: time.Since(o.began)}
	if h.Status >= http.StatusInternalServerError {
		h.ErrorType = strconv.Itoa(h.Status)
	}
	return h
}

// Gated has a request that is not relayed pass the gates that every request passes, and answers it if its handler panics.
func (c *Controller) Gated(g *gin.Context) {
	o := &other{Arrival: gate.Arrival{W: g.Writer, R: g.Request}, g: g, began: time.Now()}
	defer c.left(o)
	refusal := c.Gates.Every.Enter(o, &o.Passed)
	if g.Request.ContentLength != 0 {
		gate.LeaveUnread(g.Writer) // most handlers do
	}
	switch {
	case refusal != nil:
		fail(g, refusal.Err)
		g.Abort()
	case gate.IsPreflight(&o.Arrival):
		g.AbortWithStatus(http.StatusNoContent)
	default:
		g.Next()
	}
}

func (c *Controller) left(o *other) {
	defer c.Gates.Every.Leave(o, &o.Passed)
	if p := recover(); p != nil {
		c.Log.ErrorContext(o.R.Context(), "panic in a request", "request_id", o.ID(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		if !o.g.Writer.Written() {
			fail(o.g, outcome.Panicked().Err)
		}
		o.g.Abort()
	}
}
