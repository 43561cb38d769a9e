// Package relay is the assembled server: configuration, channels, handlers, and their beginning and end.
package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/controller"
	"one-api/relay/demo"
	"one-api/relay/exchange"
	"one-api/relay/gate"
	"one-api/relay/inflight"
	"one-api/relay/issued"
	"one-api/relay/ledger"
	"one-api/relay/limit"
	"one-api/relay/live"
	"one-api/relay/made"
	"one-api/relay/made/kept"
	"one-api/relay/membudget"
	"one-api/relay/memory"
	"one-api/relay/operator"
	"one-api/relay/outcome"
	"one-api/relay/price"
	"one-api/relay/record"
	"one-api/relay/sigv4"
	"one-api/relay/spool"
	"one-api/relay/store"
	"one-api/telemetry"
)

// Bounds of a client's request header, against slow and fat ones.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10 // parsed, tiny fields take sixteen times as much
)

// drainPoll is how often a server that stops looks whether its calls have ended, and endTimeout is how long calls that were
// cut have to say so to their clients.
const (
	drainPoll  = 20 * time.Millisecond
	endTimeout = 3 * time.Second
)

// ErrCut is returned by Serve where calls had to be cut because they outlasted SHUTDOWN_TIMEOUT.
var ErrCut = errors.New("calls were cut at shutdown")

// ServerOptions is what a server is made of besides its configuration.
type ServerOptions struct {
	Settings config.Settings
	Config   *config.Config
	// Reload reads the configuration anew; nil: there is nothing to read.
	Reload  func() (*config.Config, error)
	Log     *slog.Logger
	Version string
	// Telemetry is what leaves the process; nil: nothing does.
	Telemetry *telemetry.Telemetry
	// Check says what would become of a configuration file with such a content; nil: nobody can.
	Check func(content []byte) (*config.Config, error)
	// Ledger is told of the end of every request too, and answers what was used; nil: nobody remembers. Whoever made it closes it once
	// the server has ended.
	Ledger *ledger.Ledger
	// Store keeps the client keys that are made at run time; nil: there can be none. Whoever made it closes it once the server has ended.
	Store *store.Store
	// Recorders are told of the end of every request, besides telemetry and the log, and before those.
	Recorders []record.Recorder
	// Channel and Exchange preset what tests need otherwise than the process does: TLS, a clock and ErrorBodyTimeout.
	Channel  channel.PoolOptions
	Exchange exchange.DoorOptions
	// HeaderTimeout and BodyTimeout preset, for tests too, how long a client may take to send its header and each part of its
	// body; 0: readHeaderTimeout, and the controller's.
	HeaderTimeout, BodyTimeout time.Duration
	// Pause presets, for tests too, the wait before another try at the same channel; 0: the controller's.
	Pause time.Duration
	// HangsAtLeast presets, for tests too, how long a call is silent at least that is said to hang; 0: the operator's.
	HangsAtLeast time.Duration
	// AheadTimeout presets, for tests too, how long a call goes on whose client has sent more than MaxAhead bytes behind it; 0: ten seconds.
	AheadTimeout time.Duration
}

