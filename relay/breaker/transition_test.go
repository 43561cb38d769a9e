package breaker

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestEachChangeOfABreakerIsToldOnce(t *testing.T) {
	var told []string
	names := [...]string{"closed", "open", "half-open"}
	b := &Breaker{}
	b.Cooldown.OnTransition = func(from, to State) { told = append(told, names[from]+" -> "+names[to]) }
	now := time.Now()
	for range 2 * FailuresToCool { // a wave
		b.CountFailure(now, now, false)
	}
	_, _ = b.Cooldown.Admit(now) // too early
	later := now.Add(firstCooldown)
	_, probe := b.Cooldown.Admit(later)
	assert.True(t, probe)
	_, _ = b.Cooldown.Admit(later) // one at a time
	b.CountFailure(later, later, true)
	later = later.Add(longestCooldown)
	_, _ = b.Cooldown.Admit(later)
	b.Cooldown.Abandon()
	_, _ = b.Cooldown.Admit(later)
	b.ProbeSucceeded()
	b.CountSuccess(later, false)
	b.Clear()
	assert.Equal(t, []string{"closed -> open", "open -> half-open", "half-open -> open", "open -> half-open", "half-open -> open", "open -> half-open", "half-open -> closed"}, told)
}

func TestEachChangeOfAKeyIsToldOnceAndWhyItWasRefused(t *testing.T) {
	var told []string
	names := [...]string{"usable", "limited", "refused"}
	k := NewKey("k")
	k.OnTransition = func(of *Key, from, to KeyState, why Cause) {
		assert.Same(t, k, of)
		told = append(told, fmt.Sprintf("%s -> %s %s%s", names[from], names[to], why.Text, why.RequestID))
	}
	now := time.Now()
	k.Worked(false)
	k.Limit(now, time.Second, false)
	k.Limit(now, 0, false) // of a wave
	k.Refuse(now, false, Cause{"gone ", "r1"})
	k.Refuse(now, false, Cause{"gone ", "r2"})
	later := now.Add(longestRefusal)
	_, probe := k.Cooldown.Admit(later)
	assert.True(t, probe)
	k.Refuse(later, true, Cause{"still ", "r3"}) // no news
	_, _ = k.Cooldown.Admit(later.Add(longestRefusal))
	k.Accepted()
	k.Revive()
	assert.Equal(t, []string{"usable -> limited ", "limited -> refused gone r1", "refused -> usable "}, told)
}
