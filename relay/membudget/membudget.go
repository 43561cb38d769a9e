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

// Free is how many bytes of every lease are not counted.
const Free = 64 << 10

// ErrFull says that the budget has no room for what was asked. Nothing is wrong with the body but its size, at this moment.
var ErrFull = errors.New("the relay's memory for large bodies is used up (MAX_BUFFERED_MB)")

// ErrShare is an ErrFull for a token that holds its share of the budget, while others are there.
var ErrShare = fmt.Errorf("%w, as far as one token may use it while others are there: its calls hold their share", ErrFull)

// Budget is one amount of bytes for the whole process. A nil Budget has no limit.
type Budget struct {
	limit  int64
	used   atomic.Int64
	owners atomic.Pointer[map[string]*Owner] // never changed
	nobody *Owner                            // has no share, and is none of the owners
	began  time.Time

	mu      sync.Mutex // held while something is taken
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

// Lease is one body's part of a budget. It is a field of what holds the body, so that it costs no allocation. The zero Lease
// and a nil one have no limit. Hold is for one goroutine at a time; Release may come from another one.
type Lease struct {
	by   *Owner       // nil: there is no limit
	held atomic.Int64 // beyond Free
}

// Of says which budget the lease is of, as nobody's in particular. It is called once, before Hold.
func (l *Lease) Of(b *Budget) {
	if l.by = nil; b != nil {
		l.by = b.nobody
	}
}

// By says whose it is, of the same budget. It is called once, after Of and before Hold; nil means nobody in particular's.
func (l *Lease) By(o *Owner) {
	if o != nil {
		l.by = o
	}
}

// As makes the lease one of the same budget and the same owner as another one, which may be nil. It is called before Hold.
func (l *Lease) As(other *Lease) {
	if other != nil {
		l.by = other.by
	}
}

// Hold says that the body holds size bytes from now on, which may be more or less than before. The error is ErrFull, or
// ErrShare, which is one; then the lease is as it was. A size below zero is a sum that overflowed: there is no room for that either.
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

// Release gives everything back. Again does nothing, until the lease is used again.
func (l *Lease) Release() {
	if l == nil || l.by == nil || l.held.Load() == 0 {
		return
	}
	l.by.of.give(l.held.Swap(0), l.by)
}
