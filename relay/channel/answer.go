package channel

import (
	"context"
	"io"
	"net/http"

	"one-api/relay/channel/http1"
	"one-api/relay/lane"
	"one-api/relay/outcome"
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
func (x *Exchange) ask(r lane.Request) (connected bool, err error) {
	if x.Channel.transport.plain != nil && r.Method == "" && len(r.Body) <= http1.MaxBody {
		return x.askPlainly(r)
	}
	return x.askAnyhow(r)
}

// askPlainly is for an upstream without TLS: this goroutine writes and reads by itself.
func (x *Exchange) askPlainly(r lane.Request) (connected bool, err error) {
	got, connected, err := x.Channel.transport.plain.Do(&x.hold.leash, http1.Request{
		Path: x.at.path, Query: x.at.url.RawQuery, Host: x.at.url.Host, Header: r.Header, Body: r.Body,
	})
	if err != nil {
		return connected, err
	}
	x.hold.plain = true
	x.answer = answer{got.Status, got.Length, got.Type, got.Encoding, got.Header, got}
	return true, nil
}

// askAnyhow leaves it to net/http. A reused connection that dies before a byte of the answer was most likely closed while the
// request was on its way: the request is sent once more, on a connection that is made for it.
func (x *Exchange) askAnyhow(r lane.Request) (bool, error) {
	x.payload = &payload{b: r.Body}
	t := x.Channel.transport
	x.hold.clock.until(x.connectPhase())
	n, err := x.askOver(t.http, r)
	if err == nil || !n.diedUnused(err) || x.hold.leash.why() != nil {
		return n.connected(), err
	}
	deadline, as := x.connectPhase()
	if as == outcome.ConnectFailed { // which it is only while nothing has been sent
		as = outcome.UpstreamReset
	}
	x.hold.clock.until(deadline, as)
	_, err = x.askOver(t.fresh, r)
	return true, err
}

// askOver is one request and its answer.
func (x *Exchange) askOver(over *http.Transport, r lane.Request) (*netCall, error) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(x.client))
	l := &x.hold.leash
	end := func() { cancel(l.why()) }
	l.Hold(end)
	n := &netCall{}
	x.hold.use(n)
	connects := func() { x.hold.clock.until(x.headerPhase()) }
	n.connects.Store(&connects)
	got, err := over.RoundTrip(x.httpRequest(n.trace(ctx, x.Channel.transport), r))
	n.connects.Store(nil)
	if err != nil {
		return n, err
	}
	if switches(got.StatusCode, got.Body) {
		_ = got.Body.Close() // which is the connection itself
		return n, errSwitches
	}
	open := &netBody{ReadCloser: got.Body}
	// Not everywhere does net/http look at its context: behind an answer that came before HTTP/2 had let the whole request
	// through, it waits for more room and nothing else. The body is closed as well, which ends whoever reads it.
	l.Hold(func() {
		end()
		_ = open.Close()
	})
	x.answer = answer{
		got.StatusCode, got.ContentLength, got.Header.Get("Content-Type"), got.Header.Get("Content-Encoding"), nil, open,
	}
	x.answer.header = got.Header
	if got.StatusCode/100 == 2 {
		// net/http keeps the answer for as long as its body is open, and a header can be large and a stream long.
		x.answer.header, got.Header = nil, nil
	}
	return n, nil
}

// httpRequest is a request as net/http takes it.
func (x *Exchange) httpRequest(ctx context.Context, r lane.Request) *http.Request {
	body, _ := x.payload.open() // fails only once it has been released
	request := &http.Request{
		Method: http.MethodPost, URL: x.at.url, Header: r.Header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(r.Body)), Body: body, GetBody: x.payload.open,
	}
	if r.Method != "" { // the relay's own question, for which no connection is kept
		request.Method, request.Body, request.GetBody, request.Close = r.Method, nil, nil, true
	}
	return request.WithContext(ctx)
}
