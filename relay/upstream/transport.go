// Package upstream is the way to an upstream: its address, made once; the transports, one of which is chosen when a channel is made;
// proxies, signatures, and what errors of the network mean. It belongs to the exchange, the only door to an upstream, and a linter
// keeps everybody else from it.
package upstream

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/config"
	"one-api/relay/upstream/http1"
	"one-api/relay/upstream/http2"
)

// Bounds of one channel's connections. The idle time is below the minute that most load balancers keep theirs, so that a
// request seldom meets a connection that its other end is just closing.
const (
	maxIdleConns         = 128
	idleConnTimeout      = 55 * time.Second
	maxResponseHeader    = 64 << 10 // parsed, tiny fields take some twenty times as much
	http2PingAfter       = 30 * time.Second
	http2PingTimeout     = 15 * time.Second
	http2WriteTimeout    = 15 * time.Second
	tcpKeepAliveInterval = 30 * time.Second

	// sessionsKept is how many TLS sessions are kept to be resumed: there is one upstream.
	sessionsKept = 2

	// spareConns is how many connections more than lately needed may stay idle.
	spareConns = 8
)

// Transport is one channel's connections. Channels share none, so that each one's can be counted, and so that a reload that
// changes a channel's proxy leaves the others' alone.
type Transport struct {
	http  *http.Transport
	fresh *http.Transport // the same, for calls whose connection has to be a new one
	// sockets is for connections that become websockets. It is made when the first one is asked for.
	sockets func() *http.Transport
	way     way
	own     *http1.Pool  // for what it can do; nil means nothing of this channel's
	many    *http2.Pool  // the same over HTTP/2
	bare    bool         // HTTP/2 without TLS, in which nobody says so
	open    atomic.Int64 // net/http's connections
	tcp     atomic.Int64 // those of own, which have no goroutines
	shared  atomic.Int64 // those of many, which have one each

	// What goroutines are explained by.
	calls       atomic.Int64 // exchanges that have begun and not ended
	tunnels     atomic.Int64 // open connections that are websockets: net/http has let go of them
	dialing     atomic.Int64 // connections that are being made, as far as TCP or the proxy
	handshaking atomic.Int64 // open ones in their TLS handshake
	aside       atomic.Int64 // goroutines of own's and many's: for handshakes, and for sockets that are full
	http2       atomic.Bool  // what the newest TLS handshake has agreed on, or the configuration has said

	peak   atomic.Int64 // most calls since the last look
	before atomic.Int64 // most calls between the two looks before

	// retired is set when a reload has replaced the transport: calls that still use it close what they leave behind.
	retired atomic.Bool
}

// Identity is what two configurations of a channel must agree on to share a transport.
type Identity struct {
	scheme, host, proxy string
	direct              bool
	connect             time.Duration
	http                config.HTTP
}

// SettingsOf is what decides whether a channel can keep the transport that it has.
func SettingsOf(c config.Channel) Identity {
	s := Identity{connect: c.Timeouts.Connect, direct: c.Direct, http: c.HTTP}
	if c.BaseURL != nil {
		s.scheme, s.host = c.BaseURL.Scheme, c.BaseURL.Host
	}
	if c.Proxy != nil {
		s.proxy = c.Proxy.String()
	}
	return s
}

