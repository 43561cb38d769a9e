package controller

import (
	"one-api/relay/channel"
	"one-api/relay/gate"
	"one-api/relay/lane"
)

// mostGrowth is how many larger models are asked for one request, one after the other. The configuration is known to have no
// circles.
const mostGrowth = 4

// grows asks a larger model where the context of the one at hand was too small for the request (context_fallback), and the token
// may use that one. It is the same request, made again: what failed at channels of the smaller model says nothing about those
// of the larger. false: there is none, and the client is told.
//
//go:noinline
func (c *call) grows() bool {
	next := c.Directory.ContextFallback[c.current.Model]
	if next == "" || !c.last.Failure.Overflows() || c.Client.Started() || c.over() || c.growth == mostGrowth || c.current.Form != nil {
		return false
	}
	want := channel.SelectRequest{Caller: c.Select.Caller, Endpoint: c.End.Endpoint, Model: next, Stream: c.current.Stream}
	if c.Directory.Channels.Check(&want) != nil {
		return false
	}
	if !c.Admits(c.current, next, &want) {
		return false
	}
	c.growth++
	c.Select = want
	c.Select.Repeat(&c.last.Result) // why it is made again
	c.current = renamed(c.current, next)
	c.repeats, c.left = repeats{}, max(c.left, 1)
	c.prepareRescue()
	c.Flight.For(c.current)
	c.End.Fallback = next
	c.W.Header().Set(gate.FallbackHeader, next)
	return true
}

// shrinks takes back what the client was to be told of a larger model, which has not answered.
func (c *call) shrinks() {
	if c.growth > 0 && !c.Client.Started() {
		c.W.Header().Del(gate.FallbackHeader)
	}
}

// renamed is the call for another model. The one that it was is recorded, and holds its body no longer.
func renamed(call *lane.Call, model string) *lane.Call {
	c := *call
	c.Rename(model)
	call.Body = nil
	return &c
}
