package faults

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// F9: many calls through many channels and proxies.

const (
	manyChannels = 50
	perChannel   = 4  // calls at a time, at the most
	atATime      = 64 // calls in all
)

// TestConnectionsAreBoundedByCallsAtATimeAndNotByTheirNumber makes many times more calls than there may be connections: through
// fifty channels, a fifth of them each straight over HTTP/1.1, straight over HTTP/2, and through three kinds of proxies.
func TestConnectionsAreBoundedByCallsAtATimeAndNotByTheirNumber(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F9")
	handle := func(w http.ResponseWriter, r *http.Request) {
		v := harness.Variant{}.AsIn(r)
		v.Answer(w, r, harness.FromFaulty)
	}
	plain, secure := harness.NewUpstream(t, false, handle), harness.NewUpstream(t, true, handle)
	connect, socks := harness.NewTunnel(t, harness.Connecting()), harness.NewTunnel(t, harness.Socks5())
	direct, directTLS := harness.NewTunnel(t, harness.Towards(plain)), harness.NewTunnel(t, harness.Towards(secure)) // as the proxies, they count
	doors := []*harness.Tunnel{direct, directTLS, connect, socks}

	var yaml strings.Builder
	yaml.WriteString("channels:\n")
	for i := range manyChannels {
		w := harness.Ways[i/5%len(harness.Ways)]
		at, proxy := "http://"+direct.Addr().String(), ""
		switch i % 5 {
		case 1:
			at = "https://" + directTLS.Addr().String()
		case 2:
			at, proxy = secure.URL, connect.Url()
		case 3:
			at, proxy = secure.URL, socks.Url()
		case 4:
			at, proxy = plain.URL, socks.Url()
		}
		fmt.Fprintf(&yaml, "  - {name: %s-%d, type: %s, base_url: %q, keys: [sk-up-a], models: [%s], proxy: %q, max_concurrent: %d}\n",
			w.Name, i, w.Kind, at, w.Name, proxy, perChannel)
	}
	files := openFiles()
	r := harness.StartRelay(t, yaml.String(), harness.Trusting(secure))
	before := runtime.NumGoroutine()

	wave := func(calls int) {
		work := make(chan int)
		var clients sync.WaitGroup
		for range atATime {
			clients.Go(func() {
				for i := range work {
					w, v := harness.Ways[i%len(harness.Ways)], harness.Variant{Stream: i/len(harness.Ways)%2 == 0}
					h := hear(r, context.Background(), w, v, harness.Ear{})
					if h.Status != http.StatusTooManyRequests { // every channel of the way was full
						w.RequireAnswer(t, v, h, harness.FromFaulty)
					}
				}
			})
		}
		for i := range calls {
			work <- i
		}
		close(work)
		clients.Wait()
	}
	accepted := func() (n int64) {
		for _, d := range doors {
			n += d.Accepted.Load()
		}
		return n
	}
	open := func() (n int64) {
		for _, d := range doors {
			n += d.Open.Load()
		}
		return n
	}
	// A call that finds no idle connection dials one, and leaves that to others if one comes back meanwhile.
	const bound = manyChannels * 2 * perChannel
	wave(harness.ManyCalls / 2)
	first := accepted()
	wave(harness.ManyCalls / 2)
	t.Logf("%d calls: %d connections made in the first half, %d in the second, %d open", harness.ManyCalls, first, accepted()-first, open())
	require.LessOrEqual(t, accepted(), int64(bound))
	require.LessOrEqual(t, accepted()-first, first, "connections are used again")
	require.Eventually(t, func() bool { return r.OpenConnections() == open() }, harness.Patience, 5*time.Millisecond, "the gauge shows those that there are")
	require.Eventually(t, func() bool { return len(r.RequestEnds()) == harness.ManyCalls }, harness.Patience, 5*time.Millisecond, "an end is recorded behind its answer")
	for _, a := range r.Recorded() {
		require.Equal(t, outcome.Completed, a.Outcome)
	}

	// What a reload takes away is given back at once, and the rest when it is not used.
	require.NoError(t, os.WriteFile(r.File, []byte(harness.OpenAIChannel("left", plain, "")+"tokens:\n  - {name: test, key: "+harness.Key+"}\n"), 0o600))
	require.NoError(t, r.Server.Reload())
	require.Eventually(t, func() bool { return open() == 0 }, harness.Patience, 5*time.Millisecond, "connections of channels that are gone")
	require.Zero(t, r.OpenConnections())
	r.RequireQuiet(before, plain, secure)
	if files > 0 {
		require.Eventually(t, func() bool { return openFiles() <= files+1 }, harness.Patience, 5*time.Millisecond, "file descriptors, but for the relay's listener")
	}
}

// openFiles is how many descriptors the process has; 0: this system does not tell.
func openFiles() int {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(files)
}

// TestAProxyThatRefusesIsAnUpstreamThatCannotBeReached is F10's, by way of a proxy.
func TestAProxyThatRefusesIsAnUpstreamThatCannotBeReached(t *testing.T) {
	harness.InMatrix(t, "F10")
	refused := harness.Ending{Outcome: outcome.ConnectFailed, Status: http.StatusBadGateway, Code: "connect_failed"}
	for name, proxy := range map[string]func(t *testing.T) string{
		"HTTP":   func(t *testing.T) string { return harness.NewTunnel(t, harness.RefusingCONNECT()).Url() },
		"SOCKS5": func(t *testing.T) string { return harness.NewTunnel(t, harness.RefusingSOCKS5()).Url() },
		"none":   func(*testing.T) string { return harness.NobodysAddress },
	} {
		t.Run(name, func(t *testing.T) {
			// Without TLS an HTTP proxy's refusal is an answer like another.
			harness.InEveryVariant(t, func(v harness.Variant) bool { return v.Transport.Tls() || name != "HTTP" }, func(t *testing.T, v harness.Variant) {
				s := newScene(t, v, plan{proxy: proxy(t), handle: func(w http.ResponseWriter, r *http.Request) { v.Answer(w, r, harness.FromFaulty) }})
				s.requireEnding(t, s.callAll(context.Background(), harness.Ear{}), refused)
				require.NotContains(t, s.Log.String(), "127.0.0.1")
				require.NotContains(t, s.Log.String(), harness.ProxiedHost)
				require.Zero(t, s.faulty.Requests.Load())
			})
		})
	}
}
