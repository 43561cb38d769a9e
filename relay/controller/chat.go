package controller

import (
	"net/http"

	"one-api/relay/wire"
)

// ChatCompletions serves POST /v1/chat/completions: the OpenAI chat API (https://platform.openai.com/docs/api-reference/chat).
func (c *Controller) ChatCompletions(w http.ResponseWriter, r *http.Request) {
	c.relay(w, r, wire.ChatCompletions)
}
