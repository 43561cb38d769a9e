package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// conn is one connection. It belongs to one request at a time, or to the pool.
type conn struct {
	raw    net.Conn
	system syscall.RawConn
	tls    *tls.Conn // over wire, which is over raw; nil without TLS
	wire   *Wire
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
	c := newConn(raw, system, p.Open)
	if p.TLS == nil {
		return c, nil
	}
	c.wire = &Wire{Conn: raw, now: readNow}
	var taken bool
	if c.tls, taken, err = p.TLS(ctx, c.wire); taken {
		c.closed.Store(true)
		c.open.Add(-1)
	} else if err != nil {
		c.close()
	}
	return c, err
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

// leave closes a connection that is idle, and says so to the other end if TLS is how they talk: without waiting, whatever the other end
// has left unread.
func (c *conn) leave() {
	if c.tls != nil && !c.closed.Load() {
		c.wire.hold(nil)
		if c.tls.CloseWrite() == nil {
			_, _ = c.put(c.wire.pending())
		}
	}
	c.close()
}

// read waits for something to come, unless it is there.
func (c *conn) read(b []byte) (int, error) {
	if c.tls == nil {
		return c.raw.Read(b)
	}
	n, err := c.tls.Read(b)
	return c.more(b, n, err)
}

// more adds what else TLS has already been given: a server that writes a hundred times makes a hundred records of it, of which many
// come at once, and TLS reads one at a time.
func (c *conn) more(b []byte, n int, err error) (int, error) {
	w := c.wire
	w.whole = max(0, w.whole-1)
	for err == nil && n < len(b) && w.whole > 0 {
		more, failed := c.held(b[n:])
		if failed != nil {
			w.whole = 0
			break // unless it has only not come yet, TLS says it again
		}
		n += more
		w.whole--
	}
	return n, err
}

// held reads what TLS has been given, and nothing more.
func (c *conn) held(b []byte) (int, error) {
	c.wire.mode = still
	n, err := c.tls.Read(b)
	c.wire.mode = waits
	return n, err
}

// clean reports whether nothing has come behind the end of the last answer. What TLS talks about by itself does not count.
func (c *conn) clean() bool {
	if c.tls == nil {
		return true // what has is still in the socket, where the next look finds it
	}
	n, err := c.held(c.peeked[:])
	c.wire.whole = 0
	return n == 0 && err == errNothing && c.wire.header == 0 //nolint:errorlint // it is this package's, and nobody wraps it
}

// poll reads what has come, without waiting: errNothing if nothing has.
func (c *conn) poll(b []byte) (n int, err error) {
	if failed := c.system.Read(func(fd uintptr) bool {
		n, err = c.readAt(fd, b)
		return true
	}); failed != nil {
		return 0, failed
	}
	return n, err
}

// readAt is poll within a call of the poller's.
func (c *conn) readAt(fd uintptr, b []byte) (n int, err error) {
	if c.tls == nil {
		n, ready, err := c.now(fd, b)
		if !ready {
			err = errNothing
		}
		return n, err
	}
	c.wire.fd, c.wire.mode = fd, direct
	n, err = c.tls.Read(b)
	c.wire.mode = waits
	return n, err
}

// put writes what the socket takes without waiting.
func (c *conn) put(b []byte) (n int, err error) {
	if failed := c.system.Write(func(fd uintptr) bool {
		n, err = WriteNow(fd, b)
		return true
	}); failed != nil {
		return 0, failed
	}
	return n, err
}

// putSoon waits for a moment for the socket to take something.
func (c *conn) putSoon(b []byte) (int, error) {
	if err := c.raw.SetWriteDeadline(time.Now().Add(lookEvery)); err != nil {
		return 0, err
	}
	n, err := c.raw.Write(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	if cleared := c.raw.SetWriteDeadline(time.Time{}); err == nil {
		err = cleared
	}
	return n, err
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
	n, err := c.readAt(fd, a.page[:])
	if err == errNothing { //nolint:errorlint // it is this package's, and nobody wraps it
		return false
	}
	a.beginning = beginning{n, err}
	return true
}

// send writes a request, in one go if it is short. head may be overwritten afterwards.
func (c *conn) send(head, body []byte) (int64, error) {
	if c.tls != nil {
		return c.sendTLS(head, body)
	}
	if len(head)+len(body) <= cap(head) {
		n, err := c.raw.Write(append(head, body...))
		return int64(n), err
	}
	parts := net.Buffers{head, body}
	return parts.WriteTo(c.raw)
}

// sendTLS makes as few records of a request as there can be, since each is a write of its own.
func (c *conn) sendTLS(head, body []byte) (int64, error) {
	if len(head)+len(body) <= cap(head) {
		n, err := c.tls.Write(append(head, body...))
		return int64(n), err
	}
	s := sheets.Get().(*sheet)
	defer s.giveBack()
	var wrote int64
	for rest := head; len(rest)+len(body) > 0; rest = nil {
		filled := copy(s.plain[:], rest)
		if filled < len(rest) { // a header that long has left its page
			n, err := c.tls.Write(rest)
			if wrote += int64(n); err != nil {
				return wrote, err
			}
			continue
		}
		took := copy(s.plain[filled:], body)
		body = body[took:]
		n, err := c.tls.Write(s.plain[:filled+took])
		if wrote += int64(n); err != nil {
			return wrote, err
		}
	}
	return wrote, nil
}
