package channel

import (
	"time"

	"one-api/relay/breaker"
	"one-api/relay/outcome"
	"one-api/telemetry"
)

// Snapshot is what a channel is and does, for the drill-down. It names no key and no address.
type Snapshot struct {
	Name                string            `json:"name"`
	Type                string            `json:"type"`
	Provider            string            `json:"provider"`
	State               Health            `json:"state"`
	Reason              string            `json:"reason"` // empty: healthy
	Groups              []string          `json:"groups"`
	Models              []string          `json:"models"`
	Priority            int               `json:"priority"`
	Weight              int               `json:"weight"`
	InFlight            int64             `json:"in_flight"`
	MaxConcurrent       int               `json:"max_concurrent"`
	OpenBodies          int64             `json:"open_bodies"`
	OldestInFlight      float64           `json:"oldest_in_flight_seconds"`
	OpenConnections     int64             `json:"open_connections"`
	LeakedBodies        int64             `json:"leaked_bodies"`
	ConsecutiveFailures int32             `json:"consecutive_failures"`
	RetryIn             float64           `json:"retry_in_seconds"`
	Keys                breaker.KeyCounts `json:"keys"`
	Attempts            map[string]int64  `json:"attempts"` // by outcome, those that happened
	AttemptsTotal       int64             `json:"attempts_total"`
	LastFailure         *LastFailure      `json:"last_failure"`
	Silent
}

// Snapshot takes one.
func (c *Channel) Snapshot(now time.Time) Snapshot {
	s := Snapshot{
		Name: c.Name, Type: c.Type, Provider: c.Provider, State: c.State(now), Reason: c.reason(now),
		Groups: c.Groups, Models: c.Models, Priority: c.Priority, Weight: c.Weight,
		InFlight: c.state.inFlight.Load(), MaxConcurrent: c.MaxConcurrent, OpenBodies: c.state.openBodies.Load(),
		OldestInFlight: c.state.calls.oldest(now).Seconds(), OpenConnections: c.Transport.Connections(),
		LeakedBodies: c.state.leaked.Load(), ConsecutiveFailures: c.state.health.InARow(),
		RetryIn: tenths(c.wait(now)), Keys: c.keys.Counts(now), Attempts: map[string]int64{},
		LastFailure: c.state.last.Load(), Silent: c.Silence().Figures(),
	}
	for o := range c.state.attempts {
		if n := c.state.attempts[o].Load(); n > 0 {
			s.Attempts[outcome.Outcome(o).String()] = n
			s.AttemptsTotal += n
		}
	}
	return s
}

// tenths is a wait in seconds, rounded up to the next tenth: as long as there is one it is not 0, and who comes back after it does
// not come too early.
func tenths(wait time.Duration) float64 {
	const tenth = time.Second / 10
	return float64((wait+tenth-1)/tenth) / 10
}

// InFlight is how many calls are open.
func (c *Channel) InFlight() int64 { return c.state.inFlight.Load() }

// Oldest is the age of the oldest open call; 0: none is open.
func (c *Channel) Oldest(now time.Time) time.Duration { return c.state.calls.oldest(now) }

// Counts is how many channels are in which condition. Cooling ones count as degraded.
type Counts struct {
	Total    int `json:"total"`
	Healthy  int `json:"healthy"`
	Degraded int `json:"degraded"`
	Disabled int `json:"disabled"`
}

// Counts takes no lock.
func (s *Set) Counts(now time.Time) Counts {
	n := Counts{Total: len(s.channels)}
	for _, c := range s.channels {
		switch c.State(now) {
		case Healthy:
			n.Healthy++
		case Disabled:
			n.Disabled++
		case Degraded, Cooling:
			n.Degraded++
		}
	}
	return n
}

// Gauges is the channel's state for telemetry, but for its goroutines, which a channel cannot count.
func (c *Channel) Gauges(now time.Time) telemetry.ChannelGauges {
	open, inFlight := c.Transport.Connections(), c.state.inFlight.Load()
	active := min(open, inFlight)
	keys := c.keys.Counts(now)
	return telemetry.ChannelGauges{
		Channel: c.Metrics, InFlight: inFlight, OpenBodies: c.state.openBodies.Load(), Oldest: c.state.calls.oldest(now),
		Goroutines: -1, Leaked: c.state.leaked.Load(), State: string(c.State(now)),
		Keys:   map[string]int{"usable": keys.Usable, "cooling": keys.Cooling, "refused": keys.Refused},
		Active: active, Idle: open - active,
	}
}
