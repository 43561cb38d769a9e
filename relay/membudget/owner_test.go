package membudget

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// by is a lease of the token's.
func by(o *Owner) *Lease {
	l := leaseOf(o.of)
	l.By(o)
	return l
}

// calling is tokens with a call open each.
func calling(b *Budget, names ...string) (all []*Owner) {
	for _, name := range names {
		o := b.Owner(name)
		o.Enter()
		all = append(all, o)
	}
	return all
}

func TestATokenThatIsAloneMayHaveAllOfTheBudget(t *testing.T) {
	b := New(100 * mb)
	b.Keep([]string{"one", "idle", "idle too"})
	one := calling(b, "one")[0]
	require.NoError(t, by(one).Hold(60*mb+Free))
	require.NoError(t, by(one).Hold(40*mb+Free))
	require.ErrorIs(t, by(one).Hold(1+Free), ErrFull)
	require.Equal(t, int64(100*mb), one.Held())
}

func TestNobodyHoldsMoreThanTheShareWhileMoreThanHalfIsUsed(t *testing.T) {
	b := New(100 * mb)
	all := calling(b, "hog", "quiet", "quiet too", "quiet as well")
	hog := by(all[0])
	require.NoError(t, hog.Hold(50*mb+Free), "up to half of the budget nobody asks")
	require.ErrorIs(t, hog.Hold(51*mb+Free), ErrShare)
	require.ErrorIs(t, by(all[0]).Hold(1+Free), ErrShare, "whichever call it is for")
	require.ErrorIs(t, ErrShare, ErrFull, "so that it is known where the other is")
	require.Equal(t, int64(50*mb), b.Used())

	require.NoError(t, by(all[1]).Hold(25*mb+Free), "the others have theirs")
	require.ErrorIs(t, by(all[1]).Hold(1+Free), ErrShare)
	require.NoError(t, by(all[2]).Hold(3*mb+Free))
	require.NoError(t, leaseOf(b).Hold(3*mb+Free), "what is nobody's has no share")

	hog.Release()
	require.Zero(t, all[0].Held())
	require.NoError(t, by(all[0]).Hold(12*mb+Free))
}

func TestTwoWhoTakeAllTheyGetLeaveRoomForAThird(t *testing.T) {
	b := New(128 * mb)
	hogs := calling(b, "a", "b")
	for range 1000 {
		for _, o := range hogs {
			_ = by(o).Hold(mb/4 + Free)
		}
	}
	require.Greater(t, hogs[0].Held()+hogs[1].Held(), int64(100*mb), "they have nearly all of it")
	third := calling(b, "c")[0]
	require.NoError(t, by(third).Hold(4*mb+Free))
	for _, o := range hogs {
		require.ErrorIs(t, by(o).Hold(1+Free), ErrShare)
	}
}

func TestATokenIsActiveForAWhileBehindItsLastCall(t *testing.T) {
	b := New(100 * mb)
	all := calling(b, "a", "b")
	all[1].Leave(time.Now())
	a := by(all[0])
	require.ErrorIs(t, a.Hold(51*mb+Free), ErrShare)
	b.began = b.began.Add(-activeFor - time.Second) // time has passed
	require.NoError(t, a.Hold(51*mb+Free))
}

func TestOwnersAreThoseOfTheConfiguration(t *testing.T) {
	b := New(100 * mb)
	for i := range 10_000 {
		b.Keep([]string{"stays", fmt.Sprintf("token-%d", i)})
		require.LessOrEqual(t, len(*b.owners.Load()), 3)
		if i == 5 {
			calling(b, "token-5")
		}
	}
	busy := b.Owner("token-5")
	busy.Leave(time.Now())
	b.Keep([]string{"stays"})
	require.Len(t, *b.owners.Load(), 1)
	require.Nil(t, (*Budget)(nil).Owner("x"))
	(*Owner)(nil).Enter()
	(*Owner)(nil).Leave(time.Now())
	require.Zero(t, (*Owner)(nil).Held())
}

func TestManyTokensAreNotCountedForEveryBlock(t *testing.T) {
	b := New(100 * mb)
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	b.Keep(names)
	all := calling(b, names...)
	require.NoError(t, by(all[0]).Hold(50*mb+Free))
	began := time.Now()
	for range 100_000 {
		require.ErrorIs(t, by(all[1]).Hold(1*mb+Free), ErrShare)
	}
	require.Less(t, time.Since(began), 20*time.Second)
}

func TestAskingForAnOwnerAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	b := New(mb)
	b.Keep([]string{"a"})
	require.Zero(t, testing.AllocsPerRun(100, func() {
		o := b.Owner("a")
		o.Enter()
		var l Lease
		l.Of(b)
		l.By(o)
		_ = l.Hold(Free)
		l.Release()
		o.Leave(time.Now())
	}))
}