// Server is the relay.
type Server struct {
	options    ServerOptions
	pool       *channel.Pool
	door       *exchange.Door
	controller *controller.Controller
	operator   *operator.Operator
	throttle   *gate.Throttle
	budget     *membudget.Budget
	spool      *spool.Spool
	front      *front
	gates      *gate.Gates
	directory  atomic.Pointer[gate.Directory]
	prices     atomic.Pointer[price.Book]
	limits     *limit.Keeper
	inFlight   *inflight.List

	reserved      reservedBalance
	budgetsUnread atomic.Bool // the ledger has not said all that was spent before
	// budgetsSince is when the limits that hold came to be, in Unix nanoseconds; 0: all that were open then have ended, and been read.
	budgetsSince atomic.Int64
	clients      *clients
	reserve      *reserve
	watch        *watch
	files        atomic.Pointer[[]string] // that the configuration came from
	loaded       atomic.Int64             // when the configuration was loaded, Unix nanoseconds
	because      atomic.Pointer[string]   // what had it loaded
	refused      atomic.Pointer[refusal]  // the last reload, if that was refused; nil: it was not
	config       atomic.Pointer[config.Config]
	hub          *live.Hub
	traffic      *live.Traffic
	baseline     atomic.Int64 // goroutines before the first client
	demo         *demo.Server
	samples      *telemetry.Sampler
	recorders    *record.Recorders
	metrics      *telemetry.Metrics // nil: nobody counts

	reloading sync.Mutex // one reload at a time
	directing sync.Mutex // one change of the directory at a time
	issued    *issued.Registry
	made      *made.Keeper
}

// New makes a server that does not yet listen. Close what it has started if Serve is never called.
func New(options ServerOptions) (*Server, error) {
	s := &Server{options: options, samples: telemetry.NewSampler(), budget: membudget.New(options.Settings.MaxBuffered)}
	s.limits = limit.NewKeeper(time.Local, time.Now) //nolint:gosmopolitan // days are those of TZ
	s.spool = spool.New("", options.Settings.MaxSpool, options.Log)
	s.samples.Expected = s.ExpectedGoroutines
	settings := options.Settings
	s.reserve = newReserve(cmp.Or(options.HeaderTimeout, reservedTimeout))
	s.clients = newClients(maxClients(settings.MaxClientConnections, descriptors()), settings.TrustedProxies, options.Log)
	s.clients.aheadTimeout = options.AheadTimeout
	s.throttle = &gate.Throttle{Trusted: settings.TrustedProxies}
	s.traffic = &live.Traffic{}
	channelOptions := options.Channel
	channelOptions.Providers, channelOptions.Log, channelOptions.Auth = Providers, options.Log, sigv4.Auth
	exchangeOptions := options.Exchange
	exchangeOptions.Log, exchangeOptions.Budget = options.Log, s.budget
	exchangeOptions.DrainClientGone = settings.DrainClientGone
	if options.Telemetry != nil {
		channelOptions.Metrics = options.Telemetry.Metrics
		exchangeOptions.Metrics, exchangeOptions.Tracing = options.Telemetry.Metrics, options.Telemetry.Tracing
	}
	s.metrics = exchangeOptions.Metrics
	s.recorders = s.recordersOf(s.metrics)
	exchangeOptions.Record, exchangeOptions.Prices = s.recorders, s.prices.Load
	s.pool, s.door = channel.NewPool(channelOptions), exchange.NewDoor(exchangeOptions)
	keeper, inFlight, started := &made.Keeper{}, &inflight.List{}, time.Now()
	s.inFlight = inFlight
	s.made = keeper
	s.gates = gate.New(gate.ChainsOptions{
		Settings: settings, Log: options.Log, Metrics: s.metrics, Tracing: exchangeOptions.Tracing, Directory: s.directory.Load,
		Throttle: s.throttle, InFlight: inFlight, Budget: s.budget, Spool: s.spool, Made: keeper, BodyTimeout: options.BodyTimeout,
	})
	s.controller = &controller.Controller{
		Settings: settings, Gates: s.gates, Door: s.door, Log: options.Log, Started: started, Record: s.recorders, Made: keeper,
		Pause: options.Pause, Ledger: options.Ledger,
	}
	s.operator = &operator.Operator{
		Settings: settings, Log: options.Log, Version: options.Version, Started: started, Throttle: s.throttle, Pool: s.pool, Door: s.door,
		InFlight: inFlight,
		Budget:   s.budget, Spool: s.spool, Draining: s.gates.Intake.Draining, Goroutines: s.Goroutines, Connections: s.ClientConnections,
		Samples: s.samples, Leaks: telemetry.NewLeakSampler(), Traffic: s.traffic, Budgets: s.budgets, Configuration: s.configuration,
		Check:  options.Check,
		Ledger: options.Ledger, Reserved: s.reserved.differs.Load, Prices: s.prices.Load, HangsAtLeast: options.HangsAtLeast,
		Logins: &gate.Throttle{Trusted: settings.TrustedProxies, Everyone: true, Free: freeLogins},
	}
	s.issued = &issued.Registry{Store: options.Store, Log: options.Log, Changed: s.direct, InFile: s.inFile, Found: s.found}
	s.operator.Issued = s.issued
	s.hub = &live.Hub{Source: s.operator, Traffic: s.traffic}
	s.operator.Hub = s.hub
	if err := s.apply(options.Config); err != nil {
		return nil, err
	}
	first := atStart
	s.because.Store(&first)
	s.operator.Changes.Add(operator.Change{At: time.Now().UTC(), What: operator.ConfigurationLoaded, Of: options.Config.Path, By: first})
	s.watch = newWatch(filesOf(options.Config), options.Config.Path == "")
	s.front = newFront(s.controller, s.operator)
	if t := options.Telemetry; t != nil && t.Meter != nil {
		if err := telemetry.Observe(t.Meter, options.Version, s.Gauges); err != nil {
			return nil, fmt.Errorf("registering the gauges: %w", err)
		}
	}
	return s, nil
}

