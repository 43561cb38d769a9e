package channel

import (
	"slices"
	"sync/atomic"
	"time"
)

// How long a key is left alone. A limited key cools for what its upstream asks, within bounds: an upstream that says a day is
// asked again after longestCooling, and one that says nothing gets a second, doubling while it goes on.
const (
	firstCooling   = time.Second
	longestCooling = 5 * time.Minute
	firstRefusal   = time.Minute
	longestRefusal = 10 * time.Minute
)

// key is one credential of a channel. It outlives a reload of the configuration that keeps it.
type key struct {
	secret  string
	rest    rest
	refused atomic.Bool  // it rests because it was refused, not because it is limited
	strikes atomic.Int32 // rests in a row
	doubt   doubt
	// uncertain is how many refusals there were, since the upstream last took the key, that may be about it.
	uncertain atomic.Int32
}

// taken notes that the upstream took the key: it answered with a 2xx.
func (k *key) taken() {
	k.doubt.clear()
	if k.uncertain.Load() != 0 { // hardly ever: every call comes here
		k.uncertain.Store(0)
	}
}

// limit cools the key.
func (k *key) limit(now time.Time, asked time.Duration, probe bool) {
	d := asked
	if d <= 0 {
		if k.rest.resting() && !probe {
			return // one of a wave that was limited together
		}
		d = min(firstCooling<<min(k.strikes.Load(), 16), longestCooling)
	}
	k.refused.Store(false)
	if k.rest.begin(now, min(d, longestCooling), probe) {
		k.strikes.Add(1)
	}
}

// refuse puts the key to rest. news is true where it was not known as refused.
func (k *key) refuse(now time.Time, probe bool) (news bool) {
	if k.refused.Load() && k.rest.resting() && !probe {
		return false
	}
	d := min(firstRefusal<<min(k.strikes.Load(), 16), longestRefusal)
	news = !k.refused.Swap(true)
	if k.rest.begin(now, d, probe) {
		k.strikes.Add(1)
	}
	return news
}

// revive forgets what was held against the key.
func (k *key) revive() {
	k.taken()
	k.strikes.Store(0)
	k.refused.Store(false)
	k.rest.clear()
}

// accepted ends the rest when a trial is answered with a 2xx: nobody should have to wait for the end of a long stream. The
// strikes stay until the answer is complete, since some providers report a limit inside of it.
func (k *key) accepted() {
	k.refused.Store(false)
	k.rest.clear()
}

// refusedStill reports whether the key was refused and has not worked since. That its rest is over proves nothing.
func (k *key) refusedStill() bool { return k.refused.Load() && k.rest.resting() }

// worked takes note of a success. That of a call from before the rest says nothing about the rest: the upstream has asked for
// it since.
func (k *key) worked(probe bool) {
	switch {
	case probe:
		k.revive()
	case k.strikes.Load() != 0 && !k.rest.resting():
		k.strikes.Store(0)
	}
}

// keyring rotates a channel's keys. A channel without credentials has one key with an empty secret.
type keyring struct {
	keys []*key
	next *atomic.Uint32
}

// index is the key's place in the configuration, from 1; 0: it has none any more.
func (r keyring) index(k *key) int { return slices.Index(r.keys, k) + 1 }

// ready tells whether any key can be used.
func (r keyring) ready(now time.Time) bool {
	for _, k := range r.keys {
		if k.rest.ready(now) {
			return true
		}
	}
	return false
}

// take gives the next usable key, one that the request has not been tried with as long as there is any; nil: none.
func (r keyring) take(w *Want, now time.Time) (k *key, probe bool) {
	if len(r.keys) == 1 {
		if ok, probe := r.keys[0].rest.admit(now); ok {
			return r.keys[0], probe
		}
		return nil, false
	}
	start := r.next.Add(1)
	for _, again := range []bool{false, true} {
		for i := range r.keys {
			k := r.keys[(int(start)+i)%len(r.keys)]
			if w.used(k) != again {
				continue
			}
			if ok, probe := k.rest.admit(now); ok {
				return k, probe
			}
		}
	}
	return nil, false
}

// used reports whether the request has been tried with the key.
func (w *Want) used(k *key) bool {
	return slices.ContainsFunc(w.tried, func(t tried) bool { return t.key == k })
}

// wait is how long until the first limited key can be used; ok is false where no key is limited: all are refused.
func (r keyring) wait(now time.Time) (d time.Duration, ok bool) {
	for _, k := range r.keys {
		if k.refused.Load() {
			continue
		}
		if w := k.rest.wait(now); !ok || w < d {
			d, ok = w, true
		}
	}
	return d, ok
}

// KeyCounts says how a channel's keys are doing.
type KeyCounts struct {
	Usable  int `json:"usable"`
	Cooling int `json:"cooling"`
	Refused int `json:"refused"`
}

// counts takes the keys as they are now: a limited one is usable when its time is over, and a refused one is not known to be
// anything else until it has worked.
func (r keyring) counts(now time.Time) (n KeyCounts) {
	for _, k := range r.keys {
		switch {
		case k.refusedStill():
			n.Refused++
		case k.rest.wait(now) > 0:
			n.Cooling++
		default:
			n.Usable++
		}
	}
	return n
}

// out is how long until the first key can be used again; 0: one can be.
func (r keyring) out(now time.Time) (d time.Duration) {
	for i, k := range r.keys {
		w := k.rest.wait(now)
		if w == 0 {
			return 0
		}
		if i == 0 || w < d {
			d = w
		}
	}
	return d
}
