package channel

import "time"

// headerPhase is the wait for the answer's header. A call that streams may not be silent for longer than its first token may
// take, be it before the header or behind it.
func (x *Exchange) headerPhase() (time.Time, Outcome) {
	t := x.Channel.Timeouts
	header := after(x.began, t.Header)
	if x.call.Stream && t.FirstToken > 0 {
		if first := after(x.began, t.FirstToken); header.IsZero() || first.Before(header) {
			return first, FirstTokenTimeout
		}
	}
	return header, HeaderTimeout
}

// silencePhase bounds the silence of a stream: until its first event, and between events from then on. Nothing bounds the
// whole of it.
func (x *Exchange) silencePhase(now time.Time) (time.Time, Outcome) {
	t := x.Channel.Timeouts
	if !x.started && t.FirstToken > 0 {
		return after(x.began, t.FirstToken), FirstTokenTimeout
	}
	return after(now, t.Idle), IdleTimeout
}

// after is start plus d; zero where d is zero: no bound.
func after(start time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return time.Time{}
	}
	return start.Add(d)
}