// New is a transport to the upstream of a channel. It dials nothing yet.
func New(c config.Channel, tlsConfig *tls.Config) *Transport {
	t := &Transport{}
	dialer := &dialer{tcp: net.Dialer{Timeout: c.Timeouts.Connect, KeepAlive: tcpKeepAliveInterval}, tls: tlsConfig, limit: c.Timeouts.Connect}
	proxy := http.ProxyFromEnvironment
	if c.Proxy != nil || c.Direct {
		proxy = http.ProxyURL(c.Proxy)
	}
	if through := carrier(c.BaseURL, proxy); through != nil {
		dialer.proxy, proxy = through, nil
	}
	if t.bare = c.HTTP == config.HTTP2 && c.BaseURL != nil && c.BaseURL.Scheme == "http"; t.bare {
		t.http2.Store(true)
	}
	var secure *tls.Config
	if c.BaseURL != nil && c.BaseURL.Scheme == "https" {
		secure = securing(tlsConfig, c.HTTP, c.BaseURL.Hostname())
	}
	t.http, t.fresh = t.newHTTP(c, dialer, proxy, tlsConfig), t.newHTTP(c, dialer, proxy, tlsConfig)
	t.fresh.DisableKeepAlives = true
	t.sockets = sync.OnceValue(func() *http.Transport { return t.newSockets(c, dialer, t.http, tlsConfig) })
	t.way = &anyhow{t}
	t.own, t.many = t.newPool(c, dialer, proxy, secure), t.newShared(c, dialer, proxy, secure)
	if t.own != nil || t.many != nil {
		t.way = &itself{t, t.own, t.many, t.own != nil && t.own.TLS == nil && dialer.proxy == nil}
	}
	return t
}

// carrier is the proxy that carries bytes to an upstream, and so is spoken to by the dialer; nil if there is none. An HTTP proxy
// is told of each request for an upstream without TLS, which is net/http's to do.
func carrier(at *url.URL, proxy func(*http.Request) (*url.URL, error)) *url.URL {
	if at == nil {
		return nil
	}
	through, err := proxy(&http.Request{URL: at})
	if err != nil || through == nil {
		return nil
	}
	switch through.Scheme {
	case "socks5", "socks5h":
		return through
	case "http", "https":
		if at.Scheme == "https" {
			return through
		}
	}
	return nil
}

// newHTTP is net/http's connections. They speak HTTP/2 only if that was asked for: net/http's client (Go 1.26.8) holds a lock for ever, and
// every goroutine of the connection with it, once an upstream lets a stream's window grow too large.
func (t *Transport) newHTTP(
	c config.Channel, dialer *dialer, proxy func(*http.Request) (*url.URL, error), tlsConfig *tls.Config,
) *http.Transport {
	version := cmp.Or(c.HTTP, config.HTTP1)
	var secure *tls.Config // how TLS is spoken to the upstream; nil if it is not
	if c.BaseURL != nil && c.BaseURL.Scheme == "https" {
		secure = securing(tlsConfig, version, c.BaseURL.Hostname())
	}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		t.dialing.Add(1)
		defer t.dialing.Add(-1)
		conn, err := dialer.dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		t.open.Add(1)
		return &upstreamConn{Conn: conn, open: &t.open}, nil
	}
	var dialTLS func(ctx context.Context, network, address string) (net.Conn, error)
	if secure != nil {
		dialTLS = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			t.handshaking.Add(1)
			defer t.handshaking.Add(-1)
			return t.handshake(ctx, conn, secure, c.Timeouts.Connect)
		}
	}
	return &http.Transport{
		Proxy:               proxy,
		DialContext:         dial,
		DialTLSContext:      dialTLS,
		TLSClientConfig:     tlsConfig.Clone(),
		TLSHandshakeTimeout: c.Timeouts.Connect,
		Protocols:           protocols(version),
		HTTP2: &http.HTTP2Config{SendPingTimeout: http2PingAfter, PingTimeout: http2PingTimeout,
			WriteByteTimeout: http2WriteTimeout},
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    maxIdleConns,
		IdleConnTimeout:        idleConnTimeout,
		MaxResponseHeaderBytes: maxResponseHeader,
		// What an upstream sends unasked is unpacked by the exchange, within its bounds. Asking for it would make a provider
		// hold back events to pack them better.
		DisableCompression: true,
	}
}

// protocols is what may be spoken.
func protocols(version config.HTTP) *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(version == config.HTTP1)
	p.SetHTTP2(version == config.HTTP2)
	p.SetUnencryptedHTTP2(version == config.HTTP2)
	return p
}

