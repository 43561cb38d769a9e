package faults

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// TestASteadySlowReaderGetsItsWholeAnswer reads so slowly that the relay's system, which has a megabyte or two to send, takes no
// more from the relay for longer than CLIENT_WRITE_TIMEOUT.
func TestASteadySlowReaderGetsItsWholeAnswer(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F7")
	const size = 2 << 20
	s := newScene(t, harness.Variant{}, plan{
		ways: harness.Ways[:1],
		handle: func(w http.ResponseWriter, r *http.Request) {
			harness.Say(w, harness.VoiceFor(r).Whole(strings.Repeat("x", size)))
		},
		options: []harness.RelayOption{harness.WithEnv("CLIENT_WRITE_TIMEOUT", "500ms"), harness.WithListener(func(l net.Listener) net.Listener {
			return bufferedListener{l, 512 << 10}
		})},
	})
	conn := s.dial(t)
	require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(64<<10))
	const body = `{"model":"openai","messages":[]}`
	_, err := fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: relay\r\nConnection: close\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
		harness.Key, len(body), body)
	require.NoError(t, err)
	got, block := 0, make([]byte, 64<<10)
	pace := time.NewTicker(150 * time.Millisecond)
	defer pace.Stop()
	for {
		n, err := conn.Read(block)
		if got += n; err != nil {
			break
		}
		<-pace.C
	}
	require.Greater(t, got, size)
	s.quiet()
	require.Equal(t, []outcome.Outcome{outcome.Completed}, s.outcomesOf("openai"))
}

// bufferedListener gives the relay's side of connections a buffer of some size.
type bufferedListener struct {
	net.Listener
	size int
}

func (l bufferedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		err = conn.(*net.TCPConn).SetWriteBuffer(l.size)
	}
	return conn, err
}
