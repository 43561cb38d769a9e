package memory

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// fallen is by which factor the calls in flight must have dropped from their recent level.
	fallen = 4
	// calm is how long they must have stayed that low: clients that were cut all at once come back within seconds.
	calm = 3 * time.Second
	// rarely is the least time between two rounds of giving back: each collects the whole heap, twice.
	rarely = 15 * time.Second
)

// worthwhile is how many bytes beyond what is needed must be held before a collection is worth it: more than what the heap rises and
// falls by between two collections anyway, which is its floor or what is alive.
func worthwhile(needed int64) int64 { return max(2*Floor, needed) }

// Giveback returns to the operating system what a burst has left behind. The Go runtime does not while little is allocated: no
// collection comes for two minutes, the stacks of goroutines that have ended stay until one does, and what is free then goes back slowly.
// One goroutine may use it.
type Giveback struct {
	held func() int64 // bytes
	free func()

	most   int64     // calls in flight since the last time
	few    time.Time // since when they are few; zero: they are not
	last   time.Time
	needed int64 // bytes that were held without a burst
}

// NewGiveback takes what is held now as what is needed.
func NewGiveback() *Giveback { return newGiveback(heldByGo, freeAll) }

// freeAll collects twice, because what lies in a sync.Pool, such as connections' buffers, outlives one collection. The second finds
// little left to do.
func freeAll() {
	runtime.GC()
	debug.FreeOSMemory()
}

// Settle gives back what a start has taken, once: reading a large configuration makes garbage of many times its size. It is also
// the first collection, from which on the runtime knows what CPU it has used and how long its pauses are; with a floor below
// which nothing is collected, a relay with little to do would export zeros for its first two minutes.
func Settle() { freeAll() }

func newGiveback(held func() int64, free func()) *Giveback {
	return &Giveback{held: held, free: free, needed: held()}
}

// Look is called every second or so with how many calls are in flight, and gives back if few are left of many, and their memory
// is worth it. That takes tens of milliseconds for some 300 MiB, in which everybody else runs. It returns how many bytes less are held.
func (g *Giveback) Look(now time.Time, inFlight int64) (returned int64) {
	g.most = max(g.most, inFlight)
	if inFlight > g.most/fallen {
		g.few = time.Time{}
		return 0
	}
	if g.few.IsZero() {
		g.few = now
	}
	if now.Sub(g.few) < calm || now.Sub(g.last) < rarely {
		return 0
	}
	before := g.held()
	g.needed = min(g.needed, before) // connections that were idle when it was last judged have closed since
	if before-g.needed < worthwhile(g.needed) {
		return 0
	}
	g.free()
	after := g.held()
	if before-after < worthwhile(after) {
		g.needed = after // more is alive than there was
	} else {
		g.needed = min(g.needed, after)
	}
	g.most, g.few, g.last = inFlight, time.Time{}, now
	return before - after
}

// heldByGo is what the runtime has from the operating system, in bytes.
func heldByGo() int64 {
	samples := [...]metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples[:])
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64()) //nolint:gosec // bytes of memory fit
}
