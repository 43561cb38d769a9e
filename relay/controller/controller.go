// Package controller answers the client endpoints and the operator's. A handler turns HTTP into a call, and the call's end into
// HTTP; everything between is the channel's.
package controller

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"one-api/relay/apikey"
	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/exchange"
	"one-api/relay/made"
	"one-api/relay/membudget"
	"one-api/relay/outcome"
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
	Pool     *channel.Pool
	Door     *exchange.Door
	Log      *slog.Logger
	Version  string
	Started  time.Time
	// Snapshot gives the configuration that holds now.
	Snapshot func() *Snapshot
	// Goroutines is how many there are, and how many of them nothing accounts for.
	Goroutines func() (all, unexplained int)
	// Connections is how many clients are connected, and how many of them no request is served for; nil: nobody counts them.
	Connections func() (open, idle int64)
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
	Record func(context.Context, RequestEnd)

	// Samples and Leaks say who holds the goroutines.
	Samples, Leaks *telemetry.Sampler

	// Made is who made what upstreams keep.
	Made made.Keeper

	wrongKeys wrongKeys

	draining atomic.Bool
	active   atomic.Int64                    // requests on the relayed endpoints
	handling [telemetry.Methods]atomic.Int64 // all requests, by method
	flights  flights
	reading  atomic.Int64 // requests whose body is being read
}

// Drain stops the intake: health says so, and new calls are turned away.
func (c *Controller) Drain() { c.draining.Store(true) }

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

// RequestEnd is how a client's request ended: what the client experienced, whatever the channels did.
type RequestEnd struct {
	RequestID string
	// ClientRequestID is what the client calls its request (X-Request-Id); empty: nothing that can be repeated. It need not be
	// unique.
	ClientRequestID string
	Route           string
	Operation       string
	Token           string // name; empty: unknown
	Model           string // as the client wrote it: not fit for a metric
	Known           bool   // the configuration names the model
	Outcome         outcome.Outcome
	Status          int              // what the client was sent; 0: nothing
	Reason          outcome.Reason   // for Rejected
	Failure         *outcome.Failure // nil: Completed or Rejected
	Attempts        int
	Fallback        string // the larger model that was asked because the context of Model was too small; empty: none
	Resumed         int    // how many of them went on with a stream that had broken off
	Began           time.Time
	Duration        time.Duration
	// FirstToken is the time to the first content of a stream; 0: there was none.
	FirstToken time.Duration
	// Waited is the part of Duration that was spent waiting for upstreams and for the client.
	Waited time.Duration
}

// failed tells whether the request failed through no doing of its client, which leaves, does not read, or asks for what it
// is refused with a 4xx: a server's span is no error then (OpenTelemetry's HTTP conventions).
func (e *RequestEnd) failed() bool {
	if e.Failure == nil || e.Outcome == outcome.ClientGone || e.Outcome == outcome.ClientStalled {
		return false
	}
	return e.Status < http.StatusBadRequest || e.Status >= http.StatusInternalServerError
}

// ErrorType is the request's error.type; empty: it completed.
func (e *RequestEnd) ErrorType() string {
	if e.Failure == nil {
		return ""
	}
	return e.Failure.ErrorType()
}
