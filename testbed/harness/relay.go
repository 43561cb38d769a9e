// Package harness is what the suites share: a relay on a real socket, upstreams and proxies that do as they are told over every
// transport, clients, and the fault matrix, which counts what was tried. Each suite's TestMain is Main.
package harness

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
	"one-api/relay/ledger"
	"one-api/relay/record"
	"one-api/relay/store"
	"one-api/telemetry"
)

// Key is the client key of every relay whose configuration has no tokens.
const Key = "sk-test-0123456789abcdef"

// Relay is a relay on a real socket, configured by a file.
type Relay struct {
	T      *testing.T
	URL    string
	Server *relay.Server
	Log    *LogBuffer
	File   string
	Stop   context.CancelFunc
	Ended  chan error
	Client *http.Client
	Tried  func() []Tried // what it was started for; nil: one thing, under no circumstances
	then   goleak.Option  // the goroutines that there were when it had been started
	quiet  atomic.Bool    // RequireQuiet has come to its end

	Mu       sync.Mutex
	Attempts []record.Attempt
	Ends     []record.End
}

type RelayOption func(*RelayConfig)

type RelayConfig struct {
	env       map[string]string
	yaml      string
	Roots     *x509.CertPool
	errorBody time.Duration
	header    time.Duration // how long a client may take to send its header; 0: patience
	body      time.Duration // and each part of its body
	ahead     time.Duration // how long a call goes on with much behind it; 0: as it is
	hangs     time.Duration // how long a call is silent at least that is said to hang; 0: as it is
	session   exchange.SessionOptions
	store     *store.Store
	pause     time.Duration // before another try at the same channel; 0: a millisecond
	listen    func(net.Listener) net.Listener
	Now       func() time.Time // the clock that rests go by; nil: time.Now
	Telemetry *telemetry.Telemetry
	Logs      func(slog.Handler) slog.Handler // what main does to the handler of the log; nil: nothing
	ledger    bool
	onAttempt func(*record.Attempt)
	onRequest func(*record.End)
}

func WithEnv(pairs ...string) RelayOption {
	return func(c *RelayConfig) {
		for i := 0; i < len(pairs); i += 2 {
			c.env[pairs[i]] = pairs[i+1]
		}
	}
}

// WithErrorBodyTimeout shortens the time that an error's body may take, which is the tests' patience and not five seconds.
func WithErrorBodyTimeout(d time.Duration) RelayOption {
	return func(c *RelayConfig) { c.errorBody = d }
}

// WithClientTimeouts shortens the time that clients may take to send their headers, and each part of their bodies. It is the
// tests' patience otherwise: the ten seconds of a header begin when its connection is accepted, and a client in a crowd on a busy
// machine may come to its writing later.
func WithClientTimeouts(header, body time.Duration) RelayOption {
	return func(c *RelayConfig) { c.header, c.body = header, body }
}

// WithAheadTimeout shortens the time that a call goes on with more behind it than the relay keeps.
func WithAheadTimeout(d time.Duration) RelayOption {
	return func(c *RelayConfig) { c.ahead = d }
}

// WithHangsAtLeast shortens the silence after which a call is said to hang, where it is known what is usual.
func WithHangsAtLeast(d time.Duration) RelayOption {
	return func(c *RelayConfig) { c.hangs = d }
}

// WithSession bounds sessions of the Realtime API otherwise than usual.
func WithSession(o exchange.SessionOptions) RelayOption {
	return func(c *RelayConfig) { c.session = o }
}

// WithStore gives the relay a database for the keys that are made at run time.
func WithStore(s *store.Store) RelayOption {
	return func(c *RelayConfig) { c.store = s }
}

// WithListener puts something between the relay and its clients.
func WithListener(wrap func(net.Listener) net.Listener) RelayOption {
	return func(c *RelayConfig) { c.listen = wrap }
}

// WithRecorders are told of every end, after the harness has noted it.
func WithRecorders(onAttempt func(*record.Attempt), onRequest func(*record.End)) RelayOption {
	return func(c *RelayConfig) { c.onAttempt, c.onRequest = onAttempt, onRequest }
}

// WithLedger gives the relay a ledger, in a database of its own.
func WithLedger() RelayOption { return func(c *RelayConfig) { c.ledger = true } }

// newLedger is a ledger that ends with the test, behind its relay.
func newLedger(t *testing.T, log *slog.Logger) *ledger.Ledger {
	t.Helper()
	database, err := store.Open(context.Background(), store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "ledger.db")})
	require.NoError(t, err)
	l := ledger.New(ledger.Options{Store: database, Log: log, Zone: time.UTC})
	t.Cleanup(func() {
		l.Close(context.Background())
		database.Close()
	})
	return l
}

// Trusting makes the relay trust the certificate of an HTTP/2 upstream.
func Trusting(upstreams ...*Upstream) RelayOption {
	return func(c *RelayConfig) {
		for _, u := range upstreams {
			if u.Certificate() != nil {
				c.Roots.AddCert(u.Certificate())
			}
		}
	}
}

