//go:build !race

package exchange

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

// Under the race detector the pool drops some.
func TestASafetyNetIsUsedAgainAndAllocatesNothing(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it would empty the pool
	x := &Exchange{hold: &resources{}}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		x.spread()
		x.spread() // another answer of the same attempt
		x.unspread()
		x.unspread() // again does nothing
	}))
}
