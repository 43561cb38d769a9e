package suite

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"one-api/relay"
	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/exchange"
	"one-api/relay/record"
	"one-api/telemetry"
)

const testKey = "sk-test-0123456789abcdef"

// testRelay is a relay on a real socket, configured by a file.
type testRelay struct {
	t      *testing.T
	URL    string
	server *relay.Server
	log    *logBuffer
	file   string
	stop   context.CancelFunc
	ended  chan error
	client *http.Client
	tried  func() []tried // what it was started for; nil: one thing, under no circumstances
	then   goleak.Option  // the goroutines that there were when it had been started
	quiet  atomic.Bool    // requireQuiet has come to its end

	mu       sync.Mutex
	attempts []record.Attempt
	ends     []record.End
}

type relayOption func(*relayConfig)

type relayConfig struct {
	env       map[string]string
	yaml      string
	roots     *x509.CertPool
	errorBody time.Duration
	header    time.Duration // how long a client may take to send its header; 0: patience
	body      time.Duration // and each part of its body
	ahead     time.Duration // how long a call goes on with much behind it; 0: as it is
	pause     time.Duration // before another try at the same channel; 0: a millisecond
	listen    func(net.Listener) net.Listener
	now       func() time.Time // the clock that rests go by; nil: time.Now
	telemetry *telemetry.Telemetry
	logs      func(slog.Handler) slog.Handler // what main does to the handler of the log; nil: nothing
	onAttempt func(*record.Attempt)
	onRequest func(*record.End)
}

func withEnv(pairs ...string) relayOption {
	return func(c *relayConfig) {
		for i := 0; i < len(pairs); i += 2 {
			c.env[pairs[i]] = pairs[i+1]
		}
	}
}

// withErrorBodyTimeout shortens the time that an error's body may take, which is the tests' patience and not five seconds.
func withErrorBodyTimeout(d time.Duration) relayOption {
	return func(c *relayConfig) { c.errorBody = d }
}

// withClientTimeouts shortens the time that clients may take to send their headers, and each part of their bodies. It is the
// tests' patience otherwise: the ten seconds of a header begin when its connection is accepted, and a client in a crowd on a busy
// machine may come to its writing later.
func withClientTimeouts(header, body time.Duration) relayOption {
	return func(c *relayConfig) { c.header, c.body = header, body }
}

// withAheadTimeout shortens the time that a call goes on with more behind it than the relay keeps.
func withAheadTimeout(d time.Duration) relayOption {
	return func(c *relayConfig) { c.ahead = d }
}

// withListener puts something between the relay and its clients.
func withListener(wrap func(net.Listener) net.Listener) relayOption {
	return func(c *relayConfig) { c.listen = wrap }
}

// withRecorders are told of every end, after the harness has noted it.
func withRecorders(onAttempt func(*record.Attempt), onRequest func(*record.End)) relayOption {
	return func(c *relayConfig) { c.onAttempt, c.onRequest = onAttempt, onRequest }
}

// trusting makes the relay trust the certificate of an HTTP/2 upstream.
func trusting(upstreams ...*upstream) relayOption {
	return func(c *relayConfig) {
		for _, u := range upstreams {
			if u.Certificate() != nil {
				c.roots.AddCert(u.Certificate())
			}
		}
	}
}

// startRelay runs a relay with these channels; tokens may be part of the YAML, else testKey works for the group default. It is
// stopped, and found clean, at the end of the test.
func startRelay(t *testing.T, yaml string, options ...relayOption) *testRelay {
	t.Helper()
	// A machine that is too slow for the 15 seconds of a keep-alive would have the status of an error gone before it comes.
	env := map[string]string{"PORT": "0", "MONITOR_ALLOW_CIDR": "127.0.0.0/8", "KEEPALIVE_INTERVAL": patience.String()}
	c := &relayConfig{env: env, yaml: yaml, roots: x509.NewCertPool()}
	for _, o := range options {
		o(c)
	}
	if !strings.Contains(yaml, "tokens:") {
		yaml += "\ntokens:\n  - {name: test, key: " + testKey + "}\n"
	}
	r := &testRelay{t: t, log: &logBuffer{}, file: filepath.Join(t.TempDir(), "channels.yaml"), ended: make(chan error, 1)}
	require.NoError(t, os.WriteFile(r.file, []byte(yaml), 0o600))

	configSource := config.Source{File: r.file, Providers: relay.ConfigProviders(), Env: func(name string) (string, bool) { v, ok := c.env[name]; return v, ok }}
	settings, err := config.LoadSettings(configSource)
	require.NoError(t, err)
	settings.GinMode = "test"
	load := func() (*config.Config, error) { return config.Load(configSource, settings) }
	cfg, err := load()
	require.NoError(t, err)
	var handler slog.Handler = slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})
	if c.logs != nil {
		handler = c.logs(handler)
	}
	r.server, err = relay.New(relay.ServerOptions{
		Settings: settings, Config: cfg, Reload: load, Version: "v0.0.0-test", Telemetry: c.telemetry,
		Log:           slog.New(handler),
		HeaderTimeout: cmp.Or(c.header, patience), BodyTimeout: cmp.Or(c.body, patience), Pause: cmp.Or(c.pause, time.Millisecond),
		AheadTimeout: c.ahead,
		Channel:      channel.PoolOptions{TLS: &tls.Config{RootCAs: c.roots, MinVersion: tls.VersionTLS12}, Now: c.now},
		Exchange:     exchange.DoorOptions{ErrorBodyTimeout: cmp.Or(c.errorBody, patience)},
		Recorders:    []record.Recorder{noted{r, c}},
	})
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r.URL = "http://" + listener.Addr().String()
	if c.listen != nil {
		listener = c.listen(listener)
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() { r.ended <- r.server.Serve(ctx, listener) }()
	// From here on the number of goroutines is that of a relay that serves.
	require.Eventually(t, func() bool { return r.server.Serving() }, patience, time.Millisecond)
	r.then = goleak.IgnoreCurrent()
	r.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	t.Cleanup(func() {
		if matrix.classOf(t) != "" && !t.Failed() && !t.Skipped() && !r.quiet.Load() {
			t.Error("a test of the fault matrix ends with requireQuiet")
		}
		if !t.Skipped() {
			matrix.count(t, t.Failed(), r.tried)
		}
		r.client.CloseIdleConnections()
		r.stop()
		<-r.ended
	})
	return r
}

