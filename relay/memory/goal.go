// Package memory fits the Go runtime's memory to a relay, which mostly waits, makes little garbage at a time, and has bursts.
package memory

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// Floor is the smallest heap, in bytes, that is worth a collection: a relay keeps some 4 MiB alive, and would collect at 8.
const Floor = 32 << 20

const (
	limitShare   = 8       // of a memory limit: the floor is at most this part of it
	usualPercent = 100     // GOGC if nobody has said otherwise
	goMinimum    = 4 << 20 // the least heap that Go collects at GOGC=100; it grows with that (GC guide, runtime.heapMinimum)
)

// RaiseGoal keeps the goal of the next collection at Floor or above, or at an eighth of the memory limit (GOMEMLIMIT) if that is
// less. Above it GOGC is the usual 100, so the heap never grows beyond the floor or twice what is alive. An operator who has set GOGC
// has decided: nothing is done then. It returns the floor in bytes; 0 if nothing is done.
//
// Once per collection the factor is computed from what was found alive (https://go.dev/doc/gc-guide#GOGC). No goroutine waits for that:
// an unreachable object has a finalizer, which makes the next one. No documented setting does as well: a constant GOGC has no bound once
// more is alive, and a memory limit spends all CPU on collecting (measured in docs/speed.md).
func RaiseGoal(env func(string) (string, bool)) int64 {
	if set, _ := env("GOGC"); set != "" {
		return 0
	}
	t := newTuner(floorFor(debug.SetMemoryLimit(-1))) // -1 only reads it
	t.tune()
	t.await()
	return t.floor
}

func floorFor(limit int64) int64 {
	if limit == math.MaxInt64 {
		return Floor
	}
	return min(Floor, limit/limitShare)
}

// tuner sets the factor.
type tuner struct {
	floor int64

	mu      sync.Mutex // of the finalizer's goroutine and who stops
	percent int64
	stopped bool
}

func newTuner(floor int64) *tuner { return &tuner{floor: floor, percent: usualPercent} }

// collected is what the tuner learns of a collection by: it is garbage in each of them. It is larger than Go's size classes go
// because those are swept last: on a busy core it would be found only when much of the next cycle is over, and the factor that
// belongs to a small heap would hold for a large one as long.
type collected struct {
	tuner *tuner
	_     [33 << 10]byte
}

func (t *tuner) await() { runtime.SetFinalizer(&collected{tuner: t}, (*collected).found) }

func (c *collected) found() {
	if c.tuner.tune() {
		runtime.SetFinalizer(c, (*collected).found)
	}
}

// stop ends it; the factor stays as it is then. Only tests do.
func (t *tuner) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
}

// tune sets the factor that what is alive now asks for; false if it was stopped.
func (t *tuner) tune() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return false
	}
	samples := [...]metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(samples[:])
	//nolint:gosec // bytes of memory fit
	live, roots := int64(samples[0].Value.Uint64()), int64(samples[1].Value.Uint64()+samples[2].Value.Uint64())
	percent := percentFor(live, roots, t.floor)
	if worthIt(t.percent, percent) {
		t.percent = percent
		debug.SetGCPercent(int(percent))
	}
	return true
}

// percentFor is the GOGC that makes the floor the next goal, which is live + (live + roots) × GOGC/100; at least the usual one, and no
// more than makes the floor what is collected at the least, however little is alive.
func percentFor(live, roots, floor int64) int64 {
	most := max(usualPercent, floor*usualPercent/goMinimum)
	return min(most, max(usualPercent, (floor-live)*100/max(1, live+roots)))
}

// worthIt is false for changes of less than an eighth: setting it takes a lock of the heap's. The usual factor is always set.
func worthIt(from, to int64) bool {
	return from != to && (to == usualPercent || max(from-to, to-from) > from/8)
}
