package exchange

import (
	"log/slog"
	"time"

	"one-api/relay/membudget"
	"one-api/relay/price"
	"one-api/relay/record"
	"one-api/telemetry"
)

// errorBodyTimeout is how long the body of an error is read, unless DoorOptions say something else.
const errorBodyTimeout = 5 * time.Second

// DoorOptions is what all exchanges of a process have in common.
type DoorOptions struct {
	// DrainClientGone is how long an upstream is still read after its client has left, for the sake of the usage it reports.
	// 0: it is cancelled at once.
	DrainClientGone time.Duration
	// Record is told of every attempt that was sent, once, after all that it held has been given back; nil: nobody is.
	Record *record.Recorders
	Log    *slog.Logger
	// Metrics counts what conversions leave out; nil: nobody does.
	Metrics *telemetry.Metrics
	// Tracing makes a span of every attempt in a call that is traced; nil: nobody does.
	Tracing *telemetry.Tracing
	// Budget is what large bodies may hold; nil: there is no limit.
	Budget *membudget.Budget
	// ErrorBodyTimeout is how long the body of an error is read; 0: errorBodyTimeout.
	ErrorBodyTimeout time.Duration
	// Prices gives the prices that hold now; nil: nobody knows any.
	Prices func() *price.Book
	// Session bounds sessions of the Realtime API.
	Session SessionOptions
}

// Door is the only door to upstreams: every exchange of the process goes through it, and so do the relay's own questions.
type Door struct {
	options     DoorOptions
	unknownEnds unknownEnds
	sessions    sessions
	questions   questions
	names       names
}

// NewDoor makes the door.
func NewDoor(options DoorOptions) *Door {
	if options.ErrorBodyTimeout == 0 {
		options.ErrorBodyTimeout = errorBodyTimeout
	}
	return &Door{options: options}
}

// Drain has sessions end as soon as nobody says anything in them: the relay shuts down.
func (d *Door) Drain() { d.sessions.drain() }

// Close ends what the relay asks on its own account, and waits for it.
func (d *Door) Close() { d.questions.stop() }

// Goroutines is how many ask for lists of models.
func (d *Door) Goroutines() int64 { return d.questions.running.Load() }
