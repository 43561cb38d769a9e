package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// WatchInterval is the time between two looks at the goroutines.
const WatchInterval = 30 * time.Second

// Holder is somebody who keeps goroutines busy: a channel, for the relay.
type Holder struct {
	Name       string
	Goroutines int64         // -1 means not sampled
	InFlight   int64         // open calls
	Oldest     time.Duration // age of the oldest of them
}

// Watchdog logs the number of goroutines. The texts are a contract: people and scripts grep for them, and the count follows the fixed
// text.
type Watchdog struct {
	Goroutines func() int
	// Holders returns those that hold most, in descending order. It is called only if the level is not normal.
	Holders func() []Holder
	Log     *slog.Logger
	// Tick replaces the clock in tests; nil means every WatchInterval.
	Tick <-chan time.Time
}

// Run watches until ctx ends.
func (w *Watchdog) Run(ctx context.Context) {
	tick := w.Tick
	if tick == nil {
		ticker := time.NewTicker(WatchInterval)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
			w.look(ctx)
		}
	}
}

func (w *Watchdog) look(ctx context.Context) {
	n := w.Goroutines()
	switch LevelOf(n) {
	case Normal:
		w.Log.DebugContext(ctx, fmt.Sprintf("Goroutine count: %d", n))
	case Elevated:
		w.Log.WarnContext(ctx, fmt.Sprintf("⚠️ Goroutine count elevated: %d", n), w.holders()...)
	case High, Severe:
		w.Log.ErrorContext(ctx, fmt.Sprintf("⚠️ High goroutine count detected: %d", n), w.holders()...)
	}
}

// holders returns who holds most, as attributes: channel=a goroutines=40 in_flight=12 oldest=3m0s, followed by the others in a single
// attribute, as name:goroutines:in_flight:oldest.
func (w *Watchdog) holders() []any {
	holders := w.Holders()
	if len(holders) == 0 {
		return []any{"holders", "none: no channel has an open call or a goroutine"}
	}
	attrs := []any{"channel", holders[0].Name, "goroutines", holders[0].Goroutines, "in_flight", holders[0].InFlight,
		"oldest", holders[0].Oldest.Round(time.Second).String()}
	if len(holders) > 1 {
		var others []string
		for _, h := range holders[1:] {
			others = append(others, fmt.Sprintf("%s:%d:%d:%s", h.Name, h.Goroutines, h.InFlight, h.Oldest.Round(time.Second)))
		}
		attrs = append(attrs, "then", strings.Join(others, ","))
	}
	return attrs
}
