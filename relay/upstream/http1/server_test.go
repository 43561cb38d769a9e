package http1

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted is a server that says what the test tells it to, byte by byte.
type scripted struct {
	net.Listener
	connections atomic.Int64
	running     sync.WaitGroup
}

// serve starts one. talk has each connection, after its first request has been read; ask reads the next one. Without a talk
// a connection is closed after its first request.
func serve(t *testing.T, talk func(c net.Conn, ask func() *http.Request)) *scripted {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &scripted{Listener: listener}
	speaks := spoken
	s.running.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			s.connections.Add(1)
			s.running.Go(func() {
				c := speaks.serverSide(c)
				defer func() { _ = c.Close() }()
				from := bufio.NewReader(c)
				ask := func() *http.Request {
					r, err := http.ReadRequest(from)
					if err != nil {
						return nil
					}
					body, _ := io.ReadAll(r.Body)
					r.Body = io.NopCloser(bytes.NewReader(body))
					return r
				}
				if ask() != nil && talk != nil {
					talk(c, ask)
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		s.running.Wait()
	})
	return s
}

func (s *scripted) pool(t *testing.T) *Pool {
	t.Helper()
	p := &Pool{
		Address: s.Addr().String(), Dial: (&net.Dialer{}).DialContext, IdleTimeout: time.Minute, MaxIdle: 8, Open: &atomic.Int64{},
		TLS: spoken.clientSide(),
	}
	t.Cleanup(func() {
		p.Close()
		require.Zero(t, p.Open.Load(), "open connections at the end")
	})
	return p
}

var hello = Request{Path: "/v1/chat", Host: "upstream", Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"a":1}`)}

// ask posts and reads the answer to its end, in small pieces.
func ask(t *testing.T, p *Pool) (a *Answer, body string, err error) {
	t.Helper()
	a, _, err = p.Do(&on{}, hello)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = a.Close() }()
	all, err := io.ReadAll(smallReads{a})
	return a, string(all), err
}

type smallReads struct{ r io.Reader }

func (s smallReads) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), 5)]) }

// on is a canceler.
type on struct {
	mu    sync.Mutex
	ended bool
	abort func()
}

func (l *on) Hold(abort func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		abort()
		return
	}
	l.abort = abort
}

func (l *on) Drop() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	intime := l.abort != nil
	l.abort = nil
	return intime
}

func (l *on) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	if l.abort != nil {
		l.abort()
	}
	l.abort = nil
}

// tied is a canceler that ends with a context.
func tied(ctx context.Context) *on {
	l := &on{}
	if ctx.Err() != nil {
		l.end() // AfterFunc ends it in a goroutine of its own, which may come after the request
		return l
	}
	context.AfterFunc(ctx, l.end)
	return l
}
