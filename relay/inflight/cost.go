package inflight

import (
	"time"

	"one-api/relay/config"
	"one-api/relay/price"
	"one-api/relay/record"
	"one-api/relay/wire"
)

// spent is what attempts that have ended have used.
type spent struct {
	nano, input, output int64
	estimated, unpriced bool
}

// Spent notes what an attempt has used after which another one is made.
func (e *Entry) Spent(a *record.Attempt) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.spent == nil {
		e.spent = &spent{}
	}
	s := e.spent
	s.nano += a.Cost.Cost
	s.input += a.Usage.Input()
	s.output += a.Usage.Output()
	s.estimated = s.estimated || a.Cost.Counted == record.CountedByEstimate
	s.unpriced = s.unpriced || !a.Cost.Priced
}

// running is what an answer that is on its way has used so far.
type running struct {
	of     *config.Channel
	models price.Models
	groups []string // of the token; nil: all
	usage  wire.Usage
}

// running is called with the entry locked.
func (e *Entry) running() *running {
	x, call := e.exchange, e.call
	if x == nil || Phase(e.phase.Load()) != Answering || !call.Endpoint.Costs() || call.Endpoint.Media() || call.Endpoint.Tunnels() {
		return nil
	}
	r := &running{
		of: &x.Channel.Channel, models: price.Models{Asked: x.Channel.UpstreamModel(call.Model), Alias: call.Model},
		usage: x.UsageSoFar(call.Input),
	}
	if call.Token != nil {
		r.groups = call.Token.Groups
	}
	return r
}

// Cost fills in what the request has used so far, and gives what that costs in nano-dollars; false: nobody knows, or it is nothing yet.
func (l *Listed) Cost(book *price.Book, now time.Time) (nano int64, known bool) {
	l.InputTokens, l.OutputTokens, l.Estimated = l.spent.input, l.spent.output, l.spent.estimated
	nano, known = l.spent.nano, !l.spent.unpriced
	if r := l.running; r != nil {
		l.InputTokens += r.usage.Input()
		l.OutputTokens += r.usage.Output()
		l.Estimated = true
		rule, priced := book.Find(r.of, r.models, now)
		if priced {
			amounts := book.Cost(&rule, r.of, r.groups, &r.usage)
			nano, priced = nano+amounts.Cost, amounts.Known
		}
		known = known && priced
	}
	return nano, known && l.InputTokens+l.OutputTokens > 0
}
