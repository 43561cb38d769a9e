package relay

import (
	"cmp"
	"runtime"
	"slices"
	"time"

	"one-api/relay/channel"
	"one-api/telemetry"
)

// maxHolders is how many channels the watchdog names.
const maxHolders = 3

// Goroutines is how many there are, and how many of them neither a connection nor a call accounts for.
func (s *Server) Goroutines() (all, unexplained int) {
	all = runtime.NumGoroutine()
	return all, unexplainedOf(all, s.ExpectedGoroutines())
}

func unexplainedOf(all int, expected int64) int { return max(0, all-int(expected)) }

// ExpectedGoroutines is how many the open connections and calls account for. It reads atomics only.
func (s *Server) ExpectedGoroutines() int64 {
	// A client's connection has a goroutine, and another one that watches for the client's leaving while it waits.
	expected := s.baseline.Load() + s.clients.open.Load() + s.reserve.open.Load() + s.gates.Watchers() + s.pool.ExpectedGoroutines() +
		s.door.Goroutines() +
		s.options.Telemetry.Goroutines() + s.options.Store.Goroutines()
	if s.demo != nil {
		expected += s.demo.Goroutines()
	}
	return expected
}

// Watchdog is what warns, in the log, when there are too many goroutines, and names the channels that hold them.
func (s *Server) Watchdog() *telemetry.Watchdog {
	return &telemetry.Watchdog{
		Goroutines: runtime.NumGoroutine,
		Holders: func() []telemetry.Holder {
			sample, err := s.samples.Sample()
			if err != nil {
				s.options.Log.Error("the goroutines could not be sampled", "error", err.Error())
			}
			return holders(s.pool.Set(), sample, time.Now())
		},
		Log: s.options.Log,
	}
}

// holders is the channels that hold most goroutines, or, without a sample, most calls. A channel that a reload has removed is
// named for as long as something works for it.
func holders(set *channel.Set, sample *telemetry.GoroutineSample, now time.Time) []telemetry.Holder {
	var all []telemetry.Holder
	for _, c := range set.All() {
		h := telemetry.Holder{Name: c.Name, Goroutines: sampled(sample, c.Name), InFlight: c.InFlight(), Oldest: c.Oldest(now)}
		if h.InFlight > 0 || h.Goroutines > 0 {
			all = append(all, h)
		}
	}
	if sample != nil {
		for name, n := range sample.ByChannel {
			if name != "" && set.Get(name) == nil {
				all = append(all, telemetry.Holder{Name: name, Goroutines: n})
			}
		}
	}
	slices.SortFunc(all, func(a, b telemetry.Holder) int {
		return cmp.Or(cmp.Compare(b.Goroutines, a.Goroutines), cmp.Compare(b.InFlight, a.InFlight), cmp.Compare(a.Name, b.Name))
	})
	return all[:min(maxHolders, len(all))]
}

// sampled is how many goroutines work for a channel; -1: there is no sample.
func sampled(sample *telemetry.GoroutineSample, channel string) int64 {
	if sample == nil {
		return -1
	}
	return sample.ByChannel[channel]
}
