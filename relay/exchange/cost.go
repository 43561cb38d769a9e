package exchange

import (
	"one-api/relay/record"
	"one-api/relay/wire"
)

// counts says what an attempt cost, and where the figures are from.
func (x *Exchange) counts(a *record.Attempt) {
	switch {
	case a.Usage == wire.Usage{}:
	case a.Failure != nil && !x.complete():
		a.Cost.Counted = record.CountedByEstimate
	default:
		a.Cost.Counted = record.CountedByProvider
	}
}
