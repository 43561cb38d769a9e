package controller

import (
	"strings"

	"one-api/relay/made"
	"one-api/relay/record"
	"one-api/relay/wire"
)

// remember notes what the upstream keeps of an answer.
func (c *call) remember(a *record.Attempt) {
	if a.Failure == nil && c.End.Endpoint == wire.ResponsesDelete {
		before, _, _ := strings.Cut(c.End.Endpoint.Path(), ":id")
		c.of.Made.Forget(strings.TrimPrefix(c.R.URL.Path, before))
	}
	if len(a.Made) > 0 && c.current.Stores {
		c.of.Made.Note(made.Origin{Token: c.Key.Name, Channel: a.Channel.Name, Model: c.End.Model}, a.Made...)
	}
}
