package membudget

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const mb = 1 << 20

func leaseOf(b *Budget) *Lease {
	l := &Lease{}
	l.Of(b)
	return l
}

func TestSmallBodiesAreFreeHoweverFullTheBudgetIs(t *testing.T) {
	b := New(mb)
	giant, small := leaseOf(b), leaseOf(b)
	require.NoError(t, giant.Hold(mb+Free))
	require.Equal(t, int64(mb), b.Used())
	require.ErrorIs(t, leaseOf(b).Hold(Free+1), ErrFull)
	require.NoError(t, small.Hold(Free))
	require.Equal(t, int64(mb), b.Used())
	giant.Release()
	require.NoError(t, small.Hold(Free+1))
	require.Equal(t, int64(1), b.Used())
}

func TestALeaseThatIsRefusedIsAsItWas(t *testing.T) {
	b := New(mb)
	l := leaseOf(b)
	require.NoError(t, l.Hold(Free+1000))
	require.ErrorIs(t, l.Hold(2*mb), ErrFull)
	require.Equal(t, int64(1000), b.Used())
	require.NoError(t, l.Hold(Free+10))
	require.Equal(t, int64(10), b.Used())
}

func TestALeaseIsGivenBackOnceWhoeverDoesIt(t *testing.T) {
	b := New(mb)
	other, l := leaseOf(b), leaseOf(b)
	require.NoError(t, other.Hold(Free+7))
	for range 100 {
		require.NoError(t, l.Hold(Free+1000))
		var all sync.WaitGroup
		for range 4 {
			all.Go(l.Release)
		}
		all.Wait()
		require.Equal(t, int64(7), b.Used())
	}
}

func TestManyLeasesNeverHoldMoreThanTheLimit(t *testing.T) {
	b := New(10 * mb)
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			l := leaseOf(b)
			for i := range 2000 {
				_ = l.Hold(int64(i%7) * mb)
				if used := b.Used(); used < 0 || used > 10*mb {
					t.Errorf("used: %d", used)
				}
			}
			l.Release()
		})
	}
	all.Wait()
	require.Zero(t, b.Used())
}

func TestWithoutABudgetThereIsNoLimit(t *testing.T) {
	var none *Lease
	require.NoError(t, none.Hold(1<<60))
	none.Release()
	require.NoError(t, new(Lease).Hold(1<<60))
	require.Zero(t, (*Budget)(nil).Used())
}

func TestABufferGrowsWithWhatArrives(t *testing.T) {
	for name, tc := range map[string]struct {
		announced, most int64
		caps            []int
	}{
		"nothing is announced":          {-1, 200 << 10, []int{1 << 10, 2 << 10, 4 << 10}},
		"a little is announced":         {3000, 200 << 10, []int{3001}},
		"little is announced":           {300, 200 << 10, []int{301}},
		"much is announced":             {150 << 10, 200 << 10, []int{19201, 150<<10 + 1}},
		"very much is announced":        {4 << 20, 8 << 20, []int{8193, 65537, 524289, 4<<20 + 1}},
		"more is announced than may be": {8 << 20, 4 << 20, []int{16385, 65537, 524289, 4<<20 + 1}},
		"more than may be comes":        {-1, 1500, []int{1 << 10, 1501}},
		"more comes than is announced":  {1500, 4000, []int{1501, 3002, 4001}},
	} {
		t.Run(name, func(t *testing.T) {
			b := New(64 * mb)
			l := leaseOf(b)
			buffer := start(tc.announced)
			for i, want := range tc.caps {
				require.Equal(t, want, cap(buffer))
				buffer = append(buffer, make([]byte, cap(buffer)-len(buffer))...)
				if i == len(tc.caps)-1 {
					break
				}
				var err error
				buffer, err = l.grow(buffer, tc.announced, tc.most)
				require.NoError(t, err)
				require.Equal(t, max(0, int64(cap(buffer))-Free), b.Used())
			}
		})
	}
}

func TestABufferThatGrowsIsCountedTwiceWhileItIsCopied(t *testing.T) {
	for limit, fits := range map[int64]bool{3*mb - Free: true, 3*mb - Free - 1: false} {
		b := New(limit)
		l := leaseOf(b)
		require.NoError(t, l.Hold(mb))
		full := make([]byte, mb)
		grown, err := l.grow(full, -1, 64*mb)
		if !fits {
			require.ErrorIs(t, err, ErrFull)
			require.Equal(t, int64(mb-Free), b.Used())
			continue
		}
		require.NoError(t, err)
		require.Equal(t, 2*mb, cap(grown))
		require.Equal(t, int64(2*mb-Free), b.Used())
	}
}

func TestAnOrdinaryCallPaysNothing(t *testing.T) {
	l := leaseOf(New(mb))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_ = l.Hold(4 << 10)
		_ = l.Hold(Free)
		l.Release()
	}))
}

func BenchmarkASmallBody(b *testing.B) {
	l := leaseOf(New(mb))
	for b.Loop() {
		_ = l.Hold(8 << 10)
		l.Release()
	}
}
