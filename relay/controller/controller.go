// Package controller answers the client endpoints and the operator's. A handler turns HTTP into a call, and the call's end into
// HTTP; everything between is the channel's.
package controller

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/token"
)

// Snapshot is the configuration that a request begins with and keeps.
type Snapshot struct {
	Channels *channel.Set
	Tokens   *token.Store
}

// Controller holds what the handlers share.
type Controller struct {
	Settings config.Settings
	Pool     *channel.Pool
	Log      *slog.Logger
	Version  string
	Started  time.Time
	// Snapshot gives the configuration that holds now.
	Snapshot func() Snapshot
	// Goroutines is how many there are, and how many of them nothing accounts for.
	Goroutines func() (all, unexplained int)
	// Record is told of every request's end, once.
	Record func(context.Context, RequestEnd)

	draining atomic.Bool
	active   atomic.Int64 // requests on the relayed endpoints
}

// Drain stops the intake: health says so, and new calls are turned away.
func (c *Controller) Drain() { c.draining.Store(true) }

// Active is how many calls are being served.
func (c *Controller) Active() int64 { return c.active.Load() }

// RequestEnd is how a client's request ended: what the client experienced, whatever the channels did.
type RequestEnd struct {
	RequestID string
	Route     string
	Operation string
	Token     string // name; empty: unknown
	Model     string // as the client wrote it: not fit for a metric
	Known     bool   // the configuration names the model
	Status    int    // what the client was sent; 0: nothing
	Outcome   channel.Outcome
	Reason    channel.Reason   // for Rejected
	Failure   *channel.Failure // nil: Completed or Rejected
	Attempts  int
	Began     time.Time
	Duration  time.Duration
}
