package breaker

import (
	"slices"
	"sync/atomic"
	"time"
)

// How long a key is left alone. A limited key cools for what its upstream asks, within bounds: an upstream that asks for a day is
// tried again after longestCooling, and one that asks for nothing gets a second, doubling while it keeps limiting.
const (
	firstCooling   = time.Second
	longestCooling = 5 * time.Minute
	firstRefusal   = time.Minute
	longestRefusal = 10 * time.Minute
)

// Key is one credential of a channel. It outlives a reload of the configuration that keeps it.
type Key struct {
	Secret   string
	Cooldown Cooldown
	refused  atomic.Bool  // it cools because it was refused, not because it is limited
	strikes  atomic.Int32 // cooldowns in a row
	Doubt    Doubt
	// uncertain counts the refusals that may be about the key, since the upstream last accepted it.
	uncertain atomic.Int32
	shown     atomic.Pointer[shown]

	// OnTransition is told when the key is limited, is refused or works again, by whoever has brought it about: it does not wait. It
	// is set before the first use; nil: nobody is told.
	OnTransition func(k *Key, from, to KeyState, why Cause)
}

// state is what has come of the key so far.
func (k *Key) state() KeyState {
	switch {
	case !k.Cooldown.Active():
		return KeyUsable
	case k.refused.Load():
		return KeyRefused
	}
	return KeyLimited
}

func (k *Key) changed(from, to KeyState, why Cause) {
	if k.OnTransition != nil && from != to {
		k.OnTransition(k, from, to, why)
	}
}

// shown is a key as the value of a header.
type shown struct {
	before string
	value  []string
}

// Shown is the key as the value of a header, with what stands before it there. It is made once, and nobody changes it.
func (k *Key) Shown(before string) []string {
	s := k.shown.Load()
	if s == nil || s.before != before {
		s = &shown{before, []string{before + k.Secret}}
		k.shown.Store(s)
	}
	return s.value
}

// Taken notes that the upstream accepted the key: it answered with a 2xx.
func (k *Key) Taken() {
	k.Doubt.Clear()
	if k.uncertain.Load() != 0 { // hardly ever: every call comes here
		k.uncertain.Store(0)
	}
}

// Wonders notes a refusal that may be about the key, and returns how many there were since the upstream last accepted it.
func (k *Key) Wonders() int32 { return k.uncertain.Add(1) }

// Limit cools the key.
func (k *Key) Limit(now time.Time, asked time.Duration, probe bool) {
	d := asked
	if d <= 0 {
		if k.Cooldown.Active() && !probe {
			return // one of a wave that was limited together
		}
		d = min(firstCooling<<min(k.strikes.Load(), 16), longestCooling)
	}
	was := k.state()
	k.refused.Store(false)
	if k.Cooldown.Start(now, min(d, longestCooling), probe) {
		k.strikes.Add(1)
	}
	k.changed(was, KeyLimited, Cause{})
}

// Refuse takes the key out of use for long.
func (k *Key) Refuse(now time.Time, probe bool, why Cause) {
	was := k.state()
	if was == KeyRefused && !probe {
		return
	}
	d := min(firstRefusal<<min(k.strikes.Load(), 16), longestRefusal)
	news := !k.refused.Swap(true)
	if k.Cooldown.Start(now, d, probe) {
		k.strikes.Add(1)
	}
	if news { // of several that are refused together one tells
		k.changed(was, KeyRefused, why)
	}
}

// Revive forgets what was held against the key.
func (k *Key) Revive() {
	k.Taken()
	k.strikes.Store(0)
	k.Accepted()
}

// Accepted ends the cooldown when a probe is answered with a 2xx: nobody should have to wait for the end of a long stream. The
// strikes stay until the answer is complete, since some providers report a limit inside of it.
func (k *Key) Accepted() {
	was := k.state()
	k.refused.Store(false)
	k.Cooldown.Clear()
	k.changed(was, KeyUsable, Cause{})
}

// refusedStill reports whether the key was refused and has not worked since. That its cooldown is over proves nothing.
func (k *Key) refusedStill() bool { return k.refused.Load() && k.Cooldown.Active() }

