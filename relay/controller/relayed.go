package controller

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"one-api/relay/wire"
)

// Call serves an endpoint that is relayed to a channel, which costs less than Relayed: a call is not worth a router's while.
func (c *Controller) Call(endpoint wire.Endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c.relay(w, r, endpoint, false) //nolint:contextcheck // the call has its request's
	}
}

// Relayed serves an endpoint that is relayed to a channel.
func (c *Controller) Relayed(endpoint wire.Endpoint) gin.HandlerFunc {
	return func(g *gin.Context) { c.relay(g.Writer, g.Request, endpoint, false) }
}
