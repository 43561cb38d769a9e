// Package channel is the upstreams that a configuration names, what each of them is up to, and selection: which one a call goes to, and
// with which key (Set.Begin). What it gives is a place (Slot), in which package exchange makes an attempt, and to which it tells how
// that ended. Nothing here asks an upstream anything.
package channel

import (
	"context"
	"slices"
	"strings"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/config"
	"one-api/relay/credential"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/provider"
	"one-api/relay/redact"
	"one-api/relay/upstream"
	"one-api/relay/wire"
	"one-api/telemetry"
)

// Channel is one upstream as one configuration describes it. It is immutable; what changes is in its state, which all
// configurations of the same name share.
type Channel struct {
	config.Channel
	Provider string // gen_ai.provider.name

	Lanes lane.Lanes
	// ResponsesLanes lead to models that the upstream serves on the Responses API only; nil if Lanes lead to them all.
	ResponsesLanes lane.Lanes
	Correct        func(*outcome.Failure) // nil if no failure needs it
	Asks           func() lane.Outgoing   // for the list of models; nil: there is none

	Metrics   *telemetry.Channel
	pool      *Pool
	state     *state
	keys      breaker.KeyRing
	Transport *upstream.Transport
	Addresses upstream.Addresses
	Usage     ModelSet
	Responses ModelSet // models that the upstream has said it serves on the Responses API only
	Thoughts  ModelSet // models that refuse conversations without the reasoning of their earlier turns
	Uncounted ModelSet // models whose tokens the upstream does not count
	Redact    *redact.Redactor
	Labels    context.Context // of the goroutines that work for the channel
	Of        *provider.Provider
	Auth      *provider.Auth     // how its upstream is shown who asks
	Tokens    *credential.Source // what the upstream is shown in the place of a key; nil: it takes keys
	listing   listing
}

// Health is what a channel is up to: the closed list of relay.channel.state.
type Health string

// The states.
const (
	Healthy  Health = "healthy"
	Degraded Health = "degraded" // in use, but its last attempts failed, some of its keys are out, or nothing comes of its calls
	Cooling  Health = "cooling"  // passed over for now
	Disabled Health = "disabled" // by its configuration or by the operator
)

// SetDisabled takes the channel out, or puts it back and forgets what was held against it. It outlives reloads.
func (c *Channel) SetDisabled(disabled bool) {
	c.state.disabled.Store(&disabled)
	if !disabled {
		c.state.health.Clear()
		c.keys.Revive()
	}
}

func (c *Channel) isDisabled() bool {
	if word := c.state.disabled.Load(); word != nil {
		return *word
	}
	return c.Disabled
}

func (c *Channel) full() bool {
	return c.MaxConcurrent > 0 && c.state.inFlight.Load() >= int64(c.MaxConcurrent)
}

// serves reports whether clients of the endpoint can be served.
func (c *Channel) serves(endpoint wire.Endpoint) bool { return c.Lanes[endpoint] != nil }

// available reports whether take would succeed. In panic mode a call does not mind a channel that is passed over for its failures.
func (c *Channel) available(now time.Time, panicMode bool) bool {
	return !c.isDisabled() && !c.full() && (panicMode || c.state.health.Cooldown.Ready(now)) && c.keys.Ready(now)
}

// inGroups reports whether a token of these groups may use the channel.
func (c *Channel) inGroups(groups []string) bool {
	for _, g := range c.Groups {
		if slices.Contains(groups, g) {
			return true
		}
	}
	return false
}

// UpstreamModel is what the upstream is asked for when the client asks for model.
func (c *Channel) UpstreamModel(model string) string {
	if mapped, ok := c.ModelMapping[model]; ok {
		return mapped
	}
	return model
}

// HidesReasoning reports whether the model that a client asks for thinks for a while without a word of it in its stream.
func (c *Channel) HidesReasoning(model string) bool {
	model = c.UpstreamModel(model)
	model = model[strings.LastIndexByte(model, '/')+1:] // as in "openai/o3", which aggregators call it
	return slices.ContainsFunc(c.Of.HidesReasoning, func(beginning string) bool { return strings.HasPrefix(model, beginning) })
}
