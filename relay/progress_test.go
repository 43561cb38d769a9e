package relay

import (
	"bytes"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// slowWire takes so many bytes of each write, and then misses the deadline.
type slowWire struct {
	net.Conn
	takes  int
	got    bytes.Buffer
	writes int
}

func (w *slowWire) SetWriteDeadline(time.Time) error { return nil }

func (w *slowWire) Write(p []byte) (int, error) {
	w.writes++
	n := min(len(p), w.takes)
	w.got.Write(p[:n])
	if n < len(p) {
		return n, os.ErrDeadlineExceeded
	}
	return n, nil
}

func TestAClientIsStalledOnlyWhenItTakesNothing(t *testing.T) {
	answer := bytes.Repeat([]byte("0123456789"), 30_000)
	slow := &slowWire{takes: 1000}
	n, err := (&clientConn{Conn: slow, timeout: time.Second}).Write(answer)
	require.NoError(t, err)
	require.Equal(t, len(answer), n)
	require.True(t, bytes.Equal(answer, slow.got.Bytes()), "all of it, once and in order")

	stalled := &slowWire{}
	n, err = (&clientConn{Conn: stalled, timeout: time.Second}).Write(answer)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.Zero(t, n)
	require.Equal(t, 1, stalled.writes)
}
