package upstream

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"one-api/relay/config"
	"one-api/relay/upstream/http1"
	"one-api/relay/upstream/http2"
)

// itself asks over the relay's own HTTP: the call's own goroutine writes, and over HTTP/1.1 reads.
type itself struct {
	t       *Transport
	pool    *http1.Pool // nil: HTTP/2 is all that is spoken
	many    *http2.Pool // nil: HTTP/2 is not spoken, or left to net/http
	instant bool        // a connection takes nothing but TCP, whose own clock will do
}

func (w *itself) do(c Caller, r Request, a *Answer) (bool, error) {
	asks := http1.Request{Method: r.Method, Path: r.At.path, Query: r.At.url.RawQuery, Host: r.At.url.Host, Header: r.Header, Body: r.Body}
	if r.Source != nil {
		asks.Source = r.Source
	}
	if !w.instant {
		asks.Waits = c
	}
	if w.pool == nil || w.many != nil && w.t.http2.Load() {
		connected, err := w.shares(c, asks, a)
		if w.pool == nil || !errors.Is(err, errOnlyHTTP1) {
			return connected, err
		}
	}
	got, connected, err := w.pool.Do(c.Canceler(), asks)
	if err != nil {
		var agreed *speaksHTTP2
		if errors.As(err, &agreed) {
			w.many.Adopt(agreed.wire, agreed.conn)
			over, err := w.shares(c, asks, a)
			return connected || over, err
		}
		return connected, err
	}
	*a = Answer{got.Status, got.Length, got.Encoding, got.Type, got.Header, got, true}
	return true, nil
}

// shares asks over HTTP/2.
func (w *itself) shares(c Caller, asks http1.Request, a *Answer) (bool, error) {
	got, connected, err := w.many.Do(c.Canceler(), asks)
	if err != nil {
		return connected, err
	}
	*a = Answer{got.Status, got.Length, got.Encoding, got.Type, got.Header, got, true}
	return true, nil
}

// speaksHTTP2 is that a connection was made on which both ends have agreed on HTTP/2.
type speaksHTTP2 struct {
	wire *http2.Wire
	conn *tls.Conn
}

func (*speaksHTTP2) Error() string { return "the upstream speaks HTTP/2" }

// errOnlyHTTP1 is that an upstream has not agreed on HTTP/2, whatever it has done before.
var errOnlyHTTP1 = errors.New("the upstream does not speak HTTP/2")

// newPool is the connections of the relay's own HTTP/1.1; nil if the upstream is not asked by it.
func (t *Transport) newPool(c config.Channel, dialer *dialer, proxy func(*http.Request) (*url.URL, error), secure *tls.Config) *http1.Pool {
	at := c.BaseURL
	if !http1.Supported || at == nil || !isPlain(at.Host) || c.HTTP == config.HTTP2 {
		return nil
	}
	p := &http1.Pool{
		Address: addressOf(at), IdleTimeout: idleConnTimeout, MaxIdle: maxIdleConns, Open: &t.tcp,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			t.dialing.Add(1)
			defer t.dialing.Add(-1)
			return dialer.dial(ctx, network, address)
		},
	}
	switch at.Scheme {
	case "http":
		through, err := asked(proxy, at)
		switch {
		case err != nil:
			return nil
		case through != nil:
			if through.Scheme != "http" {
				return nil
			}
			p.Address, p.Proxy = addressOf(through), &http1.Proxy{Authorization: credentials(through)}
		}
	case "https":
		if through, err := asked(proxy, at); err != nil || through != nil {
			return nil // which net/http complains about
		}
		if dialer.proxy != nil && dialer.proxy.Scheme == "https" {
			return nil // TLS within TLS
		}
		p.TLS = func(ctx context.Context, over *http1.Wire) (*tls.Conn, bool, error) {
			conn, err := t.handshakeAside(ctx, over, secure, dialer.limit)
			if err != nil || conn.ConnectionState().NegotiatedProtocol != "h2" {
				return conn, false, err
			}
			wire, err := http2.NewWire(over.Conn)
			if err != nil {
				_ = over.Close()
				return nil, false, err
			}
			over.HandOver(wire)
			return nil, true, &speaksHTTP2{wire, conn}
		}
	default:
		return nil
	}
	return p
}

