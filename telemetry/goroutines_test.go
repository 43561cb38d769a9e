package telemetry

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"github.com/stretchr/testify/require"
)

// hold starts n goroutines that work for a channel, from one that does so for a moment; the function that is returned ends them.
func hold(channel string, n int) (release func()) {
	ended := make(chan struct{})
	var all sync.WaitGroup
	pprof.SetGoroutineLabels(ChannelLabels(channel))
	for range n {
		all.Go(func() { waitFor(ended) })
	}
	pprof.SetGoroutineLabels(context.Background())
	return func() { close(ended); all.Wait() }
}

func waitFor(ended chan struct{}) { <-ended }

func TestASampleTellsWhichChannelHoldsGoroutinesAndWhereTheyStand(t *testing.T) {
	const quoted = "na\"me, with: \\ and ü"
	defer hold("slow", 40)()
	defer hold(quoted, 5)()
	s := NewSampler()
	s.Expected, s.keep = func() int64 { return 7 }, 0
	var sample *GoroutineSample
	require.Eventually(t, func() bool {
		var err error
		sample, err = s.Sample()
		if err != nil || sample.Stacks[0].Count != 40 || !slices.Contains(sample.Stacks[0].Stack, "one-api/telemetry.waitFor") {
			return false
		}
		off := int64(runtime.NumGoroutine()) - sample.Total
		return -2 <= off && off <= 2 // require.Eventually has a goroutine of its own
	}, 20*time.Second, time.Millisecond, "all of them wait, and those of the test before have ended")
	require.Equal(t, int64(40), sample.ByChannel["slow"], "what a labelled goroutine starts is labelled, itself is not any more")
	require.Equal(t, int64(5), sample.ByChannel[quoted])
	require.Equal(t, int64(7), sample.Expected)
	sum := sample.Unlisted
	for _, stack := range sample.Stacks {
		sum += stack.Count
	}
	require.Equal(t, sample.Total, sum)
	most := sample.Stacks[0]
	require.Equal(t, int64(40), most.Count)
	require.Equal(t, "slow", most.Channel)
	for _, f := range most.Stack {
		require.NotContains(t, f, "0x", "names of functions only")
	}
}

func TestLabellingACallsGoroutineAllocatesNothing(t *testing.T) {
	labels := ChannelLabels("a")
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		pprof.SetGoroutineLabels(labels)
		pprof.SetGoroutineLabels(context.Background()) //nolint:contextcheck // no labels
	}))
}

func TestASampleIsBoundedHoweverManyStacksThereAreAndHoweverDeepTheyGo(t *testing.T) {
	taken := &profile.Profile{}
	for i := range 1000 {
		s := &profile.Sample{Value: []int64{int64(i + 1)}}
		for depth := range 200 {
			name := fmt.Sprintf("f%d.%d", i, depth)
			s.Location = append(s.Location, &profile.Location{Line: []profile.Line{{Function: &profile.Function{Name: name}}, {}}})
		}
		taken.Sample = append(taken.Sample, s)
	}
	var g GoroutineSample
	g.fill(taken)
	require.Len(t, g.Stacks, maxStacks)
	require.Len(t, g.Stacks[0].Stack, maxFrames)
	require.Equal(t, int64(1000), g.Stacks[0].Count)
	require.Equal(t, "f999.0", g.Stacks[0].Stack[0])
	require.Equal(t, int64(1000*1001/2), g.Total)
	require.Equal(t, int64(950*951/2), g.Unlisted)
}

func TestAProfileIsNotTakenAgainWithinASecond(t *testing.T) {
	s := NewSampler()
	s.keep = time.Hour
	samples := make([]*GoroutineSample, 20)
	var all sync.WaitGroup
	for i := range samples {
		all.Go(func() { samples[i], _ = s.Sample() })
	}
	all.Wait()
	for _, sample := range samples {
		require.Same(t, samples[0], sample)
	}
	s.keep = 0
	again, err := s.Sample()
	require.NoError(t, err)
	require.NotSame(t, samples[0], again)
}

func TestASampleIsForgottenWhenNobodyTakesNewOnes(t *testing.T) {
	s := NewSampler()
	require.Nil(t, s.Fresh(time.Now()))
	sample, err := s.Sample()
	require.NoError(t, err)
	require.Same(t, sample, s.Fresh(sample.At.Add(WatchInterval)))
	require.Nil(t, s.Fresh(sample.At.Add(WatchInterval+WatchInterval/2)))
}

// leakForTest is set in the process that TestTheRuntimeProvesALeak starts: what it leaks would be found by goleak here.
const leakForTest = "TELEMETRY_TEST_LEAKS"

func TestTheRuntimeProvesALeak(t *testing.T) {
	if pprof.Lookup("goroutineleak") == nil {
		_, err := NewLeakSampler().Sample()
		require.ErrorIs(t, err, ErrNoProfile)
		return
	}
	if os.Getenv(leakForTest) == "" {
		again := exec.Command(os.Args[0], "-test.run=^TestTheRuntimeProvesALeak$", "-test.v")
		again.Env = append(os.Environ(), leakForTest+"=1")
		said, err := again.CombinedOutput()
		require.NoError(t, err, string(said))
		require.Contains(t, string(said), "proved")
		return
	}
	healthy := make(chan struct{})
	go waitFor(healthy)
	leak("leaky", 20)
	sample, err := NewLeakSampler().Sample()
	require.NoError(t, err)
	require.Equal(t, int64(20), sample.Total, "%+v", sample.Stacks)
	require.Equal(t, map[string]int64{"leaky": 20}, sample.ByChannel)
	require.Equal(t, "leaky", sample.Stacks[0].Channel)
	require.Contains(t, strings.Join(sample.Stacks[0].Stack, " "), "waitFor")
	close(healthy)
	fmt.Println("proved")
	os.Exit(0)
}

func leak(channel string, n int) {
	pprof.SetGoroutineLabels(ChannelLabels(channel))
	defer pprof.SetGoroutineLabels(context.Background())
	begun := make(chan struct{})
	for range n {
		go func() {
			begun <- struct{}{}
			waitFor(make(chan struct{}))
		}()
		<-begun
	}
}

// BenchmarkASampleOfTenThousandGoroutines is what GET /api/monitor/goroutines costs, once a second at most.
func BenchmarkASampleOfTenThousandGoroutines(b *testing.B) {
	defer hold("slow", 10_000)()
	s := NewSampler()
	s.keep = 0
	for b.Loop() {
		if _, err := s.Sample(); err != nil {
			b.Fatal(err)
		}
	}
}
