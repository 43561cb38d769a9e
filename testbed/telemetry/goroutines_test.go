package telemetry

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay"
	"one-api/relay/config"
	"one-api/relay/lane"
	"one-api/relay/wire"
	"one-api/telemetry"
	"one-api/testbed/harness"
	"one-api/testbed/internal/process"
	"one-api/testbed/sdktest"
)

// leaker is a lane with the bug that this relay was written against: every request leaves a goroutine behind.
type leaker struct {
	lane.Lane
	leaked  *sync.WaitGroup
	release chan struct{}
}

func (l leaker) Request(call *lane.Call, target lane.Destination) (lane.Outgoing, error) {
	l.leaked.Go(l.wait)
	return l.Lane.Request(call, target)
}

func (l leaker) wait() { <-l.release }

// withLeaker adds the channel type "leaky" for the time of a test.
func withLeaker(t *testing.T) (release func()) {
	leaky := relay.Providers["openai"]
	lanes := leaky.Lanes(&config.Channel{})
	l := leaker{lanes[wire.ChatCompletions], &sync.WaitGroup{}, make(chan struct{})}
	lanes[wire.ChatCompletions] = l
	leaky.Lanes = func(*config.Channel) lane.Lanes { return lanes }
	relay.Providers["leaky"] = leaky
	release = sync.OnceFunc(func() {
		close(l.release)
		l.leaked.Wait()
	})
	t.Cleanup(func() {
		release()
		delete(relay.Providers, "leaky")
	})
	return release
}

// bothChannels is a healthy channel and a leaky one at the same upstream. Thousands of handshakes at once have their time.
func bothChannels(url string) string {
	return fmt.Sprintf("channels:\n"+
		"  - {name: healthy, type: openai, base_url: %[1]q, keys: [sk-up-a], models: [%[2]s, %[3]s], timeouts: {connect: 5m}}\n"+
		"  - {name: leaky, type: leaky, base_url: %[1]q, keys: [sk-up-a], models: [%[4]s]}\n", url, modelStreams, modelMute, modelReplies)
}

const slack = 20 // goroutines that come and go: the test's own, timers, a connection that is just being closed

// requireBalance waits until the goroutines that nothing accounts for are n, give or take the slack. Too many expected ones are
// as bad as too few: they would hide a leak.
func requireBalance(r *harness.Relay, n int, when string) {
	r.T.Helper()
	all, expected := 0, 0
	balanced := func() bool {
		all, _ = r.Server.Goroutines()
		expected = int(r.Server.ExpectedGoroutines())
		stray := all - expected
		return stray >= n-slack && stray <= n+slack
	}
	for deadline := time.Now().Add(harness.Patience); !balanced() && time.Now().Before(deadline); {
		process.Pause(r.T.Context(), 10*time.Millisecond)
	}
	if !balanced() {
		stacks := &strings.Builder{}
		_ = pprof.Lookup("goroutine").WriteTo(stacks, 1)
		require.Failf(r.T, "goroutines do not balance", "%s: %d, %d of them expected and %d to be left over:\n%.20000s", when, all, expected, n, stacks)
	}
	all, unexplained := r.Server.Goroutines()
	r.T.Logf("%s: %d goroutines, %d unexplained", when, all, unexplained)
}

