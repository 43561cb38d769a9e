// Package lanetest calls a provider's lanes in tests, as an exchange does.
package lanetest

import (
	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/wire"
)

// Lanes is the ways to a channel.
type Lanes struct{ of channel.Lanes }

// Of is the ways to a channel that has nothing out of the ordinary.
func Of(make func(*config.Channel) channel.Lanes) Lanes { return Lanes{make(&config.Channel{})} }

// Serves reports whether there is a lane.
func (l Lanes) Serves(endpoint wire.Endpoint) bool { return l.of[endpoint] != nil }

// Request makes the upstream request for a call.
func (l Lanes) Request(call *channel.Call, target channel.Target) (channel.Request, error) {
	return l.of[call.Endpoint].Request(call, target)
}

// Answer makes the translator of an answer to a call. If its body is no request, that is of no account.
func (l Lanes) Answer(call *channel.Call) channel.Translator {
	lane := l.of[call.Endpoint]
	if lane.Converts() {
		if sent, err := lane.Request(call, channel.Target{Model: call.Model}); err == nil {
			return lane.Answer(call, sent.Converted)
		}
	}
	return lane.Answer(call, nil)
}
