// Package budget bounds what large bodies may hold of the process's memory, all of them together: requests while they may
// have to be sent again, whole answers, long events, and what converting any of these takes.
//
// A body is small, and free, up to Free bytes: ordinary calls are never turned away because of giants, and cost no atomic
// operation here. What is bounded then is Limit + (bodies at once) × Free. Blocks that no body uses any more (Buffer) are the
// garbage collector's, as is any other memory that was given back.
package budget

import (
	"errors"
	"sync/atomic"
)

// Free is how many bytes of every lease are not counted.
const Free = 64 << 10

// ErrFull says that the budget has no room for what was asked. Nothing is wrong with the body but its size, at this moment.
var ErrFull = errors.New("the relay's memory for large bodies is used up (MAX_BUFFERED_MB)")

// Budget is one amount of bytes for the whole process. A nil Budget has no limit.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// New makes a budget of limit bytes.
func New(limit int64) *Budget { return &Budget{limit: limit} }

// Used is how many bytes the leases hold, beyond what is free. It takes no lock.
func (b *Budget) Used() int64 {
	if b == nil {
		return 0
	}
	return b.used.Load()
}

// take adds n bytes where they fit. It never takes and gives back: what is refused must not refuse others meanwhile.
func (b *Budget) take(n int64) bool {
	for {
		used := b.used.Load()
		if n > b.limit-used {
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

// Lease is one body's part of a budget. It is a field of what holds the body, so that it costs no allocation. The zero Lease
// and a nil one have no limit. Hold is for one goroutine at a time; Release may come from another one.
type Lease struct {
	from *Budget
	held atomic.Int64 // beyond Free
}

// Of says which budget the lease is of. It is called once, before Hold.
func (l *Lease) Of(b *Budget) { l.from = b }

// Hold says that the body holds size bytes from now on, which may be more or less than before. The error is ErrFull, and then
// the lease is as it was. A size below zero is a sum that overflowed: there is no room for that either.
func (l *Lease) Hold(size int64) error {
	if l == nil || l.from == nil {
		return nil
	}
	if size < 0 {
		return ErrFull
	}
	want, held := max(0, size-Free), l.held.Load()
	switch {
	case want > held:
		if !l.from.take(want - held) {
			return ErrFull
		}
		l.held.Add(want - held)
	case want < held:
		l.held.Add(want - held)
		l.from.used.Add(want - held)
	}
	return nil
}

// Release gives everything back. Again does nothing, until the lease is used again.
func (l *Lease) Release() {
	if l == nil || l.from == nil || l.held.Load() == 0 {
		return
	}
	l.from.used.Add(-l.held.Swap(0))
}
