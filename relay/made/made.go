// Package made remembers who made what an upstream keeps, such as the answers of the Responses API and their items: the token, which
// alone may ask for it, and the channel, which alone has it. It does no I/O: package kept takes what changes to the store.
package made

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"
)

// Bounds of what is remembered: it is forgotten after one to two of longest, or earlier if there is more than twice most.
const (
	longest = 12 * time.Hour
	most    = 1 << 15
)

// Origin is who made something.
type Origin struct {
	Token   string
	Channel string
	Model   string // that was asked for
}

// Keeper remembers. The zero value remembers nothing yet.
type Keeper struct {
	mu         sync.Mutex
	young, old map[key]Origin
	turned     time.Time
	clock      func() time.Time // nil means time.Now

	tracks  bool // changes are gathered
	changes map[key]Change
}

// Change is what is to be kept of something that was noted or forgotten.
type Change struct {
	ID   string // 32 hexadecimal digits, which stand for the id
	By   Origin
	Gone bool // it was forgotten
}

// Track has changes gathered from now on, for whoever asks for them with Changes.
func (k *Keeper) Track() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tracks, k.changes = true, map[key]Change{}
}

// Changes takes what has changed since it was asked last.
func (k *Keeper) Changes() []Change {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.changes) == 0 {
		return nil
	}
	list := make([]Change, 0, len(k.changes))
	for _, c := range k.changes {
		list = append(list, c)
	}
	k.changes = map[key]Change{}
	return list
}

// change notes a change. With too many of them, which nobody takes, the rest is kept in memory alone.
func (k *Keeper) change(at key, c Change) {
	if k.tracks && len(k.changes) < most {
		c.ID = hex.EncodeToString(at[:])
		k.changes[at] = c
	}
}

// Again gives changes back that could not be kept. What has changed once more since stays as it is now.
func (k *Keeper) Again(changes []Change) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range changes {
		if at, ok := keyIn(c.ID); ok && len(k.changes) < most {
			if _, newer := k.changes[at]; !newer {
				k.changes[at] = c
			}
		}
	}
}

// Restore remembers what a former process has noted, by Change.ID, unless more is known by now.
func (k *Keeper) Restore(id string, by Origin) {
	at, ok := keyIn(id)
	if !ok {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.turn()
	if c, changed := k.changes[at]; changed && c.Gone {
		return
	}
	if _, known := k.young[at]; !known {
		k.young[at] = by
	}
}

func keyIn(id string) (at key, ok bool) {
	if len(id) != 2*len(at) {
		return at, false
	}
	_, err := hex.Decode(at[:], []byte(id))
	return at, err == nil
}

// key stands for an id, of whatever length.
type key [16]byte

func keyOf(id string) key {
	sum := sha256.Sum256([]byte(id))
	return key(sum[:16])
}

// Note remembers who made what has these ids.
func (k *Keeper) Note(by Origin, ids ...string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range ids {
		if id == "" {
			continue
		}
		k.turn()
		at := keyOf(id)
		k.young[at] = by
		k.change(at, Change{By: by})
	}
}

// turn forgets what is old, if it is time to.
func (k *Keeper) turn() {
	now := time.Now
	if k.clock != nil {
		now = k.clock
	}
	if k.young != nil && len(k.young) < most && now().Sub(k.turned) < longest {
		return
	}
	if k.young != nil && now().Sub(k.turned) >= 2*longest {
		k.young = nil
	}
	k.old, k.young, k.turned = k.young, map[key]Origin{}, now()
}

// Of returns who made what has the id; false if that is not known.
func (k *Keeper) Of(id string) (Origin, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.turn()
	at := keyOf(id)
	by, known := k.young[at]
	if !known {
		by, known = k.old[at]
	}
	return by, known
}

// Forget is for what has been deleted.
func (k *Keeper) Forget(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	at := keyOf(id)
	delete(k.young, at)
	delete(k.old, at)
	k.change(at, Change{Gone: true})
}
