//go:build !race

package failover

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// What a channel that is ill costs the calls that others serve. The race detector's own costs would hide it.

// latencies are sorted.
type latencies []time.Duration

func (l latencies) at(percent int) time.Duration { return l[(len(l)-1)*percent/100] }

func (l latencies) String() string {
	return fmt.Sprintf("p50 %v, p90 %v, p95 %v of %d", l.at(50).Round(time.Millisecond), l.at(90).Round(time.Millisecond), l.at(95).Round(time.Millisecond), len(l))
}

// measure makes calls, some at a time, and times those whose answer holds text.
func measure(r *harness.Relay, t *testing.T, calls, atOnce int, text string) (took latencies) {
	var mu sync.Mutex
	var all sync.WaitGroup
	next := make(chan struct{}, calls)
	for range calls {
		next <- struct{}{}
	}
	close(next)
	for range atOnce {
		all.Go(func() {
			for range next {
				began := time.Now()
				response, err := r.Post(context.Background(), "/v1/chat/completions", harness.Chat)
				if !assert.NoError(t, err) {
					return
				}
				answer, err := io.ReadAll(response.Body)
				_ = response.Body.Close()
				took1 := time.Since(began)
				if !assert.NoError(t, err) || !assert.Equal(t, 200, response.StatusCode, string(answer)) {
					return
				}
				if strings.Contains(string(answer), text) {
					mu.Lock()
					took = append(took, took1)
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	slices.Sort(took)
	return took
}

// after waits as a provider does that thinks; false: its client has left.
func after(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func plainly(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, harness.Voice{}.Whole(text))
}

// TestAFlappingChannelCostsTheOthersCallsNothing: its failures take as long as an answer, so that every call that meets one
// would take twice as long. What it is compared with is measured at the same time, so that whatever else the machine does slows
// down both.
func TestAFlappingChannelCostsTheOthersCallsNothing(t *testing.T) {
	harness.Long(t)
	const calls, atOnce, thinking = 400, 8, 50 * time.Millisecond
	var failed atomic.Int64
	start := func(flaps bool) *harness.Relay {
		var asked atomic.Int64
		primary := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
			after(r, thinking)
			if asked.Add(1)%2 == 0 && flaps {
				failed.Add(1)
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			plainly(w, "well")
		})
		fallback := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
			after(r, thinking)
			plainly(w, "well")
		})
		return harness.StartRelay(t, fmt.Sprintf(`channels:
  - {name: primary, type: openai, base_url: %q, keys: [sk-up-a], models: [m], priority: 10}
  - {name: fallback, type: openai, base_url: %q, keys: [sk-up-b], models: [m]}
`, primary.URL, fallback.URL))
	}
	well, ill := start(false), start(true)
	var steady, flapping latencies
	var both sync.WaitGroup
	both.Go(func() { steady = measure(well, t, calls, atOnce, "well") })
	both.Go(func() { flapping = measure(ill, t, calls, atOnce, "well") })
	both.Wait()
	t.Logf("steady: %v; flapping: %v; %d attempts failed", steady, flapping, failed.Load())
	require.Len(t, flapping, calls)
	assert.Less(t, failed.Load(), int64(calls/10), "attempts that failed")
	assert.Positive(t, failed.Load())
	for _, percent := range []int{50, 90} {
		assert.Less(t, flapping.at(percent), steady.at(percent)*3/2+20*time.Millisecond, "p%d", percent)
	}
}

// TestAChannelThatHangsLeavesTheOthersAlone has a thousand clients at a time, and a channel that takes fifty of their calls and
// answers none of them before the others have been served.
func TestAChannelThatHangsLeavesTheOthersAlone(t *testing.T) {
	harness.Long(t)
	const clients, bound, rounds = 1000, 50, 3
	var most atomic.Int64
	var release atomic.Pointer[chan struct{}]
	var hangs *harness.Upstream
	hangs = harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		for open, old := hangs.Open.Load(), most.Load(); open > old && !most.CompareAndSwap(old, open); old = most.Load() {
		}
		select {
		case <-*release.Load():
			plainly(w, "late")
		case <-r.Context().Done():
		}
	})
	well := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		after(r, 20*time.Millisecond)
		plainly(w, "well")
	})
	r := harness.StartRelay(t, fmt.Sprintf(`channels:
  - {name: hangs, type: openai, base_url: %q, keys: [sk-up-a], models: [m], priority: 10, max_concurrent: %d}
  - {name: well, type: openai, base_url: %q, keys: [sk-up-b], models: [m]}
`, hangs.URL, bound, well.URL))
	r.Client.Transport.(*http.Transport).MaxIdleConnsPerHost = clients
	ill := r.Server.Pool().Set().Get("hangs")

	round := func(with bool) latencies {
		ill.SetDisabled(!with)
		open := make(chan struct{})
		release.Store(&open)
		served := well.Requests.Load()
		want := int64(clients)
		if with {
			want -= bound
		}
		var all sync.WaitGroup
		all.Go(func() { // lets the hanging calls go once everybody else has been served
			defer close(open)
			assert.Eventually(t, func() bool { return well.Requests.Load()-served >= want && well.Open.Load() == 0 }, harness.Patience, time.Millisecond)
			assert.LessOrEqual(t, ill.InFlight(), int64(bound))
		})
		took := measure(r, t, clients, clients, "well")
		all.Wait()
		assert.Len(t, took, int(want))
		return took
	}
	round(false) // opens the connections
	var without, with []latencies
	for range rounds {
		without, with = append(without, round(false)), append(with, round(true))
	}
	best := func(all []latencies, percent int) time.Duration {
		return slices.MinFunc(all, func(a, b latencies) int { return int(a.at(percent) - b.at(percent)) }).at(percent)
	}
	t.Logf("without: %v; with: %v; at most %d calls at a time at the channel that hangs", without, with, most.Load())
	assert.EqualValues(t, bound, most.Load())
	for _, percent := range []int{50, 95} {
		assert.Less(t, best(with, percent), best(without, percent)*3/2+200*time.Millisecond, "p%d", percent)
	}
}
