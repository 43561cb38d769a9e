// Package price is what calls cost. It knows the prices that are shipped (table.go, made by gen), those of the operator, which win, and
// by whose prices a channel is paid for (book.go). Amounts are integers: pico-dollars (10^-12) for one of a unit, and nano-dollars
// (10^-9) for an attempt, rounded once, half up (amount.go).
package price

//go:generate go run ./gen -to data

import (
	"time"

	"one-api/relay/wire"
)

// Unit is something that has a price.
type Unit uint8

// The units. The first ten are tokens, in classes as wire.Usage has them.
const (
	Input Unit = iota
	CacheRead
	CacheWrite
	CacheWrite1h
	AudioIn
	ImageIn
	Output
	AudioOut
	ImageOut
	Reasoning
	Request
	Hour // of sound
	Image
	Character

	units
)

// names is what the table calls them.
var names = [units]string{
	"input", "cache_read", "cache_write", "cache_write_1h", "audio_in", "image_in", "output", "audio_out", "image_out", "reasoning",
	"request", "hour", "image", "character",
}

func (u Unit) String() string { return names[u] }

// ForAMillion reports whether people say what a million of the unit costs.
func (u Unit) ForAMillion() bool { return u < Request || u == Character }

// instead is the unit whose price applies where there is none for one. It is its own for those that have to have one.
var instead = [units]Unit{
	Input: Input, CacheRead: Input, CacheWrite: Input, CacheWrite1h: CacheWrite, AudioIn: Input, ImageIn: Input,
	Output: Output, AudioOut: Output, ImageOut: Output, Reasoning: Output,
	Request: Request, Hour: Hour, Image: Image, Character: Character,
}

// Rate is the price of a unit.
type Rate struct {
	Pico  int64 // pico-dollars for one
	Tiers []Tier
}

// Tier is the price of all of it from a call on whose input, all of it, is over so many tokens: it is a cliff and no staircase.
type Tier struct{ Over, Pico int64 }

// of is the price for a call of so much input.
func (r *Rate) of(input int64) int64 {
	price := r.Pico
	for _, t := range r.Tiers {
		if input > t.Over {
			price = t.Pico
		}
	}
	return price
}

// Rates are the prices of a model.
type Rates struct {
	has   uint16
	rates [units]Rate
}

// Set gives a unit its price.
func (r *Rates) Set(u Unit, rate Rate) {
	r.has |= 1 << u
	r.rates[u] = rate
}

// Of is a unit's own price; nil: it has none.
func (r *Rates) Of(u Unit) *Rate {
	if r.has&(1<<u) == 0 {
		return nil
	}
	return &r.rates[u]
}

// Each visits the units that have a price of their own.
func (r *Rates) Each(visit func(Unit, *Rate)) {
	for u := range units {
		if rate := r.Of(u); rate != nil {
			visit(u, rate)
		}
	}
}

// Empty reports whether nothing has a price.
func (r *Rates) Empty() bool { return r.has == 0 }

// applies is the price that applies to a unit: its own, or what stands in for it; nil: nobody knows one.
func (r *Rates) applies(u Unit) *Rate {
	for {
		if rate := r.Of(u); rate != nil {
			return rate
		}
		if instead[u] == u {
			return nil
		}
		u = instead[u]
	}
}

// sum is what usage costs, in femto-dollars; known: each of its parts has a price.
func (r *Rates) sum(u *wire.Usage) (femto amount, known bool) {
	s := summing{rates: r, input: u.Input(), known: true}
	reasoning := min(u.Reasoning, u.Text)
	for _, part := range [...]struct {
		unit Unit
		n    int64
	}{
		{Input, u.Uncached}, {CacheRead, u.CacheRead}, {CacheWrite, u.CacheWrite5m}, {CacheWrite1h, u.CacheWrite1h}, {AudioIn, u.AudioIn},
		{ImageIn, u.ImageIn}, {Output, u.Text - reasoning}, {Reasoning, reasoning}, {AudioOut, u.AudioOut}, {ImageOut, u.ImageOut},
	} {
		s.tokens(part.unit, part.n)
	}
	tokens, other := u.Tokens() > 0, false
	if rate := r.Of(Hour); rate != nil && u.Seconds > 0 {
		s.add(rate.of(0), int64(u.Seconds*1000+0.5), 1000, 3_600_000)
		other = true
	}
	for _, part := range [...]struct {
		unit Unit
		n    int64
	}{{Image, u.Images}, {Character, u.Characters}, {Request, max(1, u.SearchUnits)}} {
		if rate := r.Of(part.unit); rate != nil && part.n > 0 {
			s.add(rate.of(s.input), part.n, 1000, 1)
			other = true
		}
	}
	return s.femto, s.known && (tokens || other)
}

// summing adds prices up.
type summing struct {
	rates *Rates
	input int64
	femto amount
	known bool
}

func (s *summing) tokens(u Unit, n int64) {
	if n <= 0 {
		return
	}
	rate := s.rates.applies(u)
	if rate == nil {
		s.known = false
		return
	}
	s.add(rate.of(s.input), n, 1000, 1)
}

// add adds n of something at a price in pico-dollars, times and by.
func (s *summing) add(pico, n int64, times, by uint64) {
	s.femto = s.femto.plus(product(pico, n).times(times).by(by))
}

// dated are the prices that apply from a day on, or between two times of each day.
type dated struct {
	since    time.Time // zero: ever
	from, to int32     // seconds of the day, UTC; to is 0 if it is at all times
	rates    Rates
}

func (d *dated) applies(at time.Time) bool {
	if at.Before(d.since) {
		return false
	}
	if d.from == 0 && d.to == 0 {
		return true
	}
	h, m, s := at.UTC().Clock()
	now := int32(h*3600 + m*60 + s) //nolint:gosec // seconds of a day
	if d.to < d.from {
		return now >= d.from || now < d.to
	}
	return now >= d.from && now < d.to
}
