package relay

import (
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAWatchThatHasAllThatItTakesEndsWithItsDeadlineOrItsTime is for a client that goes on sending.
func TestAWatchThatHasAllThatItTakesEndsWithItsDeadlineOrItsTime(t *testing.T) {
	for _, early := range []bool{true, false} {
		c, _, client := newDeadlineConn(t)
		sent := make([]byte, MaxAhead+1)
		for i := range sent {
			sent[i] = byte(i)
		}
		_, err := client.Write(sent)
		require.NoError(t, err)
		if !early {
			c.clients = newClients(1, nil, slog.New(slog.DiscardHandler))
			c.clients.aheadTimeout = time.Millisecond
			_, err = c.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF)
			_, err = c.Read(make([]byte, 99))
			require.ErrorIs(t, err, io.EOF, "nothing more is read")
			continue
		}
		ended := make(chan error, 1)
		go func() {
			_, err := c.Read(make([]byte, 1))
			ended <- err
		}()
		require.Eventually(t, func() bool {
			c.read.mu.Lock()
			defer c.read.mu.Unlock()
			return c.read.idle != nil
		}, patience, time.Millisecond)
		require.NoError(t, c.SetReadDeadline(time.Now().Add(-time.Second)))
		require.ErrorIs(t, <-ended, os.ErrDeadlineExceeded)
		require.NoError(t, c.SetReadDeadline(time.Time{}))
		got := make([]byte, len(sent)+9) // a read for one byte would be the watch
		n, err := io.ReadAtLeast(c, got, len(sent))
		require.NoError(t, err)
		require.Equal(t, sent, got[:n])
	}
}
