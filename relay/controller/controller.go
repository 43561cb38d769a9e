// Package controller answers the client endpoints. A handler turns HTTP into a call, and the call's end into
// HTTP; everything between is the channel's.
package controller

import (
	"log/slog"
	"sync/atomic"
	"time"

	"one-api/relay/config"
	"one-api/relay/exchange"
	"one-api/relay/gate"
	"one-api/relay/ledger"
	"one-api/relay/made"
	"one-api/relay/record"
)

// Controller holds what the handlers share.
type Controller struct {
	Settings config.Settings
	Gates    *gate.Gates
	Door     *exchange.Door
	Log      *slog.Logger
	Started  time.Time
	// Record is told of every call's end, once.
	Record *record.Recorders
	// Ledger answers what was spent; nil: nobody remembers.
	Ledger *ledger.Ledger
	// Made is who made what upstreams keep.
	Made *made.Keeper
	// Pause is how long a request waits before another try at the same channel, if the upstream does not say; 0: 0.2 to 1 s.
	Pause time.Duration

	sockets atomic.Int64 // open websockets, besides the calls that are served on them
}
