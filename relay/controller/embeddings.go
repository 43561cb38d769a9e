package controller

import (
	"github.com/gin-gonic/gin"

	"one-api/relay/wire"
)

// Embeddings serves POST /v1/embeddings: the OpenAI embeddings API (https://platform.openai.com/docs/api-reference/embeddings).
func (c *Controller) Embeddings(g *gin.Context) { c.relay(g.Writer, g.Request, wire.Embeddings) }
