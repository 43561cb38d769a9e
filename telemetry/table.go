package telemetry

import (
	"maps"
	"sync"
	"sync/atomic"
)

// table is a map for many readers. Entries that have been in it for a while are read without a lock or an allocation; new ones wait for
// others, so that n entries are not copied n times: strangers can influence how many there are.
type table[K comparable, V any] struct {
	last  atomic.Pointer[entry[K, V]]        // the one asked for last: most calls are alike, and comparing takes less than hashing
	known atomic.Pointer[map[K]*entry[K, V]] // never changed
	mu    sync.Mutex
	fresh map[K]*entry[K, V] // those that are not among the known ones yet
	asked int                // how often fresh had to be looked at
}

type entry[K comparable, V any] struct {
	key     K
	value   V
	dropped atomic.Bool
}

func (t *table[K, V]) get(key K) (value V, ok bool) {
	if last := t.last.Load(); last != nil && last.key == key && !last.dropped.Load() {
		return last.value, true
	}
	if known := t.known.Load(); known != nil {
		if e := (*known)[key]; e != nil {
			t.last.Store(e)
			return e.value, true
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.find(key)
}

// find is get, for a caller that holds the lock.
func (t *table[K, V]) find(key K) (value V, ok bool) {
	known := t.known.Load()
	if known != nil {
		if e := (*known)[key]; e != nil {
			return e.value, true
		}
	}
	e := t.fresh[key]
	if e == nil {
		return value, false
	}
	if t.asked++; t.asked > t.size() {
		t.merge()
	}
	return e.value, true
}

// add makes an entry, unless there is one, or there are as many as may be: most; 0 means any number.
func (t *table[K, V]) add(key K, most int, make func() V) (value V, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if value, ok = t.find(key); ok {
		return value, true
	}
	if most > 0 && t.size() >= most {
		return value, false
	}
	if t.fresh == nil {
		t.fresh = map[K]*entry[K, V]{}
	}
	value = make()
	t.fresh[key] = &entry[K, V]{key: key, value: value}
	if len(t.fresh) > t.size()/2 {
		t.merge()
	}
	return value, true
}

// size is how many entries there are. The caller holds the lock.
func (t *table[K, V]) size() int {
	if known := t.known.Load(); known != nil {
		return len(*known) + len(t.fresh)
	}
	return len(t.fresh)
}

// merge makes all entries known. The caller holds the lock.
func (t *table[K, V]) merge() {
	all := make(map[K]*entry[K, V], t.size())
	if known := t.known.Load(); known != nil {
		maps.Copy(all, *known)
	}
	maps.Copy(all, t.fresh)
	t.known.Store(&all)
	t.fresh, t.asked = nil, 0
}

// all returns every entry. The map must not be changed.
func (t *table[K, V]) all() map[K]*entry[K, V] {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fresh != nil {
		t.merge()
	}
	if known := t.known.Load(); known != nil {
		return *known
	}
	return nil
}

// keep drops the entries that stays rejects.
func (t *table[K, V]) keep(stays func(K) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.merge()
	kept := maps.Clone(*t.known.Load())
	maps.DeleteFunc(kept, func(key K, e *entry[K, V]) bool {
		drops := !stays(key)
		e.dropped.Store(drops)
		return drops
	})
	t.known.Store(&kept)
}