// apply makes a configuration the one that holds.
func (s *Server) apply(c *config.Config) error {
	for i := range c.Channels {
		if !c.Channels[i].Demo {
			continue
		}
		if s.demo == nil {
			d, err := demo.Start()
			if err != nil {
				return err
			}
			s.demo = d
		}
		c.Channels[i].BaseURL = s.demo.URL
	}
	s.prices.Store(price.NewBook(c))
	s.pool.Apply(c.Channels)
	s.traffic.Keep(channelNames(c))
	s.config.Store(c)
	files := filesOf(c)
	s.files.Store(&files)
	s.loaded.Store(time.Now().UnixNano())
	s.direct()
	return nil
}

// Handler is the server without a listener, for tests.
func (s *Server) Handler() http.Handler { return s.front }

// Serve answers clients until ctx ends, and then lets the calls in flight finish for SHUTDOWN_TIMEOUT at most. It closes the
// listener. nil: it ended cleanly.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error { //nolint:contextcheck // calls outlive ctx until they are drained
	// Calls descend from base, so that ending it ends them, each with an honest error to its client.
	base, cut := context.WithCancelCause(context.Background())
	end := func(cause error) {
		cut(cause)
		s.inFlight.Leave()
	}
	defer end(nil)
	server := &http.Server{
		Handler: s.front, ReadHeaderTimeout: cmp.Or(s.options.HeaderTimeout, readHeaderTimeout), IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		BaseContext:    func(net.Listener) context.Context { return base }, ConnState: s.clients.state, ConnContext: gate.WithConn,
		ErrorLog: slog.NewLogLogger(s.options.Log.Handler(), slog.LevelDebug),
	}
	s.sayBounds()
	watch, stopWatching := context.WithCancel(context.Background())
	var watchers sync.WaitGroup
	watchers.Go(func() { s.Watchdog().Run(watch) })
	watchers.Go(func() { s.trim(watch) })
	watchers.Go(func() { s.hub.Run(watch) })
	if !s.options.Store.IsOff() {
		watchers.Go(func() { s.issued.Run(watch) })
		watchers.Go(func() { (&kept.Book{Keeper: s.made, Store: s.options.Store, Log: s.options.Log}).Run(watch) })
	}
	if s.options.Reload != nil {
		watchers.Go(func() { s.watchFiles(watch) })
	}
	served := make(chan error, 1)
	watchers.Go(func() {
		served <- server.Serve(newClientListener(listener, s.options.Settings.ClientWriteTimeout, s.clients, s.reserve))
	})
	reserved := s.reservedServer(base)                    //nolint:contextcheck // base outlives ctx until calls are drained
	watchers.Go(func() { _ = reserved.Serve(s.reserve) }) // until it is closed
	defer func() {                                        //nolint:contextcheck // ctx has ended by now
		stopWatching()
		_ = errors.Join(s.reserve.Close(), reserved.Close())
		watchers.Wait()
		s.throttle.Report(s.options.Log, time.Now(), true)
		s.clients.turnedAway.trim(time.Now().Add(lingerTime))
		s.door.Close()
		s.closeRecorders()
		s.pool.Close()
		if s.demo != nil {
			_ = s.demo.Close() // its connections are the relay's own
		}
	}()
	s.baseline.Store(int64(runtime.NumGoroutine()) - s.options.Store.Goroutines()) // which come and go with the database

	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	return s.drain(server, end) //nolint:contextcheck // ctx has ended by now
}

