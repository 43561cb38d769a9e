package limit

import (
	"sync"
	"time"

	"one-api/relay/config"
)

// Ask is what a call may take.
type Ask struct {
	ID        string // of the request
	Model     string
	Input     int64 // tokens, as a guess
	MaxOutput int64 // 0: the client has not said
	Choices   int64 // answers; 0 is one
	// Price is what that much input and output cost, in nano-dollars; nil: nobody knows, or nobody has a budget.
	Price func(input, output int64) int64
}

// Over is the limit that a call would pass.
type Over struct {
	Limit  string
	Scope  Scope
	Name   string
	Limits config.Limits
	// Used is what counts of the limit already, and Most the limit: requests, tokens or calls, or for budgets nano-dollars.
	Used, Most int64
	Per        config.Period // of a budget
	Wait       time.Duration // until it may be asked again; 0: nobody knows
	Opens      time.Time     // when a budget that is spent begins anew; zero: never, or it is not spent
}

// Reservation is what a call has reserved. It belongs to the call's goroutine.
type Reservation struct {
	bounds *Bounds
	id     string // of its request
	model  string
	tokens int64
	nano   int64

	prev, next *Reservation // among those that are open
}

var calls = sync.Pool{New: func() any { return new(Reservation) }}

// Enter reserves what a call may take, at all levels or at none.
func (b *Bounds) Enter(a *Ask) (*Reservation, *Over) {
	k := b.keeper
	now := k.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	output := k.outs.expected(b.token, a.Model, a.MaxOutput) * max(1, a.Choices)
	tokens, nano := a.Input+output, int64(0)
	if a.Price != nil {
		nano = a.Price(a.Input, output)
	}
	for i := range b.levels {
		l := &b.levels[i]
		l.meter.to(k, now)
		if which := l.passed(tokens, nano); which != "" {
			return nil, l.over(which, tokens, now)
		}
	}
	for i := range b.levels {
		m := b.levels[i].meter
		m.open++
		if b.levels[i].limits.RPM > 0 {
			m.requests.add(now.UnixNano())
		}
		m.reserved += tokens
		m.purse.reserved += nano
	}
	c := calls.Get().(*Reservation)
	*c = Reservation{bounds: b, id: a.ID, model: a.Model, tokens: tokens, nano: nano}
	k.link(c)
	return c, nil
}

// to brings the meter up to a time.
func (m *meter) to(k *Keeper, now time.Time) {
	m.requests.since(now.Add(-window).UnixNano())
	m.tokens.to(now.Unix())
	k.turn(m, now)
}

// passed is which limit of the level a call would pass; empty: none.
func (l *level) passed(tokens, nano int64) string {
	m := l.meter
	switch p := &m.purse; {
	case l.limits.Concurrent > 0 && m.open >= l.limits.Concurrent:
		return Concurrent
	case l.limits.RPM > 0 && m.requests.length >= l.limits.RPM:
		return Requests
	case l.limits.TPM > 0 && passes(m.tokens.sum, m.reserved, tokens, int64(l.limits.TPM)):
		return Tokens
	case l.budget.Nano > 0 && passes(p.spent, p.reserved, nano, l.budget.Nano):
		return Budget
	}
	return ""
}

