package channel

import (
	"cmp"
	"crypto/tls"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/config"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/provider"
	"one-api/relay/redact"
	"one-api/relay/upstream"
	"one-api/telemetry"
)

// Type is a channel type: its lanes, and who answers there.
type Type struct {
	// Lanes puts together the ways to a channel of the type.
	Lanes func(*config.Channel) lane.Lanes
	// ResponsesLanes puts together those to its models that are served on the Responses API only; nil: there are none.
	ResponsesLanes func(*config.Channel) lane.Lanes
	// Correct has the provider's own idea of a failure: of another class, or in other words. nil: what its status says will do.
	Correct func(*outcome.Failure)
	// Asks makes the request, a GET without a body, for the list of the provider's models; nil: it has none.
	Asks func() lane.Outgoing
	provider.Provider
}

// PoolOptions is what all channels of a process have in common.
type PoolOptions struct {
	Providers map[string]Type // by channel type
	Log       *slog.Logger
	// Metrics counts attempts by channel; nil: nobody does.
	Metrics *telemetry.Metrics
	// Auth is how a channel's upstream is shown who asks, if that depends on more than its type: an account, a region, credentials that
	// are fetched. nil, or nil of a channel: as the provider's data says.
	Auth func(c *config.Channel, of *provider.Provider) *provider.Auth
	// Policy chooses among the channels that a request may go to; nil: ByPriority.
	Policy Policy
	// TLS is the client side's TLS configuration; nil: the system's roots.
	TLS *tls.Config
	// Now is the clock that cooldowns go by; nil: time.Now.
	Now func() time.Time
}

// Pool is all channels of the process, through all reloads of the configuration.
type Pool struct {
	options PoolOptions
	current atomic.Pointer[Set]

	inFlight   atomic.Int64
	openBodies atomic.Int64
	overdue    atomic.Int64 // calls, when they were looked at last
	looked     time.Time    // when that was; for the goroutine that calls Trim
	// connections is every transport that may still have some: those of the channels, and those that a reload has replaced.
	connections atomic.Pointer[[]*upstream.Transport]

	mu         sync.Mutex // guards what follows, and Apply
	states     map[string]*state
	keys       map[string]map[string]*breaker.Key // by channel name, by secret
	transports map[string]*ownedTransport
	tokens     map[string]*ownedTokens
	fetching   atomic.Int64 // goroutines
}

type ownedTransport struct {
	settings  upstream.Identity
	transport *upstream.Transport
}

