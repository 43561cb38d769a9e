package relay

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"one-api/relay/gate"
	"one-api/relay/reply"
)

// clientListener hands out connections that bound every write and count themselves. Doing it here, below net/http, covers all
// that is ever written to a client: events, whole answers, headers, and what net/http flushes when a handler has returned.
type clientListener struct {
	net.Listener
	timeout time.Duration // CLIENT_WRITE_TIMEOUT; 0: none
	clients *clients
	reserve *reserve
	closed  chan struct{}
	once    sync.Once
}

func newClientListener(l net.Listener, timeout time.Duration, clients *clients, reserve *reserve) *clientListener {
	return &clientListener{Listener: l, timeout: timeout, clients: clients, reserve: reserve, closed: make(chan struct{})}
}

// longestBackoff is the longest wait after an error of Accept.
const longestBackoff = time.Second

// Accept waits for the next client. No error but the listener's end ends it: what the system is short of now it has again later.
func (l *clientListener) Accept() (net.Conn, error) {
	backoff := 5 * time.Millisecond
	for {
		conn, err := l.Listener.Accept()
		switch {
		case err == nil:
			client := &clientConn{Conn: conn, timeout: l.timeout, clients: l.clients}
			if l.clients.enters(client) {
				return client, nil
			}
			if !l.reserve.takes(conn) {
				l.clients.refuses()
				l.clients.turnedAway.add(conn, time.Now())
			}
		case errors.Is(err, net.ErrClosed) || l.isClosed():
			return nil, err
		default:
			l.clients.acceptFailed(err)
			l.wait(backoff)
			backoff = min(2*backoff, longestBackoff)
		}
	}
}

// Close ends Accept.
func (l *clientListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

func (l *clientListener) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

func (l *clientListener) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.closed:
	}
}

// lingering is the connections that have been told that there is no place for them. Closing one at once would tear down its answer
// where the client has already sent something. They have no goroutine: the oldest makes room for the next one.
type lingering struct {
	mu    sync.Mutex
	conns [64]struct {
		conn  net.Conn
		since time.Time
	}
	next int
}

// lingerTime is how long a client that was turned away has to read why.
const lingerTime = time.Second

// add says to a connection that there is no place for it.
func (l *lingering) add(conn net.Conn, now time.Time) {
	_ = conn.SetDeadline(now.Add(lingerTime)) // nothing has been written to it: there is room for the answer
	_, _ = conn.Write(noPlace())
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	l.mu.Lock()
	oldest := l.conns[l.next].conn
	l.conns[l.next].conn, l.conns[l.next].since = conn, now
	l.next = (l.next + 1) % len(l.conns)
	l.mu.Unlock()
	if oldest != nil {
		_ = oldest.Close()
	}
}

// trim closes those that had their time.
func (l *lingering) trim(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.conns {
		if held := &l.conns[i]; held.conn != nil && now.Sub(held.since) >= lingerTime {
			_ = held.conn.Close()
			held.conn = nil
		}
	}
}

// noPlace is the answer to a connection that there is no place for.
func noPlace() []byte {
	id := gate.NewID()
	body := noPlaceBody(id)
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nRetry-After: 1\r\n%s: "+
		"%s\r\nConnection: close\r\n\r\n%s",
		http.StatusServiceUnavailable, http.StatusText(http.StatusServiceUnavailable), len(body), reply.RequestIDHeader, id, body)
}

// noPlaceBody is its body. Which format the client speaks is not known; it is an error in both.
func noPlaceBody(id string) []byte {
	body, err := json.Marshal(map[string]any{"type": "error", "request_id": id, "error": map[string]any{
		"type": "overloaded_error", "param": nil, "code": "too_many_connections",
		"message": "This relay has as many client connections as it may have. Try again in a second. (request id: " + id + ")",
	}})
	if err != nil { // strings only: cannot fail
		panic(err)
	}
	return body
}