// StartRelay runs a relay with these channels; tokens may be part of the YAML, else testKey works for the group default. It is
// stopped, and found clean, at the end of the test.
func StartRelay(t *testing.T, yaml string, options ...RelayOption) *Relay {
	t.Helper()
	// A machine that is too slow for the 15 seconds of a keep-alive would have the status of an error gone before it comes.
	env := map[string]string{"PORT": "0", "MONITOR_ALLOW_CIDR": "127.0.0.0/8", "KEEPALIVE_INTERVAL": Patience.String()}
	c := &RelayConfig{env: env, yaml: yaml, Roots: x509.NewCertPool()}
	for _, o := range options {
		o(c)
	}
	if !strings.Contains(yaml, "tokens:") {
		yaml += "\ntokens:\n  - {name: test, key: " + Key + "}\n"
	}
	r := &Relay{T: t, Log: &LogBuffer{}, File: filepath.Join(t.TempDir(), "channels.yaml"), Ended: make(chan error, 1)}
	require.NoError(t, os.WriteFile(r.File, []byte(yaml), 0o600))

	configSource := config.Source{File: r.File, Providers: relay.ConfigProviders(), Env: func(name string) (string, bool) { v, ok := c.env[name]; return v, ok }}
	settings, err := config.LoadSettings(configSource)
	require.NoError(t, err)
	settings.GinMode = "test"
	load := func() (*config.Config, error) { return config.Load(configSource, settings) }
	cfg, err := load()
	require.NoError(t, err)
	var handler slog.Handler = slog.NewTextHandler(r.Log, &slog.HandlerOptions{Level: slog.LevelDebug})
	if c.Logs != nil {
		handler = c.Logs(handler)
	}
	var books *ledger.Ledger
	if c.ledger {
		books = newLedger(t, slog.New(handler))
	}
	r.Server, err = relay.New(relay.ServerOptions{
		Ledger:   books,
		Settings: settings, Config: cfg, Reload: load, Version: "v0.0.0-test",
		Store: c.store,
		Check: func(content []byte) (*config.Config, error) {
			return config.Load(configSource.Pasted(content), settings)
		}, Telemetry: c.Telemetry,
		Log:           slog.New(handler),
		HeaderTimeout: cmp.Or(c.header, Patience), BodyTimeout: cmp.Or(c.body, Patience), Pause: cmp.Or(c.pause, time.Millisecond),
		AheadTimeout: c.ahead, HangsAtLeast: c.hangs,
		Channel:   channel.PoolOptions{TLS: &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12}, Now: c.Now},
		Exchange:  exchange.DoorOptions{ErrorBodyTimeout: cmp.Or(c.errorBody, Patience), Session: c.session},
		Recorders: []record.Recorder{noted{r, c}},
	})
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r.URL = "http://" + listener.Addr().String()
	if c.listen != nil {
		listener = c.listen(listener)
	}
	ctx, stop := context.WithCancel(context.Background())
	r.Stop = stop
	go func() { r.Ended <- r.Server.Serve(ctx, listener) }()
	// From here on the number of goroutines is that of a relay that serves.
	require.Eventually(t, func() bool { return r.Server.Serving() }, Patience, time.Millisecond)
	r.then = goleak.IgnoreCurrent()
	r.Client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	t.Cleanup(func() {
		if Matrix.classOf(t) != "" && !t.Failed() && !t.Skipped() && !r.quiet.Load() {
			t.Error("a test of the fault matrix ends with requireQuiet")
		}
		if !t.Skipped() {
			Matrix.count(t, t.Failed(), r.Tried)
		}
		r.Client.CloseIdleConnections()
		r.Stop()
		<-r.Ended
	})
	return r
}

// Post sends a body to the relay with testKey.
func (r *Relay) Post(ctx context.Context, path, body string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+Key)
	request.Header.Set("Content-Type", "application/json")
	return r.Client.Do(request)
}

