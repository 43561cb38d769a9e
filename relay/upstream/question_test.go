package upstream

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	xhttp2 "golang.org/x/net/http2"

	"one-api/relay/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// caller is a call without clocks, which is ended by hand.
type caller struct {
	mu    sync.Mutex
	why   error
	abort func()
}

func (c *caller) Canceler() Canceler       { return c }
func (c *caller) Context() context.Context { return context.Background() }
func (c *caller) Connecting(bool)          {}
func (c *caller) Connected()               {}
func (c *caller) Sends(*Sent)              {}

func (c *caller) Why() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why
}

func (c *caller) Hold(abort func()) {
	c.mu.Lock()
	c.abort = abort
	ended := c.why != nil
	c.mu.Unlock()
	if ended {
		abort()
	}
}

func (c *caller) Drop() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why == nil
}

func (c *caller) end() {
	c.mu.Lock()
	c.why = context.Canceled
	abort := c.abort
	c.mu.Unlock()
	if abort != nil {
		abort()
	}
}

// transportTo is a channel's to a server of httptest's.
func transportTo(t *testing.T, s *httptest.Server, version config.HTTP) (*Transport, *Address) {
	t.Helper()
	at, err := url.Parse(s.URL + "/v1")
	require.NoError(t, err)
	made := New(config.Channel{BaseURL: at, Direct: true, HTTP: version, Timeouts: config.Timeouts{Connect: 30 * time.Second}}, tlsOf(s))
	t.Cleanup(func() {
		made.Retire()
		require.Eventually(t, func() bool { return made.Connections() == 0 }, 30*time.Second, time.Millisecond)
	})
	addresses := AddressesOf(at)
	return made, addresses.Of("/v1/models", "limit=9")
}

func tlsOf(s *httptest.Server) *tls.Config {
	if s.TLS == nil {
		return &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return s.Client().Transport.(*http.Transport).TLSClientConfig
}

// TestAQuestionHasAMethodAndNoBody over every version of HTTP, and leaves no connection behind that was made for it.
func TestAQuestionHasAMethodAndNoBody(t *testing.T) {
	for name, version := range map[string]config.HTTP{"HTTP/1.1": config.HTTP1, "HTTP/2.0": config.HTTP2, "HTTP/1.1 without TLS": config.HTTP1, "HTTP/2.0 by ALPN": config.HTTPAuto} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			t.Run(method+" "+name, func(t *testing.T) {
				asked := make(chan string, 2)
				s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					asked <- r.Proto + " " + r.Method + " " + r.RequestURI + " " + r.Header.Get("Authorization") + string(body) + r.Header.Get("Content-Length")
				}))
				s.EnableHTTP2 = true
				if name == "HTTP/1.1 without TLS" {
					s.Start()
				} else {
					s.StartTLS()
				}
				defer s.Close()
				made, at := transportTo(t, s, version)
				for range 2 {
					var a Answer
					_, err := made.Do(&caller{}, Request{Method: method, At: at, Header: http.Header{"Authorization": {"Bearer k"}}}, &a)
					require.NoError(t, err)
					_, err = io.ReadAll(a.Body)
					require.NoError(t, err)
					require.NoError(t, a.Body.Close())
					require.Equal(t, name[:len("HTTP/1.1")]+" "+method+" /v1/models?limit=9 Bearer k", <-asked)
					require.Eventually(t, func() bool { return made.Connections() == 0 }, 30*time.Second, time.Millisecond, "none is kept")
				}
			})
		}
	}
}

// TestAQuestionEndsHoweverFarAWindowGrows: net/http's own client holds a lock for ever there, and every goroutine of the connection with it.
func TestAQuestionEndsHoweverFarAWindowGrows(t *testing.T) {
	donor := httptest.NewUnstartedServer(nil)
	donor.EnableHTTP2 = true
	donor.StartTLS()
	defer donor.Close()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: donor.TLS.Certificates, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12})
	require.NoError(t, err)
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			served.Go(func() { overflows(conn) })
		}
	})
	defer served.Wait()
	defer func() { _ = listener.Close() }()

	secure := donor.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	secure.ServerName = "example.com"
	base := &url.URL{Scheme: "https", Host: listener.Addr().String()}
	made := New(config.Channel{BaseURL: base, Direct: true, Timeouts: config.Timeouts{Connect: 30 * time.Second}}, secure)
	defer made.Retire()
	ended, addresses := make(chan error, 1), AddressesOf(base)
	c := &caller{}
	go func() {
		var a Answer
		_, err := made.Do(c, Request{Method: http.MethodGet, At: addresses.Of("/v1/models", ""), Header: http.Header{}}, &a)
		ended <- err
	}()
	select {
	case err = <-ended:
	case <-time.After(10 * time.Second):
		c.end()
		select {
		case err = <-ended:
		case <-time.After(10 * time.Second):
			t.Fatal("it has not ended when it was told to")
		}
	}
	require.Error(t, err)
	require.Eventually(t, func() bool { return made.Connections() == 0 }, 30*time.Second, time.Millisecond)
}

// overflows is a server that lets the window of each stream grow beyond what there can be.
func overflows(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	if _, err := io.ReadFull(conn, make([]byte, len(xhttp2.ClientPreface))); err != nil {
		return
	}
	frames := xhttp2.NewFramer(conn, conn)
	_ = frames.WriteSettings()
	for {
		f, err := frames.ReadFrame()
		if err != nil {
			return
		}
		if f.Header().Type == xhttp2.FrameHeaders {
			_ = frames.WriteWindowUpdate(f.Header().StreamID, 1<<31-1)
			_ = frames.WriteWindowUpdate(f.Header().StreamID, 1<<31-1)
		}
	}
}
