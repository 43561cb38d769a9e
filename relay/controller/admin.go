package controller

import (
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/gin-gonic/gin"
)

// DisableChannel serves POST /api/channel/:name/disable: calls in flight end as they would, new ones go elsewhere.
func (c *Controller) DisableChannel(g *gin.Context) { c.setDisabled(g, true) }

// EnableChannel serves POST /api/channel/:name/enable, and forgets what was held against the channel and its keys.
func (c *Controller) EnableChannel(g *gin.Context) { c.setDisabled(g, false) }

func (c *Controller) setDisabled(g *gin.Context, disabled bool) {
	ch := c.namedChannel(g)
	if ch == nil {
		return
	}
	ch.SetDisabled(disabled)
	c.Log.Warn("a channel was switched by the operator", "channel", ch.Name, "disabled", disabled, "request_id", requestID(g))
	g.JSON(http.StatusOK, gin.H{"success": true, "message": "", "data": ch.Snapshot(time.Now())})
}

// Profile serves /debug/pprof/…, net/http/pprof behind the relay's own door.
func Profile(g *gin.Context) {
	switch g.Param("profile") {
	case "/cmdline":
		pprof.Cmdline(g.Writer, g.Request)
	case "/profile":
		pprof.Profile(g.Writer, g.Request)
	case "/symbol":
		pprof.Symbol(g.Writer, g.Request)
	case "/trace":
		pprof.Trace(g.Writer, g.Request)
	default:
		pprof.Index(g.Writer, g.Request)
	}
}
