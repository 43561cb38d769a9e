package suite

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// transport is how the relay reaches an upstream. What it does by itself over a plain connection, it leaves to net/http over
// others, or does by another path: a promise that holds on one of them holds on that one.
type transport int

const (
	plainHTTP transport = iota
	tlsHTTP1
	tlsHTTP2
	proxiedHTTP
	proxiedTLS
	socksHTTP
	socksHTTP2
)

var transports = [...]struct {
	name       string
	tls, http2 bool
	proxy      func() protocol // nil: none
}{
	plainHTTP:   {"HTTP 1.1", false, false, nil},
	tlsHTTP1:    {"HTTP 1.1 with TLS", true, false, nil},
	tlsHTTP2:    {"HTTP 2", true, true, nil},
	proxiedHTTP: {"HTTP 1.1 by an HTTP proxy", false, false, forwarding},
	proxiedTLS:  {"HTTP 1.1 with TLS by CONNECT", true, false, connecting},
	socksHTTP:   {"HTTP 1.1 by SOCKS5", false, false, socks5},
	socksHTTP2:  {"HTTP 2 by SOCKS5", true, true, socks5},
}

func (t transport) String() string { return transports[t].name }

func (t transport) tls() bool { return transports[t].tls }

func (t transport) http2() bool { return transports[t].http2 }

// proxied reports whether there is a proxy on the way, of whatever kind.
func (t transport) proxied() bool { return transports[t].proxy != nil }

// proxiedHost is what upstreams are called by those who ask a proxy for them. No resolver knows it, and it is no loopback address,
// for which some would leave the proxy out.
const proxiedHost = "upstream.test"

// door is the proxy on the way to an upstream; nil: there is none.
func (t transport) door(test *testing.T) *tunnel {
	test.Helper()
	if !t.proxied() {
		return nil
	}
	return newTunnel(test, transports[t].proxy())
}

// at is a local address as the relay is told of it.
func (t transport) at(url string) string {
	if t.proxied() {
		return strings.Replace(url, "127.0.0.1", proxiedHost, 1)
	}
	return url
}

// newUpstreamOver starts an upstream for a transport. Where that has a proxy, its door leads there. The bodies of the requests are
// not kept.
func newUpstreamOver(t *testing.T, over transport, handle http.HandlerFunc) *upstream {
	t.Helper()
	return newUpstreamAhead(t, over, false, handle)
}

// newUpstreamAhead is newUpstreamOver for one that may not wait for the bodies of its requests: ahead. They come through a narrow
// buffer then, so that a large one is still on its way when handle is called.
func newUpstreamAhead(t *testing.T, over transport, ahead bool, handle http.HandlerFunc) *upstream {
	t.Helper()
	return startUpstream(t, handle, func(u *upstream) {
		u.forgets, u.ahead = true, ahead
		u.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, servedKey{}, &served{Conn: conn})
		}
		if ahead {
			_ = u.Listener.Close()
			u.Listener = listenNarrowly(t)
		}
		u.EnableHTTP2 = over.http2()
		if !over.tls() {
			u.Start()
			return
		}
		u.TLS = &tls.Config{Certificates: []tls.Certificate{certificate()}, MinVersion: tls.VersionTLS12}
		u.StartTLS()
	})
}

// served is a connection as the handlers of its requests see it.
type served struct {
	net.Conn
	requests atomic.Int64 // for the handlers to count
}

type servedKey struct{}

func connOf(r *http.Request) *served { return r.Context().Value(servedKey{}).(*served) }

// certificate is what these upstreams show. A signature of its kind costs a tenth of what httptest's own costs, of which a test
// with a hundred channels would make hundreds.
var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{proxiedHost}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
})
