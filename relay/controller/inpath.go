package controller

import (
	"github.com/gin-gonic/gin"

	"one-api/relay/wire"
)

// OfModel serves what is done with a model that the path names, as Gemini's clients have it.
func (c *Controller) OfModel(g *gin.Context) {
	if endpoint, _, ok := wire.InPath(g.Request.URL.Path); ok {
		c.relay(g.Writer, g.Request, endpoint, false)
		return
	}
	c.Gated(g) // which the relayed endpoints are by themselves
	if !g.IsAborted() {
		c.NotFound(g)
	}
}
