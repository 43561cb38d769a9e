package telemetry

import (
	"maps"
	"sync"
	"sync/atomic"
)

// table is a map for many readers. Entries that have been in it for a while are read without a lock or an allocation; new ones wait for
// others, so that n entries are not copied n times: strangers can influence how many there are.
type table[K comparable, V any] struct {
	known atomic.Pointer[map[K]V] // never changed
	mu    sync.Mutex
	fresh map[K]V // those that are not among the known ones yet
	asked int     // how often fresh had to be looked at
}

func (t *table[K, V]) get(key K) (value V, ok bool) {
	if known := t.known.Load(); known != nil {
		if value, ok = (*known)[key]; ok {
			return value, true
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
		if value, ok = (*known)[key]; ok {
			return value, true
		}
	}
	if value, ok = t.fresh[key]; ok {
		if t.asked++; t.asked > t.size() {
			t.merge()
		}
	}
	return value, ok
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
		t.fresh = map[K]V{}
	}
	value = make()
	t.fresh[key] = value
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
	all := make(map[K]V, t.size())
	if known := t.known.Load(); known != nil {
		maps.Copy(all, *known)
	}
	maps.Copy(all, t.fresh)
	t.known.Store(&all)
	t.fresh, t.asked = nil, 0
}

// all returns every entry. The map must not be changed.
func (t *table[K, V]) all() map[K]V {
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
	maps.DeleteFunc(kept, func(key K, _ V) bool { return !stays(key) })
	t.known.Store(&kept)
}
