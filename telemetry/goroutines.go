package telemetry

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/pprof/profile"
)

// channelLabel is the pprof label that says for which channel a goroutine works. The runtime hands it on to every goroutine
// that a labelled one starts.
const channelLabel = "channel"

// ChannelLabels is a context for pprof.SetGoroutineLabels. It is prepared once a channel, so that a call allocates nothing.
func ChannelLabels(name string) context.Context {
	return pprof.WithLabels(context.Background(), pprof.Labels(channelLabel, name))
}

// connectionGoroutines is how many a signal's connection has, over gRPC and over HTTP, from the first export on. The rest of what
// exporting runs is there from its start.
const connectionGoroutines = 2

// Goroutines is how many exporting runs besides those that Start has started.
func (t *Telemetry) Goroutines() (n int64) {
	if t == nil {
		return 0
	}
	for _, on := range []bool{t.Meter != nil, t.Tracing != nil, t.Logs != nil} {
		if on {
			n += connectionGoroutines
		}
	}
	return n
}

// Bounds of a sample, whatever the process does.
const (
	maxStacks   = 50
	maxFrames   = 32
	sampleKept  = time.Second
	leaksKept   = 10 * time.Second // finding leaks takes a whole garbage collection
	sampleFresh = WatchInterval + WatchInterval/10
)

// ErrNoProfile is returned if this build of the program cannot take the profile.
var ErrNoProfile = errors.New("this build has no such profile")

// GoroutineSample is the goroutines of one moment, by what they do and for whom.
type GoroutineSample struct {
	At        time.Time
	Total     int64
	Expected  int64            // what the sampler's Expected said then
	ByChannel map[string]int64 // "": those that work for no channel
	Stacks    []GoroutineStack // the most frequent ones, most frequent first
	Unlisted  int64            // goroutines whose stacks are not among them
}

// GoroutineStack is goroutines of one channel that stand at the same place.
type GoroutineStack struct {
	Count   int64    `json:"count"`
	Channel string   `json:"channel"` // "": none
	Stack   []string `json:"stack"`   // names of functions, innermost first
}

// Sampler takes samples, one at a time, and none as long as the last one is new: a profile stops the world for a moment, and
// whoever looks at it must not slow the calls that it shows.
type Sampler struct {
	// Expected is asked with each sample how many goroutines are accounted for; nil if nobody knows.
	Expected func() int64

	profile string
	keep    time.Duration
	mu      sync.Mutex // held while a sample is taken
	latest  atomic.Pointer[GoroutineSample]
}

// NewSampler samples the live goroutines.
func NewSampler() *Sampler { return &Sampler{profile: "goroutine", keep: sampleKept} }

// NewLeakSampler samples the goroutines that can never wake, as the garbage collector proves it: what they wait for cannot be
// reached by anything that runs. Its Sample fails with ErrNoProfile unless the program was built with
// GOEXPERIMENT=goroutineleakprofile (Go 1.26; the default from 1.27).
func NewLeakSampler() *Sampler { return &Sampler{profile: "goroutineleak", keep: leaksKept} }

// Sample is a sample that is at most a second old, for leaks ten.
func (s *Sampler) Sample() (*GoroutineSample, error) {
	source := pprof.Lookup(s.profile)
	if source == nil {
		return nil, ErrNoProfile
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := s.latest.Load(); last != nil && time.Since(last.At) < s.keep {
		return last, nil
	}
	sample := &GoroutineSample{At: time.Now()}
	if s.Expected != nil {
		sample.Expected = s.Expected()
	}
	var encoded bytes.Buffer
	if err := source.WriteTo(&encoded, 0); err != nil {
		return nil, fmt.Errorf("taking the %s profile: %w", s.profile, err)
	}
	taken, err := profile.ParseData(encoded.Bytes())
	if err != nil {
		return nil, fmt.Errorf("reading the %s profile: %w", s.profile, err)
	}
	sample.fill(taken)
	s.latest.Store(sample)
	return sample, nil
}

// Fresh is the last sample if the watchdog's next look cannot be overdue; nil if there is none, or nobody looks any more.
func (s *Sampler) Fresh(now time.Time) *GoroutineSample {
	last := s.latest.Load()
	if last == nil || now.Sub(last.At) > sampleFresh {
		return nil
	}
	return last
}

func (g *GoroutineSample) fill(taken *profile.Profile) {
	type place struct{ channel, stack string }
	counts := map[place]int64{}
	g.ByChannel = map[string]int64{}
	for _, s := range taken.Sample {
		channel := ""
		if values := s.Label[channelLabel]; len(values) > 0 {
			channel = values[0]
		}
		g.Total += s.Value[0]
		g.ByChannel[channel] += s.Value[0]
		counts[place{channel, strings.Join(frames(s.Location), "\n")}] += s.Value[0]
	}
	places := make([]place, 0, len(counts))
	for p := range counts {
		places = append(places, p)
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a.channel, b.channel), strings.Compare(a.stack, b.stack))
	})
	g.Unlisted = g.Total
	for _, p := range places[:min(len(places), maxStacks)] {
		g.Unlisted -= counts[p]
		g.Stacks = append(g.Stacks, GoroutineStack{Count: counts[p], Channel: p.channel, Stack: strings.Split(p.stack, "\n")})
	}
}

// frames names the functions of a stack, those that the compiler has inlined included.
func frames(locations []*profile.Location) []string {
	names := make([]string, 0, maxFrames)
	for _, l := range locations {
		for _, line := range l.Line {
			if len(names) == maxFrames {
				return names
			}
			if line.Function != nil {
				names = append(names, line.Function.Name)
			}
		}
	}
	return names
}
