// Package lanetest calls a provider's lanes in tests, as an exchange does.
package lanetest

import (
	"one-api/relay/config"
	"one-api/relay/lane"
	"one-api/relay/wire"
)

// Lanes is the ways to a channel.
type Lanes struct{ of lane.Lanes }

// Of is the ways to a channel that has nothing out of the ordinary.
func Of(make func(*config.Channel) lane.Lanes) Lanes { return Lanes{make(&config.Channel{})} }

// Serves reports whether there is a lane.
func (l Lanes) Serves(endpoint wire.Endpoint) bool { return l.of[endpoint] != nil }

// Request makes the upstream request for a call.
func (l Lanes) Request(call *lane.Call, target lane.Destination) (lane.Outgoing, error) {
	return l.of[call.Endpoint].Request(call, target)
}

// Answer makes the translator of an answer to a call. If its body is not a request, that is of no account.
func (l Lanes) Answer(call *lane.Call) lane.Translator {
	way := l.of[call.Endpoint]
	if way.Converts() {
		if sent, err := way.Request(call, lane.Destination{Model: call.Model}); err == nil {
			return way.Answer(call, sent.Converted)
		}
	}
	return way.Answer(call, nil)
}
