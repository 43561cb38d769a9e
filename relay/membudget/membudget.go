// Package membudget bounds what large bodies may hold of the process's memory, all of them together: requests while they may
// have to be sent again, whole answers, long events, and what converting any of these takes.
//
// A body is small, and free, up to Free bytes: ordinary calls are never turned away because of giants. What is bounded then is
// Limit + (bodies at once) × Free. Blocks that no body uses any more (Buffer) are the garbage collector's, as is any other memory
// that was given back.
//
// Tokens share the budget (Owner): while more than half of it is used, none may hold more than its equal share.
package membudget

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Free is how many bytes of every lease do not count.
const Free = 64 << 10

// ErrFull means that the budget has no room. Nothing is wrong with the body but its size, at this moment.
var ErrFull = errors.New("the relay's memory for large bodies is used up (MAX_BUFFERED_MB)")

// ErrShare is an ErrFull for a token that holds its share of the budget while other tokens are active.
var ErrShare = fmt.Errorf("%w, as far as one token may use it while others are active: its calls hold their share", ErrFull)

// Budget is one amount of bytes for the whole process. A nil Budget has no limit.
type Budget struct {
	limit  int64
	used   atomic.Int64
	owners atomic.Pointer[map[string]*Owner] // never changed
	nobody *Owner                            // without a share, and not among the owners
	began  time.Time

	mu      sync.Mutex // held while bytes are taken
	actives int        // owners that were active
	counted time.Duration
}

// New makes a budget of limit bytes.
func New(limit int64) *Budget {
	b := &Budget{limit: limit, began: time.Now()}
	b.nobody = &Owner{of: b}
	b.owners.Store(&map[string]*Owner{})
	return b
}

// Used is how many bytes the leases hold, beyond what is free. It takes no lock.
func (b *Budget) Used() int64 {
	if b == nil {
		return 0
	}
	return b.used.Load()
}

// take adds n bytes if they fit. It never takes and gives back: what is refused must not refuse others meanwhile.
func (b *Budget) take(n int64, by *Owner) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	used := b.used.Load()
	if n > b.limit-used {
		return ErrFull
	}
	if by != b.nobody {
		if err := b.fair(by, n, used+n); err != nil {
			return err
		}
	}
	by.held.Add(n)
	b.used.Add(n)
	return nil
}

func (b *Budget) give(n int64, by *Owner) {
	b.used.Add(-n)
	by.held.Add(-n)
}

// Lease is one body's part of a budget. It is a field of whatever holds the body, so it costs no allocation. The zero Lease and a nil
// one have no limit. Hold is for one goroutine at a time; Release may be called by another one.
type Lease struct {
	by   *Owner       // nil means no limit
	held atomic.Int64 // beyond Free
}

// Of binds the lease to a budget, without an owner. It is called once, before Hold.
func (l *Lease) Of(b *Budget) {
	if l.by = nil; b != nil {
		l.by = b.nobody
	}
}

// By sets the owner, within the same budget. It is called once, after Of and before Hold; nil means no particular owner.
func (l *Lease) By(o *Owner) {
	if o != nil {
		l.by = o
	}
}

// Leave has the owner of the lease have a call fewer, which its Enter has counted and which ended at a time.
func (l *Lease) Leave(at time.Time) {
	if l.by != nil {
		l.by.Leave(at)
	}
}

// As binds the lease to the budget and owner of another one, which may be nil. It is called before Hold.
func (l *Lease) As(other *Lease) {
	if other != nil {
		l.by = other.by
	}
}

// Hold sets what the body holds to size bytes, which may be more or less than before. The error is ErrFull (ErrShare is one too); the
// lease is then unchanged. A negative size is a sum that overflowed, for which there is no room either.
func (l *Lease) Hold(size int64) error {
	if l == nil || l.by == nil {
		return nil
	}
	if size < 0 {
		return ErrFull
	}
	want, held := max(0, size-Free), l.held.Load()
	switch {
	case want > held:
		if err := l.by.of.take(want-held, l.by); err != nil {
			return err
		}
		l.held.Add(want - held)
	case want < held:
		l.held.Add(want - held)
		l.by.of.give(held-want, l.by)
	}
	return nil
}

// Release gives everything back. Releasing again does nothing until the lease is used again.
func (l *Lease) Release() {
	if l == nil || l.by == nil || l.held.Load() == 0 {
		return
	}
	l.by.of.give(l.held.Swap(0), l.by)
}
