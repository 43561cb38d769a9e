package channel

import (
	"net/http"
	"slices"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// givesUp is how long clients wait at least before it says something of an upstream that they have left without an answer.
const givesUp = 5 * time.Second

// conclude does to the channel and the key what the table says.
func (x *Exchange) conclude(a *Attempt) {
	v := outcome.Judge(a.Outcome, a.Class)
	if !a.Sent {
		v = outcome.Verdict{}
	}
	now := x.Channel.pool.now()
	x.concludeChannel(a, v, now)
	x.concludeKey(a, v, now)
	if a.Failure != nil && leavesDoubt(a.Failure) {
		x.Channel.wonder(x.key)
	}
}

func (x *Exchange) concludeChannel(a *Attempt, v outcome.Verdict, now time.Time) {
	health := &x.Channel.state.health
	switch {
	case a.Outcome == outcome.Completed && a.Sent:
		health.Succeeds()
	case a.saysSomething():
		health.Fails()
	}
	blame := v.Blame || v.Doubts && health.Doubt.Against(x.call.Token, x.call.RequestID)
	switch {
	case blame && asksForRest(a.Failure):
		health.CountFailure(x.began, now, x.trial)
		health.CoolFor(now, a.Failure.RetryAfter, x.trial)
	case blame:
		health.CountFailure(x.began, now, x.trial)
	case v.Clears:
		health.CountSuccess(x.began, x.trial)
	case x.trial:
		health.Cooldown.Abandon()
	}
}

// saysSomething reports whether an attempt that did not succeed says something of its upstream.
func (a *Attempt) saysSomething() bool {
	switch a.Outcome {
	case outcome.Completed, outcome.ClientStalled, outcome.Shutdown, outcome.Panic, outcome.Rejected, outcome.OperatorEnded:
		return false
	case outcome.ClientGone:
		return a.Sent && a.Events == 0 && a.Waited >= givesUp
	}
	return a.Sent && a.Class != outcome.ClassRelay
}

// asksForRest reports whether an upstream that is to blame has said for how long it wants to be left alone.
func asksForRest(f *outcome.Failure) bool {
	if f == nil || f.RetryAfter <= 0 {
		return false
	}
	switch f.Status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests, outcome.StatusOverloaded:
		return true
	}
	return false
}

func (x *Exchange) concludeKey(a *Attempt, v outcome.Verdict, now time.Time) {
	switch x.keyAction(v) {
	case outcome.KeyRests:
		a.Rested = true
		if x.key.Refuse(now, x.keyTry) {
			x.Channel.sayRefused(x.key, x.requestID(), a.Failure.ErrorType()+" "+a.Failure.Detail)
		}
	case outcome.KeyCools:
		a.Rested = true
		x.key.Limit(now, a.Failure.RetryAfter, x.keyTry)
	case outcome.KeyRevives:
		x.key.Worked(x.keyTry)
	default:
		if x.keyTry {
			x.key.Cooldown.Abandon()
		}
	}
}

// sparing is how careful an attempt has to be with its key, since no request puts more than one of a channel's keys to rest: what
// a client asks must not be able to walk through them.
type sparing uint8

const (
	sparesNone    sparing = iota
	sparesDoubted         // another channel's key rests: only an unmistakable word puts this one to rest as well
	sparesAll             // another key of this channel rests
)

// spared says how careful the request's attempts on a channel have to be from here on.
func (w *Want) spared(c *Channel) (how sparing) {
	for _, t := range w.tried {
		switch {
		case t.rested && t.channel == c:
			return sparesAll
		case t.rested:
			how = sparesDoubted
		}
	}
	return how
}

// keyAction is what becomes of the key: what the table says, but for doubts, which have to add up, and for a request that has
// put a key to rest already.
func (x *Exchange) keyAction(v outcome.Verdict) outcome.KeyAction {
	switch {
	case v.Key == outcome.KeyDoubted:
		if x.key.Doubt.Against(x.call.Token, x.call.RequestID) && x.spares == sparesNone {
			return outcome.KeyRests
		}
		return outcome.KeyKeeps
	case v.Clears:
		return outcome.KeyRevives
	case x.spares == sparesAll && (v.Key == outcome.KeyRests || v.Key == outcome.KeyCools):
		return outcome.KeyKeeps
	}
	return v.Key
}

// leavesDoubt reports whether a refusal may be about the key, and is not known to be.
func leavesDoubt(f *outcome.Failure) bool {
	switch f.Status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden:
	default:
		return false
	}
	switch f.Class {
	case outcome.ClassUnauthorized, outcome.ClassForbidden, outcome.ClassElsewhere:
		return f.Outcome == outcome.UpstreamStatus || f.Outcome == outcome.UpstreamErrorEvent
	}
	return false
}

// sayRefused tells the operator, once, that a key is refused: by its place in the configuration, since keys are not to be read
// in a log.
func (c *Channel) sayRefused(k *breaker.Key, requestID, why string) {
	c.pool.options.Log.Warn("a key was refused and rests: replace it, or see to its account", "channel", c.Name, "key", c.keys.Index(k),
		"of", c.keys.Len(), "request_id", requestID, "why", wire.Clip(c.redact.Text(why), longestDetail))
}

// distrusted reports whether none of the channel's last attempts succeeded.
func (c *Channel) distrusted() bool { return c.state.health.InVain() >= attemptsToDistrust }

// anotherKey reports whether the request may be answered with another key of the channel, so that the channel is not out of the
// question for it. A refusal of which it is not certain that it is about the key is taken to one other key and no further: if it
// is about what was asked, the rest of them need not see it too.
func (a *Attempt) anotherKey(w *Want) bool {
	before := slices.ContainsFunc(w.tried, func(t tried) bool { return t.channel == a.Channel })
	return outcome.Judge(a.Outcome, a.Class).AnotherKey && (a.Class != outcome.ClassUnauthorized || !before)
}
