package channel

import (
	"slices"
	"strings"

	"one-api/relay/config"
	"one-api/relay/wire"
)

// OnResponses reports whether what a client asks of a model at an endpoint is said on the Responses API, because the upstream serves the
// model nowhere else: its provider is known to, or it has said so itself.
func (c *Channel) OnResponses(e wire.Endpoint, model string) bool {
	if c.ResponsesLanes[e] == nil {
		return false
	}
	model = c.UpstreamModel(model)
	return c.Official && onlyOnResponses(c.Of.OnlyResponses, model) || c.Responses.Has(model)
}

func onlyOnResponses(globs []string, model string) bool {
	model = model[strings.LastIndexByte(model, '/')+1:] // as in "openai/o3-pro"
	return slices.ContainsFunc(globs, func(glob string) bool { return config.Match(glob, model) })
}
