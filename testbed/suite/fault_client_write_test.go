package suite

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
)

// F4: copying to the client fails half-way.

// TestAnAnswerThatCannotBeCopiedToItsEndIsNeitherRepeatedNorAppendedTo lets writes to the client fail although the client is
// still there and would read whatever else was sent.
func TestAnAnswerThatCannotBeCopiedToItsEndIsNeitherRepeatedNorAppendedTo(t *testing.T) {
	inMatrix(t, "F4")
	inEveryVariant(t, nil, func(t *testing.T, v variant) {
		wires := &failingWires{}
		said := strings.Repeat("x", 64<<10)
		goOn := make(chan struct{})
		s := newScene(t, v, plan{options: []relayOption{withListener(wires.under)}, handle: func(w http.ResponseWriter, r *http.Request) {
			if !v.stream {
				v.header(w)
				say(w, voiceFor(r).whole(fromFaulty+said))
				return
			}
			v.begin(w, r, fromFaulty)
			<-goOn
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte(voiceFor(r).more(said))); err != nil {
					return
				}
			}
		}})
		if !v.stream {
			wires.failAfter(10 << 10)
		}
		hearing := newTally()
		hearing.due = len(ways)
		all := s.callAllWhile(context.Background(), ear{told: hearing.told}, func() {
			if v.stream {
				require.Eventually(t, hearing.complete, patience, time.Millisecond)
				wires.failAfter(100)
			}
			close(goOn)
		})
		s.requireGone(t, all, outcome.ClientGone)
		for _, sent := range wires.sent() {
			require.Equal(t, 1, strings.Count(sent, "HTTP/1.1 "), "one answer a connection")
			require.Contains(t, sent, fromFaulty)
			require.NotContains(t, sent, fromHealthy)
			require.NotContains(t, sent, "[DONE]")
			require.NotContains(t, sent, "message_stop")
			require.NotContains(t, sent, "\r\n0\r\n", "an end of the body in good order")
		}
	})
}

// TestAnUpstreamThatFailsBehindItsFirstEventIsNotReplaced looks at what goes over the wire where a second channel could answer.
func TestAnUpstreamThatFailsBehindItsFirstEventIsNotReplaced(t *testing.T) {
	inMatrix(t, "F4")
	inEveryVariant(t, func(v variant) bool { return v.stream && v.second }, func(t *testing.T, v variant) {
		wires := &failingWires{}
		s := newScene(t, v, plan{options: []relayOption{withListener(wires.under)}, handle: func(w http.ResponseWriter, r *http.Request) {
			v.begin(w, r, fromFaulty)
			panic(http.ErrAbortHandler)
		}})
		s.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // a connection for each call
		s.requireEnding(t, s.callAll(context.Background(), ear{}), ending{outcome: outcome.UpstreamReset, code: "upstream_reset", cut: true})
		require.Zero(t, s.healthy.requests.Load())
		require.Len(t, wires.sent(), len(ways))
		for _, sent := range wires.sent() {
			require.Equal(t, 1, strings.Count(sent, "HTTP/1.1 "), "one answer a connection")
			require.Equal(t, 1, strings.Count(sent, `"error":{`), "and in it one error")
		}
	})
}

// failingWires are the relay's connections to its clients: they keep what was sent, and fail when they are told to. They stay
// open then, as far as they themselves are concerned.
type failingWires struct {
	net.Listener
	mu    sync.Mutex
	conns []*failingWire
	limit int // for those to come; 0: none
}

func (l *failingWires) under(listener net.Listener) net.Listener {
	l.Listener = listener
	return l
}

func (l *failingWires) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	wire := &failingWire{Conn: conn, limit: l.limit}
	l.conns = append(l.conns, wire)
	return wire, nil
}

// failAfter lets every connection take so many bytes more.
func (l *failingWires) failAfter(bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = bytes
	for _, c := range l.conns {
		c.mu.Lock()
		c.limit = c.sent.Len() + bytes
		c.mu.Unlock()
	}
}

// sent is what each connection that was used has taken.
func (l *failingWires) sent() (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.mu.Lock()
		if c.sent.Len() > 0 {
			all = append(all, c.sent.String())
		}
		c.mu.Unlock()
	}
	return all
}

type failingWire struct {
	net.Conn
	mu    sync.Mutex
	sent  strings.Builder
	limit int
}

var errWire = errors.New("the wire takes no more")

func (c *failingWire) Write(p []byte) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limit > 0 && c.sent.Len()+len(p) > c.limit {
		p, err = p[:max(0, c.limit-c.sent.Len())], errWire
	}
	n, failed := c.Conn.Write(p)
	c.sent.Write(p[:n])
	return n, errors.Join(failed, err)
}
