package relay

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"time"
)

// While a handler works, net/http (Go 1.26) watches its client with a read of one byte, and stops watching when that byte comes:
// an old client's empty line behind its body, or the next request of one that pipelines, and its leaving would not be noticed
// any more. So that read ends here with the connection and not with a byte. What comes is kept for the reads that follow.
const (
	// MaxAhead is how many bytes that a client sends beyond the request that is being served are taken from the connection. More of
	// them wait in it, and then its end cannot be seen.
	MaxAhead   = 32 << 10
	firstAhead = 1 << 10 // most is an empty line

	// goneTimeout is how long a client that has closed its sending side may take to read what is left to say to it. Nearly
	// always nobody is there any more; one that has only half closed its connection reads why its call ended.
	goneTimeout = time.Second
)

// aheadTimeout is how long a call goes on with more than MaxAhead bytes behind it. A client that has its answer sends its next
// request while the handler is still at its end, which is a matter of milliseconds. One that does not wait for its answer may
// as well want its leaving to go unnoticed: its call ends, and its connection with it.
const aheadTimeout = 10 * time.Second

// watches reports whether a read is net/http's watch on a client. No other read is for one byte without a deadline: a header's
// has one, and a body's is as large as net/http's buffer.
func (c *clientConn) watches(p []byte) bool {
	if len(p) != 1 {
		return false
	}
	c.read.mu.Lock()
	defer c.read.mu.Unlock()
	return c.read.wanted.IsZero()
}

// watch reads until the connection ends or the deadline, which is how net/http ends its watch. It never returns a byte.
func (c *clientConn) watch(p []byte) (int, error) {
	for len(c.ahead) < MaxAhead {
		into := p
		if len(c.ahead) > 0 {
			c.ahead = grown(c.ahead)
			into = c.ahead[len(c.ahead):cap(c.ahead)]
		}
		n, err := c.bounded(into)
		switch {
		case n > 0 && len(c.ahead) == 0:
			c.ahead = append(make([]byte, 0, firstAhead), into[:n]...)
		case n > 0:
			c.ahead = c.ahead[:len(c.ahead)+n]
		}
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				c.gone()
			}
			return 0, err
		}
	}
	if c.read.interrupted(c.aheadTimeout()) {
		return 0, os.ErrDeadlineExceeded
	}
	c.ahead, c.overran = nil, true
	c.gone()
	return 0, io.EOF
}

// aheadTimeout is what it is in a server, where tests preset it.
func (c *clientConn) aheadTimeout() time.Duration {
	if c.clients == nil {
		return aheadTimeout
	}
	return cmp.Or(c.clients.aheadTimeout, aheadTimeout)
}

// grown has room for another byte, and for no more than MaxAhead in all.
func grown(b []byte) []byte {
	if len(b) < cap(b) {
		return b
	}
	larger := make([]byte, len(b), min(8*cap(b), MaxAhead))
	copy(larger, b)
	return larger
}

// early hands out what the watch has kept. The empty line that some send behind a body is not a part of the next request
// (RFC 9112, section 2.2), and net/http would refuse that one for it.
func (c *clientConn) early(p []byte) int {
	if !c.handing {
		c.ahead = bytes.TrimPrefix(c.ahead, []byte("\r\n"))
		c.handing = true
	}
	n := copy(p, c.ahead)
	if c.ahead = c.ahead[n:]; len(c.ahead) == 0 {
		c.ahead, c.handing = nil, false
	}
	return n
}

// gone notes that the client sends no more. What is being written to it ends soon, too.
func (c *clientConn) gone() {
	c.left.Store(true)
	c.leaves()
	_ = c.Conn.SetWriteDeadline(time.Now().Add(goneTimeout)) // fails on a connection that is closed, and with it the write
}