func TestALeakOfOneGoroutineARequestShowsAndThousandsOfHealthyStreamsDoNot(t *testing.T) {
	harness.Long(t)
	for name, http2 := range map[string]bool{"HTTP 1.1": false, "HTTP 2": true} {
		t.Run(name, func(t *testing.T) {
			const healthy, leaks = 2 * harness.Crowd, 100
			release := withLeaker(t)
			others := startApart(t, http2)
			r := harness.StartRelay(t, bothChannels(others.url), others.trusted())
			require.Equal(t, int64(-1), r.Server.Gauges().Channels[0].Goroutines, "nobody has taken a sample")
			others.open(r, modelStreams, healthy)
			requireBalance(r, 0, "while healthy streams are open")

			for range leaks {
				status, answer, _ := r.Ask("/v1/chat/completions", fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"hi"}]}`, modelReplies))
				require.Equal(t, 200, status, answer)
			}
			requireBalance(r, leaks, "with a leak among healthy streams")
			r.Eventually("the leaked ones are unexplained", func() bool {
				_, unexplained := r.Server.Goroutines()
				return unexplained >= leaks-10
			})

			_, report := r.Get("/api/monitor/goroutines")
			require.GreaterOrEqual(t, report["unexplained"], leaks-10.0)
			require.InDelta(t, report["total"].(float64)-report["expected"].(float64), report["unexplained"], 0)
			held := map[string]map[string]any{}
			sum := 0.0
			for _, c := range sdktest.JsonObjects(report["by_channel"]) {
				held[c["channel"].(string)] = c
				sum += c["goroutines"].(float64)
			}
			require.Equal(t, report["total"], sum)
			require.Equal(t, float64(healthy), held["healthy"]["in_flight"])
			require.GreaterOrEqual(t, held["healthy"]["goroutines"], float64(healthy), "each has its own")
			require.InDelta(t, leaks, held["leaky"]["goroutines"], 10, "the leaked ones, and the connection's")
			require.Contains(t, held, "")
			stack := stackOf(report, ".leaker.wait")
			require.NotNil(t, stack, "where they stand")
			require.Equal(t, "leaky", stack["channel"])
			require.Equal(t, float64(leaks), stack["count"])

			requireHolders(t, r, healthy)
			sampled := map[string]int64{}
			for i, c := range r.Server.Gauges().Channels {
				sampled[r.Server.Pool().Set().All()[i].Name] = c.Goroutines
			}
			require.InDelta(t, leaks, sampled["leaky"], 10)

			others.leave()
			requireBalance(r, leaks, "with a leak and nothing else")
			release()
			requireBalance(r, 0, "at the end")
		})
	}
}

// requireHolders looks as the watchdog does.
func requireHolders(t *testing.T, r *harness.Relay, least int) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	tick := make(chan time.Time)
	watchdog := r.Server.Watchdog()
	watchdog.Tick = tick
	watchdog.Goroutines = func() int { return 2156 } // the race detector bears no crowd that is sure to be as many
	var running sync.WaitGroup
	running.Go(func() { watchdog.Run(ctx) })
	for range 2 { // the second is taken when the first has been seen to
		tick <- time.Now()
	}
	stop()
	running.Wait()
	var line string
	for l := range strings.Lines(r.Log.String()) {
		if strings.Contains(l, "oroutine count elevated: 2156") { // the relay's own watchdog may have looked as well by now
			line = l
			break
		}
	}
	require.Regexp(t, `⚠️ Goroutine count elevated: 2156" channel=healthy goroutines=\d+ in_flight=\d+ oldest=\w+ then=leaky:1\d\d:0:0s\n$`, line)
	var goroutines int
	_, err := fmt.Sscanf(line[strings.Index(line, "goroutines="):], "goroutines=%d", &goroutines)
	require.NoError(t, err)
	require.GreaterOrEqual(t, goroutines, least)
}

// stackOf is the first listed stack that goes through a function; nil: none does.
func stackOf(report map[string]any, function string) map[string]any {
	for _, stack := range sdktest.JsonObjects(report["stacks"]) {
		for _, name := range stack["stack"].([]any) {
			if strings.Contains(name.(string), function) {
				return stack
			}
		}
	}
	return nil
}

func TestCallsThatWaitForAHeaderAreExplained(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP 1.1": false, "HTTP 2": true} {
		t.Run(name, func(t *testing.T) {
			withLeaker(t)
			others := startApart(t, http2)
			r := harness.StartRelay(t, bothChannels(others.url), others.trusted())
			others.open(r, modelMute, harness.Crowd/2)
			requireBalance(r, 0, "while calls wait for their header")
			others.leave()
			requireBalance(r, 0, "when they have left")
		})
	}
}

func TestCallsWhoseConnectionIsNotMadeYetAreExplained(t *testing.T) {
	const calls = 100
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never shakes hands
	require.NoError(t, err)
	defer func() { _ = silent.Close() }()
	withLeaker(t)
	others := startApart(t, true)
	r := harness.StartRelay(t, bothChannels("https://"+silent.Addr().String()), others.trusted())
	ctx, leave := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	for range calls {
		clients.Go(func() {
			if response, err := r.Post(ctx, "/v1/chat/completions", harness.Stream); err == nil {
				_ = response.Body.Close()
			}
		})
	}
	require.Eventually(t, func() bool { return r.Server.Pool().InFlight() == calls }, harness.Patience, time.Millisecond)
	requireBalance(r, 3*calls, "with the clients in this process, three goroutines each")
	leave()
	clients.Wait()
	r.Client.CloseIdleConnections()
	requireBalance(r, 0, "at the end")
}

func TestStreamsOfAChannelThatAReloadHasChangedOrRemovedAreExplained(t *testing.T) {
	withLeaker(t)
	others := startApart(t, true)
	yaml := bothChannels(others.url)
	r := harness.StartRelay(t, yaml, others.trusted())
	others.open(r, modelStreams, harness.Crowd/2)
	for _, next := range []string{
		strings.Replace(yaml, "connect: 5m", "connect: 6m", 1),
		strings.Replace(yaml, "healthy", "another", 1),
	} {
		reloadWith(r, next)
		requireBalance(r, 0, "behind a reload")
	}
	require.Equal(t, "healthy", r.Server.Watchdog().Holders()[0].Name, "removed, and still the one that holds most")
	others.leave()
	requireBalance(r, 0, "at the end")
}

func reloadWith(r *harness.Relay, yaml string) {
	r.T.Helper()
	require.NoError(r.T, os.WriteFile(r.File, []byte(yaml+"\ntokens:\n  - {name: test, key: "+harness.Key+"}\n"), 0o600))
	require.NoError(r.T, r.Server.Reload())
}

func TestNoGoroutineOfAClientKeepsALabelBehindTheCallsEnd(t *testing.T) {
	tremor := harness.WithShakyProviders(t)
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, strings.Replace(harness.OpenAIChannel("a", u, ""), "type: openai", "type: "+harness.Shaky+"openai", 1))
	for at, want := range map[string]int{"": 200, "Request": 500, "Whole": 500} {
		tremor.Set(at, 0)
		status, _, _ := r.Ask("/v1/chat/completions", harness.Chat)
		require.Equal(t, want, status)
		require.Eventually(t, func() bool {
			sample, err := telemetry.NewSampler().Sample()
			return err == nil && !slices.ContainsFunc(sample.Stacks, func(s telemetry.GoroutineStack) bool {
				return s.Channel != "" && slices.Contains(s.Stack, "net/http.(*conn).serve")
			})
		}, harness.Patience, time.Millisecond, at)
	}
}

