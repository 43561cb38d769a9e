package live

import (
	"sync"
	"time"
)

// A Sample is taken every Interval, and those of six hours are kept: some 300 KiB.
const (
	Interval = 10 * time.Second
	samples  = int(6 * time.Hour / Interval)
)

// Sample is the relay at one moment, and what it has done since the sample before.
type Sample struct {
	At          int64   `json:"t"` // Unix seconds
	Goroutines  int     `json:"goroutines"`
	Expected    int64   `json:"expected"` // goroutines that open connections and calls account for
	AllocMB     uint64  `json:"alloc_mb"`
	SysMB       uint64  `json:"sys_mb"`
	InFlight    int64   `json:"in_flight"`
	Connections int64   `json:"connections"`
	Good        int64   `json:"good"` // requests that ended since the sample before, by kind
	Left        int64   `json:"left"`
	Refused     int64   `json:"refused"`
	Failed      int64   `json:"failed"`
	TimedOut    int64   `json:"timed_out"`
	Ours        int64   `json:"ours"`
	FirstP50    float64 `json:"first_p50_ms"` // time to the first token; 0: no stream began
	FirstP95    float64 `json:"first_p95_ms"`
	Tokens      int64   `json:"tokens"`
	CostNano    int64   `json:"cost_nano"` // nano-dollars
}

// History is the samples of the last hours. The zero value has none.
type History struct {
	mu     sync.Mutex
	ring   ring[Sample]
	before counts
}

// add takes the relay as it is now, and completes it by what has been done since the last sample.
func (h *History) add(s Sample, now counts) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.since(&h.before, &now)
	h.before = now
	h.ring.add(s, samples)
}

// since fills in what was done between two counts.
func (s *Sample) since(before, now *counts) {
	var requests [Kinds]int64
	var first [buckets]int64
	for i := range requests {
		requests[i] = now.requests[i] - before.requests[i]
	}
	for i := range first {
		first[i] = now.first[i] - before.first[i]
	}
	s.Good, s.Left, s.Refused = requests[Good], requests[Left], requests[Refused]
	s.Failed, s.TimedOut, s.Ours = requests[Failed], requests[TimedOut], requests[Ours]
	s.FirstP50, s.FirstP95 = quantile(&first, 0.5), quantile(&first, 0.95)
	s.Tokens, s.CostNano = now.tokens-before.tokens, now.cost-before.cost
}

// Since is the samples that were taken after a moment, in Unix seconds, oldest first.
func (h *History) Since(moment int64) []Sample {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.ring.all()
	for i := range all {
		if all[i].At > moment {
			return all[i:]
		}
	}
	return []Sample{}
}
