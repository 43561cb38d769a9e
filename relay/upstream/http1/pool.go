// Package http1 asks one server over HTTP/1.1, with TLS or without, and without goroutines.
//
// net/http's transport keeps two goroutines, their stacks and two buffers for every connection, and hands every request and
// every answer from one to the other. A relay has a goroutine for each of its calls already, and that one can write and read
// itself: here an open answer holds its connection and nothing else. A body that a connection's buffers can take (MaxBody) is
// written in one go; of a larger one no more is written at a time than the connection takes, and in between it is looked whether
// the answer has come. In exchange this package does less: it posts, or asks without a body.
//
// It is a part of relay/upstream, and of nothing else.
package http1

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of a connection.
const (
	// MaxBody is the largest body that may be written in one go while nobody reads: an upstream that refuses a request without
	// reading it must not keep its answer from being read. Linux takes this much at once even on a connection without delay.
	MaxBody = 64 << 10
	// lookEvery is after how long a connection that takes nothing more of a larger body is looked at for an answer.
	lookEvery = 20 * time.Millisecond

	maxHeader    = 64 << 10 // of one answer, interim answers included
	maxInterim   = 5        // answers of 1xx before the answer
	maxTrailer   = 64 << 10
	maxChunkLine = 4 << 10
	// trustedIdle is for how long an idle connection is taken to be open. Those that are idle for longer are looked at by Trim, which
	// comes every second: by what it knows of idle times, that is a second at the least.
	trustedIdle = 2 * time.Second
)

// Pool is the connections to one server. It may be used by many goroutines at once.
type Pool struct {
	// Address is the server's host and port.
	Address string
	// Dial makes a connection; ctx bounds that and no more.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS shakes hands over a connection; nil means that it is used as it is. taken means that the connection is somebody else's now, and
	// err says why.
	TLS func(ctx context.Context, over *Wire) (secure *tls.Conn, taken bool, err error)
	// Proxy means that Address is that of an HTTP proxy, which is told of each request where it goes.
	Proxy *Proxy
	// IdleTimeout is how long a connection may wait for its next request, as far as Trim is called often, MaxIdle how many may.
	IdleTimeout time.Duration
	MaxIdle     int
	// Open counts the connections.
	Open *atomic.Int64

	mu     sync.Mutex
	idle   []*conn       // the one that waits for longest first
	looked time.Duration // from epoch to the last Trim: the clock that idle times go by, so that no request has to ask for the time
	closed bool
}

// Proxy is an HTTP proxy. Authorization is what it is shown; empty means nothing.
type Proxy struct{ Authorization string }

// epoch is what idle times count from.
var epoch = time.Now()

// take returns the connection that was used last, or nil. Nobody has looked whether it is still open.
func (p *Pool) take() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	c := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return c
}

// put gives a connection back whose last answer has been read to its end.
func (p *Pool) put(c *conn) {
	p.mu.Lock()
	if p.looked == 0 {
		p.looked = time.Since(epoch)
	}
	c.since = p.looked
	kept := !p.closed && len(p.idle) < p.MaxIdle
	if kept {
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if !kept {
		c.leave()
	}
}

// Trim closes idle connections: those that the server has closed, those that have waited for IdleTimeout, and, from the one
// that waits for longest on, those in excess of keep.
func (p *Pool) Trim(now time.Time, keep int) {
	for _, c := range p.waiting(now, keep) {
		c.leave()
	}
}

// waiting takes those out of the pool that have to be closed. The others that have been idle for a while are out of it for
// the moment that it takes to look at them.
func (p *Pool) waiting(at time.Time, keep int) (done []*conn) {
	now := at.Sub(epoch)
	p.mu.Lock()
	p.looked = now
	old := 0
	for old < len(p.idle) && now-p.idle[old].since >= trustedIdle {
		old++
	}
	surplus := max(0, len(p.idle)-keep)
	looked := append([]*conn(nil), p.idle[:max(old, surplus)]...)
	p.idle = append(p.idle[:0], p.idle[len(looked):]...)
	clear(p.idle[len(p.idle) : len(p.idle)+len(looked)])
	p.mu.Unlock()

	var kept []*conn
	for i, c := range looked {
		if i < surplus || now-c.since >= p.IdleTimeout || !c.usable() {
			done = append(done, c)
		} else {
			kept = append(kept, c)
		}
	}
	if len(kept) == 0 {
		return done
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return append(done, kept...)
	}
	p.idle = append(kept, p.idle...)
	return done
}

// Close closes the idle connections, and the others as soon as their answers end.
func (p *Pool) Close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, c := range idle {
		c.leave()
	}
}
