package http1

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// conn is one connection. It belongs to one request at a time, or to the pool.
type conn struct {
	raw    net.Conn
	system syscall.RawConn
	open   *atomic.Int64
	closed atomic.Bool
	since  time.Duration // from epoch to when it became idle, or up to a Trim's interval less

	// Bound once, so that a request allocates nothing for them.
	abort func()
	look  func(fd uintptr) bool
	step  func(fd uintptr) bool
	now   func(fd uintptr, b []byte) (n int, ready bool, err error) // readNow, but in tests

	peeked [1]byte // for look
	quiet  bool    // what look saw: open, and nothing has come
	asks   asking
}

// asking is a request on a connection that was idle, until the beginning of its answer is there.
type asking struct {
	head, body []byte
	page       *page // that the answer's beginning is read to
	sent       bool  // or it was tried
	wrote      int64
	failed     error // of writing
	beginning
}

// beginning is what has been read of an answer to the front of its page; its zero value if nothing has.
type beginning struct {
	n   int
	err error // nothing more is read
}

// errNotSocket means that Dial returned a connection that has no descriptor, errGone that the server has closed the connection, or
// broken its silence, while it was idle.
var (
	errNotSocket = errors.New("http1: not a connection of the operating system")
	errGone      = errors.New("http1: the connection was closed while it was idle")
)

func (p *Pool) dial(ctx context.Context) (*conn, error) {
	raw, err := p.Dial(ctx, "tcp", p.Address)
	if err != nil {
		return nil, err
	}
	socket, ok := raw.(syscall.Conn)
	if !ok {
		_ = raw.Close()
		return nil, errNotSocket
	}
	system, err := socket.SyscallConn()
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	p.Open.Add(1)
	return newConn(raw, system, p.Open), nil
}

func newConn(raw net.Conn, system syscall.RawConn, open *atomic.Int64) *conn {
	c := &conn{raw: raw, system: system, open: open, now: readNow}
	c.abort, c.look, c.step = c.close, c.lookAt, c.stepAt
	return c
}

// close may be called at any time, by any goroutine, and again.
func (c *conn) close() {
	if !c.closed.Swap(true) {
		_ = c.raw.Close() // nothing that was written is still wanted
		c.open.Add(-1)
	}
}

// usable reports whether an idle connection is still open at both ends, as far as this end can know.
func (c *conn) usable() bool {
	c.quiet = false
	return c.system.Read(c.look) == nil && c.quiet
}

// lookAt reads what there is to read from a connection where nothing should be: its end, or bytes that nobody asked for.
func (c *conn) lookAt(fd uintptr) bool {
	_, ready, _ := c.now(fd, c.peeked[:])
	c.quiet = !ready
	return true // in any case: do not wait
}

// ask looks whether a connection that was idle is still usable, sends a request and reads the beginning of its answer. wrote is 0 if
// nothing of it was sent.
//
// All of that is one read as far as Go's poller knows. The look that finds nothing stands for the one that every read begins
// with, which is how the poller learns that it has to wait: it costs a system call, and one will do.
func (c *conn) ask(head, body []byte, page *page) (first beginning, wrote int64, failed error) {
	c.asks = asking{head: head, body: body, page: page}
	err := c.system.Read(c.step)
	a := c.asks
	c.asks = asking{}
	if err == nil && !a.sent {
		err = errGone
	}
	if err != nil && a.failed == nil {
		a.err = err // there is nothing more to be read
	}
	if !a.sent {
		a.failed = err
	}
	return a.beginning, a.wrote, a.failed
}

// stepAt goes on with asking, as far as that goes without waiting; false: something has to come.
func (c *conn) stepAt(fd uintptr) bool {
	a := &c.asks
	if !a.sent {
		if c.lookAt(fd); !c.quiet {
			return true
		}
		a.sent = true
		a.wrote, a.failed = c.send(a.head, a.body)
		return a.failed != nil
	}
	n, ready, err := c.now(fd, a.page[:])
	a.beginning = beginning{n, err}
	return ready
}

// send writes a request, in one go if it is short. head may be overwritten afterwards.
func (c *conn) send(head, body []byte) (int64, error) {
	if len(head)+len(body) <= cap(head) {
		n, err := c.raw.Write(append(head, body...))
		return int64(n), err
	}
	parts := net.Buffers{head, body}
	return parts.WriteTo(c.raw)
}
