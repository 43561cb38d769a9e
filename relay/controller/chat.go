package controller

import (
	"github.com/gin-gonic/gin"

	"one-api/relay/wire"
)

// ChatCompletions serves POST /v1/chat/completions: the OpenAI chat API (https://platform.openai.com/docs/api-reference/chat).
func (c *Controller) ChatCompletions(g *gin.Context) {
	c.relay(g.Writer, g.Request, wire.ChatCompletions)
}