// maxClients is MAX_CLIENT_CONNECTIONS or, if that is not set, what the descriptor limit leaves room for: four fifths of it, of which
// half is for upstreams, since a call takes a connection on either side.
func maxClients(configured, descriptors int) int {
	const unknown = 20_000
	switch {
	case configured > 0:
		return configured
	case descriptors <= 0:
		return unknown
	}
	return max(1, descriptors*8/10/2)
}

func (s *Server) sayBounds() {
	files := descriptors()
	s.options.Log.Info("client connections are bounded", "max", s.clients.limit, "max_idle", s.clients.idleLimit, "descriptors", files)
	if files > 0 && s.clients.limit > files {
		s.options.Log.Warn("MAX_CLIENT_CONNECTIONS is more than this process may have files open: raise its limit (ulimit -n, or nofile), or "+
			"lower the variable",
			"max", s.clients.limit, "descriptors", files)
	}
}

// trim gives back, soon after a burst, the connections that it needed, and its memory.
func (s *Server) trim(ctx context.Context) {
	burst := memory.NewGiveback()
	look := time.NewTicker(channel.TrimInterval)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-look.C:
			s.pool.Trim()
			s.operator.LookForSilence(now)
			s.readBudgets() //nolint:contextcheck // it has a clock of its own
			s.compareReserved(now)
			s.clients.trim(now)
			s.throttle.Report(s.options.Log, now, false)
			if returned := burst.Look(now, s.gates.Intake.Active()); returned > 0 {
				s.options.Log.Debug("memory of a burst was given back", "mb", returned>>20)
			}
		}
	}
}

// drain ends the service: health says so while the listener stays open for it, calls get their time, and then are cut.
func (s *Server) drain(server *http.Server, cut context.CancelCauseFunc) error {
	s.gates.Intake.Drain()
	s.door.Drain()
	s.options.Log.Info("draining: no new calls are taken", "in_flight", s.gates.Intake.Active(),
		"timeout", s.options.Settings.ShutdownTimeout.String())
	var err error
	if !s.quiet(s.options.Settings.ShutdownTimeout) {
		err = ErrCut
		s.options.Log.Warn("SHUTDOWN_TIMEOUT is over: the calls that are left are ended", "in_flight", s.gates.Intake.Active())
		cut(outcome.ErrShutdown)
		s.quiet(endTimeout)
	}
	s.hub.Close() // pages that are open would hold the server
	closing, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	if server.Shutdown(closing) != nil {
		_ = server.Close() // what is still open now had all its time
	}
	return err
}

// quiet waits until no call is being served, and no websocket is open.
func (s *Server) quiet(timeout time.Duration) bool {
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	look := time.NewTicker(drainPoll)
	defer look.Stop()
	for s.gates.Intake.Active()+s.controller.Sockets() > 0 {
		select {
		case <-deadline.C:
			return s.gates.Intake.Active()+s.controller.Sockets() == 0
		case <-look.C:
		}
	}
	return true
}
