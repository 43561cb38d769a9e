package channel

import (
	"time"

	"one-api/relay/breaker"
)

// A refusal may be about the key or about what a client asked. To find out, the relay asks a question of its own, to which no client
// has added anything: which models are there? If that is refused too, it is the key.
const (
	refusalsToAsk = 2           // of one key: a single one would have a provider asked twice for every odd prompt
	questionEvery = time.Minute // at most, for each channel
)

// Wonders notes a refusal that may be about a key, and reports whether the channel's upstream is to be asked for its models with it: not
// if that was done a short while ago.
func (c *Channel) Wonders(k *breaker.Key) bool {
	if c.Asks == nil || k.Secret == "" || k.Wonders() < refusalsToAsk || k.Cooldown.Active() {
		return false
	}
	now := breaker.Moment(c.pool.now())
	last := c.state.wondered.Load()
	return (last == 0 || now-last >= int64(questionEvery)) && c.state.wondered.CompareAndSwap(last, now)
}

// Refuse takes a key out of use, for a reason that the operator is told of.
func (c *Channel) Refuse(k *breaker.Key, why string) {
	k.Refuse(c.pool.now(), false, breaker.Cause{Text: why})
}

// EveryKey is all of the channel's keys; one that is empty if it has none.
func (c *Channel) EveryKey() []*breaker.Key { return c.keys.All() }

// AnyKey is a key that is in use or, if none is, any.
func (c *Channel) AnyKey() *breaker.Key { return c.keys.AnyInUse() }
