package relay

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

// readDeadline is the read deadline that a connection is to have. net/http and the handlers set one nine times for a small
// call: for the wait, the header, the body, and none after each. Most are replaced before anything waits, since a small call
// arrives in one piece. So a deadline is passed on when a read begins, or at once if one is already waiting; and a later one is
// not while an earlier one holds, which most calls do not live to see.
type readDeadline struct {
	mu      sync.Mutex
	wanted  time.Time // zero: none
	applied time.Time
	idle    chan struct{} // closed when a deadline has passed that a wait without a read is for; nil: there is no such wait
}

// interrupted waits without a read until a deadline is set that has passed, or the connection is closed. false: that did not
// happen in time.
func (d *readDeadline) interrupted(within time.Duration) bool {
	d.mu.Lock()
	if d.passed() {
		d.mu.Unlock()
		return true
	}
	ended := make(chan struct{})
	d.idle = ended
	d.mu.Unlock()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.idle = nil
	return d.passed()
}

func (d *readDeadline) passed() bool { return !d.wanted.IsZero() && !d.wanted.After(time.Now()) }

// interrupt ends a wait without a read. The lock is held.
func (d *readDeadline) interrupt() {
	if d.idle != nil {
		close(d.idle)
		d.idle = nil
	}
}

// SetReadDeadline bounds the reads that are waiting and those to come. An error that comes later is the read's.
func (c *clientConn) SetReadDeadline(t time.Time) error {
	c.read.mu.Lock()
	defer c.read.mu.Unlock()
	c.read.wanted = t
	if c.read.idle != nil && c.read.passed() {
		c.read.interrupt()
	}
	if c.reads == 0 {
		return nil
	}
	return c.applyReadDeadline()
}

// applyReadDeadline passes the deadline on, unless the one that holds ends a read in time: who is woken too early reads on.
func (c *clientConn) applyReadDeadline() error {
	d := &c.read
	if d.applied.Equal(d.wanted) || d.applied.After(started) && (d.wanted.IsZero() || d.applied.Before(d.wanted)) {
		return nil
	}
	d.applied = d.wanted
	return c.Conn.SetReadDeadline(d.wanted)
}

// started is after all the deadlines that are only set to end a read at once.
var started = time.Now()

// Read fails with os.ErrDeadlineExceeded from the deadline on. What the watch on the client has kept comes first.
func (c *clientConn) Read(p []byte) (int, error) {
	switch {
	case c.overran:
		return 0, io.EOF
	case c.watches(p):
		return c.watch(p)
	case len(c.ahead) > 0:
		if n := c.early(p); n > 0 {
			return n, nil
		}
	}
	return c.bounded(p)
}

// bounded reads from the connection until the deadline.
func (c *clientConn) bounded(p []byte) (int, error) {
	c.read.mu.Lock()
	c.reads++
	err := c.applyReadDeadline()
	c.read.mu.Unlock()
	n := 0
	for again := err == nil; again; {
		n, err = c.Conn.Read(p)
		again = err != nil && errors.Is(err, os.ErrDeadlineExceeded) && c.tooEarly()
	}
	c.framing.sees(p[:max(0, n)])
	c.read.mu.Lock()
	c.reads--
	c.read.mu.Unlock()
	return n, err
}

// tooEarly reports whether a read was ended by a deadline that is not wanted any more. The one that is holds from here on.
func (c *clientConn) tooEarly() bool {
	c.read.mu.Lock()
	defer c.read.mu.Unlock()
	d := &c.read
	if d.applied.Equal(d.wanted) {
		return false
	}
	d.applied = d.wanted
	return c.Conn.SetReadDeadline(d.wanted) == nil
}
