package membudget

import (
	"maps"
	"sync/atomic"
	"time"
)

// Owner is a token, whose calls together may hold no more than its share. A nil Owner is no particular token, and has no share.
type Owner struct {
	of    *Budget
	held  atomic.Int64 // by its leases, beyond what is free
	calls atomic.Int64
	left  atomic.Int64 // when the last call ended, as time since the budget's beginning; 0 if none has
}

const (
	// activeFor is how long a token counts as active after its last call: people pause between two questions, and those who
	// hold large bodies do so for minutes.
	activeFor = 30 * time.Second
	// The last part of the budget, one in lastParts, is for tokens that hold less than one in smallParts of it: if a few tokens share
	// the whole between them, a newcomer still finds room.
	lastParts  = 8
	smallParts = 32
	// Active owners are counted anew for each owner that takes bytes, or, if there are many, at most this often.
	fewOwners  = 64
	countEvery = 50 * time.Millisecond
)

// Owner returns the owner of that name. It takes no lock, unless the owner is new.
func (b *Budget) Owner(name string) *Owner {
	if b == nil {
		return nil
	}
	if o := (*b.owners.Load())[name]; o != nil {
		return o
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if o := (*b.owners.Load())[name]; o != nil {
		return o
	}
	next := maps.Clone(*b.owners.Load())
	next[name] = &Owner{of: b}
	b.owners.Store(&next)
	return next[name]
}

// Keep makes owners with these names, and drops all others that are not in use.
func (b *Budget) Keep(names []string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	old, next := *b.owners.Load(), make(map[string]*Owner, len(names))
	for _, name := range names {
		if next[name] = old[name]; next[name] == nil {
			next[name] = &Owner{of: b}
		}
	}
	for name, o := range old {
		if o.calls.Load() > 0 || o.held.Load() > 0 {
			next[name] = o
		}
	}
	b.owners.Store(&next)
	b.counted = 0
}

// Enter notes that a call of the token begins, and Leave that it ends.
func (o *Owner) Enter() {
	if o != nil {
		o.calls.Add(1)
	}
}

// Leave notes that a call of the token ends, now.
func (o *Owner) Leave(now time.Time) {
	if o != nil {
		o.left.Store(int64(now.Sub(o.of.began)))
		o.calls.Add(-1)
	}
}

// Held is what the token's calls hold, beyond what is free.
func (o *Owner) Held() int64 {
	if o == nil {
		return 0
	}
	return o.held.Load()
}

func (b *Budget) now() time.Duration { return time.Since(b.began) }

// fair returns an error if the owner may not take n bytes, which would make after bytes used. The caller holds the lock.
func (b *Budget) fair(by *Owner, n, after int64) error {
	if after <= b.limit/2 {
		return nil
	}
	active := int64(b.active())
	holds := by.held.Load() + n
	switch {
	case active <= 1:
		return nil
	case holds > b.limit/active:
		return ErrShare
	case after > b.limit-b.limit/lastParts && holds > b.limit/smallParts:
		return ErrFull
	}
	return nil
}

// active is how many owners have a call, or had one lately. The caller holds the lock.
func (b *Budget) active() int {
	owners, now := *b.owners.Load(), b.now()
	if len(owners) > fewOwners && b.counted > 0 && now-b.counted < countEvery {
		return b.actives
	}
	b.actives, b.counted = 0, now
	for _, o := range owners {
		left := time.Duration(o.left.Load())
		if o.calls.Load() > 0 || o.held.Load() > 0 || left > 0 && now-left < activeFor {
			b.actives++
		}
	}
	return b.actives
}