func TestWhoHoldsTheGoroutinesIsNotForEverybody(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("MONITOR_ALLOW_CIDR", "", "MONITOR_TOKEN", "look-at-me-123456"))
	for path, allowed := range map[string]int{"/api/monitor/goroutines": 200, "/api/monitor/leaks": leaksStatus()} {
		for token, want := range map[string]int{"": 401, "wrong": 401, "look-at-me-123456": allowed} {
			request, err := http.NewRequest(http.MethodGet, r.URL+path, nil)
			require.NoError(t, err)
			request.Header.Set("Authorization", "Bearer "+token)
			response, err := r.Client.Do(request)
			require.NoError(t, err)
			_ = response.Body.Close()
			require.Equal(t, want, response.StatusCode, "%s with %q", path, token)
		}
	}
}

func leaksStatus() int {
	if pprof.Lookup("goroutineleak") == nil {
		return http.StatusNotImplemented
	}
	return http.StatusOK
}

func TestTheRuntimesProofOfLeaksIsThereOrHowToGetItIs(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	status, report := r.Get("/api/monitor/leaks")
	require.Equal(t, leaksStatus(), status)
	if status == http.StatusNotImplemented {
		require.Equal(t, false, report["success"])
		require.Contains(t, report["message"], "GOEXPERIMENT=goroutineleakprofile")
		return
	}
	require.Equal(t, true, report["success"])
	require.Equal(t, 0.0, report["total"], report["stacks"])
	require.Equal(t, []any{}, report["by_channel"])
	require.Equal(t, []any{}, report["stacks"])
}
