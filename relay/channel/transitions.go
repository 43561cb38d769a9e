package channel

import (
	"math"

	"one-api/relay/breaker"
	"one-api/relay/wire"
)

// What the operator is told, once each time, of a channel that is passed over and of a key that its upstream does not take. A key that is
// only limited is no news.

// breakerChanged is told of the changes of a channel's circuit breaker.
func (p *Pool) breakerChanged(channel string, s *state) func(from, to breaker.State) {
	return func(from, to breaker.State) {
		switch {
		case from == breaker.Closed && to == breaker.Open:
			why := ""
			if c, last := p.Set().Get(channel), s.last.Load(); c != nil && last != nil {
				why = c.Redact.Text(last.String())
			}
			p.options.Log.Warn("a channel is passed over for a while after failures", "channel", channel,
				"seconds", math.Ceil(s.health.Cooldown.Remaining(p.now()).Seconds()), "last_failure", why)
		case to == breaker.Closed:
			p.options.Log.Info("a channel is in use again", "channel", channel)
		}
	}
}

// keyChanged is told of the changes of a channel's keys. They are named by their place in the configuration, since keys are not to be
// read in a log.
func (p *Pool) keyChanged(channel string) func(k *breaker.Key, from, to breaker.KeyState, why breaker.Cause) {
	return func(k *breaker.Key, from, to breaker.KeyState, why breaker.Cause) {
		c := p.Set().Get(channel)
		if c == nil {
			return // a reload has removed it
		}
		switch {
		case to == breaker.KeyRefused:
			p.options.Log.Warn("a key was refused and rests: replace it, or see to its account", "channel", channel, "key", c.keys.Index(k),
				"of", c.keys.Len(), "request_id", why.RequestID, "why", wire.Clip(c.Redact.Text(why.Text), longestDetail))
		case from == breaker.KeyRefused && to == breaker.KeyUsable:
			p.options.Log.Info("a key that was refused works again", "channel", channel, "key", c.keys.Index(k), "of", c.keys.Len())
		}
	}
}
