package breaker

import (
	"sync/atomic"
	"time"
)

// The window in which calls are counted, and its slots.
const (
	triesWindow = 10 * time.Second
	trySlot     = triesWindow / 40
	trySlots    = int64(triesWindow/trySlot) + 1 // the window, and the elapsed part of the current slot
)

// callsForAgain is how many calls of a channel allow one repeated call.
const callsForAgain = 10

// RetryBudget counts a channel's calls of the last ten seconds, and how many of them repeat a failed call because no other channel was
// left: an upstream in trouble must not be asked twice by everybody. The zero value is ready to use. It uses atomics and no lock.
type RetryBudget struct {
	slots [trySlots]atomic.Uint64 // each holds the number of its time slot, the calls in it, and the repeated ones
}

const (
	againBits, callBits = 12, 20
	maxAgain, maxCalls  = 1<<againBits - 1, 1<<callBits - 1
)

func slotOf(now time.Time) int64 { return int64(now.Sub(epoch)/trySlot) + trySlots }

// of unpacks a slot's word. A word of another time slot counts as empty.
func of(word uint64, slot int64) (calls, again int64) {
	if uint32(word>>(againBits+callBits)) != uint32(slot) { //nolint:gosec // the low bits of a slot tell it from its neighbours
		return 0, 0
	}
	return int64(word >> againBits & maxCalls), int64(word & maxAgain)
}

func word(slot, calls, again int64) uint64 {
	//nolint:gosec // as above; the counts are bounded
	return uint64(uint32(slot))<<(againBits+callBits) | uint64(min(calls, maxCalls))<<againBits | uint64(min(again, maxAgain))
}

// Count counts a call.
func (t *RetryBudget) Count(now time.Time) {
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

// Allow reports whether a call may be repeated, and counts it if so: one in callsForAgain, and at least one.
func (t *RetryBudget) Allow(now time.Time) bool {
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
