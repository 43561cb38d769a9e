package relay

import (
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// deadlineConn is a connection that is told of its read deadlines and of the reads that begin.
type deadlineConn struct {
	net.Conn
	deadlines atomic.Int32
	reading   chan struct{} // nil: nobody wants to know
}

func (c *deadlineConn) SetReadDeadline(t time.Time) error {
	c.deadlines.Add(1)
	return c.Conn.SetReadDeadline(t)
}

func (c *deadlineConn) Read(p []byte) (int, error) {
	if c.reading != nil {
		c.reading <- struct{}{}
	}
	return c.Conn.Read(p)
}

func newDeadlineConn(t *testing.T) (*clientConn, *deadlineConn, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	client, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	accepted, err := listener.Accept()
	require.NoError(t, err)
	below := &deadlineConn{Conn: accepted}
	c := &clientConn{Conn: below}
	t.Cleanup(func() {
		_ = client.Close()
		_ = c.Close()
	})
	return c, below, client
}

func TestAReadDeadlineThatNothingWaitsForCostsNothing(t *testing.T) {
	c, below, client := newDeadlineConn(t)
	for range 10 {
		require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Hour)))
	}
	require.NoError(t, c.SetReadDeadline(time.Time{}))
	_, err := client.Write([]byte("a"))
	require.NoError(t, err)
	_, err = c.Read(make([]byte, 2))
	require.NoError(t, err)
	assert.Zero(t, below.deadlines.Load())
}

func TestAReadDeadlineHoldsForTheReadsToCome(t *testing.T) {
	c, _, client := newDeadlineConn(t)
	_, err := client.Write([]byte("a"))
	require.NoError(t, err)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(-time.Second)))
	_, err = c.Read(make([]byte, 2))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, c.SetReadDeadline(time.Time{}))
	_, err = c.Read(make([]byte, 2))
	require.NoError(t, err)
	require.NoError(t, c.SetDeadline(time.Now().Add(-time.Second)))
	_, err = c.Read(make([]byte, 2))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
}

// This is how net/http ends the read with which it watches a client while the handler works.
func TestAReadDeadlineEndsTheReadThatWaits(t *testing.T) {
	c, below, _ := newDeadlineConn(t)
	below.reading = make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		ended <- err
	}()
	<-below.reading
	require.NoError(t, c.SetReadDeadline(time.Now().Add(-time.Second)))
	require.ErrorIs(t, <-ended, os.ErrDeadlineExceeded)
}
