package suite

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
	long(t)
	inMatrix(t, "F9")
	handle := func(w http.ResponseWriter, r *http.Request) {
		v := variant{}.asIn(r)
		v.answer(w, r, fromFaulty)
	}
	plain, secure := newUpstream(t, false, handle), newUpstream(t, true, handle)
	connect, socks := newTunnel(t, connecting()), newTunnel(t, socks5())
	direct, directTLS := newTunnel(t, towards(plain)), newTunnel(t, towards(secure)) // as the proxies, they count
	doors := []*tunnel{direct, directTLS, connect, socks}

	var yaml strings.Builder
	yaml.WriteString("channels:\n")
	for i := range manyChannels {
		w := ways[i/5%len(ways)]
		at, proxy := "http://"+direct.Addr().String(), ""
		switch i % 5 {
		case 1:
			at = "https://" + directTLS.Addr().String()
		case 2:
			at, proxy = secure.URL, connect.url()
		case 3:
			at, proxy = secure.URL, socks.url()
		case 4:
			at, proxy = plain.URL, socks.url()
		}
		fmt.Fprintf(&yaml, "  - {name: %s-%d, type: %s, base_url: %q, keys: [sk-up-a], models: [%s], proxy: %q, max_concurrent: %d}\n",
			w.name, i, w.kind, at, w.name, proxy, perChannel)
	}
	files := openFiles()
	r := startRelay(t, yaml.String(), trusting(secure))
	before := runtime.NumGoroutine()

	wave := func(calls int) {
		work := make(chan int)
		var clients sync.WaitGroup
		for range atATime {
			clients.Go(func() {
				for i := range work {
					w, v := ways[i%len(ways)], variant{stream: i/len(ways)%2 == 0}
					h := r.hear(context.Background(), w, v, ear{})
					if h.status != http.StatusTooManyRequests { // every channel of the way was full
						w.requireAnswer(t, v, h, fromFaulty)
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
			n += d.accepted.Load()
		}
		return n
	}
	open := func() (n int64) {
		for _, d := range doors {
			n += d.open.Load()
		}
		return n
	}
	// A call that finds no idle connection dials one, and leaves that to others if one comes back meanwhile.
	const bound = manyChannels * 2 * perChannel
	wave(manyCalls / 2)
	first := accepted()
	wave(manyCalls / 2)
	t.Logf("%d calls: %d connections made in the first half, %d in the second, %d open", manyCalls, first, accepted()-first, open())
	require.LessOrEqual(t, accepted(), int64(bound))
	require.LessOrEqual(t, accepted()-first, first, "connections are used again")
	require.Eventually(t, func() bool { return r.openConnections() == open() }, patience, 5*time.Millisecond, "the gauge shows those that there are")
	require.Eventually(t, func() bool { return len(r.requestEnds()) == manyCalls }, patience, 5*time.Millisecond, "an end is recorded behind its answer")
	for _, a := range r.recorded() {
		require.Equal(t, outcome.Completed, a.Outcome)
	}

	// What a reload takes away is given back at once, and the rest when it is not used.
	require.NoError(t, os.WriteFile(r.file, []byte(openAIChannel("left", plain, "")+"tokens:\n  - {name: test, key: "+testKey+"}\n"), 0o600))
	require.NoError(t, r.server.Reload())
	require.Eventually(t, func() bool { return open() == 0 }, patience, 5*time.Millisecond, "connections of channels that are gone")
	require.Zero(t, r.openConnections())
	r.requireQuiet(before, plain, secure)
	if files > 0 {
		require.Eventually(t, func() bool { return openFiles() <= files+1 }, patience, 5*time.Millisecond, "file descriptors, but for the relay's listener")
	}
}

// openConnections is the sum of http.client.open_connections.
func (r *testRelay) openConnections() (n int64) {
	for _, c := range r.server.Gauges().Channels {
		n += c.Active + c.Idle
	}
	return n
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
	inMatrix(t, "F10")
	refused := ending{outcome: outcome.ConnectFailed, status: http.StatusBadGateway, code: "connect_failed"}
	for name, proxy := range map[string]func(t *testing.T) string{
		"HTTP":   func(t *testing.T) string { return newTunnel(t, refusingCONNECT()).url() },
		"SOCKS5": func(t *testing.T) string { return newTunnel(t, refusingSOCKS5()).url() },
		"none":   func(*testing.T) string { return nobodysAddress },
	} {
		t.Run(name, func(t *testing.T) {
			// Without TLS an HTTP proxy's refusal is an answer like another.
			inEveryVariant(t, func(v variant) bool { return v.transport.tls() || name != "HTTP" }, func(t *testing.T, v variant) {
				s := newScene(t, v, plan{proxy: proxy(t), handle: func(w http.ResponseWriter, r *http.Request) { v.answer(w, r, fromFaulty) }})
				s.requireEnding(t, s.callAll(context.Background(), ear{}), refused)
				require.NotContains(t, s.log.String(), "127.0.0.1")
				require.NotContains(t, s.log.String(), proxiedHost)
				require.Zero(t, s.faulty.requests.Load())
			})
		})
	}
}
