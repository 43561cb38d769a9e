package controller

import (
	"one-api/relay/channel"
	"one-api/relay/lane"
)

// fallbackHeader says which model was asked instead of the one that the client asked for.
const fallbackHeader = "X-Oneapi-Fallback"

// mostGrowth is how many larger models are asked for one request, one after the other. The configuration is known to have no
// circles.
const mostGrowth = 4

// grows asks a larger model where the context of the one at hand was too small for the request (context_fallback), and the token
// may use that one. It is the same request, made again: what failed at channels of the smaller model says nothing about those
// of the larger. false: there is none, and the client is told.
//
//go:noinline
func (v *visit) grows() bool {
	next := v.snapshot.ContextFallback[v.call.Model]
	if next == "" || !v.last.Failure.Overflows() || v.client.Started() || v.over() || v.growth == mostGrowth {
		return false
	}
	want := channel.SelectRequest{Caller: v.want.Caller, Endpoint: v.end.Endpoint, Model: next, Stream: v.call.Stream}
	if v.snapshot.Channels.Check(&want) != nil {
		return false
	}
	v.growth++
	v.want = want
	v.want.Repeat(&v.last.Result) // why it is made again
	v.call = renamed(v.call, next)
	v.repeats, v.left = repeats{}, max(v.left, 1)
	v.prepareRescue()
	v.flight.For(next)
	v.end.Fallback = next
	v.w.Header().Set(fallbackHeader, next)
	return true
}

// shrinks takes back what the client was to be told of a larger model, which has not answered.
func (v *visit) shrinks() {
	if v.growth > 0 && !v.client.Started() {
		v.w.Header().Del(fallbackHeader)
	}
}

// renamed is the call for another model. The one that it was is recorded, and holds its body no longer.
func renamed(call *lane.Call, model string) *lane.Call {
	c := *call
	c.Rename(model)
	call.Body = nil
	return &c
}
