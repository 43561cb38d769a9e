package relay

import (
	"cmp"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"one-api/relay/clientaddr"
)

// maxIdleClients bounds the connections on which nothing has been asked for idleGrace. It is below the level "high", so that nobody
// wakes an operator by connecting. The grace is for crowds that come at once: what they ask may not have been read yet.
const (
	maxIdleClients = 4096
	idleGrace      = time.Second
)

// clients is the client connections, and who has to make room. A connection is idle from its beginning until its first request's
// header has come, and from the end of a request until the next one's: those close first, the longest idle first of all. One that a
// request is served on is never closed here.
//
// When the bound is nearly reached no stranger may hold more than a quarter of it. Whoever comes through a proxy has the proxy's
// address, so addresses that are private, or a trusted proxy's, have no such share.
type clients struct {
	limit, idleLimit int
	trusted          []netip.Prefix
	log              *slog.Logger
	began            time.Time
	aheadTimeout     time.Duration // 0: the constant of that name
	open, idle       atomic.Int64

	mu    sync.Mutex
	conns map[*clientConn]struct{}
	held  map[netip.Addr]int // connections, by stranger

	turnedAway lingering
	refused    int64 // since the last report
	closed     int64
	failed     int64 // accepts
	failure    string
	reported   time.Time
}

// seat is what a connection is among the others.
type seat struct {
	idleSince atomic.Int64 // clients.now; 0: a request is being served
	stranger  netip.Addr   // invalid: no stranger's
}

// gone is the idleSince of a connection that is being closed.
const gone = -1

func newClients(limit int, trusted []netip.Prefix, log *slog.Logger) *clients {
	return &clients{
		limit: limit, idleLimit: min(limit, maxIdleClients), trusted: trusted, log: log, began: time.Now(),
		conns: map[*clientConn]struct{}{}, held: map[netip.Addr]int{},
	}
}

// now is the time since the beginning: never 0, and never set back.
func (c *clients) now() int64 { return int64(time.Since(c.began)) + 1 }

// quarter is what one stranger may hold while nearly everything is held.
func (c *clients) quarter() int { return max(1, c.limit/4) }

func (c *clients) nearlyFull() bool { return len(c.conns) >= c.limit-c.limit/10 }

// enters lets a new connection in, if need be in an idle one's place; false: there is no place for it.
func (c *clients) enters(conn *clientConn) bool {
	conn.seat.stranger = c.strangerOf(conn)
	conn.seat.idleSince.Store(c.now())
	c.mu.Lock()
	victims, ok := c.makeRoom(conn.seat.stranger)
	if ok {
		c.conns[conn] = struct{}{}
		if conn.seat.stranger.IsValid() {
			c.held[conn.seat.stranger]++
		}
		c.open.Add(1)
		c.idle.Add(1)
	}
	c.mu.Unlock()
	c.close(victims)
	return ok
}

// refuses counts one for whom there was no place.
func (c *clients) refuses() {
	c.mu.Lock()
	c.refused++
	c.mu.Unlock()
}

// makeRoom finds the idle connections that have to go for one more of a stranger (or of somebody else); false: none can.
func (c *clients) makeRoom(stranger netip.Addr) (victims []*clientConn, ok bool) {
	if stranger.IsValid() && c.nearlyFull() && c.held[stranger] >= c.quarter() {
		victims = c.longestIdle(1, func(other *clientConn) bool { return other.seat.stranger == stranger })
		return victims, len(victims) > 0
	}
	if len(c.conns) >= c.limit {
		victims = c.longestIdle(batch(c.limit), nil)
		return victims, len(victims) > 0
	}
	return nil, true
}

// batch is how many make room at once, so that a full house is not searched for every one who comes.
func batch(bound int) int { return min(max(1, bound/64), 256) }

