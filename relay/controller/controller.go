// Package controller answers the client endpoints. A handler turns HTTP into a call, and the call's end into
// HTTP; everything between is the channel's.
package controller

import (
	"log/slog"
	"sync/atomic"
	"time"

	"one-api/relay/apikey"
	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/exchange"
	"one-api/relay/gate"
	"one-api/relay/inflight"
	"one-api/relay/made"
	"one-api/relay/membudget"
	"one-api/relay/record"
	"one-api/telemetry"
)

// Snapshot is the configuration that a request begins with and keeps.
type Snapshot struct {
	Channels *channel.Set
	Tokens   *apikey.Store
	// ContextFallback is the larger model for each one whose context may be too small.
	ContextFallback map[string]string
}

// Controller holds what the handlers share.
type Controller struct {
	Settings config.Settings
	Door     *exchange.Door
	Log      *slog.Logger
	Started  time.Time
	// Snapshot gives the configuration that holds now.
	Snapshot func() *Snapshot
	// InFlight lists the requests that are being served.
	InFlight *inflight.List
	// Throttle slows down who guesses keys.
	Throttle *gate.Throttle
	// Budget is what large bodies may hold; nil: there is no limit.
	Budget *membudget.Budget
	// BodyTimeout is how long each part of a request's body may take to arrive; 0: bodyBlockTimeout.
	BodyTimeout time.Duration
	// Pause is how long a request waits before another try at the same channel, where the upstream does not say; 0: 0.2 to 1 s.
	Pause time.Duration
	// Metrics counts requests; nil: nobody does.
	Metrics *telemetry.Metrics
	// Tracing makes spans of calls; nil: nobody does.
	Tracing *telemetry.Tracing
	// Record is told of every request's end, once.
	Record *record.Recorders

	// Made is who made what upstreams keep.
	Made made.Keeper

	draining atomic.Bool
	sockets  sockets
	active   atomic.Int64                    // requests on the relayed endpoints
	handling [telemetry.Methods]atomic.Int64 // all requests, by method
	reading  atomic.Int64                    // requests whose body is being read
}

// Drain stops the intake: health says so, and new calls are turned away.
func (c *Controller) Drain() {
	if !c.draining.Swap(true) {
		close(c.sockets.draining())
	}
}

// Draining reports whether the intake was stopped.
func (c *Controller) Draining() bool { return c.draining.Load() }

// Active is how many calls are being served.
func (c *Controller) Active() int64 { return c.active.Load() }

// Handling is how many requests of any kind are being served, by telemetry.MethodIndex.
func (c *Controller) Handling() (all int64, byMethod [telemetry.Methods]int64) {
	for i := range c.handling {
		byMethod[i] = c.handling[i].Load()
		all += byMethod[i]
	}
	return all, byMethod
}
