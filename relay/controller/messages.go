package controller

import (
	"github.com/gin-gonic/gin"

	"one-api/relay/wire"
)

// Messages serves POST /v1/messages: the Anthropic Messages API (https://docs.claude.com/en/api/messages).
func (c *Controller) Messages(g *gin.Context) { c.relay(g.Writer, g.Request, wire.Messages) }
