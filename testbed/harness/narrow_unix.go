//go:build unix

package harness

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// listenNarrowly takes in little at a time. Its connections are narrow before their first byte: one that is narrowed when it has been
// accepted has already promised its peer more, throws away what exceeds the buffer, and waits for it to be sent again, each time for
// twice as long.
func listenNarrowly(t *testing.T) net.Listener {
	t.Helper()
	var failed error
	narrow := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		err := c.Control(func(fd uintptr) {
			failed = errors.Join(
				syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 8<<10),
				syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 1<<10)) // of 64 KiB on loopback, more than the window
		})
		if err != nil {
			return err
		}
		return failed
	}}
	l, err := narrow.Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l
}
