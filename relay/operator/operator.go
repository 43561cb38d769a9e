// Package operator answers what operators ask of the relay, and does what they order: how it is, what its channels do, who holds its
// goroutines, which channel is out and which request is to end. Nothing here stands in the way of a client's call.
package operator

import (
	"log/slog"
	"time"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/exchange"
	"one-api/relay/gate"
	"one-api/relay/inflight"
	"one-api/relay/issued"
	"one-api/relay/ledger"
	"one-api/relay/limit"
	"one-api/relay/live"
	"one-api/relay/membudget"
	"one-api/relay/price"
	"one-api/relay/spool"
	"one-api/telemetry"
)

// Operator holds what the operators' endpoints share.
type Operator struct {
	Settings config.Settings
	Log      *slog.Logger
	Version  string
	Started  time.Time

	// Pool is the channels: those of the configuration that holds now, and what all have open that there ever were.
	Pool *channel.Pool
	// Door is what upstreams are asked through.
	Door *exchange.Door
	// InFlight lists the requests that are being served.
	InFlight *inflight.List
	// Budget is what large bodies may hold; nil: there is no limit.
	Budget *membudget.Budget
	// Spool is where large uploads are kept; nil keeps them in memory.
	Spool *spool.Spool
	// Throttle slows down who guesses tokens.
	Throttle *gate.Throttle
	// Logins slows down who guesses them at the page.
	Logins *gate.Throttle
	// Hub tells the pages that are open, and Traffic what was counted for them.
	Hub     *live.Hub
	Traffic *live.Traffic
	// Configuration is what holds now, and how it came about.
	Configuration func() Configuration
	// Check says what would become of a configuration file with such a content; nil: nobody can.
	Check func(content []byte) (*config.Config, error)
	// Changes is what was changed since the start, and by whom.
	Changes Changes
	// Budgets visits what is spent of each budget.
	Budgets func(visit func(limit.Used))
	// Issued is the client keys that are made at run time.
	Issued *issued.Registry

	// Draining reports whether the relay takes no new calls.
	Draining func() bool
	// Goroutines is how many there are, and how many of them nothing accounts for.
	Goroutines func() (all, unexplained int)
	// Connections is how many clients are connected, and how many of them no request is served for; nil: nobody counts them.
	Connections func() (open, idle int64)
	// Ledger is what is remembered of requests; nil: nothing is.
	Ledger *ledger.Ledger
	// Reserved is by how much what is reserved of limits and budgets differed from what open calls hold when that was compared last. It
	// takes no lock.
	Reserved func() int64
	// Prices is what calls cost.
	Prices func() *price.Book
	// Samples and Leaks say who holds the goroutines.
	Samples, Leaks *telemetry.Sampler
	// HangsAtLeast presets how long a call is silent at least that is said to hang; 0: hangsAtLeast.
	HangsAtLeast time.Duration

	silences silences
}
