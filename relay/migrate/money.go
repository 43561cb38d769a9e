package migrate

import (
	"math/big"
	"strings"
)

// Quota is what the old programs count money in: 500,000 of it are a dollar, unless the options say another QuotaPerUnit. A billion
// nano-dollars are a dollar here.
const (
	nanoInDollar         = 1_000_000_000
	usualPerDollar       = 500_000
	mostNano             = nanoInDollar * 1_000_000_000 // what a budget may have
	leastNano      int64 = 1
)

// rate turns quota into nano-dollars.
type rate struct{ perDollar *big.Rat }

// newRate reads QuotaPerUnit; said is false if what stands there is no number above zero.
func newRate(text string) (r rate, said bool) {
	r.perDollar = new(big.Rat).SetInt64(usualPerDollar)
	if text == "" {
		return r, true
	}
	given, ok := new(big.Rat).SetString(text)
	if !ok || len(text) > 40 || strings.ContainsAny(text, "/eE_xX") || given.Sign() <= 0 {
		return r, false
	}
	r.perDollar = given
	return r, true
}

// nano is quota in nano-dollars, and whether that is exact; a fraction is cut off towards zero. What does not fit is the largest amount.
func (r rate) nano(quota int64) (nano int64, exact bool) {
	of := new(big.Rat).SetInt64(quota)
	of.Mul(of, new(big.Rat).SetInt64(nanoInDollar)).Quo(of, r.perDollar)
	whole := new(big.Int).Quo(of.Num(), of.Denom())
	if !whole.IsInt64() {
		if whole.Sign() < 0 {
			return -mostNano, false
		}
		return mostNano, false
	}
	return whole.Int64(), of.IsInt()
}

// decimal is an amount of nano-dollars in dollars, with all its digits and none that say nothing.
func decimal(nano int64) string { return trimmed(new(big.Rat).SetFrac64(nano, nanoInDollar), 9) }

// trimmed is a number with at most so many digits behind the point.
func trimmed(r *big.Rat, digits int) string {
	text := r.FloatString(digits)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "0"
	}
	return text
}

// grouped is a sum of dollars as people read it: $1,234.5.
func grouped(text string) string {
	sign := ""
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		sign, text = "-", rest
	}
	whole, part, has := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if has {
		whole += "." + part
	}
	return sign + "$" + whole
}
