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
	toWrite   atomic.Int32  // deadlines of writes
	reading   chan struct{} // nil: nobody wants to know
	expired   atomic.Bool   // the next read is ended by its deadline
}

func (c *deadlineConn) SetWriteDeadline(t time.Time) error {
	c.toWrite.Add(1)
	return c.Conn.SetWriteDeadline(t)
}

func (c *deadlineConn) SetReadDeadline(t time.Time) error {
	c.deadlines.Add(1)
	return c.Conn.SetReadDeadline(t)
}

func (c *deadlineConn) Read(p []byte) (int, error) {
	if c.reading != nil {
		c.reading <- struct{}{}
	}
	if c.expired.Swap(false) {
		return 0, os.ErrDeadlineExceeded
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

func TestALaterReadDeadlineIsOnlySetOnceTheEarlierOneHasPassed(t *testing.T) {
	c, below, client := newDeadlineConn(t)
	reads := func() {
		t.Helper()
		_, err := client.Write([]byte("a"))
		require.NoError(t, err)
		n, err := c.Read(make([]byte, 2))
		require.NoError(t, err)
		require.Equal(t, 1, n)
	}
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Hour)))
	reads()
	require.EqualValues(t, 1, below.deadlines.Load())
	for _, later := range []time.Time{{}, time.Now().Add(2 * time.Hour)} {
		require.NoError(t, c.SetReadDeadline(later))
		reads()
		require.EqualValues(t, 1, below.deadlines.Load())
	}
	below.expired.Store(true)
	reads()
	require.EqualValues(t, 2, below.deadlines.Load())
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Hour)))
	reads()
	require.EqualValues(t, 3, below.deadlines.Load(), "an earlier one is set at once")
}

func TestOneWriteDeadlineDoesForManyAnswers(t *testing.T) {
	c, below, _ := newDeadlineConn(t)
	c.timeout = time.Hour
	for range 3 {
		_, err := c.Write([]byte("a"))
		require.NoError(t, err)
		require.NoError(t, c.SetWriteDeadline(time.Time{}), "as net/http does between requests")
	}
	require.EqualValues(t, 1, below.toWrite.Load())
	require.NoError(t, c.SetWriteDeadline(time.Now().Add(-time.Second)))
	_, err := c.Write([]byte("a"))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
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
