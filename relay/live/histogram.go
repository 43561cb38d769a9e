package live

import (
	"math"
	"sync/atomic"
	"time"
)

// A histogram's buckets grow by a tenth each, from a millisecond on: the last of 120 begins at some 84 seconds.
const (
	buckets = 120
	growth  = 1.1
)

// histogram counts durations; adding one takes no lock.
type histogram [buckets]atomic.Int64

func (h *histogram) add(d time.Duration) { h[bucketOf(d)].Add(1) }

func bucketOf(d time.Duration) int {
	ms := d.Seconds() * 1000
	if ms <= 1 {
		return 0
	}
	return min(buckets-1, int(math.Log(ms)/math.Log(growth)))
}

func (h *histogram) counts() (n [buckets]int64) {
	for i := range h {
		n[i] = h[i].Load()
	}
	return n
}

// quantile is the duration in milliseconds below which that share of what was counted lies, to a tenth; 0: nothing was counted.
func quantile(n *[buckets]int64, share float64) float64 {
	var all int64
	for _, of := range n {
		all += of
	}
	if all == 0 {
		return 0
	}
	rank := int64(math.Ceil(share * float64(all)))
	for i, of := range n {
		if rank -= of; rank <= 0 {
			return math.Pow(growth, float64(i)+0.5)
		}
	}
	return math.Pow(growth, buckets)
}
