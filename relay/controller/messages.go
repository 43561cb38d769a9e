package controller

import (
	"net/http"

	"one-api/relay/wire"
)

// Messages serves POST /v1/messages: the Anthropic Messages API (https://docs.claude.com/en/api/messages).
func (c *Controller) Messages(w http.ResponseWriter, r *http.Request) {
	c.relay(w, r, wire.Messages)
}
