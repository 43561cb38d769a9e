package telemetry

import (
	"slices"
	"time"
)

// chunkBuckets is how many buckets chunkBounds make.
const chunkBuckets = 15

// ChunkTimes is the times between the chunks of one stream: a local value of its exchange, to which a chunk is an addition,
// flushed when the stream has ended. Its zero value counts into the list's buckets.
type ChunkTimes struct {
	into    *histogram // where buckets are exponential; nil: counts are those of the list's
	last    time.Time
	counts  [chunkBuckets]uint64 // with into: nanoseconds that are not counted yet
	count   uint64
	sum     time.Duration
	longest time.Duration
}

// Chunk notes that one has come.
func (t *ChunkTimes) Chunk(now time.Time) {
	if t.last.IsZero() {
		t.last = now
		return
	}
	d := now.Sub(t.last)
	t.last = now
	if t.longest < d {
		t.longest = d
	}
	if t.into != nil {
		t.counts[t.count%chunkBuckets] = uint64(max(0, d))
		if t.count++; t.count%chunkBuckets == 0 {
			t.into.fine.recordAll(t.counts[:], t.into.shape.unit)
		}
		return
	}
	i, _ := slices.BinarySearch(chunkBounds, d.Seconds()) // a bucket includes its upper bound
	t.counts[i]++
	t.count++
	t.sum += d
}

// flush counts the times, and keeps the longest as their example.
func (t *ChunkTimes) flush(h *histogram, m *mark) {
	switch {
	case t.into != nil:
		t.into.fine.recordAll(t.counts[:t.count%chunkBuckets], t.into.shape.unit)
	case h.fine == nil:
		for i, n := range t.counts {
			if n > 0 {
				h.counts[i].Add(n)
			}
		}
		h.sum.Add(int64(t.sum))
	}
	h.exemplify(int64(t.longest), m)
}
