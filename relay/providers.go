package relay

import (
	"slices"
	"strings"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	providers "one-api/relay/provider"
	"one-api/relay/wire"
)

// formats is the wire formats that providers speak: the ways to one who does, and how it is asked for its models.
var formats = map[providers.Format]struct {
	lanes func(*config.Channel) lane.Lanes
	asks  func() lane.Outgoing
}{
	providers.Chat:      {lane.OpenAI.Lanes, lane.OpenAI.Asks},
	providers.Messages:  {lane.Anthropic.Lanes, lane.Anthropic.Asks},
	providers.Responses: {lane.Responses.Lanes, lane.Responses.Asks},
	providers.Realtime:  {lane.RealtimeLanes, lane.OpenAI.Asks},
	providers.Gemini:    {lane.Gemini.Lanes, lane.Gemini.Asks},
	providers.Cohere:    {lane.Cohere.Lanes, lane.Cohere.Asks},
}

// Providers is every channel type.
var Providers = ProvidersOf(providers.All())

// ProvidersOf makes channel types of providers. A new one that speaks a format that there is, is an entry in package provider.
func ProvidersOf(all []providers.Provider) map[string]channel.Type {
	types := make(map[string]channel.Type, len(all))
	for _, p := range all {
		types[p.Type] = channel.Type{Provider: p, Lanes: lanesTo(p), Correct: outcome.Sayings(p.Says), Asks: askedFor(p)}
	}
	return types
}

// ConfigProviders is what the configuration has to know of them.
func ConfigProviders() map[string]config.Provider {
	known := make(map[string]config.Provider, len(Providers))
	for name, p := range Providers {
		known[name] = p.Provider
	}
	return known
}

// lanesTo puts together the ways to a provider's channels. Of several dialects the first one that has a client's own endpoint is it
// spoken to in; else the first one that the client's call can be converted to.
func lanesTo(p providers.Provider) func(*config.Channel) lane.Lanes {
	return func(c *config.Channel) (lanes lane.Lanes) {
		for _, d := range spokenTo(p.Speaks, c) {
			of := formats[d.Format].lanes(c)
			for e := range wire.Endpoints {
				lane := of[e]
				if lane == nil || !offers(c, &d, over(lane, e)) {
					continue
				}
				if lanes[e] == nil || lanes[e].Converts() && !lane.Converts() {
					lanes[e] = placed(lane, d.Path)
				}
			}
		}
		return lanes
	}
}

// over is the endpoint of the provider's own that a lane from a client's endpoint asks.
func over(way lane.Lane, asked wire.Endpoint) wire.Endpoint {
	if conversion, ok := way.(interface{ Over() wire.Endpoint }); ok {
		return conversion.Over()
	}
	return asked
}

// spokenTo are the dialects that a channel is spoken to in: those that its provider has at the channel's address, unless the channel
// says which it is (api).
func spokenTo(speaks []providers.Dialect, c *config.Channel) (dialects []providers.Dialect) {
	responses := providers.Dialect{Format: providers.Responses}
	for _, d := range speaks {
		switch {
		case d.Format != providers.Responses:
			dialects = append(dialects, d)
		case c.API == config.APIResponses:
			responses = d
		case c.API == config.APIAuto && (c.Official || !d.AtHome):
			dialects = append(dialects, d)
		}
	}
	if c.API == config.APIResponses {
		return append([]providers.Dialect{responses}, dialects...)
	}
	return dialects
}

// offers reports whether a channel is asked at an endpoint of a dialect as its clients ask it.
func offers(c *config.Channel, d *providers.Dialect, e wire.Endpoint) bool {
	if e == wire.ChatCompletions && c.API == config.APIResponses {
		return false
	}
	return !c.Official || d.Endpoints == nil || slices.Contains(d.Endpoints, e)
}

// placed is a lane that leads to where a provider has its endpoints.
func placed(lane lane.Lane, path func(own, model string) string) lane.Lane {
	if path == nil {
		return lane
	}
	return placedLane{lane, path}
}

type placedLane struct {
	lane.Lane
	path func(own, model string) string
}

func (l placedLane) Request(call *lane.Call, target lane.Destination) (lane.Outgoing, error) {
	request, err := l.Lane.Request(call, target)
	request.Path = l.path(request.Path, target.Model)
	return request, err
}

// askedFor is how a provider is asked for its models; nil: it has no list.
func askedFor(p providers.Provider) func() lane.Outgoing {
	if p.List == "" {
		return nil
	}
	of := formats[p.Speaks[0].Format].asks
	path, query, _ := strings.Cut(p.List, "?")
	return func() lane.Outgoing {
		request := of()
		request.Path, request.Query = path, query
		return request
	}
}
