package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/coder/websocket"

	"one-api/relay/config"
	"one-api/relay/socket"
)

// longestPart is how long each part of a message may take to come, once it has begun.
const longestPart = time.Minute

// errNoSwitch says that an upstream answers otherwise than with a websocket.
var errNoSwitch = errors.New("the answer is no websocket")

// Upgrade asks for a websocket. If the upstream answers with anything else, that is in a, and the error says nothing. connected reports
// whether something of the request may have been sent. The connection is closed by a's body, or by what ends the call.
func (t *Transport) Upgrade(c Caller, r Request, a *Answer) (conn *socket.Conn, connected bool, err error) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(c.Context()))
	l := c.Canceler()
	end := func() { cancel(l.Why()) }
	l.Hold(end)
	n := &Sent{body: &replayable{}}
	c.Sends(n)
	connects := c.Connected
	n.connects.Store(&connects)
	defer n.connects.Store(nil)
	c.Connecting(false)
	r.Header["Accept-Encoding"] = []string{"identity"}
	over := new(socket.StreamEnd)
	ws, _, err := websocket.Dial(t.traced(ctx, n), r.At.url.String(), &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: &switching{t.sockets(), a, over}}, HTTPHeader: r.Header,
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		if a.Status == 0 {
			cancel(nil)
			return nil, n.connected(), err
		}
		open := &netBody{ReadCloser: a.Body}
		a.Body = open
		l.Hold(func() {
			end()
			_ = open.Close()
		})
		return nil, true, errNoSwitch
	}
	tcp := n.tcp.Load()
	t.tunnels.Add(1)
	tunnel := &tunnelBody{ws: ws, ends: func() {
		cancel(nil)
		t.tunnels.Add(-1)
	}}
	l.Hold(func() {
		end()
		_ = tcp.Close() // at once, and whoever waits for it sees it
	})
	*a = Answer{Status: http.StatusSwitchingProtocols, Length: -1, Body: tunnel, CloseFirst: true}
	return socket.Of(ws, tcp, longestPart, over), true, nil
}

// traced has net/http tell the call. What the handshake agrees on says nothing of the channel's other connections.
func (t *Transport) traced(ctx context.Context, n *Sent) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(got httptrace.GotConnInfo) {
			tcp, _ := below(got.Conn)
			n.tcp.Store(tcp)
			if connects := n.connects.Load(); connects != nil {
				(*connects)()
			}
		},
		GotFirstResponseByte: func() { n.answered.Store(true) },
	})
}

// switching is the way on which the library asks, that sees an answer which is no websocket.
type switching struct {
	by   *http.Transport
	a    *Answer
	over *socket.StreamEnd
}

// RoundTrip is http.RoundTripper's.
func (s *switching) RoundTrip(r *http.Request) (*http.Response, error) {
	got, err := s.by.RoundTrip(r)
	if err != nil {
		return got, err
	}
	if got.StatusCode == http.StatusSwitchingProtocols {
		got.Body = s.over.Below(got.Body)
		return got, nil
	}
	*s.a = Answer{
		Status: got.StatusCode, Length: got.ContentLength, Encoding: got.Header.Get("Content-Encoding"),
		Type: got.Header.Get("Content-Type"), Header: got.Header, Body: got.Body,
	}
	return nil, errNoSwitch
}

// tunnelBody is a websocket as the exchange holds it.
type tunnelBody struct {
	ws   *websocket.Conn
	once sync.Once
	ends func()
}

func (*tunnelBody) Read([]byte) (int, error) { return 0, io.EOF }

func (b *tunnelBody) Close() error {
	err := b.ws.CloseNow()
	b.once.Do(b.ends)
	return err
}

// newSockets is the connections that become websockets: over HTTP/1.1, each one new, and through a proxy as bytes whatever the upstream
// speaks, since many proxies do not pass an upgrade on.
func (t *Transport) newSockets(c config.Channel, d *dialer, proxy *http.Transport, tlsConfig *tls.Config) *http.Transport {
	through := *d
	if through.proxy == nil && proxy.Proxy != nil && c.BaseURL != nil {
		through.proxy, _ = proxy.Proxy(&http.Request{URL: c.BaseURL}) // it has been asked before
	}
	one := new(http.Protocols)
	one.SetHTTP1(true)
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			t.dialing.Add(1)
			defer t.dialing.Add(-1)
			conn, err := through.dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			t.open.Add(1)
			return &upstreamConn{Conn: conn, open: &t.open}, nil
		},
		TLSClientConfig: tlsConfig.Clone(), TLSHandshakeTimeout: c.Timeouts.Connect, Protocols: one, DisableKeepAlives: true,
		MaxResponseHeaderBytes: maxResponseHeader, DisableCompression: true,
	}
}
