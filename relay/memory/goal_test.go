package memory

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const mib = 1 << 20

func TestTheFactorMakesTheFloorTheNextGoalAndIsTheUsualAboveIt(t *testing.T) {
	for _, c := range []struct {
		name                           string
		live, roots, floor, want, goal int64
	}{
		{"so little that Go's own minimum, which grows with the factor, is the floor", 2 * mib, 0, 32 * mib, 800, 18 * mib},
		{"a relay at rest", 4 * mib, 0, 32 * mib, 700, 32 * mib},
		{"stacks are counted by the collector as well", 4 * mib, 3 * mib, 32 * mib, 400, 32 * mib},
		{"half of the floor is alive", 16 * mib, 0, 32 * mib, 100, 32 * mib},
		{"more is alive than half of the floor", 20 * mib, 0, 32 * mib, 100, 40 * mib},
		{"more is alive than the floor", 300 * mib, 100 * mib, 32 * mib, 100, 700 * mib},
		{"a floor below Go's own minimum", mib, 0, 2 * mib, 100, 2 * mib},
	} {
		got := percentFor(c.live, c.roots, c.floor)
		assert.Equal(t, c.want, got, c.name)
		assert.Equal(t, c.goal, c.live+(c.live+c.roots)*got/100, c.name)
	}
}

func TestTheFloorIsAtMostAnEighthOfTheMemoryLimit(t *testing.T) {
	assert.EqualValues(t, Floor, floorFor(math.MaxInt64), "there is no limit")
	assert.EqualValues(t, Floor, floorFor(1<<30))
	assert.EqualValues(t, 8*mib, floorFor(64*mib))
}

func TestAFactorIsSetOnlyWhereItMakesADifference(t *testing.T) {
	assert.False(t, worthIt(700, 700))
	assert.False(t, worthIt(700, 640))
	assert.True(t, worthIt(700, 600))
	assert.True(t, worthIt(700, 800))
	assert.True(t, worthIt(105, usualPercent), "a large heap never keeps more than the usual factor")
}

func TestAnOperatorsGOGCIsLeftAlone(t *testing.T) {
	before := gogc()
	for _, set := range []string{"50", "100", "off"} {
		env := func(name string) (string, bool) { return set, name == "GOGC" }
		assert.Zero(t, RaiseGoal(env), "GOGC=%s", set)
		assert.Equal(t, before, gogc(), "GOGC=%s", set)
	}
}

func TestEveryCollectionSetsTheFactorAnew(t *testing.T) {
	before := debug.SetGCPercent(usualPercent)
	tuned := newTuner(Floor)
	tuned.await()
	t.Cleanup(func() {
		tuned.stop()
		debug.SetGCPercent(before)
	})
	collectUntil := func(satisfied func() bool, what string) {
		t.Helper()
		require.Eventually(t, func() bool {
			runtime.GC()
			return satisfied()
		}, 10*time.Second, time.Millisecond, what)
	}
	small := func() bool { return gogc() > 200 && read("/gc/heap/goal:bytes") >= Floor*7/8 }
	collectUntil(small, "little is alive")
	alive := make([]byte, 3*Floor)
	collectUntil(func() bool { return gogc() == usualPercent }, "much is alive")
	runtime.KeepAlive(alive)
	collectUntil(small, "little is alive again")
}

func gogc() int { return int(read("/gc/gogc:percent")) }

func read(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
