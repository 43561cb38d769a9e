package telemetry

import (
	"context"
	"runtime"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// State is what the gauges show: read from atomics when metrics are collected, at no cost to a request.
type State struct {
	ActiveRequests        [Methods]int64 // by MethodIndex
	ExpectedGoroutines    int64
	UnexplainedGoroutines int64
	SpooledBytes          int64 // of request bodies on disk
	SpooledFiles          int64
	ClientsActive         int64 // client connections with a request that is being served
	ClientsIdle           int64
	ConfigLoaded          time.Time
	Channels              []ChannelGauges
	Budgets               []BudgetGauges
	Ledger                *LedgerGauges // nil: there is none
	Reserved              int64         // by how much reservations and open calls differ
}

// LedgerGauges is the state of the ledger.
type LedgerGauges struct {
	Queue                   int64
	Age                     time.Duration
	Spilled, Replayed, Lost int64
	Rows, Spent             int64 // by how much its books differ
}

// ChannelGauges is the state of one channel.
type ChannelGauges struct {
	Channel    *Channel
	InFlight   int64
	OpenBodies int64
	Oldest     time.Duration
	Goroutines int64 // -1 means not sampled
	Leaked     int64
	State      string
	Keys       map[string]int // by state
	Active     int64          // connections in use
	Idle       int64
}

// Observe registers the gauges. read is called at each collection.
func Observe(meter metric.Meter, version string, read func() State) error {
	b := builder{meter: meter}
	g := gauges{
		active: b.upDown(HTTPActive), inFlight: b.gauge(ChannelInFlight), openBodies: b.gauge(ChannelOpenBodies),
		goroutines: b.gauge(ChannelGoroutines),
		state:      b.gauge(ChannelState), keys: b.gauge(ChannelKeys), connections: b.upDown(OpenConnections),
		clients: b.gauge(ClientConnections), expected: b.gauge(GoroutinesExpected), stray: b.gauge(GoroutinesStray), build: b.gauge(BuildInfo),
		spooled: b.gauge(SpoolSize), files: b.gauge(SpoolFiles),
		oldest: b.secondsGauge(ChannelOldest), loaded: b.secondsGauge(ConfigLastSuccess), leaked: b.observableCounter(ChannelLeaked),
		budgets: b.secondsGauge(BudgetUsed),
		queue:   b.gauge(LedgerQueue), balance: b.gauge(LedgerBalance), age: b.secondsGauge(LedgerAge),
		spilled:  b.observableCounter(LedgerSpilled),
		replayed: b.observableCounter(LedgerReplayed), lost: b.observableCounter(LedgerLost),
		buildInfo: metric.WithAttributeSet(attribute.NewSet(text(AttrVersion, version), text(AttrGoVersion, runtime.Version()))),
	}
	for i, state := range [...]string{"active", "idle"} {
		g.clientStates[i] = metric.WithAttributeSet(attribute.NewSet(text(AttrConnectionState, state)))
	}
	for i, balance := range [...]string{"rows", "spent", "reserved"} {
		g.balances[i] = metric.WithAttributeSet(attribute.NewSet(text(AttrBalance, balance)))
	}
	for i, method := range methods {
		g.methods[i] = metric.WithAttributeSet(attribute.NewSet(text(AttrMethod, method), text(AttrScheme, "http")))
	}
	if b.err != nil {
		return b.err
	}
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		g.observe(o, read())
		return nil
	}, g.active, g.inFlight, g.openBodies, g.goroutines, g.state, g.keys, g.connections, g.clients,
		g.expected, g.stray, g.spooled, g.files, g.build, g.oldest, g.loaded, g.leaked, g.queue,
		g.age, g.spilled, g.replayed, g.lost, g.balance, g.budgets)
	return err
}

type gauges struct {
	inFlight, openBodies, goroutines, state, keys, clients, expected, stray, spooled, files, build, queue, balance metric.Int64ObservableGauge

	active, connections metric.Int64ObservableUpDownCounter

	oldest, loaded, age, budgets    metric.Float64ObservableGauge
	leaked, spilled, replayed, lost metric.Int64ObservableCounter
	buildInfo                       metric.ObserveOption
	methods                         [Methods]metric.ObserveOption
	clientStates                    [2]metric.ObserveOption // active, idle
	balances                        [3]metric.ObserveOption // rows, spent, reserved

	asked [Methods]bool // methods that have been told of: one that falls silent would stand at its last value for ever
}

