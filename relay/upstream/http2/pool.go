// Package http2 asks one server over HTTP/2, with TLS or without, for many calls on few connections.
//
// net/http's client has a goroutine for every call, beside the call's own, and hands each request and each piece of an answer from one to
// the other. Here the call's goroutine writes its request itself: it seals its frames and gives them to the socket, which never has to be
// waited for. One goroutine a connection reads, and puts what comes where its call waits for it. An answer that nobody reads fills its own
// window and no other's.
//
// It is a part of relay/upstream, and of nothing else.
package http2

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Pool is the connections to one server. It may be used by many goroutines at once.
type Pool struct {
	// Address is the server's host and port.
	Address string
	// Dial makes a connection; ctx bounds that and no more.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS shakes hands over a connection; nil means that it is used as it is. It closes one that it fails on.
	TLS func(ctx context.Context, over *Wire) (*tls.Conn, error)
	// IdleTimeout is how long a connection may wait for its next call, PingAfter for how long it may say nothing while calls wait before it
	// is asked whether it lives, and PingTimeout how long it may take to say so: as far as Trim is called often. WriteTimeout is for how long
	// it may take nothing.
	IdleTimeout, PingAfter, PingTimeout, WriteTimeout time.Duration
	// Open counts the connections, each of which has a goroutine, and Aside the goroutines beside those: they make connections, and wait for
	// full sockets.
	Open, Aside *atomic.Int64

	most atomic.Int64 // streams that the server takes on a connection, as it has said last; 0: not yet

	mu      sync.Mutex
	conns   []*conn // the one that was used last first
	dials   []*dialing
	serials uint64
	closed  bool
}

// dialing is a connection that is being made, for some calls.
type dialing struct {
	serial  uint64
	cancel  context.CancelFunc
	ready   chan struct{}
	waiting int
	over    bool
	conn    *conn
	err     error
}

// epoch is what idle times count from.
var epoch = time.Now()

// take reserves a place on a connection that is newer than the one after; nil: there is none.
func (p *Pool) take(after uint64) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken(after)
}

func (p *Pool) taken(after uint64) *conn {
	for i, c := range p.conns {
		if c.serial > after && c.reserve() {
			p.conns[0], p.conns[i] = c, p.conns[0]
			return c
		}
	}
	return nil
}

// join waits for a place on a connection. Those who need one at once wait for the same.
func (p *Pool) join(ctx context.Context, after uint64) (*conn, error) {
	p.mu.Lock()
	if c := p.taken(after); c != nil { // it is there by now
		p.mu.Unlock()
		return c, nil
	}
	d := p.dial(after) //nolint:contextcheck // others may wait for it when this call has ended
	d.waiting++
	p.mu.Unlock()
	select {
	case <-d.ready:
		return d.conn, d.err
	case <-ctx.Done():
	}
	p.mu.Lock()
	d.waiting--
	over, nobody := d.over, d.waiting == 0
	if nobody && !over {
		p.dials = slices.DeleteFunc(p.dials, func(other *dialing) bool { return other == d })
	}
	p.mu.Unlock()
	switch {
	case over && d.conn != nil:
		d.conn.unreserve()
	case nobody:
		d.cancel()
	}
	return nil, ctx.Err()
}

// room is how many calls a connection takes whose server has not said yet how many it does: as many as it took before.
func (p *Pool) room() int {
	if most := int(p.most.Load()); most > 0 {
		return most
	}
	return assumedStreams
}

