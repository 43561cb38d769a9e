package controller

import (
	"net/http"

	"one-api/relay/wire"
)

// Embeddings serves POST /v1/embeddings: the OpenAI embeddings API (https://platform.openai.com/docs/api-reference/embeddings).
func (c *Controller) Embeddings(w http.ResponseWriter, r *http.Request) {
	c.relay(w, r, wire.Embeddings)
}
