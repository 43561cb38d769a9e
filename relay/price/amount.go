package price

import (
	"math"
	"math/bits"
)

// amount is a number of 128 bits that is not negative. One that would need more is too much, and stays so.
type amount struct{ high, low uint64 }

var tooMuch = amount{math.MaxUint64, math.MaxUint64}

// product is a times b, neither of which is negative.
func product(a, b int64) amount {
	if a <= 0 || b <= 0 {
		return amount{}
	}
	high, low := bits.Mul64(uint64(a), uint64(b))
	return amount{high, low}
}

func (a amount) plus(b amount) amount {
	low, carry := bits.Add64(a.low, b.low, 0)
	high, carry := bits.Add64(a.high, b.high, carry)
	if carry > 0 {
		return tooMuch
	}
	return amount{high, low}
}

func (a amount) times(n uint64) amount {
	over, high := bits.Mul64(a.high, n)
	carried, low := bits.Mul64(a.low, n)
	high, carry := bits.Add64(high, carried, 0)
	if over > 0 || carry > 0 {
		return tooMuch
	}
	return amount{high, low}
}

// by is a divided by n, which is not 0, without the rest.
func (a amount) by(n uint64) amount {
	if n == 1 || a == tooMuch {
		return a
	}
	high, rest := a.high/n, a.high%n
	low, _ := bits.Div64(rest, a.low, n)
	return amount{high, low}
}

// rounded is a divided by n, half up. What an int64 cannot hold is the most that it can.
func (a amount) rounded(n uint64) int64 {
	if a == tooMuch {
		return math.MaxInt64
	}
	high, rest := a.high/n, a.high%n
	low, rest := bits.Div64(rest, a.low, n)
	if rest >= n-rest { // the half of n, without adding
		var carry uint64
		low, carry = bits.Add64(low, 1, 0)
		high += carry
	}
	if high > 0 || low > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(low)
}

// Million is a factor of 1 in millionths, as discounts and markups are kept.
const Million = 1_000_000

// factor is by what a list price is multiplied for a service tier and the like.
type factor struct{ times, by uint64 }

var asListed = factor{1, 1}

// and is both, one after the other.
func (f factor) and(g factor) factor { return factor{f.times * g.times, f.by * g.by} }

// nano is femto-dollars as nano-dollars, with a factor and two shares in millionths, rounded once: to lose the rest of a division before
// that changes no half.
func (a amount) nano(f factor, discount, markup int64) int64 {
	const femtoInNano = 1_000_000
	return a.times(f.times).times(uint64(max(0, discount))).times(uint64(max(0, markup))).by(f.by).rounded(femtoInNano * Million * Million)
}
