package breaker

import (
	"sync/atomic"
	"time"
)

// The time in which calls are counted, and in how many slots.
const (
	triesWindow = 10 * time.Second
	trySlot     = triesWindow / 40
	trySlots    = int64(triesWindow/trySlot) + 1 // the window, and what has passed of the slot that is running
)

// callsForAgain is how many calls of a channel allow one of them to be made again.
const callsForAgain = 10

// RetryBudget counts a channel's calls of the last ten seconds, and those of them that repeat one that failed if nothing else was
// left: an upstream in trouble is not to be asked twice by everybody. The zero value is ready. It is atomics and no lock.
type RetryBudget struct {
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

// Allow counts a call that is to be repeated, if it may be: one in callsForAgain, and at least one.
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
