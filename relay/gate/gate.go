// Package gate is what a request passes before a channel is chosen for it. What every request passes is in every.go, what one that is
// to be relayed passes besides in the files behind it: is the relay taking calls (intake.go), who calls (keys.go), is there memory for
// the body (bodies.go), what is asked for and may this client ask for it (models.go). A limit is a gate as well: it reserves when it is
// entered, and settles when it is left, by the request's End.
package gate

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"one-api/relay/apikey"
	"one-api/relay/clientaddr"
	"one-api/relay/config"
	"one-api/relay/inflight"
	"one-api/relay/made"
	"one-api/relay/membudget"
	"one-api/relay/outcome"
	"one-api/relay/spool"
	"one-api/relay/wire"
	"one-api/telemetry"
)

// Gate is one thing that requests pass. Many pass it at once: what it has to remember of a request, it keeps in the request.
type Gate[R Identified] interface {
	// Enter lets the request in. A refusal turns it away, and no other gate sees it.
	Enter(r R) *outcome.Refusal
	// Exit is called once for each request that has come to the gate, even if it was turned away here, after its end has been
	// recorded. It gives back what Enter has taken.
	Exit(r R)
}

// Identified is a request, as far as a chain has to know it.
type Identified interface{ ID() string }

// Chain is gates that are passed one after the other, and left in the opposite order.
type Chain[R Identified] struct {
	Gates []Gate[R]
	Log   *slog.Logger
}

// Enter takes a request through the gates, until one turns it away. passed counts those that it has come to.
func (c *Chain[R]) Enter(r R, passed *uint8) *outcome.Refusal {
	for _, gate := range c.Gates {
		*passed++
		if refusal := gate.Enter(r); refusal != nil {
			return refusal
		}
	}
	return nil
}

// Leave has the request leave all that it has come to. One that panics costs a line in the log, and the others nothing.
func (c *Chain[R]) Leave(r R, passed *uint8) {
	for *passed > 0 {
		c.leave(r, passed)
	}
}

// leave has it leave them one after the other, until one panics.
func (c *Chain[R]) leave(r R, passed *uint8) {
	defer func() {
		if p := recover(); p != nil {
			c.Log.Error("panic behind a request", "request_id", r.ID(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	for *passed > 0 {
		*passed--
		c.Gates[*passed].Exit(r)
	}
}

// noExit is for gates that take nothing.
type noExit[R Identified] struct{}

// Exit does nothing.
func (noExit[R]) Exit(R) {}

// ChainsOptions is what gates are made from.
type ChainsOptions struct {
	Settings config.Settings
	Log      *slog.Logger
	Metrics  *telemetry.Metrics // nil: nobody counts requests
	Tracing  *telemetry.Tracing // nil: nobody makes spans of calls
	// Directory gives the configuration that holds now.
	Directory func() *Directory
	Throttle  *Throttle
	InFlight  *inflight.List
	Budget    *membudget.Budget // what large bodies may hold; nil: there is no limit
	Spool     *spool.Spool      // where large uploads are kept; nil: in memory
	Made      *made.Keeper
	// BodyTimeout is how long each part of a request's body may take to arrive; 0: bodyBlockTimeout.
	BodyTimeout time.Duration
}

// Gates is those of a process.
type Gates struct {
	Every Chain[Incoming]   // what every request passes
	Calls Chain[*Admission] // and, behind that, one that is to be relayed

	Intake  *Intake
	traffic *traffic
	keys    *keys
	bodies  *bodies
}

// New makes the gates.
func New(o ChainsOptions) *Gates {
	g := &Gates{
		Intake: &Intake{tracing: o.Tracing, drained: make(chan struct{})}, traffic: &traffic{metrics: o.Metrics},
		keys: &keys{
			directory: o.Directory, throttle: o.Throttle, tracing: o.Tracing,
			from: func(r *http.Request) netip.Addr { return clientaddr.Of(r, o.Settings.TrustedProxies) },
		},
		bodies: &bodies{budget: o.Budget, spool: o.Spool, most: o.Settings.MaxRequestBody, timeout: cmp.Or(o.BodyTimeout, bodyBlockTimeout)},
	}
	g.Every = Chain[Incoming]{Log: o.Log, Gates: []Gate[Incoming]{
		identity{}, g.traffic, crossOrigin{closedHealth: !o.Settings.PublicHealth}, headerLimit{},
	}}
	g.Calls = Chain[*Admission]{Log: o.Log, Gates: []Gate[*Admission]{
		g.Intake, handshake{}, g.keys, listing{o.InFlight}, g.bodies, models{kept: o.Made}, &limits{metrics: o.Metrics},
	}}
	return g
}

// Handling is how many requests of any kind are being served, by telemetry.MethodIndex.
func (g *Gates) Handling() (all int64, byMethod [telemetry.Methods]int64) {
	for i := range g.traffic.handling {
		byMethod[i] = g.traffic.handling[i].Load()
		all += byMethod[i]
	}
	return all, byMethod
}

// Watchers is how many goroutines watch for clients that leave: one for each request whose body has been read. It is net/http's or, for
// a websocket, the one that reads what the client sends.
func (g *Gates) Watchers() int64 {
	handling, _ := g.Handling()
	return max(0, handling-g.bodies.reading.Load())
}

// Caller finds out who makes a request that is not relayed. The refusal is for a caller without a valid key; one who guesses keys has
// been slowed down by then.
func (g *Gates) Caller(r *http.Request, format wire.Format) (*apikey.Key, *Directory, *outcome.Refusal) {
	return g.keys.caller(r, format)
}

// Directory is the configuration that holds now.
func (g *Gates) Directory() *Directory { return g.keys.directory() }

// BodyTimeout is how long each part of a body, or of a websocket's message, may take to arrive.
func (g *Gates) BodyTimeout() time.Duration { return g.bodies.timeout }

// Lease makes a lease of the memory that a client's bodies may take.
func (g *Gates) Lease(l *membudget.Lease, of *apikey.Key) {
	l.Of(g.bodies.budget)
	l.By(g.bodies.budget.Owner(of.Name))
}