// dial finds a connection that is being made and has room, or begins to make one.
func (p *Pool) dial(after uint64) *dialing {
	room := p.room()
	for _, d := range p.dials {
		if d.serial > after && d.waiting < room {
			return d
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.serials++
	d := &dialing{serial: p.serials, cancel: cancel, ready: make(chan struct{})}
	p.dials = append(p.dials, d)
	p.aside(func() { p.connect(ctx, d) })
	return d
}

// aside runs something in a goroutine of its own, and counts that.
func (p *Pool) aside(run func()) {
	p.Aside.Add(1)
	go func() {
		defer p.Aside.Add(-1)
		run()
	}()
}

// connect makes a connection.
func (p *Pool) connect(ctx context.Context, d *dialing) {
	defer d.cancel()
	wire, secure, err := p.shake(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	d.over = true
	p.dials = slices.DeleteFunc(p.dials, func(other *dialing) bool { return other == d })
	switch {
	case err != nil:
		d.err = err
	case d.waiting == 0:
		_ = wire.Close() // nobody wants it any more
	default:
		d.conn = p.add(wire, secure, d.serial, d.waiting) //nolint:contextcheck // it outlives whoever has made it
	}
	close(d.ready)
}

func (p *Pool) shake(ctx context.Context) (*Wire, *tls.Conn, error) {
	raw, err := p.Dial(ctx, "tcp", p.Address)
	if err != nil {
		return nil, nil, err
	}
	wire, err := NewWire(raw)
	if err != nil {
		_ = raw.Close()
		return nil, nil, err
	}
	if p.TLS == nil {
		return wire, nil, nil
	}
	secure, err := p.TLS(ctx, wire)
	return wire, secure, err
}

func (p *Pool) add(wire *Wire, secure *tls.Conn, serial uint64, reserved int) *conn {
	c := p.newConn(wire, secure, serial, reserved)
	if p.closed {
		c.mu.Lock()
		c.retired = true
		c.mu.Unlock()
	}
	p.conns = append(p.conns, c)
	if last := len(p.conns) - 1; last > 0 {
		p.conns[0], p.conns[last] = c, p.conns[0]
	}
	return c
}

// Adopt takes a connection on which both ends have agreed on HTTP/2, for whoever needs one next. One that nobody needs is closed.
func (p *Pool) Adopt(wire *Wire, secure *tls.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.taken(0); c != nil {
		c.unreserve()
		_ = wire.Close()
		return
	}
	p.serials++
	p.conns = append(p.conns, p.newConn(wire, secure, p.serials, 0))
}

func (p *Pool) remove(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = slices.DeleteFunc(p.conns, func(other *conn) bool { return other == c })
}

// Trim looks after the connections: it closes those that were idle for IdleTimeout, and those in excess of what keep calls need, and asks
// those that say nothing whether they live.
func (p *Pool) Trim(now time.Time, keep int) {
	p.mu.Lock()
	all, closed := slices.Clone(p.conns), p.closed
	p.mu.Unlock()
	at := now.Sub(epoch)
	if closed {
		p.Close() // what was adopted since
	}
	for _, c := range all {
		keep -= c.trim(at, keep)
	}
}

// trim reports for how many calls the connection is kept.
func (c *conn) trim(now time.Duration, keep int) int {
	defer c.flush()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.heard || c.at == 0 {
		c.heard, c.at, c.pinged = false, now, 0
	}
	switch {
	case c.err != nil:
		return 0
	case !c.idle():
		c.unused = 0
		switch {
		case c.pinged == 0 && now-c.at >= c.pool.PingAfter:
			c.pinged = now
			c.ping()
			c.seal()
		case c.pinged != 0 && now-c.pinged >= c.pool.PingTimeout:
			c.end(errSilent)
		}
	case keep <= 0, c.unused != 0 && now-c.unused >= c.pool.IdleTimeout:
		c.end(errIdle)
		return 0
	case c.unused == 0:
		c.unused = now
	}
	return c.most - len(c.streams)
}

// Close closes the idle connections, and the others as soon as their answers end.
func (p *Pool) Close() {
	p.mu.Lock()
	all := slices.Clone(p.conns)
	p.closed = true
	p.mu.Unlock()
	for _, c := range all {
		c.mu.Lock()
		c.retired = true
		c.leave()
		c.mu.Unlock()
	}
}
