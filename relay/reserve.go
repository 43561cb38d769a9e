package relay

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/clientaddr"
	"one-api/relay/gate"
	"one-api/relay/reply"
)

// One client can hold every connection that there may be, with calls that are slow to be sent or read. Whoever watches over the relay,
// from this machine or a private network, has to get to it all the same: ReservedSeats connections more are let in for that, one
// request each. They have a server of their own, which knows two paths and has no time for anybody.
const (
	ReservedSeats   = 8
	reservedTimeout = 3 * time.Second
)

// reserve is the connections beyond the bound, and the listener that hands them out. The one that came first makes room for the next:
// what is asked here is answered in a moment.
type reserve struct {
	timeout time.Duration // for a request to come, and for its answer to be taken
	offered chan net.Conn
	open    atomic.Int64

	mu    sync.Mutex
	seats [ReservedSeats]*reservedConn
	next  int

	once   sync.Once
	closed chan struct{}
}

func newReserve(timeout time.Duration) *reserve {
	return &reserve{timeout: timeout, offered: make(chan net.Conn, ReservedSeats), closed: make(chan struct{})}
}

// reservedConn is a connection beyond the bound.
type reservedConn struct {
	*clientConn
	once    sync.Once
	reserve *reserve
}

// Close closes the connection.
func (c *reservedConn) Close() error {
	c.once.Do(func() { c.reserve.open.Add(-1) })
	return c.clientConn.Close()
}

// takes lets a connection in that there is no place for, if it may be a monitor's; false: it may not.
func (r *reserve) takes(conn net.Conn) bool {
	if clientaddr.IsPublic(addressOf(conn)) {
		return false
	}
	c := &reservedConn{clientConn: &clientConn{Conn: conn, timeout: r.timeout}, reserve: r}
	r.open.Add(1)
	r.mu.Lock()
	first := r.seats[r.next]
	r.seats[r.next] = c
	r.next = (r.next + 1) % ReservedSeats
	r.mu.Unlock()
	if first != nil {
		_ = first.Close()
	}
	for {
		select {
		case r.offered <- c:
			return true
		default: // they come faster than they are looked at
			r.drop()
		}
	}
}

// drop closes the first of those whom nobody has accepted yet.
func (r *reserve) drop() (dropped bool) {
	select {
	case conn := <-r.offered:
		_ = conn.Close()
		return true
	default:
		return false
	}
}

// Accept waits for the next connection.
func (r *reserve) Accept() (net.Conn, error) {
	select {
	case conn := <-r.offered:
		return conn, nil
	case <-r.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept, and closes what nobody has accepted.
func (r *reserve) Close() error {
	r.once.Do(func() { close(r.closed) })
	for r.drop() {
	}
	return nil
}

// Addr is nowhere: it is the other listener that clients come to.
func (r *reserve) Addr() net.Addr { return &net.TCPAddr{} }

// reservedServer answers those who come beyond the bound.
func (s *Server) reservedServer(base context.Context) *http.Server {
	server := &http.Server{
		Handler: http.HandlerFunc(s.serveReserved), ReadHeaderTimeout: s.reserve.timeout, ReadTimeout: s.reserve.timeout,
		MaxHeaderBytes: maxHeaderBytes,
		BaseContext:    func(net.Listener) context.Context { return base },
		ErrorLog:       slog.NewLogLogger(s.options.Log.Handler(), slog.LevelDebug),
	}
	server.SetKeepAlivesEnabled(false)
	return server
}

// serveReserved says how the relay is, and to whoever wants anything else that there is no place.
func (s *Server) serveReserved(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		switch r.URL.Path {
		case "/api/status", "/api/monitor/health":
			s.front.ServeHTTP(w, r)
			return
		}
	}
	s.clients.refuses()
	id := gate.NewID()
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Retry-After", "1")
	header.Set(reply.RequestIDHeader, id)
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write(noPlaceBody(id))
}
