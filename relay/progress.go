package relay

import (
	"errors"
	"net"
	"os"
	"time"
)

// progress is what is known of a client that did not take a block in time. It may be slow and steady: a system takes more from
// the relay only when a good part of megabytes that are waiting has gone, and at a kilobyte a second that takes minutes. What its
// client has acknowledged by then is seen earlier.
type progress struct {
	looked bool
	acked  uint64
}

// writeSlowly is Write for a client that takes its time, for as long as it takes something.
func (c *clientConn) writeSlowly(block []byte) (written int, err error) {
	for {
		n, err := c.Conn.Write(block[written:])
		written += n
		if written == len(block) || !errors.Is(err, os.ErrDeadlineExceeded) || !c.goesOn(n) {
			return written, err
		}
	}
}

// goesOn reports, when a write has missed its deadline with n bytes taken, whether the client takes what it is sent all the same.
// The write has a new deadline then.
func (c *clientConn) goesOn(n int) bool {
	if c.cut.Load() {
		return false
	}
	now, known := acked(c.Conn)
	before, wait := c.progress, c.patience()
	c.progress = progress{looked: known, acked: now}
	switch {
	case wait <= 0:
		return false // the deadline was not for this
	case n > 0, before.looked && known && now > before.acked:
	case before.looked || !known:
		return false
	default:
		wait /= 2 // there is nothing to compare with yet
	}
	c.deadline = time.Now().Add(wait)
	return c.Conn.SetWriteDeadline(c.deadline) == nil
}

// tcpOf is the TCP connection below what wraps it; nil: there is none.
func tcpOf(conn net.Conn) *net.TCPConn {
	for {
		switch c := conn.(type) {
		case *net.TCPConn:
			return c
		case interface{ NetConn() net.Conn }:
			conn = c.NetConn()
		default:
			return nil
		}
	}
}
