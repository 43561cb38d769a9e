package exchange

import (
	"time"

	"one-api/relay/lane"
	"one-api/relay/outcome"
)

// connectPhase is the wait for a connection: for a name, a proxy and a handshake, as far as they are needed.
func (x *Exchange) connectPhase() (time.Time, outcome.Outcome) {
	deadline, as := x.headerPhase()
	connect := after(time.Now(), x.Channel.Timeouts.Connect)
	if !connect.IsZero() && (deadline.IsZero() || connect.Before(deadline)) {
		return connect, outcome.ConnectFailed
	}
	return deadline, as
}

// headerPhase is the wait for the answer's header. A call that streams may not be silent for longer than its first token may
// take, be it before the header or behind it. Nor may one be at a provider's own host for longer than STREAM_HEADER_TIMEOUT while
// another healthy channel is left: providers that are well answer a stream at once, and what they say then is what takes long.
func (x *Exchange) headerPhase() (time.Time, outcome.Outcome) {
	t := x.Channel.Timeouts
	wait := t.Header
	if x.Hurried && !x.call.Endpoint.Media() && (wait == 0 || t.StreamHeader < wait) {
		wait = t.StreamHeader
	}
	header := after(x.Began, wait)
	if x.call.Stream && t.FirstToken > 0 && !x.call.Endpoint.Media() {
		if first := after(x.Began, t.FirstToken); header.IsZero() || first.Before(header) {
			return first, outcome.FirstTokenTimeout
		}
	}
	return header, outcome.HeaderTimeout
}

// ranOut says, for the log, which clock ran out and where it is set.
func (x *Exchange) ranOut(as outcome.Outcome) string {
	t, waited := x.Channel.Timeouts, time.Since(x.Began).Round(10*time.Millisecond).String()
	switch as {
	case outcome.ConnectFailed:
		return "no connection after " + waited + ": timeouts.connect is " + t.Connect.String()
	case outcome.HeaderTimeout:
		switch {
		case x.answer.Status != 0:
			return "the answer was not whole after " + waited + ": timeouts.header (RELAY_TIMEOUT) is " + t.Header.String()
		case x.Hurried && t.StreamHeader < t.Header:
			return "nothing of an answer after " + waited + ": STREAM_HEADER_TIMEOUT is " + t.StreamHeader.String()
		}
		return "nothing of an answer after " + waited + ": timeouts.header (RELAY_TIMEOUT) is " + t.Header.String()
	case outcome.FirstTokenTimeout:
		return "nothing that says something after " + waited + ": timeouts.first_token (FIRST_TOKEN_TIMEOUT) is " + t.FirstToken.String()
	case outcome.IdleTimeout:
		return "a stream that fell silent after " + waited + ": timeouts.idle (STREAMING_TIMEOUT) is " + t.Idle.String()
	default:
		return ""
	}
}

// quiet is what is known of a stream's silence: what it has not said yet, and for how long.
type quiet struct {
	content bool          // something has come that promises an answer
	ended   bool          // all has come but what ends the stream
	goesOn  bool          // there was content behind that
	empty   int32         // events without content that have come since the upstream last said something
	heard   int           // events and comments, when the silence began that is going on
	since   time.Time     // when that was; zero: nothing has been waited for yet
	spoke   time.Duration // how long the upstream had been waited for when it last said something
	spokeAt int           // events and comments by then
}

// mostEmpty is how many events without content may follow each other before they are signs of life and nothing else: some servers
// send empty chunks, or events of their own, where others send comments.
const mostEmpty = 8

// longestEnd is how long a stream that has said all may take to end. What may follow is its usage, at once.
const longestEnd = 5 * time.Second

// silencePhase bounds the silence of a stream, which only a whole event or comment ends, and the time in which it shows signs of
// life and says nothing. Nothing bounds the whole of it. Until there is content, the first token's clock stands in for that of
// the silence, if it is set.
func (x *Exchange) silencePhase(now time.Time) (deadline time.Time, outcome outcome.Outcome) {
	x.body.so = soFar{x.events, x.counted.text}
	return x.silence(now, x.out.heard())
}

// silence is silencePhase once so many events and comments have come.
func (x *Exchange) silence(now time.Time, heard int) (deadline time.Time, as outcome.Outcome) {
	t, q := &x.Channel.Timeouts, &x.quiet
	if heard != q.heard || q.since.IsZero() {
		q.heard, q.since = heard, now
	}
	deadline, as = after(q.since, x.idle()), outcome.IdleTimeout
	if !q.content && t.FirstToken > 0 && !x.call.Endpoint.Media() {
		deadline, as = after(x.Began, t.FirstToken), outcome.FirstTokenTimeout
		if q.heard > 0 && x.Channel.HidesReasoning(x.call.Model) {
			deadline = after(q.since, t.FirstToken)
		}
	}
	longest, bounded := t.Header, t.Header > 0 && q.heard > q.spokeAt
	if q.ended && !q.goesOn {
		longest, bounded = longestEnd, true
	}
	if bounded {
		// The client's slowness does not count: what is compared is the time that was spent on waiting for the upstream.
		say := now.Add(longest - (x.waited + x.body.waited - q.spoke))
		if deadline.IsZero() || say.Before(deadline) {
			deadline = say
		}
	}
	return deadline, as
}

// idle is how long the answer may be silent once it has begun; 0 if it may be for ever. A picture may take minutes: it has as long as a
// header.
func (x *Exchange) idle() time.Duration {
	t := &x.Channel.Timeouts
	if x.call.Endpoint.Slow() && t.Idle > 0 && (t.Header == 0 || t.Header > t.Idle) {
		return t.Header
	}
	return t.Idle
}

// passingPhase bounds the silence of an answer that passes by.
func (x *Exchange) passingPhase(now time.Time) (time.Time, outcome.Outcome) {
	return after(now, x.idle()), outcome.IdleTimeout
}

// listens notes whether a step says something, or only that the upstream is alive. heard is how many events and comments have come;
// complete means that nothing is missing but what ends the stream.
func (x *Exchange) listens(step *lane.Chunk, heard int, complete bool) {
	q := &x.quiet
	committed := len(step.Out) > 0 && !step.Preamble
	q.content = q.content || step.Content || committed
	before := q.ended
	q.ended = complete
	switch {
	case step.Content:
		q.empty = 0
		q.goesOn = q.goesOn || before // whose word on its end is worth little
	case q.ended && !before:
	case q.ended:
		return
	case (committed || step.Preamble && !step.Ping) && q.empty < mostEmpty:
		q.empty++
	default:
		return
	}
	q.spoke, q.spokeAt = x.waited+x.body.waited, heard
}

// endsBySilence reports whether a stream fell silent when nothing was missing but its end.
func (x *Exchange) endsBySilence(f *outcome.Failure) bool {
	return x.quiet.ended && (f.Outcome == outcome.IdleTimeout || f.Outcome == outcome.FirstTokenTimeout)
}

// silent explains to the operator why a stream counts as silent although something came: comments, pings or empty events.
func (x *Exchange) silent(f *outcome.Failure) *outcome.Failure {
	switch f.Outcome {
	case outcome.IdleTimeout, outcome.FirstTokenTimeout:
		if x.quiet.heard > x.quiet.spokeAt {
			f.Detail = "nothing came but comments, pings or empty events"
		}
	default:
	}
	return f
}

// after is start plus d, or the zero time, which bounds nothing, if d is not positive.
func after(start time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return time.Time{}
	}
	return start.Add(d)
}
