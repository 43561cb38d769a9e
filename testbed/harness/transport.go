package harness

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"one-api/testbed/internal/cert"
)

// Transport is how the relay reaches an upstream. What it does by itself over a plain connection, it leaves to net/http over
// others, or does by another path: a promise that holds on one of them holds on that one.
type Transport int

const (
	PlainHTTP Transport = iota
	TlsHTTP1
	TlsHTTP2
	ProxiedHTTP
	ProxiedTLS
	SocksHTTP
	SocksHTTP2
)

var Transports = [...]struct {
	name       string
	tls, http2 bool
	proxy      func() protocol // nil: none
}{
	PlainHTTP:   {"HTTP 1.1", false, false, nil},
	TlsHTTP1:    {"HTTP 1.1 with TLS", true, false, nil},
	TlsHTTP2:    {"HTTP 2", true, true, nil},
	ProxiedHTTP: {"HTTP 1.1 by an HTTP proxy", false, false, forwarding},
	ProxiedTLS:  {"HTTP 1.1 with TLS by CONNECT", true, false, Connecting},
	SocksHTTP:   {"HTTP 1.1 by SOCKS5", false, false, Socks5},
	SocksHTTP2:  {"HTTP 2 by SOCKS5", true, true, Socks5},
}

func (t Transport) String() string { return Transports[t].name }

func (t Transport) Tls() bool { return Transports[t].tls }

func (t Transport) Http2() bool { return Transports[t].http2 }

// Proxied reports whether there is a proxy on the way, of whatever kind.
func (t Transport) Proxied() bool { return Transports[t].proxy != nil }

// ProxiedHost is what upstreams are called by those who ask a proxy for them. No resolver knows it, and it is no loopback address,
// for which some would leave the proxy out.
const ProxiedHost = "upstream.test"

// Door is the proxy on the way to an upstream; nil: there is none.
func (t Transport) Door(test *testing.T) *Tunnel {
	test.Helper()
	if !t.Proxied() {
		return nil
	}
	return NewTunnel(test, Transports[t].proxy())
}

// At is a local address as the relay is told of it.
func (t Transport) At(url string) string {
	if t.Proxied() {
		return strings.Replace(url, "127.0.0.1", ProxiedHost, 1)
	}
	return url
}

// NewUpstreamOver starts an upstream for a transport. Where that has a proxy, its door leads there. The bodies of the requests are
// not kept.
func NewUpstreamOver(t *testing.T, over Transport, handle http.HandlerFunc) *Upstream {
	t.Helper()
	return NewUpstreamAhead(t, over, false, handle)
}

// NewUpstreamAhead is newUpstreamOver for one that may not wait for the bodies of its requests: ahead. They come through a narrow
// buffer then, so that a large one is still on its way when handle is called.
func NewUpstreamAhead(t *testing.T, over Transport, ahead bool, handle http.HandlerFunc) *Upstream {
	t.Helper()
	return StartUpstream(t, handle, func(u *Upstream) {
		u.Forgets, u.ahead = true, ahead
		u.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, servedKey{}, &Served{Conn: conn})
		}
		if ahead {
			_ = u.Listener.Close()
			u.Listener = listenNarrowly(t)
		}
		u.EnableHTTP2 = over.Http2()
		if !over.Tls() {
			u.Start()
			return
		}
		u.TLS = &tls.Config{Certificates: []tls.Certificate{Certificate()}, MinVersion: tls.VersionTLS12}
		u.StartTLS()
	})
}

// Served is a connection as the handlers of its requests see it.
type Served struct {
	net.Conn
	Requests atomic.Int64 // for the handlers to count
}

type servedKey struct{}

func ConnOf(r *http.Request) *Served { return r.Context().Value(servedKey{}).(*Served) }

// Certificate is what these upstreams show.
var Certificate = sync.OnceValue(func() tls.Certificate {
	c, err := cert.SelfSigned(time.Now().Add(24*time.Hour), ProxiedHost)
	if err != nil {
		panic(err)
	}
	return c
})
