package controller

import (
	"github.com/gin-gonic/gin"

	"one-api/relay/wire"
)

// Completions serves POST /v1/completions: the OpenAI text completion API (https://platform.openai.com/docs/api-reference/completions).
func (c *Controller) Completions(g *gin.Context) { c.relay(g.Writer, g.Request, wire.Completions) }
