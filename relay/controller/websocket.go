package controller

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"one-api/relay/wire"
)

// NoWebsocket turns down who asks for a websocket, with the status upon which clients ask over HTTP instead.
func (c *Controller) NoWebsocket(g *gin.Context) {
	if !strings.EqualFold(g.GetHeader("Upgrade"), "websocket") {
		g.Header("Allow", http.MethodPost)
		c.WrongMethod(g)
		return
	}
	g.Header("Upgrade", "HTTP/1.1") // which a 426 has to say (RFC 9110, 15.5.22)
	g.Header("Connection", "Upgrade")
	fail(g, &wire.Error{Status: http.StatusUpgradeRequired, Code: "websocket_not_supported",
		Message: "This relay answers " + clip(g.Request.URL.Path) + " over HTTP only: send a POST."})
}