// Worked notes a success. The success of a call from before the cooldown does not end it: the upstream has asked for it since.
func (k *Key) Worked(probe bool) {
	switch {
	case probe:
		k.Revive()
	case k.strikes.Load() != 0 && !k.Cooldown.Active():
		k.strikes.Store(0)
	}
}

// KeyRing rotates a channel's keys. A channel without credentials has one key with an empty secret.
type KeyRing struct {
	keys []*Key
	next *atomic.Uint32
}

// NewKeyRing makes a ring of a channel's keys. next outlives it, so that a reload does not start over with the first key.
func NewKeyRing(keys []*Key, next *atomic.Uint32) KeyRing { return KeyRing{keys, next} }

// NewKey makes a key that is in use.
func NewKey(secret string) *Key { return &Key{Secret: secret} }

// All is the keys, in the order of the configuration.
func (r KeyRing) All() []*Key { return r.keys }

// Len is how many keys there are.
func (r KeyRing) Len() int { return len(r.keys) }

// Revive forgets what was held against the keys.
func (r KeyRing) Revive() {
	for _, k := range r.keys {
		k.Revive()
	}
}

// Index is the key's position in the configuration, from 1; 0 if it is no longer there.
func (r KeyRing) Index(k *Key) int { return slices.Index(r.keys, k) + 1 }

// Ready reports whether any key can be used.
func (r KeyRing) Ready(now time.Time) bool {
	for _, k := range r.keys {
		if k.Cooldown.Ready(now) {
			return true
		}
	}
	return false
}

// Take returns the next usable key, one that the request has not used as long as there is any; nil means none.
func (r KeyRing) Take(used func(*Key) bool, now time.Time) (k *Key, probe bool) {
	if len(r.keys) == 1 {
		if ok, probe := r.keys[0].Cooldown.Admit(now); ok {
			return r.keys[0], probe
		}
		return nil, false
	}
	start := r.next.Add(1)
	for _, again := range []bool{false, true} {
		for i := range r.keys {
			k := r.keys[(int(start)+i)%len(r.keys)]
			if used(k) != again {
				continue
			}
			if ok, probe := k.Cooldown.Admit(now); ok {
				return k, probe
			}
		}
	}
	return nil, false
}

// Wait is how long until the first limited key can be used; ok is false if no key is limited: all are refused.
func (r KeyRing) Wait(now time.Time) (d time.Duration, ok bool) {
	for _, k := range r.keys {
		if k.refused.Load() {
			continue
		}
		if w := k.Cooldown.Remaining(now); !ok || w < d {
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

// Counts counts the keys by their present state: a limited one is usable once its time is over, a refused one stays refused until it
// has worked.
func (r KeyRing) Counts(now time.Time) (n KeyCounts) {
	for _, k := range r.keys {
		switch {
		case k.refusedStill():
			n.Refused++
		case k.Cooldown.Remaining(now) > 0:
			n.Cooling++
		default:
			n.Usable++
		}
	}
	return n
}

// Out is how long until the first key can be used again; 0 if one can be.
func (r KeyRing) Out(now time.Time) (d time.Duration) {
	for i, k := range r.keys {
		w := k.Cooldown.Remaining(now)
		if w == 0 {
			return 0
		}
		if i == 0 || w < d {
			d = w
		}
	}
	return d
}

// Cooling is the key that will be in use first, of those that are limited; nil if there is none.
func (r KeyRing) Cooling(now time.Time) (first *Key) {
	for _, k := range r.keys {
		if !k.refused.Load() && (first == nil || k.Cooldown.Remaining(now) < first.Cooldown.Remaining(now)) {
			first = k
		}
	}
	return first
}

// AnyInUse is a key that is not cooling down or, if all are, any key.
func (r KeyRing) AnyInUse() *Key {
	for _, k := range r.keys {
		if !k.Cooldown.Active() {
			return k
		}
	}
	return r.keys[0]
}

// Doubted is how many keys have refusals against them that may be about what was asked.
func (r KeyRing) Doubted() (n int) {
	for _, k := range r.keys {
		if k.Doubt.Any() {
			n++
		}
	}
	return n
}
