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
	providers.Invoke:    {lane.Invoking.Lanes, lane.Invoking.Asks},
	providers.Converse:  {lane.Conversing.Lanes, lane.Conversing.Asks},
	providers.Cohere:    {lane.Cohere.Lanes, lane.Cohere.Asks},

	providers.VertexGemini:   {lane.VertexGemini.Lanes, lane.VertexGemini.Asks},
	providers.VertexMessages: {lane.VertexMessages.Lanes, lane.VertexMessages.Asks},
}

// Providers is every channel type.
var Providers = ProvidersOf(slices.Concat(providers.All(), providers.Forms()))

// ProvidersOf makes channel types of providers. A new one that speaks a format that there is, is an entry in package provider.
func ProvidersOf(all []providers.Provider) map[string]channel.Type {
	types := make(map[string]channel.Type, len(all))
	for _, p := range all {
		types[p.Type] = channel.Type{
			Provider: p, Lanes: lanesTo(p), ResponsesLanes: responsesLanesTo(p), Correct: outcome.Sayings(p.Says), Asks: askedFor(p),
		}
	}
	return types
}

// ConfigProviders is what the configuration has to know of them.
func ConfigProviders() map[string]config.Provider {
	known := make(map[string]config.Provider, len(Providers))
	for name, p := range Providers {
		known[name] = p.Provider
	}
	for _, form := range providers.Forms() { // types that only the relay itself gives channels
		delete(known, form.Type)
	}
	return known
}

// lanesTo puts together the ways to a provider's channels. Of several dialects the first one that has a client's own endpoint is it
// spoken to in; else the first one that the client's call can be converted to.
func lanesTo(p providers.Provider) func(*config.Channel) lane.Lanes {
	if slices.ContainsFunc(p.Speaks, func(d providers.Dialect) bool { return d.Models != nil }) {
		return func(c *config.Channel) lane.Lanes { return lanesByModel(p.Speaks, c) }
	}
	return func(c *config.Channel) (lanes lane.Lanes) {
		for _, d := range spokenTo(p.Speaks, c) {
			of := formats[d.Format].lanes(c)
			for e := range wire.Endpoints {
				lane := of[e]
				if lane == nil || !offers(c, &d, over(lane, e)) {
					continue
				}
				if lanes[e] == nil || lanes[e].Converts() && !lane.Converts() {
					lanes[e] = placed(lane, d)
				}
			}
		}
		return lanes
	}
}

// lanesByModel puts together the ways to a channel whose models do not all speak one format.
func lanesByModel(dialects []providers.Dialect, c *config.Channel) (lanes lane.Lanes) {
	for e := range wire.Endpoints {
		var by lane.Models
		for _, d := range dialects {
			way := formats[d.Format].lanes(c)[e]
			if way != nil && offers(c, &d, over(way, e)) {
				way = placed(way, d)
				by.Some = true
			} else {
				way = nil
			}
			by.Rules = append(by.Rules, lane.ModelRule{Models: d.Models, Way: way})
		}
		if by.Some {
			lanes[e] = by
		}
	}
	return lanes
}

// responsesLanesTo puts together the ways to those models of a channel that its provider serves on the Responses API only, from where its
// others are asked for a chat completion. A channel that says itself what its models are served on (api) has none.
func responsesLanesTo(p providers.Provider) func(*config.Channel) lane.Lanes {
	usual := lanesTo(p)
	return func(c *config.Channel) (lanes lane.Lanes) {
		at := slices.IndexFunc(p.Speaks, func(d providers.Dialect) bool { return d.Format == providers.Responses })
		if at < 0 || c.API != config.APIAuto {
			return lanes
		}
		of, other := lane.Responses.Lanes(c), usual(c)
		for e := range wire.Endpoints {
			if of[e] != nil && other[e] != nil && over(other[e], e) == wire.ChatCompletions {
				lanes[e] = placed(of[e], p.Speaks[at])
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
func placed(lane lane.Lane, d providers.Dialect) lane.Lane {
	if d.Path == nil && d.Query == nil && d.Named == nil && d.Quirks == nil {
		return lane
	}
	return placedLane{lane, d}
}

type placedLane struct {
	lane.Lane
	dialect providers.Dialect
}

func (l placedLane) Request(call *lane.Call, target lane.Destination) (lane.Outgoing, error) {
	named := target
	if l.dialect.Named != nil {
		named.Model = l.dialect.Named(target.Model)
	}
	if l.dialect.Quirks != nil {
		named.Quirks, named.AskUsage = l.dialect.Quirks, target.AskUsage && !l.dialect.Quirks.UsageUnasked
	}
	request, err := l.Lane.Request(call, named)
	if l.dialect.Path != nil {
		request.Path = l.dialect.Path(request.Path, target.Model, call.Stream)
	}
	if l.dialect.Query != nil {
		request.Query = l.dialect.Query(request.Query, target.Model)
	}
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
