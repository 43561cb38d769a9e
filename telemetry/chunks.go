package telemetry

import (
	"slices"
	"time"
)

// chunkBuckets is how many buckets chunkBounds make.
const chunkBuckets = 15

// ChunkTimes is the times between the chunks of one stream: a local value of its exchange, to which a chunk is an addition,
// flushed when the stream has ended. The zero value counts into the list's buckets. Every open stream has one, so it is kept small.
type ChunkTimes struct {
	into *histogram    // if buckets are exponential; nil means that counts are those of the list's buckets
	last time.Duration // when the last one came; 0 if none has
	// With into, nanoseconds that are not counted yet: the upper half of the first, its lower half, and so on.
	counts  [chunkBuckets]uint32
	pending uint8 // with into: how many of those there are
	any     bool  // there has been one
	sum     time.Duration
	longest time.Duration
}

// chunkBatch is how many times are collected before they are counted into exponential buckets.
const chunkBatch = chunkBuckets / 2

// Chunk notes that a chunk has arrived. at is the time since a moment before the stream, the same for all of its chunks.
func (t *ChunkTimes) Chunk(at time.Duration) {
	before := t.last
	t.last = at
	if before == 0 {
		return
	}
	t.any = true
	d := at - before
	if t.longest < d {
		t.longest = d
	}
	if t.into != nil {
		t.keep(uint64(max(0, d)))
		return
	}
	i, _ := slices.BinarySearch(chunkBounds, d.Seconds()) // a bucket includes its upper bound
	t.counts[i]++
	t.sum += d
}

// keep notes a time for exponential buckets, and counts the noted ones when there are enough.
func (t *ChunkTimes) keep(nanoseconds uint64) {
	t.counts[2*t.pending], t.counts[2*t.pending+1] = uint32(nanoseconds>>32), uint32(nanoseconds) //nolint:gosec // its two halves
	if t.pending++; t.pending == chunkBatch {
		t.record()
	}
}

func (t *ChunkTimes) record() {
	var times [chunkBatch]uint64
	for i := range t.pending {
		times[i] = uint64(t.counts[2*i])<<32 | uint64(t.counts[2*i+1])
	}
	t.into.fine.recordAll(times[:t.pending], t.into.shape.unit)
	t.pending = 0
}

// flush counts the times, and keeps the longest as their exemplar.
func (t *ChunkTimes) flush(h *histogram, m *mark) {
	switch {
	case t.into != nil:
		t.record()
	case h.fine == nil:
		for i, n := range t.counts {
			if n > 0 {
				h.counts[i].Add(uint64(n))
			}
		}
		h.sum.Add(int64(t.sum))
	}
	h.exemplify(int64(t.longest), m)
}
