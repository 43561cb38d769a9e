package controller

import (
	"github.com/gin-gonic/gin"

	"one-api/relay/wire"
)

// Relayed serves an endpoint that is relayed to a channel.
func (c *Controller) Relayed(endpoint wire.Endpoint) gin.HandlerFunc {
	return func(g *gin.Context) { c.relay(g.Writer, g.Request, endpoint, false) }
}