// NewPool makes a pool without channels.
func NewPool(options PoolOptions) *Pool {
	if options.TLS == nil {
		options.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if options.Policy == nil {
		options.Policy = ByPriority{}
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	p := &Pool{
		options: options, states: map[string]*state{}, keys: map[string]map[string]*breaker.Key{},
		transports: map[string]*ownedTransport{}, tokens: map[string]*ownedTokens{},
	}
	p.current.Store(newSet(nil))
	return p
}

// Apply replaces the channels, all at once. Calls in flight keep what they began with; a channel that keeps its name keeps
// its counts, its health, its keys' cooldowns, and its connections as long as they lead the same way.
func (p *Pool) Apply(configs []config.Channel) {
	p.mu.Lock()
	defer p.mu.Unlock()

	previous := p.current.Load().byName
	channels := make([]*Channel, 0, len(configs))
	kept := make(map[string]bool, len(configs))
	recorders := p.options.Metrics.Configure(p.configured(configs))
	for i, c := range configs {
		kept[c.Name] = true
		s := p.stateOf(c.Name)
		if old := previous[c.Name]; old != nil && old.Disabled != c.Disabled {
			s.disabled.Store(nil) // the operator has said it anew, in the file
		}
		of := p.options.Providers[cmp.Or(c.Form, c.Type)]
		channels = append(channels, &Channel{
			Channel: c, Provider: of.TelemetryName(), Of: &of.Provider, Auth: p.authOf(&configs[i], &of.Provider),
			Lanes: of.Lanes(&configs[i]), Correct: of.Correct, Asks: of.Asks, Addresses: upstream.AddressesOf(c.BaseURL),
			Metrics: recorders[i],
			pool:    p, state: s, keys: p.keyringOf(c, s), Transport: p.transportOf(c), Redact: redact.New(c),
			Labels: telemetry.ChannelLabels(c.Name), Tokens: p.tokensOf(&configs[i]),
		})
		if of.ResponsesLanes != nil {
			channels[i].ResponsesLanes = of.ResponsesLanes(&configs[i])
		}
	}
	for name, owned := range p.transports {
		if !kept[name] {
			owned.transport.Retire()
			delete(p.transports, name)
			delete(p.keys, name)
		}
	}
	p.dropTokens(kept)
	// A state stays while calls hold it; one that nobody needs is dropped with the next reload.
	for name, s := range p.states {
		if !kept[name] && s.inFlight.Load() == 0 {
			delete(p.states, name)
		}
	}
	p.listConnections(channels)
	p.current.Store(newSet(channels))
}

func (p *Pool) authOf(c *config.Channel, of *provider.Provider) *provider.Auth {
	if p.options.Auth != nil {
		if auth := p.options.Auth(c, of); auth != nil {
			return auth
		}
	}
	return &of.Auth
}

func (p *Pool) stateOf(name string) *state {
	s := p.states[name]
	if s == nil {
		s = &state{}
		s.health.Cooldown.OnTransition = p.breakerChanged(name, s)
		p.states[name] = s
	}
	return s
}

// configured is the channels as telemetry has to know them.
func (p *Pool) configured(configs []config.Channel) []telemetry.Configured {
	channels := make([]telemetry.Configured, 0, len(configs))
	for _, c := range configs {
		s, of := p.stateOf(c.Name), p.options.Providers[cmp.Or(c.Form, c.Type)]
		models := slices.Collect(maps.Keys(c.ModelMapping))
		for _, model := range c.Models {
			if !isGlob(model) {
				models = append(models, model)
			}
		}
		channels = append(channels, telemetry.Configured{
			Name: c.Name, Provider: of.TelemetryName(), Models: models,
			Serves: func(model string) bool {
				return slices.ContainsFunc(c.Models, func(pattern string) bool { return config.Match(pattern, model) })
			},
			Busy: func() bool { return s.inFlight.Load() > 0 },
		})
	}
	return channels
}

// listConnections lists the transports of these channels, and of the former ones those that somebody still uses.
func (p *Pool) listConnections(channels []*Channel) {
	list := make([]*upstream.Transport, 0, len(channels))
	for _, c := range channels {
		list = append(list, c.Transport)
	}
	if former := p.connections.Load(); former != nil {
		for _, t := range *former {
			if t.Retired() && t.Used() {
				list = append(list, t)
			}
		}
	}
	p.connections.Store(&list)
}

func (p *Pool) keyringOf(c config.Channel, s *state) breaker.KeyRing {
	secrets := c.Keys
	if len(secrets) == 0 {
		secrets = []string{""}
	}
	old, next := p.keys[c.Name], make(map[string]*breaker.Key, len(secrets))
	ring := make([]*breaker.Key, 0, len(secrets))
	for _, secret := range secrets {
		k := old[secret]
		if k == nil {
			k = breaker.NewKey(secret)
			k.OnTransition = p.keyChanged(c.Name)
		}
		next[secret] = k
		ring = append(ring, k)
	}
	p.keys[c.Name] = next
	return breaker.NewKeyRing(ring, &s.nextKey)
}

func (p *Pool) transportOf(c config.Channel) *upstream.Transport {
	settings := upstream.SettingsOf(c)
	if owned := p.transports[c.Name]; owned != nil {
		if owned.settings == settings {
			return owned.transport
		}
		owned.transport.Retire()
	}
	t := upstream.New(c, p.options.TLS)
	p.transports[c.Name] = &ownedTransport{settings, t}
	return t
}

// Set is the channels as they are configured now. A request takes it once and keeps it.
func (p *Pool) Set() *Set { return p.current.Load() }

// InFlight is how many calls are open, those of channels that a reload has removed included.
func (p *Pool) InFlight() int64 { return p.inFlight.Load() }

// OpenBodies is how many upstream answers are open.
func (p *Pool) OpenBodies() int64 { return p.openBodies.Load() }

// TrimInterval is how often Trim looks.
const TrimInterval = time.Second

// Trim looks once after connections that a burst has left behind, and after calls that do not end. One goroutine calls it, every
// TrimInterval.
func (p *Pool) Trim() {
	if all := p.connections.Load(); all != nil {
		for _, t := range *all {
			t.Trim()
		}
	}
	p.lookForOverdue(time.Now())
}

func (p *Pool) now() time.Time { return p.options.Now() }

// Close closes the connections that no call uses.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, owned := range p.transports {
		owned.transport.Retire()
	}
	p.dropTokens(nil)
}

// ExpectedGoroutines is how many goroutines net/http runs for the channels' connections, and how many fetch tokens.
// Nothing accounts for a call that is overdue.
// It takes no lock.
func (p *Pool) ExpectedGoroutines() (n int64) {
	if list := p.connections.Load(); list != nil {
		for _, t := range *list {
			n += t.Goroutines()
		}
	}
	return n + p.fetching.Load() - p.overdue.Load()
}
