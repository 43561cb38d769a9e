package relay

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/gate"
	"one-api/relay/inflight"
	"one-api/relay/reply"
)

// writeBlock is how much of a long answer is written at a time, each time with a new deadline.
const writeBlock = 64 << 10

// clientConn is a connection whose writes end in time. net/http writes from one goroutine at a time.
type clientConn struct {
	net.Conn
	timeout  time.Duration
	deadline time.Time
	progress progress
	clients  *clients // nil: it is in none
	seat     seat
	read     readDeadline
	ahead    []byte // what came beyond the request that is being served; it is used by one read at a time

	framing framing
	reads   int32 // that are waiting, guarded by read.mu: net/http has one at a time
	once    sync.Once
	handing bool                           // some of it has been handed out
	overran bool                           // it was more than MaxAhead: nothing more is read
	left    atomic.Bool                    // the client sends no more
	cut     atomic.Bool                    // what is being written has waited long enough, whatever the clock says
	serves  atomic.Pointer[inflight.Entry] // the call that is to be told when the client leaves; nil: there is none
}

// What net/http (Go 1.26) writes when a request's line and header are over MaxHeaderBytes, and nothing else does: it never
// gets as far as a handler, so this is the place to say why.
const headerTooLarge = "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain; charset=utf-8\r\n" +
	"Connection: close\r\n\r\n431 Request Header Fields Too Large"

// explained is an answer instead. Which format the client speaks is not known yet; the body is an error in both.
func explained() []byte {
	id := gate.NewID()
	message := fmt.Sprintf("The request's line and header are larger than %d KiB, the most that this relay accepts. (request id: %s)",
		maxHeaderBytes>>10, id)
	body, err := json.Marshal(map[string]any{"type": "error", "request_id": id, "error": map[string]any{
		"type": "invalid_request_error", "message": message, "param": nil, "code": "header_too_large",
	}})
	if err != nil { // strings only: cannot fail
		panic(err)
	}
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"+
		"%s: %s\r\nConnection: close\r\n\r\n%s",
		http.StatusRequestHeaderFieldsTooLarge, http.StatusText(http.StatusRequestHeaderFieldsTooLarge), len(body),
		reply.RequestIDHeader, id, body)
}

// Serves says which call is to be told when the client leaves: net/http ends its context then. nil: none any more.
func (c *clientConn) Serves(call *inflight.Entry) {
	c.serves.Store(call)
	if call != nil && c.left.Load() {
		call.ClientLeaves()
	}
}

// leaves tells the call that is being served.
func (c *clientConn) leaves() {
	if call := c.serves.Load(); call != nil {
		call.ClientLeaves()
	}
}

// Write fails with os.ErrDeadlineExceeded when the client takes nothing for the timeout. net/http ends the call's context with an error.
func (c *clientConn) Write(p []byte) (written int, err error) {
	if written, err = c.writes(p); err != nil {
		c.leaves()
	}
	return written, err
}

func (c *clientConn) writes(p []byte) (written int, err error) {
	if len(p) == len(headerTooLarge) && string(p) == headerTooLarge {
		if _, err := c.writes(explained()); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	for {
		block := p[written:min(len(p), written+writeBlock)]
		if err = c.extend(); err != nil {
			return written, err
		}
		n, err := c.writeSlowly(block)
		written += n
		if err != nil || written == len(p) {
			return written, err
		}
	}
}

// extend moves the deadline. It does so a little further than needed, so that a stream of small events need not do it for
// each of them.
func (c *clientConn) extend() error {
	timeout := c.patience()
	if timeout <= 0 {
		return nil
	}
	if left := time.Until(c.deadline); left >= timeout && left <= 2*timeout {
		return nil
	}
	c.deadline = time.Now().Add(timeout + timeout/4)
	err := c.Conn.SetWriteDeadline(c.deadline)
	if c.cut.Load() {
		return os.ErrDeadlineExceeded // it was cut in between
	}
	return err
}

// patience is how long a write may take; 0: any time.
func (c *clientConn) patience() time.Duration {
	if c.left.Load() && (c.timeout <= 0 || c.timeout > goneTimeout) {
		return goneTimeout
	}
	return max(0, c.timeout)
}

// SetWriteDeadline is net/http's, which clears the deadline between requests: that is not passed on, as extend gives every write
// one that is late enough. One that has passed comes from another goroutine, and ends the write that is waiting.
func (c *clientConn) SetWriteDeadline(t time.Time) error {
	if !t.IsZero() && t.Before(time.Now()) {
		c.cut.Store(true)
		return c.Conn.SetWriteDeadline(t)
	}
	if t.IsZero() && c.timeout > 0 {
		return nil
	}
	c.deadline = t
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline is net/http's too, for the time of a handshake or a hijack.
func (c *clientConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// CloseWrite lets net/http end a refusal with a FIN, so that a client that is still sending gets to read it.
func (c *clientConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close closes the connection.
func (c *clientConn) Close() error {
	c.once.Do(func() {
		if c.clients != nil {
			c.clients.leaves(c)
		}
		c.read.mu.Lock()
		c.read.interrupt()
		c.read.mu.Unlock()
	})
	return c.Conn.Close()
}
