package channel

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"one-api/relay/outcome"
)

// longestAsked is the longest Retry-After that a request waits for before another try at the same channel. Where an upstream
// asks for more, its client is told, who can do something else in the meantime.
const longestAsked = 5 * time.Second

// Transient reports whether another attempt at the same channel may well succeed. begun: the client has a part of the answer,
// which the attempt would go on with. It never does after a timeout (the client has waited long enough), an answer that was too
// large or no answer (there would be the same again), or a call that an operator ended.
func (a *Attempt) Transient(begun bool) bool {
	f := a.Failure
	if f == nil || f.RetryAfter > longestAsked {
		return false
	}
	troubled := a.Class == outcome.ClassServer || a.Class == outcome.ClassKeyLimited
	switch a.Outcome {
	case outcome.ConnectFailed:
		return true
	case outcome.UpstreamReset:
		return begun || !a.Answered
	case outcome.UpstreamTruncated:
		return begun
	case outcome.UpstreamErrorEvent:
		return troubled
	case outcome.UpstreamStatus:
		switch f.Status {
		case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, outcome.StatusOverloaded:
			return troubled
		}
	}
	return false
}

// Refused reports whether the upstream found the request wrong in itself.
func (a *Attempt) Refused() bool {
	return a.Outcome == outcome.UpstreamStatus && a.Class == outcome.ClassRequest &&
		(a.Failure.Status == http.StatusBadRequest || a.Failure.Status == http.StatusUnprocessableEntity)
}

// Again opens another exchange with a channel that was just tried, whatever is held against it: with a key that is in use, else
// with one that cools. nil: it is full, or was disabled. The caller ends the exchange in the same function.
func (s *Set) Again(ctx context.Context, w *Want, c *Channel) *Exchange {
	x := c.begin(ctx, w, s.now(), manner{desperate: true, cooling: true})
	if x != nil {
		w.prepare(x)
	}
	return x
}

// OnceMore reports whether a request for which no other channel is left may make one more attempt at this one, and counts it.
func (c *Channel) OnceMore(w *Want) bool {
	return (w.broken == nil || c.finishes(w.broken, w.text)) && c.state.tries.again(c.pool.now())
}

// cooling is the key that will be in use first, of those that are limited; nil: there is none.
func (r keyring) cooling(now time.Time) (first *key) {
	for _, k := range r.keys {
		if !k.refused.Load() && (first == nil || k.rest.wait(now) < first.rest.wait(now)) {
			first = k
		}
	}
	return first
}

// The time in which calls are counted, and in how many slots.
const (
	triesWindow = 10 * time.Second
	trySlot     = triesWindow / 40
	trySlots    = int64(triesWindow/trySlot) + 1 // the window, and what has passed of the slot that is running
)

// callsForAgain is how many calls of a channel allow one of them to be made again.
const callsForAgain = 10

// tries counts a channel's calls of the last ten seconds, and those of them that repeat one that failed where nothing else was
// left: an upstream in trouble is not to be asked twice by everybody. The zero value is ready. It is atomics and no lock.
type tries struct {
	slots [trySlots]atomic.Uint64 // each: which slot of time it is, the calls in it, and the repeated ones
}

const (
	againBits, callBits = 12, 20
	maxAgain, maxCalls  = 1<<againBits - 1, 1<<callBits - 1
)

func slotOf(now time.Time) int64 { return int64(now.Sub(epoch)/trySlot) + trySlots }

// of takes a slot's word apart. One that is of another time counts nothing.
func of(word uint64, slot int64) (calls, again int64) {
	if uint32(word>>(againBits+callBits)) != uint32(slot) {
		return 0, 0
	}
	return int64(word >> againBits & maxCalls), int64(word & maxAgain)
}

func word(slot, calls, again int64) uint64 {
	return uint64(uint32(slot))<<(againBits+callBits) | uint64(min(calls, maxCalls))<<againBits | uint64(min(again, maxAgain))
}

// count counts a call.
func (t *tries) count(now time.Time) {
	slot := slotOf(now)
	at := &t.slots[slot%trySlots]
	for {
		old := at.Load()
		calls, again := of(old, slot)
		if at.CompareAndSwap(old, word(slot, calls+1, again)) {
			return
		}
	}
}

// again counts a call that is to be repeated, if it may be: one in callsForAgain, and at least one.
func (t *tries) again(now time.Time) bool {
	slot := slotOf(now)
	at := &t.slots[slot%trySlots]
	for {
		old := at.Load()
		calls, again := of(old, slot)
		allCalls, allAgain := calls, again
		for before := slot - trySlots + 1; before < slot; before++ { // they do not change any more
			c, a := of(t.slots[before%trySlots].Load(), before)
			allCalls, allAgain = allCalls+c, allAgain+a
		}
		if allAgain >= max(1, allCalls/callsForAgain) {
			return false
		}
		if at.CompareAndSwap(old, word(slot, calls, again+1)) {
			return true
		}
	}
}
