package channel

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"

	"one-api/relay/channel/http1"
)

// answer is what an upstream has answered, up to its body.
type answer struct {
	status   int // 0: nothing yet
	length   int64
	kind     string      // Content-Type
	encoding string      // Content-Encoding
	header   http.Header // the whole of it, unless the status is 2xx
	body     io.ReadCloser
}

// ask sends the request and waits for the answer's header, which is in x.answer then. connected tells whether something of
// the request may have been sent.
func (x *Exchange) ask(r Request) (connected bool, err error) {
	if r.Header.Get("User-Agent") == "" {
		r.Header["User-Agent"] = userAgent
	}
	x.path = r.Path
	if x.Channel.transport.plain != nil && r.Method == "" && len(r.Body) <= http1.MaxBody {
		return x.askPlainly(r)
	}
	return x.askAnyhow(r)
}

var userAgent = []string{"one-api"}

// askPlainly is for an upstream without TLS: this goroutine writes and reads by itself.
func (x *Exchange) askPlainly(r Request) (connected bool, err error) {
	got, connected, err := x.Channel.transport.plain.Do(&x.hold.leash, http1.Request{
		Base: x.Channel.basePath, Path: pathOf(r.Path), Query: r.Query, Host: x.Channel.BaseURL.Host, Header: r.Header, Body: r.Body,
	})
	if err != nil {
		return connected, err
	}
	x.hold.plain = true
	x.answer = answer{got.Status, got.Length, got.Type, got.Encoding, got.Header, got}
	return true, nil
}

// asking is how far a request has come that net/http makes. Its goroutines keep the request, and with it this, for as long as the
// connection lives. Therefore neither this nor what cancels the request may refer to the exchange.
type asking struct {
	connected, reused, answered atomic.Bool
	connects                    atomic.Pointer[func()] // is called when there is a connection; nil: the request is over
}

func (a *asking) connect(info httptrace.GotConnInfo) {
	a.connected.Store(true)
	a.reused.Store(info.Reused)
	if connects := a.connects.Load(); connects != nil {
		(*connects)()
	}
}

// died reports whether a request failed because its connection, which had been used before, ended before a byte of the answer:
// the upstream was just closing it. HTTP/2 can end a request alone, which says nothing of its connection.
func (a *asking) died(err error) bool {
	return a.reused.Load() && !a.answered.Load() && !strings.HasPrefix(err.Error(), "stream error")
}

// askAnyhow leaves it to net/http.
func (x *Exchange) askAnyhow(r Request) (bool, error) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(x.client))
	l := &x.hold.leash
	l.Hold(func() { cancel(l.why()) })
	a, t := &asking{}, x.Channel.transport
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: a.connect, GotFirstResponseByte: func() { a.answered.Store(true) },
		TLSHandshakeStart: t.handshakeBegins, TLSHandshakeDone: t.handshakeEnded,
	})
	connects := func() { x.hold.clock.until(x.headerPhase()) }
	a.connects.Store(&connects)
	defer a.connects.Store(nil)
	x.payload = &payload{b: r.Body}
	x.hold.clock.until(x.connectPhase())
	got, err := t.http.RoundTrip(x.httpRequest(ctx, r))
	if err != nil && a.died(err) && l.why() == nil {
		deadline, outcome := x.connectPhase()
		if outcome == ConnectFailed { // which it is only while nothing has been sent
			outcome = UpstreamReset
		}
		x.hold.clock.until(deadline, outcome)
		got, err = t.fresh.RoundTrip(x.httpRequest(ctx, r))
	}
	if err != nil {
		return a.connected.Load(), err
	}
	x.answer = answer{
		got.StatusCode, got.ContentLength, got.Header.Get("Content-Type"), got.Header.Get("Content-Encoding"), got.Header, got.Body,
	}
	if got.StatusCode/100 == 2 {
		// net/http keeps the answer for as long as its body is open, and a header can be large and a stream long.
		x.answer.header, got.Header = nil, nil
	}
	return true, nil
}

// httpRequest is a request as net/http takes it.
func (x *Exchange) httpRequest(ctx context.Context, r Request) *http.Request {
	body, _ := x.payload.open() // fails only once it has been released
	request := &http.Request{
		Method: http.MethodPost, URL: x.Channel.url(r.Path, r.Query), Header: r.Header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(r.Body)), Body: body, GetBody: x.payload.open,
	}
	if r.Method != "" { // the relay's own question, for which no connection is kept
		request.Method, request.Body, request.GetBody, request.Close = r.Method, nil, nil, true
	}
	return request.WithContext(ctx)
}
