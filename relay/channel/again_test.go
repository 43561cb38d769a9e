package channel

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestOneCallInTenMayBeMadeAgainAndAtLeastOne(t *testing.T) {
	now := epoch.Add(time.Hour)
	var fresh tries
	assert.True(t, fresh.again(now), "at least one")
	assert.False(t, fresh.again(now))
	assert.False(t, fresh.again(now.Add(9*time.Second)), "in ten seconds")
	assert.True(t, fresh.again(now.Add(triesWindow+trySlot)), "and another one later")

	var busy tries
	made, calls := 0, 0
	for i := range 2000 { // twenty seconds
		at := now.Add(time.Duration(i) * 10 * time.Millisecond)
		busy.count(at)
		calls++
		for busy.again(at) {
			made++
		}
		assert.LessOrEqual(t, made, max(1, (calls+9)/10))
	}
	assert.GreaterOrEqual(t, made, 195)
	for busy.again(now.Add(time.Hour)) {
		made++
	}
	assert.LessOrEqual(t, made, 201, "what was long ago counts for nothing")
}

func TestAWaveOfFailuresIsRepeatedByOneInTenAndByOneAtLeast(t *testing.T) {
	for calls, want := range map[int]int64{1: 1, 5: 1, 40: 4, 500: 50} {
		var tr tries
		now := epoch.Add(time.Minute)
		for range calls {
			tr.count(now)
		}
		var made atomic.Int64
		var all sync.WaitGroup
		for range calls {
			all.Go(func() {
				if tr.again(now) {
					made.Add(1)
				}
			})
		}
		all.Wait()
		assert.Equal(t, want, made.Load(), "of %d", calls)
	}
}

func TestOnlyWhatMayPassIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		name         string
		a            Attempt
		fresh, begun bool
	}{
		{"no connection", Attempt{Outcome: ConnectFailed}, true, true},
		{"a reset before the header", Attempt{Outcome: UpstreamReset}, true, true},
		{"a reset behind the header", Attempt{Outcome: UpstreamReset, Answered: true}, false, true},
		{"cut short", Attempt{Outcome: UpstreamTruncated, Answered: true}, false, true},
		{"no header in time", Attempt{Outcome: HeaderTimeout}, false, false},
		{"no content in time", Attempt{Outcome: FirstTokenTimeout, Answered: true}, false, false},
		{"silence", Attempt{Outcome: IdleTimeout, Answered: true}, false, false},
		{"too large", Attempt{Outcome: TooLarge, Answered: true}, false, false},
		{"malformed", Attempt{Outcome: UpstreamMalformed, Answered: true}, false, false},
		{"ended by an operator", Attempt{Outcome: OperatorEnded}, false, false},
		{"the client has left", Attempt{Outcome: ClientGone}, false, false},
		{"an error event of a server", Attempt{Outcome: UpstreamErrorEvent, Class: ClassServer, Answered: true}, true, true},
		{"an error event about a rate", Attempt{Outcome: UpstreamErrorEvent, Class: ClassKeyLimited, Answered: true}, true, true},
		{"an error event about the request", Attempt{Outcome: UpstreamErrorEvent, Class: ClassRequest, Answered: true}, false, false},
		{"an error event about the key", Attempt{Outcome: UpstreamErrorEvent, Class: ClassKeyRefused, Answered: true}, false, false},
	} {
		c.a.Failure = &Failure{Outcome: c.a.Outcome, Class: c.a.Class}
		assert.Equal(t, c.fresh, c.a.Transient(false), c.name)
		assert.Equal(t, c.begun, c.a.Transient(true), c.name+", with content")
	}
	for status, want := range map[int]bool{429: true, 500: true, 502: true, 503: true, 529: true, 408: false, 501: false, 504: false, 520: false} {
		a := Attempt{Outcome: UpstreamStatus, Class: ClassServer, Failure: &Failure{Status: status}}
		assert.Equal(t, want, a.Transient(false), status)
		a.Class = ClassKeyRefused // no quota, with a 429; a bad key, with a 500
		assert.False(t, a.Transient(false), status)
		a.Class = ClassRequest
		assert.False(t, a.Transient(false), status)
	}
	a := Attempt{Outcome: UpstreamStatus, Class: ClassKeyLimited, Failure: &Failure{Status: 429, RetryAfter: 5 * time.Second}}
	assert.True(t, a.Transient(false))
	a.Failure.RetryAfter += time.Millisecond
	assert.False(t, a.Transient(false), "nobody is kept waiting for longer")
}