// post sends a body to the relay with testKey.
func (r *testRelay) post(ctx context.Context, path, body string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+testKey)
	request.Header.Set("Content-Type", "application/json")
	return r.client.Do(request)
}

// ask posts and reads the whole answer.
func (r *testRelay) ask(path, body string) (status int, answer string, header http.Header) {
	r.t.Helper()
	response, err := r.post(context.Background(), path, body)
	require.NoError(r.t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(r.t, err)
	return response.StatusCode, string(text), response.Header
}

// get asks a monitor endpoint.
func (r *testRelay) get(path string) (status int, answer map[string]any) {
	r.t.Helper()
	response, err := r.client.Get(r.URL + path)
	require.NoError(r.t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(r.t, err)
	require.NoError(r.t, json.Unmarshal(text, &answer), string(text))
	return response.StatusCode, answer
}

// noted has what is recorded noted for the test.
type noted struct {
	r *testRelay
	c *relayConfig
}

func (n noted) Attempt(_ context.Context, a *record.Attempt) {
	n.r.mu.Lock()
	n.r.attempts = append(n.r.attempts, *a)
	n.r.mu.Unlock()
	if n.c.onAttempt != nil {
		n.c.onAttempt(a)
	}
}

func (n noted) End(_ context.Context, end *record.End) {
	n.r.mu.Lock()
	n.r.ends = append(n.r.ends, *end.Clone())
	n.r.mu.Unlock()
	if n.c.onRequest != nil {
		n.c.onRequest(end)
	}
}

// recorded is the attempts that ended so far.
func (r *testRelay) recorded() []record.Attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]record.Attempt(nil), r.attempts...)
}

// requestEnds is the requests that ended so far.
func (r *testRelay) requestEnds() []record.End {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]record.End(nil), r.ends...)
}

// outcomes waits until n attempts have ended, and names how.
func (r *testRelay) outcomes(n int) []string {
	r.t.Helper()
	r.eventually("attempts that ended", func() bool { return len(r.recorded()) >= n })
	var names []string
	for _, a := range r.recorded() {
		names = append(names, a.Outcome.String())
	}
	require.Len(r.t, names, n)
	return names
}

// clients is how many connections clients have open.
func (r *testRelay) clients() int64 {
	open, _ := r.server.ClientConnections()
	return open
}

// amongOthers is a number of goroutines for tests that run beside others: they mostly wait, and whose goroutines there are is
// not to be told then. That none is left in the end, TestMain sees.
const amongOthers = 1 << 30

// requireQuiet is what has to be true after every fault: nothing is in flight, no body is open, no upstream is still being
// asked, nothing was left to the safety net, the goroutines are those of before, and everything was recorded once.
func (r *testRelay) requireQuiet(goroutinesBefore int, upstreams ...*upstream) {
	r.t.Helper()
	eventually := r.eventually
	eventually("calls in flight", func() bool { return r.server.Pool().InFlight() == 0 && r.server.Active() == 0 })
	eventually("open bodies", func() bool { return r.server.Pool().OpenBodies() == 0 })
	for _, u := range upstreams {
		eventually("upstream requests still open", func() bool { return u.open.Load() == 0 })
	}
	for _, c := range r.server.Pool().Set().All() {
		snapshot := c.Snapshot(time.Now())
		require.Zero(r.t, snapshot.LeakedBodies, c.Name)
		require.Zero(r.t, snapshot.InFlight, c.Name)
		require.Zero(r.t, snapshot.OpenBodies, c.Name)
	}
	r.requireRecordedOnce()
	r.client.CloseIdleConnections()
	for _, u := range upstreams {
		u.CloseClientConnections()
	}
	// The condition itself runs on a goroutine of its own.
	eventually("goroutines back to their number before", func() bool { return runtime.NumGoroutine() <= goroutinesBefore+1 })
	if goroutinesBefore != amongOthers && matrix.classOf(r.t) != "" {
		r.requireThose()
	}
	r.quiet.Store(true)
}

// requireRecordedOnce compares the two records: every request has one end, and as many attempts as it says.
func (r *testRelay) requireRecordedOnce() {
	r.t.Helper()
	attempts, sent := map[string]int{}, 0
	for _, a := range r.recorded() {
		if a.Sent {
			attempts[a.RequestID]++
			sent++
		}
	}
	said, seen := 0, map[string]bool{}
	for _, end := range r.requestEnds() {
		require.False(r.t, seen[end.RequestID], "a request that was recorded twice")
		seen[end.RequestID] = true
		require.Equal(r.t, end.Asked(), attempts[end.RequestID], "attempts of a request, as it was recorded: %s", end.Outcome)
		said += end.Asked()
	}
	require.Equal(r.t, said, sent, "attempts that belong to a request")
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// errorOf is the error object of an answer.
func errorOf(t *testing.T, answer string) map[string]any {
	t.Helper()
	var v struct{ Error map[string]any }
	require.NoError(t, json.Unmarshal([]byte(answer), &v), answer)
	require.NotNil(t, v.Error, answer)
	return v.Error
}
