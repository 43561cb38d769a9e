package memory

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// ground is a process that gives back what it is told to have to spare.
type ground struct {
	*Giveback
	now          time.Time
	alive, spare int64
	collections  int
}

func newGround(alive int64) *ground {
	g := &ground{now: time.Unix(1_000_000, 0), alive: alive}
	g.Giveback = newGiveback(func() int64 { return g.alive + g.spare }, func() {
		g.collections++
		g.spare = 0
	})
	return g
}

// pass lets time go by with so many calls in flight, a look a second, and returns what was given back.
func (g *ground) pass(d time.Duration, inFlight int64) (returned int64) {
	for range d / time.Second {
		g.now = g.now.Add(time.Second)
		returned += g.Look(g.now, inFlight)
	}
	return returned
}

func TestTheMemoryOfABurstIsGivenBackOnceItIsOver(t *testing.T) {
	g := newGround(30 * mib)
	g.alive, g.spare = 200*mib, 150*mib
	assert.Zero(t, g.pass(time.Minute, 5000), "it is not over")
	g.alive, g.spare = 30*mib, 320*mib
	assert.EqualValues(t, 320*mib, g.pass(10*time.Second, 0))
	assert.Zero(t, g.pass(time.Hour, 0))
	assert.Equal(t, 1, g.collections)
}

func TestNothingIsCollectedWhereItIsNotWorthIt(t *testing.T) {
	for _, c := range []struct {
		name         string
		alive, spare int64
		left         int64
	}{
		{"a third of the calls goes on", 30 * mib, 320 * mib, 1700},
		{"what is to spare is what the floor of the goal makes", 30 * mib, 60 * mib, 0},
		{"what is to spare is what the usual factor makes", 200 * mib, 190 * mib, 0},
	} {
		g := newGround(c.alive)
		g.pass(time.Minute, 5000)
		g.spare = c.spare
		assert.Zero(t, g.pass(time.Minute, c.left), c.name)
		assert.Zero(t, g.collections, c.name)
	}
}

func TestClientsThatComeBackAtOnceMeetNoCollection(t *testing.T) {
	g := newGround(30 * mib)
	g.alive, g.spare = 200*mib, 150*mib
	for range 10 {
		g.pass(5*time.Second, 5000)
		g.pass(calm-time.Second, 3)
	}
	assert.Zero(t, g.collections)
}

func TestBurstAfterBurstCostsACollectionInAWhile(t *testing.T) {
	g := newGround(30 * mib)
	for range 12 {
		g.pass(time.Second, 5000)
		g.spare = 320 * mib
		g.pass(4*time.Second, 0)
	}
	assert.LessOrEqual(t, g.collections, 4, "of a minute with 12 bursts")
	assert.GreaterOrEqual(t, g.collections, 3)
}

func TestACrowdThatLeavesBitByBitLeavesLittleBehind(t *testing.T) {
	g := newGround(30 * mib)
	g.alive = 350 * mib
	g.pass(time.Minute, 5000)
	for _, left := range []int64{4000, 3000, 2000, 1200, 600, 290, 100, 20, 0} {
		alive := 30*mib + left*64<<10
		g.spare += g.alive - alive
		g.alive = alive
		g.pass(30*time.Second, left)
	}
	assert.Less(t, g.spare, int64(2*Floor))
	assert.LessOrEqual(t, g.collections, 3)
}

func TestMemoryThatStaysInUseIsNotCollectedForAgain(t *testing.T) {
	g := newGround(30 * mib)
	g.pass(time.Minute, 100)
	g.alive, g.spare = 300*mib, 20*mib // a larger configuration, say
	for range 20 {
		g.pass(time.Minute, 100)
		g.pass(time.Minute, 2)
		g.spare = 100 * mib
	}
	assert.Equal(t, 1, g.collections)
}

func TestWhatOnceStayedInUseIsForgottenWhenItGoes(t *testing.T) {
	g := newGround(30 * mib)
	for range 2 { // many calls, whose connections then stay open
		g.alive, g.spare = 150*mib, 200*mib
		g.pass(time.Minute, 5000)
		g.pass(time.Minute, 0)
		g.spare = 50 * mib
		g.pass(time.Minute, 0)
	}
	g.alive, g.spare = 40*mib, 0
	g.pass(time.Minute, 0)
	g.spare = 120 * mib
	g.pass(time.Minute, 1000)
	assert.EqualValues(t, 120*mib, g.pass(time.Minute, 0))
}

func TestTheRuntimesOwnFiguresTellWhatIsHeldAndWhatWasReturned(t *testing.T) {
	debug.FreeOSMemory()
	g := NewGiveback()
	alive := make([]byte, 128*mib)
	for i := 0; i < len(alive); i += 4 << 10 {
		alive[i] = 1
	}
	grown := g.held() - g.needed
	assert.Greater(t, grown, int64(100*mib))
	runtime.KeepAlive(alive)
	g.free()
	assert.Less(t, g.held()-g.needed, grown/2)
}
