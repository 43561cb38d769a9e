package membudget

import (
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWhatIsAnnouncedCostsNothingHoweverMuchItIs announces lengths at which sums overflow.
func TestWhatIsAnnouncedCostsNothingHoweverMuchItIs(t *testing.T) {
	for _, announced := range []int64{math.MaxInt64, math.MaxInt64 - 1, math.MaxInt64 - Free, math.MaxInt64/step + 1, math.MaxInt32 + 1, math.MinInt64} {
		for _, most := range []int64{64 * mb, math.MaxInt64} {
			b := New(64 * mb)
			l := leaseOf(b)
			got, err := read(l, strings.NewReader("{}"), announced, most)
			require.NoError(t, err)
			require.Equal(t, "{}", string(got))
			require.LessOrEqual(t, cap(got), Free+1)
			require.Zero(t, b.Used())
		}
	}
}

// TestALeaseTakesNoAmountThatOverflows: what is asked for is made of sums of lengths that strangers announce.
func TestALeaseTakesNoAmountThatOverflows(t *testing.T) {
	b := New(mb)
	l, other := leaseOf(b), leaseOf(b)
	require.NoError(t, other.Hold(Free+mb/2))
	for _, size := range []int64{math.MaxInt64, math.MinInt64, -1} {
		if size > 0 {
			require.ErrorIs(t, l.Hold(size), ErrFull)
		} else {
			require.ErrorIs(t, l.Hold(size), ErrFull, "a sum that overflowed is no small one: %d", size)
		}
		require.Equal(t, int64(mb/2), b.Used())
	}
	require.NoError(t, l.Hold(0))
}

// TestAnAnnouncementAloneTakesNoMemory is for lengths that are merely large.
func TestAnAnnouncementAloneTakesNoMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		_, err := read(leaseOf(New(64*mb)), strings.NewReader("x"), 64*mb-1, 64*mb)
		require.NoError(t, err)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(100*2*Free))
}