// Ask posts and reads the whole answer.
func (r *Relay) Ask(path, body string) (status int, answer string, header http.Header) {
	r.T.Helper()
	response, err := r.Post(context.Background(), path, body)
	require.NoError(r.T, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(r.T, err)
	return response.StatusCode, string(text), response.Header
}

// Get asks a monitor endpoint.
func (r *Relay) Get(path string) (status int, answer map[string]any) {
	r.T.Helper()
	response, err := r.Client.Get(r.URL + path)
	require.NoError(r.T, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(r.T, err)
	require.NoError(r.T, json.Unmarshal(text, &answer), string(text))
	return response.StatusCode, answer
}

// noted has what is recorded noted for the test.
type noted struct {
	r *Relay
	c *RelayConfig
}

func (n noted) Attempt(_ context.Context, a *record.Attempt) {
	n.r.Mu.Lock()
	n.r.Attempts = append(n.r.Attempts, *a)
	n.r.Mu.Unlock()
	if n.c.onAttempt != nil {
		n.c.onAttempt(a)
	}
}

func (n noted) End(_ context.Context, end *record.End) {
	n.r.Mu.Lock()
	n.r.Ends = append(n.r.Ends, *end.Clone())
	n.r.Mu.Unlock()
	if n.c.onRequest != nil {
		n.c.onRequest(end)
	}
}

// Recorded is the attempts that ended so far.
func (r *Relay) Recorded() []record.Attempt {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	return append([]record.Attempt(nil), r.Attempts...)
}

// Attempt waits until attempt i (from 0) has ended, and gives it: a client may have its answer a moment before.
func (r *Relay) Attempt(i int) record.Attempt {
	r.T.Helper()
	r.Eventually("attempts that ended", func() bool { return len(r.Recorded()) > i })
	return r.Recorded()[i]
}

// RequestEnds is the requests that ended so far.
func (r *Relay) RequestEnds() []record.End {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	return append([]record.End(nil), r.Ends...)
}

// RequestEnd waits until request i (from 0) has ended, and says how.
func (r *Relay) RequestEnd(i int) *record.End {
	r.T.Helper()
	r.Eventually("requests that ended", func() bool { return len(r.RequestEnds()) > i })
	return &r.RequestEnds()[i]
}

// Outcomes waits until n attempts have ended, and names how.
func (r *Relay) Outcomes(n int) []string {
	r.T.Helper()
	r.Eventually("attempts that ended", func() bool { return len(r.Recorded()) >= n })
	var names []string
	for _, a := range r.Recorded() {
		names = append(names, a.Outcome.String())
	}
	require.Len(r.T, names, n)
	return names
}

// Clients is how many connections clients have open.
func (r *Relay) Clients() int64 {
	open, _ := r.Server.ClientConnections()
	return open
}

// AmongOthers is a number of goroutines for tests that run beside others: they mostly wait, and whose goroutines there are is
// not to be told then. That none is left in the end, TestMain sees.
const AmongOthers = 1 << 30

// RequireQuiet is what has to be true after every fault: nothing is in flight, no body is open, no upstream is still being
// asked, nothing was left to the safety net, the goroutines are those of before, and everything was recorded once.
func (r *Relay) RequireQuiet(goroutinesBefore int, upstreams ...*Upstream) {
	r.T.Helper()
	eventually := r.Eventually
	eventually("calls in flight", func() bool { return r.Server.Pool().InFlight() == 0 && r.Server.Active() == 0 })
	eventually("open bodies", func() bool { return r.Server.Pool().OpenBodies() == 0 })
	eventually("uploads on disk", func() bool {
		bytes, bodies := r.Server.Spooled()
		return bytes == 0 && bodies == 0
	})
	eventually("memory for bodies", func() bool { return r.Server.Budget().Used() == 0 })
	for _, u := range upstreams {
		eventually("upstream requests still open", func() bool { return u.Open.Load() == 0 })
	}
	for _, c := range r.Server.Pool().Set().All() {
		snapshot := c.Snapshot(time.Now())
		require.Zero(r.T, snapshot.LeakedBodies, c.Name)
		require.Zero(r.T, snapshot.InFlight, c.Name)
		require.Zero(r.T, snapshot.OpenBodies, c.Name)
	}
	require.Zero(r.T, r.Server.Gauges().Reserved, "what limits hold reserved though nothing is open")
	r.RequireRecordedOnce()
	r.Client.CloseIdleConnections()
	for _, u := range upstreams {
		u.CloseClientConnections()
	}
	// The condition itself runs on a goroutine of its own.
	eventually("goroutines back to their number before", func() bool { return runtime.NumGoroutine() <= goroutinesBefore+1 })
	if goroutinesBefore != AmongOthers && Matrix.classOf(r.T) != "" {
		r.requireThose()
	}
	r.quiet.Store(true)
}

// RequireRecordedOnce compares the two records: every request has one end, and as many attempts as it says.
func (r *Relay) RequireRecordedOnce() {
	r.T.Helper()
	attempts, sent := map[string]int{}, 0
	for _, a := range r.Recorded() {
		if a.Sent {
			attempts[a.RequestID]++
			sent++
		}
	}
	said, seen := 0, map[string]bool{}
	for _, end := range r.RequestEnds() {
		require.False(r.T, seen[end.RequestID], "a request that was recorded twice")
		seen[end.RequestID] = true
		require.Equal(r.T, end.Asked(), attempts[end.RequestID], "attempts of a request, as it was recorded: %s", end.Outcome)
		said += end.Asked()
	}
	require.Equal(r.T, said, sent, "attempts that belong to a request")
}

type LogBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *LogBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *LogBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// ErrorOf is the error object of an answer.
func ErrorOf(t *testing.T, answer string) map[string]any {
	t.Helper()
	var v struct{ Error map[string]any }
	require.NoError(t, json.Unmarshal([]byte(answer), &v), answer)
	require.NotNil(t, v.Error, answer)
	return v.Error
}