// longestIdle takes the n longest idle connections out, those of strangers with more than their quarter first. which narrows the
// choice; nil: all.
func (c *clients) longestIdle(n int, which func(*clientConn) bool) []*clientConn {
	type candidate struct {
		conn   *clientConn
		since  int64
		greedy bool
	}
	var idle []candidate
	for conn := range c.conns {
		since := conn.seat.idleSince.Load()
		if since > 0 && (which == nil || which(conn)) {
			idle = append(idle, candidate{conn, since, c.nearlyFull() && c.held[conn.seat.stranger] > c.quarter()})
		}
	}
	slices.SortFunc(idle, func(a, b candidate) int {
		if a.greedy != b.greedy {
			if a.greedy {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.since, b.since)
	})
	var taken []*clientConn
	for _, one := range idle {
		if len(taken) == n {
			break
		}
		// It may have been asked something meanwhile.
		if one.conn.seat.idleSince.CompareAndSwap(one.since, gone) {
			c.idle.Add(-1)
			c.forget(one.conn)
			c.closed++
			taken = append(taken, one.conn)
		}
	}
	return taken
}

// forget takes a connection out, unless it has been.
func (c *clients) forget(conn *clientConn) {
	if _, in := c.conns[conn]; !in {
		return
	}
	delete(c.conns, conn)
	if s := conn.seat.stranger; s.IsValid() {
		if c.held[s]--; c.held[s] == 0 {
			delete(c.held, s)
		}
	}
	c.open.Add(-1)
}

func (c *clients) close(victims []*clientConn) {
	for _, conn := range victims {
		_ = conn.Close()
	}
}

// leaves is told of a connection's end.
func (c *clients) leaves(conn *clientConn) {
	if conn.seat.idleSince.Swap(gone) > 0 {
		c.idle.Add(-1)
	}
	c.mu.Lock()
	c.forget(conn)
	c.mu.Unlock()
}

// state is the server's ConnState: it is told when a request's header has come and when its answer is written.
func (c *clients) state(conn net.Conn, state http.ConnState) {
	client, ok := conn.(*clientConn)
	if !ok {
		return
	}
	since := client.seat.idleSince.Load()
	switch state {
	case http.StateActive, http.StateHijacked:
		if since > 0 && client.seat.idleSince.CompareAndSwap(since, 0) {
			c.idle.Add(-1)
		}
	case http.StateIdle:
		if since == 0 && client.seat.idleSince.CompareAndSwap(0, c.now()) {
			c.idle.Add(1)
		}
	case http.StateNew, http.StateClosed:
	}
}

// addressOf is the address at the other end; the zero Addr if it has none that can be read.
func addressOf(conn net.Conn) netip.Addr { return clientaddr.Peer(conn.RemoteAddr().String()) }

// strangerOf is whose a connection is; invalid: it is not a stranger's.
func (c *clients) strangerOf(conn net.Conn) netip.Addr {
	from := addressOf(conn)
	if !clientaddr.IsPublic(from) || clientaddr.In(from, c.trusted) {
		return netip.Addr{}
	}
	return clientaddr.Household(from)
}

// trim closes what is idle beyond its bound, and what strangers hold beyond their quarter, and says what it and others did. One
// goroutine calls it, every second.
func (c *clients) trim(now time.Time) {
	c.mu.Lock()
	var victims []*clientConn
	if over := int(c.idle.Load()) - c.idleLimit; over > 0 {
		before := c.now() - int64(idleGrace)
		victims = c.longestIdle(over, func(other *clientConn) bool { return other.seat.idleSince.Load() < before })
	}
	if c.nearlyFull() {
		for stranger, n := range c.held {
			if over := n - c.quarter(); over > 0 {
				victims = append(victims, c.longestIdle(over, func(other *clientConn) bool { return other.seat.stranger == stranger })...)
			}
		}
	}
	c.mu.Unlock()
	c.close(victims)
	c.turnedAway.trim(now)
	c.report(now)
}

const crowdReports = time.Minute

// report logs once a minute what had to be closed, refused, or could not be accepted.
func (c *clients) report(now time.Time) {
	c.mu.Lock()
	refused, closed, failed, failure := c.refused, c.closed, c.failed, c.failure
	due := c.reported.IsZero() || now.Sub(c.reported) >= crowdReports
	if due && refused+closed+failed > 0 {
		c.refused, c.closed, c.failed, c.reported = 0, 0, 0, now
	}
	c.mu.Unlock()
	if !due {
		return
	}
	if refused > 0 {
		c.log.Warn("client connections were refused: MAX_CLIENT_CONNECTIONS is reached, or one address holds a quarter of it",
			"refused", refused, "open", c.open.Load(), "max", c.limit)
	}
	if closed > 0 {
		c.log.Info("idle client connections were closed to make room", "closed", closed, "open", c.open.Load(), "idle", c.idle.Load(),
			"max", c.limit, "max_idle", c.idleLimit)
	}
	if failed > 0 {
		c.log.Warn("client connections could not be accepted", "failed", failed, "error", failure)
	}
}

// acceptFailed makes room if descriptors have run out, and notes the error.
func (c *clients) acceptFailed(err error) {
	c.mu.Lock()
	c.failed++
	c.failure = err.Error()
	var victims []*clientConn
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		victims = c.longestIdle(batch(c.limit), nil)
	}
	c.mu.Unlock()
	c.close(victims)
}
