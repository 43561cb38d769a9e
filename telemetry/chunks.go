package telemetry

import (
	"slices"
	"time"

	"go.opentelemetry.io/otel/sdk/instrumentation"
)

// chunkBuckets is how many buckets chunkBounds make.
const chunkBuckets = 13

// ChunkTimes is the times between the chunks of one stream: a local value of its exchange, to which a chunk is an addition,
// flushed when the stream has ended.
type ChunkTimes struct {
	last   time.Time
	counts [chunkBuckets]uint64
	count  uint64
	sum    time.Duration
}

// Chunk notes that one has come.
func (t *ChunkTimes) Chunk(now time.Time) {
	if !t.last.IsZero() {
		d := now.Sub(t.last)
		i, _ := slices.BinarySearch(chunkBounds, d.Seconds()) // a bucket includes its upper bound
		t.counts[i]++
		t.count++
		t.sum += d
	}
	t.last = now
}

func (t *ChunkTimes) flush(h *histogram) {
	for i, n := range t.counts {
		if n > 0 {
			h.counts[i].Add(n)
		}
	}
	h.sum.Add(int64(t.sum))
}

// scope is the instrumentation scope of everything that is not the contrib runtime's.
var scope = instrumentation.Scope{Name: ScopeName}

// ScopeName is the name of the relay's instrumentation scope.
const ScopeName = "one-api/telemetry"