// over says how a limit is passed.
func (l *level) over(which string, tokens int64, now time.Time) *Over {
	m := l.meter
	o := Over{Limit: which, Scope: m.scope, Name: m.name, Limits: l.limits}
	switch p := &m.purse; which {
	case Concurrent:
		o.Used, o.Most, o.Wait = int64(m.open), int64(l.limits.Concurrent), time.Second
	case Requests:
		oldest := m.requests.at[(m.requests.first+m.requests.length-l.limits.RPM)%len(m.requests.at)]
		o.Used, o.Most = int64(m.requests.length), int64(l.limits.RPM)
		o.Wait = time.Duration(oldest - now.Add(-window).UnixNano())
	case Tokens:
		o.Used, o.Most = m.tokens.sum+m.reserved, int64(l.limits.TPM)
		o.Wait = max(time.Second, m.tokens.free(min(m.tokens.sum, o.Used+tokens-o.Most)))
		if m.tokens.sum == 0 {
			o.Wait = time.Second // it is all reserved, and calls end at any moment
		}
	default:
		o.Used, o.Most, o.Per = p.spent, l.budget.Nano, p.per
		if p.spent < l.budget.Nano {
			o.Wait = time.Second // what others have reserved may come back
		} else if !p.until.IsZero() {
			o.Wait, o.Opens = p.until.Sub(now), p.until
		}
	}
	return &o
}

// passes reports whether a call of its own size would pass a limit. One that is alone is let through while anything is left: it is only
// a guess that it takes so much.
func passes(used, reserved, own, most int64) bool {
	return used+reserved+own > most && (used >= most || reserved > 0)
}

// Leave gives back what was reserved, and counts what was taken: tokens and nano-dollars. output is how many of the tokens were put out,
// 0 if nothing is to be learnt from that. It is called once; nil is a call for which no limit counts.
func (c *Reservation) Leave(tokens, output, nano int64) {
	if c == nil {
		return
	}
	k := c.bounds.keeper
	now := k.now()
	k.mu.Lock()
	k.unlink(c)
	for i := range c.bounds.levels {
		m := c.bounds.levels[i].meter
		m.to(k, now)
		m.open--
		m.reserved -= c.tokens
		m.purse.reserved -= c.nano
		m.tokens.add(now.Unix(), tokens)
		m.purse.spent += nano
	}
	if output > 0 {
		k.outs.note(c.bounds.token, c.model, output)
	}
	k.mu.Unlock()
	*c = Reservation{}
	calls.Put(c)
}

// Grow reserves more for a call that is to be made of another model; false: a budget does not admit that, and nothing has changed.
func (c *Reservation) Grow(a *Ask) bool {
	if c == nil {
		return true
	}
	b, k := c.bounds, c.bounds.keeper
	k.mu.Lock()
	defer k.mu.Unlock()
	output := k.outs.expected(b.token, a.Model, a.MaxOutput) * max(1, a.Choices)
	nano := c.nano
	if a.Price != nil {
		nano = max(nano, a.Price(a.Input, output))
	}
	for i := range b.levels {
		l := &b.levels[i]
		k.turn(l.meter, k.now())
		if p := &l.meter.purse; l.budget.Nano > 0 && passes(p.spent, p.reserved-c.nano, nano, l.budget.Nano) {
			return false
		}
	}
	for i := range b.levels {
		b.levels[i].meter.purse.reserved += nano - c.nano
	}
	c.nano, c.model = nano, a.Model
	return true
}

// Left is what remains of a token's own limits a minute, for the header of a refusal: -1 if there is no such limit.
func (b *Bounds) Left(scope Scope, name string) (requests, tokens int64, reset, tokenReset time.Duration) {
	k := b.keeper
	k.mu.Lock()
	defer k.mu.Unlock()
	requests, tokens = -1, -1
	now := k.now()
	for i := range b.levels {
		l := &b.levels[i]
		m := l.meter
		if m.scope != scope || m.name != name {
			continue
		}
		m.to(k, now)
		if l.limits.RPM > 0 {
			requests = max(0, int64(l.limits.RPM-m.requests.length))
			if m.requests.length > 0 {
				newest := m.requests.at[(m.requests.first+m.requests.length-1)%len(m.requests.at)]
				reset = time.Duration(newest - now.Add(-window).UnixNano())
			}
		}
		if l.limits.TPM > 0 {
			tokens = max(0, int64(l.limits.TPM)-m.tokens.sum-m.reserved)
			tokenReset = m.tokens.free(m.tokens.sum)
		}
	}
	return requests, tokens, reset, tokenReset
}
