package failover

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
)

func TestALimitedProviderIsNotAskedBeforeTheTimeThatItNamed(t *testing.T) {
	harness.Long(t)
	for name, header := range map[string]func() string{
		"in seconds": func() string { return "1" },
		"as a date":  func() string { return time.Now().Add(2 * time.Second).UTC().Format(http.TimeFormat) }, // 1 to 2 seconds ahead
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := sdktest.OpenAIDialect
			var until time.Time
			primary := newFlaky(t, d, func(n int, w http.ResponseWriter, r *http.Request) bool {
				if n > 1 {
					return false
				}
				value := header()
				until = time.Now().Add(time.Second)
				if at, err := http.ParseTime(value); err == nil {
					until = at
				}
				return meetsWith(d, 1, isLimited, "Retry-After", value)(n, w, r)
			}, sdktest.Turn{Text: sixtyWords()})
			p := newPair(t, d, primary, "")
			require.Eventually(t, func() bool {
				text, err := sdktest.AskWithOpenAI(sdktest.Question{Relay: p.Relay})
				return assert.NoError(t, err) && assert.Equal(t, theWholeAnswer(), text) && len(p.primary.asked()) == 2
			}, harness.Patience, 5*time.Millisecond)
			again := p.primary.asked()[1]
			assert.GreaterOrEqual(t, again.Sub(until), -5*time.Millisecond, "asked too early") // HTTP's dates end in whole seconds
			assert.Less(t, again.Sub(until), unhurried, "and soon after")
		})
	}
}

// TestAfterAStormOfLimitsTheOthersCarryTheLoadAndTheLimitedOneIsTriedByOneCallAtATime has a hundred clients who ask again and
// again, and a provider that goes on refusing: at first in a storm, since all of them ask it at once, and then one at a time.
func TestAfterAStormOfLimitsTheOthersCarryTheLoadAndTheLimitedOneIsTriedByOneCallAtATime(t *testing.T) {
	harness.Long(t)
	const clients, trials = 100, 2
	d := sdktest.OpenAIDialect
	var first sync.WaitGroup // holds the storm back until everybody is in it
	first.Add(clients)
	var stormed, now, most, tried atomic.Int64
	enough := make(chan struct{})
	var served atomic.Int64 // by the fallback
	primary := newFlaky(t, d, func(n int, w http.ResponseWriter, r *http.Request) bool {
		if stormed.Add(1) <= clients {
			first.Done()
			first.Wait()
		} else {
			at := now.Add(1)
			for old := most.Load(); at > old && !most.CompareAndSwap(old, at); old = most.Load() {
			}
			// The trial lasts until the others have made many calls, which had the chance to come here as well.
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for began := served.Load(); served.Load() < began+3*clients && most.Load() == 1 && r.Context().Err() == nil; {
				<-tick.C
			}
			now.Add(-1)
			if tried.Add(1) == trials {
				close(enough)
			}
		}
		return meetsWith(d, 0, isLimited)(n, w, r) // without Retry-After: a second, and then twice as long each time
	}, sdktest.Turn{})
	p := newPair(t, d, primary, "")
	p.fallback.meet = func(int, http.ResponseWriter, *http.Request) bool {
		served.Add(1)
		return false
	}
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for {
				text, err := sdktest.AskWithOpenAI(sdktest.Question{Relay: p.Relay})
				if !assert.NoError(t, err) || !assert.Equal(t, theWholeAnswer(), text) {
					return
				}
				select {
				case <-enough:
					return
				default:
				}
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, most.Load(), "calls at the limited provider at a time, after its rest")
	assert.LessOrEqual(t, tried.Load(), int64(trials+1))
	t.Logf("%d calls were served by the fallback; %d tried the limited provider", served.Load(), tried.Load())
}

// TestAKeyIsInUseAgainAsSoonAsATrialIsAnswered: the trial may be a stream that goes on for minutes.
func TestAKeyIsInUseAgainAsSoonAsATrialIsAnswered(t *testing.T) {
	d := sdktest.OpenAIDialect
	goOn := make(chan struct{})
	p := alone(t, newFlaky(t, d, func(n int, w http.ResponseWriter, r *http.Request) bool {
		return meetsWith(d, 1, isLimited, "Retry-After-Ms", "20")(n, w, r)
	}, sdktest.Turn{Text: sixtyWords(), Wait: goOn}), "", harness.WithEnv("RETRY_TIMES", "0"))
	_, err := sdktest.AskWithOpenAI(sdktest.Question{Relay: p.Relay})
	require.Error(t, err)

	began := make(chan struct{})
	ended := make(chan error, 1)
	begins := sync.OnceFunc(func() { close(began) })
	require.Eventually(t, func() bool {
		snapshot := p.Server.Pool().Set().Get("primary").Snapshot(time.Now())
		return snapshot.State != "cooling"
	}, harness.Patience, time.Millisecond)
	go func() {
		_, err := sdktest.AskWithOpenAI(sdktest.Question{Relay: p.Relay, OnText: func(string) { begins() }})
		ended <- err
	}()
	<-began
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	text, err := sdktest.AskWithOpenAI(sdktest.Question{Relay: p.Relay, Ctx: ctx})
	require.NoError(t, err, "a call beside the stream")
	assert.Equal(t, theWholeAnswer(), text)
	close(goOn)
	require.NoError(t, <-ended)
	assert.Equal(t, []string{"upstream_status", "completed", "completed"}, p.Outcomes(3), fmt.Sprint(p.Recorded()))
}
