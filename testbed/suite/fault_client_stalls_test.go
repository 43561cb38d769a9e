package suite

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
)

// F7: a client that stops reading.

func TestAClientThatStopsReadingLosesItsCall(t *testing.T) {
	inMatrix(t, "F7")
	inEveryVariant(t, nil, func(t *testing.T, v variant) {
		flood := newFlood(v)
		s := newScene(t, v, plan{handle: flood.handle, options: []relayOption{
			withListener(narrow), withEnv("CLIENT_WRITE_TIMEOUT", "100ms"),
		}})
		// No client leaves: it is the relay that ends the upstream's requests and hangs up.
		all := s.callUnread(context.Background(), func() {
			require.Eventually(t, func() bool { return len(s.recorded()) == len(ways)*(1+s.attemptsAhead()) }, patience, time.Millisecond)
			require.Eventually(t, func() bool { return s.faulty.open.Load() == 0 }, patience, time.Millisecond)
		})
		s.requireGone(t, all, outcome.ClientStalled)
	})
}

// flood is an upstream that says more than the sockets between it and a client can hold.
type flood struct {
	variant
	said   atomic.Int64
	served atomic.Int64
}

func newFlood(v variant) *flood { return &flood{variant: v} }

func (f *flood) handle(w http.ResponseWriter, r *http.Request) {
	defer f.served.Add(1)
	f.header(w)
	if !f.stream {
		say(w, voiceFor(r).whole(strings.Repeat("x", 512<<10)))
		return
	}
	say(w, voiceFor(r).opening(fromFaulty))
	more := voiceFor(r).more(strings.Repeat("x", 64<<10))
	for r.Context().Err() == nil {
		if _, err := w.Write([]byte(more)); err != nil {
			return
		}
		f.said.Add(1)
	}
}

// requireStuck waits until nothing moves any more: the relay has the whole answers, or takes no more of the streams.
func (f *flood) requireStuck(t *testing.T, s *scene) {
	t.Helper()
	last := int64(-1)
	require.Eventually(t, func() bool {
		if !f.stream {
			return f.served.Load() == int64(len(ways))
		}
		now := f.said.Load()
		still := now == last && now > 0 && s.server.Pool().OpenBodies() == int64(len(ways))
		last = now
		return still
	}, patience, 30*time.Millisecond, "the relay blocked")
}

// callUnread makes every way's call and reads nothing of the answers, but for their headers, until then has returned.
func (s *scene) callUnread(ctx context.Context, then func()) map[string]heard {
	s.t.Helper()
	s.client = lazyClient()
	done := make(chan struct{})
	var opened atomic.Int64
	opening := func() {
		opened.Add(1)
		<-done
	}
	return s.callAllWhile(ctx, ear{opened: opening}, func() {
		defer close(done)
		require.Eventually(s.t, func() bool { return opened.Load() == int64(len(s.ways)) }, patience, time.Millisecond)
		then()
	})
}

// narrow gives the relay's side of each client's connection a small buffer.
func narrow(l net.Listener) net.Listener { return narrowListener{l} }

type narrowListener struct{ net.Listener }

func (l narrowListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		err = conn.(*net.TCPConn).SetWriteBuffer(16 << 10)
	}
	return conn, err
}

// lazyClient has small buffers too.
func lazyClient() *http.Client {
	dialer := net.Dialer{}
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err == nil {
			err = conn.(*net.TCPConn).SetReadBuffer(16 << 10)
		}
		return conn, err
	}}}
}