// newShared is the connections of the relay's own HTTP/2; nil if the upstream is not asked by it.
func (t *Transport) newShared(
	c config.Channel, dialer *dialer, proxy func(*http.Request) (*url.URL, error), secure *tls.Config,
) *http2.Pool {
	at := c.BaseURL
	if !http1.Supported || at == nil || !isPlain(at.Host) || c.HTTP == config.HTTP1 || secure == nil && !t.bare {
		return nil
	}
	if through, err := asked(proxy, at); err != nil || through != nil {
		return nil // it would be told of each request
	}
	if dialer.proxy != nil && dialer.proxy.Scheme == "https" {
		return nil // TLS within TLS
	}
	p := &http2.Pool{
		Address: addressOf(at), IdleTimeout: idleConnTimeout, PingAfter: http2PingAfter, PingTimeout: http2PingTimeout,
		WriteTimeout: http2WriteTimeout, Open: &t.shared, Aside: &t.aside,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			t.dialing.Add(1)
			defer t.dialing.Add(-1)
			return dialer.dial(ctx, network, address)
		},
	}
	if secure != nil {
		p.TLS = func(ctx context.Context, over *http2.Wire) (*tls.Conn, error) {
			conn, err := t.handshake(ctx, over, secure, dialer.limit)
			if err == nil && conn.ConnectionState().NegotiatedProtocol != "h2" {
				_ = over.Close()
				return nil, errOnlyHTTP1
			}
			return conn, err
		}
	}
	return p
}

// handshakeAside shakes hands in a goroutine of its own, which takes its stack along when that is done: what verifying a certificate takes
// would stay with the call's for as long as its answer is open.
func (t *Transport) handshakeAside(
	ctx context.Context, over net.Conn, secure *tls.Config, limit time.Duration,
) (conn *tls.Conn, err error) {
	t.aside.Add(1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer t.aside.Add(-1)
		conn, err = t.handshake(ctx, over, secure, limit)
	}()
	<-done // which the end of ctx hastens
	return conn, err
}

// handshake makes TLS of a connection, which it closes if that fails. What ends it is the end of ctx, or the connection's deadline: no
// goroutine has to watch over it.
func (t *Transport) handshake(ctx context.Context, over net.Conn, secure *tls.Config, limit time.Duration) (*tls.Conn, error) {
	stop := context.AfterFunc(ctx, func() { _ = over.Close() })
	defer stop()
	if limit > 0 {
		if err := over.SetDeadline(time.Now().Add(limit)); err != nil {
			_ = over.Close()
			return nil, err
		}
	}
	conn := tls.Client(over, secure)
	err := conn.Handshake()
	if err == nil {
		err = over.SetDeadline(time.Time{})
	}
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		_ = over.Close()
		return nil, err
	}
	t.http2.Store(conn.ConnectionState().NegotiatedProtocol == "h2")
	return conn, nil
}

// securing is the operator's TLS configuration as it serves for one upstream.
func securing(tlsConfig *tls.Config, version config.HTTP, host string) *tls.Config {
	secure := tlsConfig.Clone()
	if secure.ServerName == "" {
		secure.ServerName = host
	}
	secure.NextProtos = map[config.HTTP][]string{
		config.HTTPAuto: {"h2", "http/1.1"}, config.HTTP1: {"http/1.1"}, config.HTTP2: {"h2"},
	}[version]
	if secure.ClientSessionCache == nil {
		secure.ClientSessionCache = tls.NewLRUClientSessionCache(sessionsKept)
	}
	// Small records at first are for who shows the beginning of what comes before its end; a request is read whole.
	secure.DynamicRecordSizingDisabled = true
	return secure
}

// asked is the proxy on the way to an upstream; nil if there is none.
func asked(proxy func(*http.Request) (*url.URL, error), at *url.URL) (*url.URL, error) {
	if proxy == nil {
		return nil, nil
	}
	return proxy(&http.Request{URL: at})
}

// credentials is what a proxy is shown; empty if it is shown nothing.
func credentials(proxy *url.URL) string {
	if proxy.User == nil {
		return ""
	}
	password, _ := proxy.User.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(proxy.User.Username()+":"+password))
}

// isPlain reports whether a host goes into a request as it is. net/http knows what to do with zones and international names.
func isPlain(host string) bool {
	return !strings.ContainsFunc(host, func(r rune) bool { return r > unicode.MaxASCII || r == '%' })
}

func addressOf(at *url.URL) string {
	port := at.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[at.Scheme]
	}
	return net.JoinHostPort(at.Hostname(), port)
}
