package breaker

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestOneCallInTenMayBeMadeAgainAndAtLeastOne(t *testing.T) {
	now := epoch.Add(time.Hour)
	var fresh RetryBudget
	assert.True(t, fresh.Allow(now), "at least one")
	assert.False(t, fresh.Allow(now))
	assert.False(t, fresh.Allow(now.Add(9*time.Second)), "in ten seconds")
	assert.True(t, fresh.Allow(now.Add(triesWindow+trySlot)), "and another one later")

	var busy RetryBudget
	made, calls := 0, 0
	for i := range 2000 { // twenty seconds
		at := now.Add(time.Duration(i) * 10 * time.Millisecond)
		busy.Count(at)
		calls++
		for busy.Allow(at) {
			made++
		}
		assert.LessOrEqual(t, made, max(1, (calls+9)/10))
	}
	assert.GreaterOrEqual(t, made, 195)
	for busy.Allow(now.Add(time.Hour)) {
		made++
	}
	assert.LessOrEqual(t, made, 201, "what was long ago counts for nothing")
}

func TestAWaveOfFailuresIsRepeatedByOneInTenAndByOneAtLeast(t *testing.T) {
	for calls, want := range map[int]int64{1: 1, 5: 1, 40: 4, 500: 50} {
		var tr RetryBudget
		now := epoch.Add(time.Minute)
		for range calls {
			tr.Count(now)
		}
		var made atomic.Int64
		var all sync.WaitGroup
		for range calls {
			all.Go(func() {
				if tr.Allow(now) {
					made.Add(1)
				}
			})
		}
		all.Wait()
		assert.Equal(t, want, made.Load(), "of %d", calls)
	}
}
