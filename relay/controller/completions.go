package controller

import (
	"net/http"

	"one-api/relay/wire"
)

// Completions serves POST /v1/completions: the OpenAI text completion API (https://platform.openai.com/docs/api-reference/completions).
func (c *Controller) Completions(w http.ResponseWriter, r *http.Request) {
	c.relay(w, r, wire.Completions)
}
