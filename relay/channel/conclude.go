package channel

import (
	"slices"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// givesUp is how long clients wait at least before it says something of an upstream that they have left without an answer.
const givesUp = 5 * time.Second

// End is what a channel has to know of how an attempt ended.
type End struct {
	Failure          *outcome.Failure // nil: it completed
	Sent             bool             // false: it ended before anything was asked of the upstream, and counts for nobody
	Events           int64            // that carried a part of the answer
	Waited           time.Duration    // for the upstream
	Token, RequestID string
}

func (e *End) is() (o outcome.Outcome, class outcome.Class) {
	if e.Failure == nil {
		return outcome.Completed, outcome.ClassNone
	}
	return e.Failure.Outcome, e.Failure.Class
}

// Conclude does to the channel and the key what the table says. rested: the key was put to rest.
func (s *Slot) Conclude(e *End) (rested bool) {
	v := outcome.Judge(e.is())
	if !e.Sent {
		v = outcome.Verdict{}
	}
	now := s.Channel.pool.now()
	s.concludeChannel(e, v, now)
	return s.concludeKey(e, v, now)
}

func (s *Slot) concludeChannel(e *End, v outcome.Verdict, now time.Time) {
	health := &s.Channel.state.health
	switch {
	case e.Failure == nil && e.Sent:
		health.Succeeds()
	case e.saysSomething():
		health.Fails()
	}
	blame := v.CountsAsFailure || v.CountsAsDoubt && health.Doubt.Against(e.Token, e.RequestID)
	switch {
	case blame && e.Failure.AsksForRest():
		health.CountFailure(s.Began, now, s.probe)
		health.CoolFor(now, e.Failure.RetryAfter, s.probe)
	case blame:
		health.CountFailure(s.Began, now, s.probe)
	case v.CountsAsSuccess:
		health.CountSuccess(s.Began, s.probe)
	case s.probe:
		health.Cooldown.Abandon()
	}
}

// saysSomething reports whether an attempt that did not succeed says something of its upstream.
func (e *End) saysSomething() bool {
	o, class := e.is()
	switch o {
	case outcome.Completed, outcome.ClientStalled, outcome.Shutdown, outcome.Panic, outcome.Rejected, outcome.OperatorEnded:
		return false
	case outcome.ClientGone:
		return e.Sent && e.Events == 0 && e.Waited >= givesUp
	}
	return e.Sent && class != outcome.ClassRelay
}

func (s *Slot) concludeKey(e *End, v outcome.Verdict, now time.Time) (rested bool) {
	switch s.keyAction(e, v) {
	case outcome.KeyRests:
		if s.Key.Refuse(now, s.keyProbe) {
			s.Channel.sayRefused(s.Key, e.RequestID, e.Failure.ErrorType()+" "+e.Failure.Detail)
		}
		return true
	case outcome.KeyCools:
		s.Key.Limit(now, e.Failure.RetryAfter, s.keyProbe)
		return true
	case outcome.KeyRevives:
		s.Key.Worked(s.keyProbe)
	default:
		if s.keyProbe {
			s.Key.Cooldown.Abandon()
		}
	}
	return false
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
func (w *SelectRequest) spared(c *Channel) (how sparing) {
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
func (s *Slot) keyAction(e *End, v outcome.Verdict) outcome.KeyAction {
	switch {
	case v.Key == outcome.KeyDoubted:
		if s.Key.Doubt.Against(e.Token, e.RequestID) && s.spares == sparesNone {
			return outcome.KeyRests
		}
		return outcome.KeyKeeps
	case v.CountsAsSuccess:
		return outcome.KeyRevives
	case s.spares == sparesAll && (v.Key == outcome.KeyRests || v.Key == outcome.KeyCools):
		return outcome.KeyKeeps
	}
	return v.Key
}

// sayRefused tells the operator, once, that a key is refused: by its place in the configuration, since keys are not to be read
// in a log.
func (c *Channel) sayRefused(k *breaker.Key, requestID, why string) {
	c.pool.options.Log.Warn("a key was refused and rests: replace it, or see to its account", "channel", c.Name, "key", c.keys.Index(k),
		"of", c.keys.Len(), "request_id", requestID, "why", wire.Clip(c.Redact.Text(why), LongestDetail))
}

// anotherKey reports whether the request may be answered with another key of the channel, so that the channel is not out of the
// question for it. A refusal of which it is not certain that it is about the key is taken to one other key and no further: if it
// is about what was asked, the rest of them need not see it too.
func (t *Try) anotherKey(w *SelectRequest) bool {
	before := slices.ContainsFunc(w.tried, func(before tried) bool { return before.channel == t.Channel })
	return outcome.Judge(t.Outcome, t.Class).AnotherKey && (t.Class != outcome.ClassUnauthorized || !before)
}