func (g *gauges) observe(o metric.Observer, s State) {
	for i, n := range s.ActiveRequests {
		g.asked[i] = g.asked[i] || n != 0 || methods[i] == "GET" || methods[i] == "POST"
		if g.asked[i] {
			o.ObserveInt64(g.active, n, g.methods[i])
		}
	}
	o.ObserveInt64(g.clients, s.ClientsActive, g.clientStates[0])
	o.ObserveInt64(g.clients, s.ClientsIdle, g.clientStates[1])
	o.ObserveInt64(g.expected, s.ExpectedGoroutines)
	o.ObserveInt64(g.stray, s.UnexplainedGoroutines)
	o.ObserveInt64(g.spooled, s.SpooledBytes)
	o.ObserveInt64(g.files, s.SpooledFiles)
	o.ObserveFloat64(g.loaded, float64(s.ConfigLoaded.UnixMilli())/1000)
	o.ObserveInt64(g.build, 1, g.buildInfo)
	for _, c := range s.Channels {
		g.observeChannel(o, c)
	}
	for i := range s.Budgets {
		o.ObserveFloat64(g.budgets, s.Budgets[i].Used, metric.WithAttributeSet(s.Budgets[i].attributes()))
	}
	o.ObserveInt64(g.balance, s.Reserved, g.balances[2])
	if l := s.Ledger; l != nil {
		o.ObserveInt64(g.queue, l.Queue)
		o.ObserveFloat64(g.age, l.Age.Seconds())
		o.ObserveInt64(g.spilled, l.Spilled)
		o.ObserveInt64(g.replayed, l.Replayed)
		o.ObserveInt64(g.lost, l.Lost)
		o.ObserveInt64(g.balance, l.Rows, g.balances[0])
		o.ObserveInt64(g.balance, l.Spent, g.balances[1])
	}
}

func (g *gauges) observeChannel(o metric.Observer, c ChannelGauges) {
	own := c.Channel.own
	o.ObserveInt64(g.inFlight, c.InFlight, own)
	o.ObserveInt64(g.openBodies, c.OpenBodies, own)
	o.ObserveFloat64(g.oldest, c.Oldest.Seconds(), own)
	o.ObserveInt64(g.leaked, c.Leaked, own)
	if c.Goroutines >= 0 {
		o.ObserveInt64(g.goroutines, c.Goroutines, own)
	}
	for state, option := range c.Channel.states {
		in := int64(0)
		if state == c.State {
			in = 1
		}
		o.ObserveInt64(g.state, in, option)
	}
	for state, option := range c.Channel.keyStates {
		o.ObserveInt64(g.keys, int64(c.Keys[state]), option)
	}
	o.ObserveInt64(g.connections, c.Active, c.Channel.connections["active"])
	o.ObserveInt64(g.connections, c.Idle, c.Channel.connections["idle"])
}

// builder makes observable instruments from the list.
type builder struct {
	meter metric.Meter
	err   error
}

func (b *builder) failed(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *builder) gauge(name string) metric.Int64ObservableGauge {
	i := instrument(name)
	g, err := b.meter.Int64ObservableGauge(name, metric.WithUnit(i.Unit), metric.WithDescription(i.Description))
	if err != nil {
		b.failed(err)
	}
	return g
}

func (b *builder) upDown(name string) metric.Int64ObservableUpDownCounter {
	i := instrument(name)
	c, err := b.meter.Int64ObservableUpDownCounter(name, metric.WithUnit(i.Unit), metric.WithDescription(i.Description))
	if err != nil {
		b.failed(err)
	}
	return c
}

func (b *builder) secondsGauge(name string) metric.Float64ObservableGauge {
	i := instrument(name)
	g, err := b.meter.Float64ObservableGauge(name, metric.WithUnit(i.Unit), metric.WithDescription(i.Description))
	if err != nil {
		b.failed(err)
	}
	return g
}

func (b *builder) observableCounter(name string) metric.Int64ObservableCounter {
	i := instrument(name)
	c, err := b.meter.Int64ObservableCounter(name, metric.WithUnit(i.Unit), metric.WithDescription(i.Description))
	if err != nil {
		b.failed(err)
	}
	return c
}
