package channel

import (
	"math"
	"slices"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// givesUp is how long a client must have waited without an answer before its leaving counts against the upstream.
const givesUp = 5 * time.Second

// Result is how an attempt ended, as far as its channel and its request's further attempts have to know.
type Result struct {
	Channel *Channel
	Key     *breaker.Key
	Outcome outcome.Outcome
	Class   outcome.Class // for UpstreamStatus and UpstreamErrorEvent
	Sent    bool          // false if it ended before the upstream was asked anything: it counts for nobody then
	// Cooled is set by Conclude if it took the key out of use. No request does that twice.
	Cooled bool
	Stream bool // the answer was to come in events
	// Silence is how long nothing had come of the answer when the attempt ended, in tenths of a second, the upstream being waited for: it
	// shares a word with its neighbours.
	Silence          uint16
	Failure          *outcome.Failure // nil: Completed
	Events           int64            // that carried a part of the answer
	Waited           time.Duration    // for the upstream
	Token, RequestID string
}

// Silent is a Silence.
func (r *Result) Silent() time.Duration { return time.Duration(r.Silence) * (time.Second / 10) }

// SilenceOf is a duration as a Silence.
func SilenceOf(d time.Duration) uint16 {
	return uint16(min(max(0, d/(time.Second/10)), math.MaxUint16))
}

// Conclude does to the channel and the key what the table says, and counts the attempt.
func (s *Slot) Conclude(r *Result) {
	v := outcome.Judge(r.Outcome, r.Class)
	if !r.Sent {
		v = outcome.Verdict{}
	}
	if r.Sent || r.Outcome == outcome.Panic {
		s.Channel.count(r) // first, so that a change of the channel's can be told with its reason
	}
	s.concludeChannel(r, v)
	r.Cooled = s.concludeKey(r, v)
}

// count counts an attempt by how it ended, and remembers its failure if that is the channel's.
func (c *Channel) count(r *Result) {
	c.state.attempts[r.Outcome].Add(1)
	if r.Failure == nil || r.Outcome == outcome.OperatorEnded || !outcome.Judge(r.Outcome, r.Class).MoveOn && !c.Distrusted() {
		return
	}
	c.state.last.Store(&LastFailure{
		At: time.Now().UTC().Truncate(time.Second), Outcome: r.Outcome.String(), Status: r.Failure.Status,
		Detail: wire.Clip(r.Failure.Detail, longestDetail),
	})
}

func (s *Slot) concludeChannel(r *Result, v outcome.Verdict) {
	health, now := &s.Channel.state.health, s.Channel.pool.now // which a success has no need to ask
	switch {
	case r.Failure == nil && r.Sent:
		health.Succeeds()
	case r.saysSomething():
		health.Fails()
	}
	blame := v.CountsAsFailure || v.CountsAsDoubt && health.Doubt.Against(r.Token, r.RequestID)
	switch {
	case blame && r.Failure.AsksForCooldown():
		health.CountFailure(s.Began, now(), s.probe)
		health.CoolFor(now(), r.Failure.RetryAfter, s.probe)
	case blame:
		health.CountFailure(s.Began, now(), s.probe)
	case v.CountsAsSuccess:
		health.CountSuccess(s.Began, s.probe)
	case s.probe:
		health.Cooldown.Abandon()
	}
}

// saysSomething reports whether an attempt that did not succeed says something of its upstream.
func (r *Result) saysSomething() bool {
	switch r.Outcome {
	case outcome.Completed, outcome.ClientStalled, outcome.Shutdown, outcome.Panic, outcome.Rejected, outcome.OperatorEnded:
		return false
	case outcome.ClientGone:
		return r.Sent && r.Events == 0 && r.Waited >= givesUp
	default:
		return r.Sent && r.Class != outcome.ClassRelay
	}
}

func (s *Slot) concludeKey(r *Result, v outcome.Verdict) (cooled bool) {
	switch s.keyAction(r, v) {
	case outcome.KeyRests:
		cause := breaker.Cause{Text: r.Failure.ErrorType() + " " + r.Failure.Detail, RequestID: r.RequestID}
		s.Key.Refuse(s.Channel.pool.now(), s.keyProbe, cause)
		return true
	case outcome.KeyCools:
		s.Key.Limit(s.Channel.pool.now(), r.Failure.RetryAfter, s.keyProbe)
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

// sparing is how careful an attempt has to be with its key, since no request takes more than one of a channel's keys out of use: what
// a client asks must not be able to walk through them.
type sparing uint8

const (
	sparesNone    sparing = iota
	sparesDoubted         // another channel's key is out of use: only an unmistakable word takes this one out as well
	sparesAll             // another key of this channel is out of use
)

// spared says how careful the request's attempts on a channel have to be from here on.
func (w *SelectRequest) spared(c *Channel) (how sparing) {
	for _, t := range w.tried {
		switch {
		case t.cooled && t.channel == c:
			return sparesAll
		case t.cooled:
			how = sparesDoubted
		}
	}
	return how
}

// keyAction is what becomes of the key: what the table says, but for doubts, which have to add up, and for a request that has
// taken a key out of use already.
func (s *Slot) keyAction(r *Result, v outcome.Verdict) outcome.KeyAction {
	switch {
	case v.Key == outcome.KeyDoubted:
		if s.Key.Doubt.Against(r.Token, r.RequestID) && s.spares == sparesNone {
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

// anotherKey reports whether the request may be answered with another key of the channel, so that the channel is not out of the
// question for it. A refusal that may not be about the key is taken to one other key and no further: if it is about what was asked,
// the other keys need not see it too.
func (r *Result) anotherKey(w *SelectRequest) bool {
	before := slices.ContainsFunc(w.tried, func(before tried) bool { return before.channel == r.Channel })
	return outcome.Judge(r.Outcome, r.Class).AnotherKey && (r.Class != outcome.ClassUnauthorized || !before)
}
