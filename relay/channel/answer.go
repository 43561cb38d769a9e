package channel

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
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

// askAnyhow leaves it to net/http.
func (x *Exchange) askAnyhow(r Request) (bool, error) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(x.client))
	l := &x.hold.leash
	l.Hold(func() { cancel(l.why()) })
	// net/http's goroutines keep the request, and with it its context, for as long as the connection lives. Therefore neither
	// what cancels it nor the trace may refer to the exchange.
	var connected atomic.Bool
	t := x.Channel.transport
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:           func(httptrace.GotConnInfo) { connected.Store(true) },
		TLSHandshakeStart: t.handshakeBegins, TLSHandshakeDone: t.handshakeEnded,
	})
	x.payload = &payload{b: r.Body}
	body, _ := x.payload.open() // fails only once it has been released
	request := &http.Request{
		Method: http.MethodPost, URL: x.Channel.url(r.Path, r.Query), Header: r.Header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(r.Body)), Body: body, GetBody: x.payload.open,
	}
	if r.Method != "" { // the relay's own question, for which no connection is kept
		request.Method, request.Body, request.GetBody, request.Close = r.Method, nil, nil, true
	}
	got, err := t.http.RoundTrip(request.WithContext(ctx))
	if err != nil {
		return connected.Load(), err
	}
	x.answer = answer{
		got.StatusCode, got.ContentLength, got.Header.Get("Content-Type"), got.Header.Get("Content-Encoding"), got.Header, got.Body,
	}
	return true, nil
}
