// Package made remembers who made what an upstream keeps, such as the answers of the Responses API and their items: the token, which
// alone may ask for it, and the channel, which alone has it. It does no I/O.
package made

import (
	"crypto/sha256"
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
		k.young[keyOf(id)] = by
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
}
