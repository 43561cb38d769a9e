package http2

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"one-api/relay/upstream/http1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// served is net/http's server.
func served(t testing.TB, handle http.HandlerFunc, options ...func(*httptest.Server)) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(handle)
	s.EnableHTTP2 = true
	for _, option := range options {
		option(s)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// poolTo is one to an address; roots are who is believed.
func poolTo(t testing.TB, address string, like *tls.Config) *Pool {
	t.Helper()
	secure := like.Clone()
	secure.NextProtos, secure.ServerName, secure.DynamicRecordSizingDisabled = []string{"h2"}, "example.com", true
	p := &Pool{
		Address: address, Dial: (&net.Dialer{}).DialContext, IdleTimeout: time.Minute,
		PingAfter: 30 * time.Second, PingTimeout: 15 * time.Second, WriteTimeout: 15 * time.Second,
		Open: &atomic.Int64{}, Aside: &atomic.Int64{},
		TLS: func(ctx context.Context, over *Wire) (*tls.Conn, error) {
			stop := context.AfterFunc(ctx, func() { _ = over.Close() })
			defer stop()
			conn := tls.Client(over, secure)
			if err := conn.HandshakeContext(ctx); err != nil {
				_ = over.Close()
				return nil, err
			}
			return conn, nil
		},
	}
	t.Cleanup(func() { closed(t, p) })
	return p
}

// closed closes a pool and waits until nothing is left of it.
func closed(t testing.TB, p *Pool) {
	t.Helper()
	p.Close()
	require.Eventually(t, func() bool { return p.Open.Load() == 0 && p.Aside.Load() == 0 }, 30*time.Second, time.Millisecond, "connections at the end")
	p.mu.Lock()
	defer p.mu.Unlock()
	require.Empty(t, p.dials)
}

// to is a pool to net/http's server.
func to(t testing.TB, s *httptest.Server) *Pool {
	return poolTo(t, s.Listener.Addr().String(), s.Client().Transport.(*http.Transport).TLSClientConfig)
}

var hello = http1.Request{Path: "/v1/chat", Host: "example.com", Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"a":1}`)}

// ask posts and reads the answer to its end.
func ask(p *Pool, r http1.Request) (a *Answer, body string, err error) {
	a, _, err = p.Do(&on{}, r)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = a.Close() }()
	all, err := io.ReadAll(a)
	return a, string(all), err
}

// on is a canceler.
type on struct {
	mu    sync.Mutex
	ended bool
	abort func()
}

func (l *on) Hold(abort func()) {
	l.mu.Lock()
	ended := l.ended
	if !ended {
		l.abort = abort
	}
	l.mu.Unlock()
	if ended {
		abort()
	}
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
	abort := l.abort
	l.ended, l.abort = true, nil
	l.mu.Unlock()
	if abort != nil {
		abort()
	}
}

// framed is a server that speaks frame by frame. talk has each connection after its preface; it is closed when talk returns.
type framed struct {
	net.Listener
	like    *tls.Config // of its clients
	conns   atomic.Int64
	running sync.WaitGroup
}

type talker struct {
	*xhttp2.Framer
	net.Conn
	nth   int64
	block bytes.Buffer
	enc   *hpack.Encoder
}

func talking(t testing.TB, talk func(c *talker)) (*framed, *Pool) {
	t.Helper()
	donor := httptest.NewUnstartedServer(nil)
	donor.EnableHTTP2 = true
	donor.StartTLS()
	defer donor.Close()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: donor.TLS.Certificates, NextProtos: []string{"h2"}})
	require.NoError(t, err)
	s := &framed{Listener: listener}
	s.running.Go(func() {
		for {
			raw, err := listener.Accept()
			if err != nil {
				return
			}
			c := &talker{Conn: raw, Framer: xhttp2.NewFramer(raw, raw), nth: s.conns.Add(1)}
			c.enc = hpack.NewEncoder(&c.block)
			c.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
			s.running.Go(func() {
				defer func() { _ = raw.Close() }()
				if _, err := io.ReadFull(raw, make([]byte, len(preface))); err == nil {
					talk(c)
				}
			})
		}
	})
	s.like = donor.Client().Transport.(*http.Transport).TLSClientConfig
	s.like.ServerName = "example.com"
	p := poolTo(t, listener.Addr().String(), s.like)
	t.Cleanup(func() {
		p.Close()
		_ = listener.Close()
		s.running.Wait()
	})
	return s, p
}

// until reads frames until one of a kind, and acknowledges settings.
func (c *talker) until(wanted func(xhttp2.Frame) bool) xhttp2.Frame {
	for {
		f, err := c.ReadFrame()
		if err != nil {
			return nil
		}
		if s, ok := f.(*xhttp2.SettingsFrame); ok && !s.IsAck() {
			_ = c.WriteSettingsAck()
		}
		if wanted(f) {
			return f
		}
	}
}

// request reads to the end of the next request; 0: there is none.
func (c *talker) request() (id uint32) {
	f := c.until(func(f xhttp2.Frame) bool {
		switch f := f.(type) {
		case *xhttp2.MetaHeadersFrame:
			return f.StreamEnded()
		case *xhttp2.DataFrame:
			if n := uint32(len(f.Data())); n > 0 {
				_ = c.WriteWindowUpdate(0, n)
			}
			return f.StreamEnded()
		}
		return false
	})
	if f == nil {
		return 0
	}
	return f.Header().StreamID
}

// gone reads until the other end has closed.
func (c *talker) gone() { c.until(func(xhttp2.Frame) bool { return false }) }

func (c *talker) settings(settings ...xhttp2.Setting) { _ = c.WriteSettings(settings...) }

// header answers with a header of names and values.
func (c *talker) header(id uint32, end bool, fields ...string) {
	_ = c.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: id, BlockFragment: c.fields(fields...), EndHeaders: true, EndStream: end})
}

func (c *talker) fields(fields ...string) []byte {
	c.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = c.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return c.block.Bytes()
}

func (c *talker) data(id uint32, end bool, text string) { _ = c.WriteData(id, end, []byte(text)) }

func (c *talker) answer(id uint32) {
	c.header(id, false, ":status", "200", "content-type", "application/json")
	c.data(id, true, `{"b":2}`)
}