// Connections is how many are open.
func (t *Transport) Connections() int64 { return t.open.Load() + t.tcp.Load() + t.shared.Load() }

// Enter counts a call in.
func (t *Transport) Enter() {
	n := t.calls.Add(1)
	for p := t.peak.Load(); n > p && !t.peak.CompareAndSwap(p, n); p = t.peak.Load() {
	}
}

// Leave counts one out.
func (t *Transport) Leave() {
	t.calls.Add(-1)
	if t.retired.Load() {
		t.http.CloseIdleConnections()
	}
}

// Retired reports whether a reload has replaced the transport.
func (t *Transport) Retired() bool { return t.retired.Load() }

// Trim closes the idle connections when far more are open than were lately needed: each costs two goroutines and the memory of
// two buffers, and a burst would keep them for a minute.
func (t *Transport) Trim() {
	recent := t.peak.Swap(t.calls.Load())
	needed := max(recent, t.before.Swap(recent))
	// An HTTP/2 connection is not idle yet when the call that was its last gives it back: one that a reload has left behind is closed
	// here, and not as late as one that may be used again.
	if t.retired.Load() || t.Connections()-t.calls.Load() > needed+spareConns {
		t.http.CloseIdleConnections()
	}
	now, keep := time.Now(), max(0, int(needed+spareConns-t.calls.Load()))
	if t.own != nil {
		t.own.Trim(now, keep)
	}
	if t.many != nil {
		t.many.Trim(now, keep)
	}
}

// Used reports whether somebody still holds something of the transport's.
func (t *Transport) Used() bool {
	return t.Connections() > 0 || t.dialing.Load() > 0 || t.calls.Load() > 0
}

// Goroutines is how many run for the transport. The relay's own HTTP/1.1 has one while it dials or shakes hands, its own HTTP/2 that and
// one that reads each connection. net/http's (Go 1.26), over HTTP/1.1: one that dials, and shakes hands; for an open connection two, those
// that read and write. Over HTTP/2: one that reads each connection, and one each call from the moment it has a connection to its end.
func (t *Transport) Goroutines() int64 {
	tunnels, handshaking := t.tunnels.Load(), t.handshaking.Load()
	dialing, open := t.dialing.Load()+t.aside.Load()+t.shared.Load(), max(0, t.open.Load()-tunnels)
	if !t.http2.Load() || t.many != nil {
		return dialing + 2*open - handshaking
	}
	return dialing + open + max(0, t.calls.Load()-tunnels-dialing-handshaking)
}

// Retire closes the connections that are idle, and has those that are in use closed behind their last call.
func (t *Transport) Retire() {
	t.retired.Store(true)
	t.http.CloseIdleConnections()
	t.fresh.CloseIdleConnections()
	if t.own != nil {
		t.own.Close()
	}
	if t.many != nil {
		t.many.Close()
	}
}

// upstreamConn counts a connection for as long as it is open.
type upstreamConn struct {
	net.Conn
	open    *atomic.Int64
	once    sync.Once
	severed atomic.Bool // the other end takes nothing more
}

// Write takes an upstream that has hung up for one that does not read on: it may have answered before, and net/http's client
// gives an answer up once it cannot write. If there is none, the next read says so.
func (c *upstreamConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil && hungUp(err) {
		c.severed.Store(true)
		return len(p), nil
	}
	return n, err
}

func (c *upstreamConn) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

// below is what net/http has a connection from, and whether calls share that.
func below(conn net.Conn) (counted *upstreamConn, shared bool) {
	for {
		switch c := conn.(type) {
		case *upstreamConn:
			return c, shared
		case *tls.Conn:
			shared = shared || c.ConnectionState().NegotiatedProtocol == "h2"
			conn = c.NetConn()
		default:
			return nil, shared
		}
	}
}
