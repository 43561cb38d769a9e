package faults

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
	"one-api/testbed/harness"
)

// F4: copying to the client fails half-way.

// TestAnAnswerThatCannotBeCopiedToItsEndIsNeitherRepeatedNorAppendedTo lets writes to the client fail although the client is
// still there and would read whatever else was sent.
func TestAnAnswerThatCannotBeCopiedToItsEndIsNeitherRepeatedNorAppendedTo(t *testing.T) {
	harness.InMatrix(t, "F4")
	harness.InEveryVariant(t, nil, func(t *testing.T, v harness.Variant) {
		wires := &failingWires{}
		said := strings.Repeat("x", 64<<10)
		goOn := make(chan struct{})
		s := newScene(t, v, plan{options: []harness.RelayOption{harness.WithListener(wires.under)}, handle: func(w http.ResponseWriter, r *http.Request) {
			if !v.Stream {
				v.Header(w)
				harness.Say(w, harness.VoiceFor(r).Whole(harness.FromFaulty+said))
				return
			}
			v.Begin(w, r, harness.FromFaulty)
			<-goOn
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte(harness.VoiceFor(r).More(said))); err != nil {
					return
				}
			}
		}})
		if !v.Stream {
			wires.failAfter(10 << 10)
		}
		hearing := newTally()
		hearing.due = len(harness.Ways)
		all := s.callAllWhile(context.Background(), harness.Ear{Told: hearing.told}, func() {
			if v.Stream {
				require.Eventually(t, hearing.complete, harness.Patience, time.Millisecond)
				wires.failAfter(100)
			}
			close(goOn)
		})
		s.requireGone(t, all, outcome.ClientGone)
		for _, sent := range wires.sent() {
			require.Equal(t, 1, strings.Count(sent, "HTTP/1.1 "), "one answer a connection")
			require.Contains(t, sent, harness.FromFaulty)
			require.NotContains(t, sent, harness.FromHealthy)
			require.NotContains(t, sent, "[DONE]")
			require.NotContains(t, sent, "message_stop")
			require.NotContains(t, sent, "\r\n0\r\n", "an end of the body in good order")
		}
	})
}

// TestAnUpstreamThatFailsBehindItsFirstEventIsNotReplaced looks at what goes over the wire where a second channel could answer.
func TestAnUpstreamThatFailsBehindItsFirstEventIsNotReplaced(t *testing.T) {
	harness.InMatrix(t, "F4")
	harness.InEveryVariant(t, func(v harness.Variant) bool { return v.Stream && v.Second }, func(t *testing.T, v harness.Variant) {
		wires := &failingWires{}
		s := newScene(t, v, plan{options: []harness.RelayOption{harness.WithListener(wires.under)}, handle: func(w http.ResponseWriter, r *http.Request) {
			v.Begin(w, r, harness.FromFaulty)
			panic(http.ErrAbortHandler)
		}})
		s.Client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // a connection for each call
		s.requireEnding(t, s.callAll(context.Background(), harness.Ear{}), harness.Ending{Outcome: outcome.UpstreamReset, Code: "upstream_reset", Cut: true})
		require.Zero(t, s.healthy.Requests.Load())
		require.Len(t, wires.sent(), len(harness.Ways))
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
