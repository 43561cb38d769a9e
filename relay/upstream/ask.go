package upstream

import (
	"context"
	"io"
	"net/http"
	"strings"

	"one-api/relay/upstream/http1"
)

// Request is what an upstream is asked.
type Request struct {
	Method string // empty means POST; any other has no body, and no connection is kept for it
	At     *Address
	Header http.Header
	Body   []byte
	Source Source // the body, if it is not Body; nil if it is
}

// Source is a body that is not in memory. It can be sent any number of times.
type Source interface {
	// Size is how many bytes that is.
	Size() int64
	// Open begins to read it. Close may come from another goroutine than the one that reads.
	Open() io.ReadCloser
}

// Answer is what an upstream has answered, up to its body.
type Answer struct {
	Status   int // 0 means nothing yet
	Length   int64
	Encoding string      // Content-Encoding
	Type     string      // Content-Type
	Header   http.Header // the whole of it; of a 2xx no more than what tells limits
	Body     io.ReadCloser
	// CloseFirst means that the body is closed before the call is ended, which would close a connection that is good for another one.
	CloseFirst bool
}

// Canceler ends a call before its time. See http1.Canceler.
type Canceler interface {
	http1.Canceler
	// Why is the reason for which the call was ended; nil if it was not.
	Why() error
}

// Caller is the call that a transport asks for.
type Caller interface {
	// Canceler is kept for as long as the answer is open. It must not lead to what the answer is kept in, or nobody would notice that
	// all of it was forgotten.
	Canceler() Canceler
	// Context has what the making of a connection may look up; that it ends is of no account.
	Context() context.Context
	// Connecting begins the wait for a connection. again: one that had been used before has died.
	Connecting(again bool)
	// Connected begins the wait for the answer's header. It may be called by another goroutine.
	Connected()
	// Sends is told of each request of net/http's before it is made. If there was one before, it has failed.
	Sends(*Sent)
}

// way is how an upstream is asked. It is chosen once, when its transport is made.
type way interface {
	// do sends a request and waits for the header of its answer, which is in a then. connected reports whether something of the request
	// may have been sent.
	do(c Caller, r Request, a *Answer) (connected bool, err error)
}

// Do sends a request and waits for the header of its answer, which is in a then. connected reports whether something of the request may
// have been sent. Streams wait with the stack that this takes, so that nothing large is passed on it.
func (t *Transport) Do(c Caller, r Request, a *Answer) (connected bool, err error) {
	return t.way.do(c, r, a)
}

// anyhow leaves it to net/http.
type anyhow struct{ t *Transport }

// do asks, and if a reused connection dies before a byte of the answer, it was most likely closed while the request was on its
// way: the request is sent once more, on a connection that is made for it.
func (w *anyhow) do(c Caller, r Request, a *Answer) (bool, error) {
	body := &replayable{b: r.Body, source: r.Source}
	c.Connecting(false)
	n, err := w.over(w.t.http, c, r, body, a)
	if err == nil || !n.diedUnused(err) || c.Canceler().Why() != nil {
		return n.connected(), err
	}
	c.Connecting(true)
	_, err = w.over(w.t.fresh, c, r, body, a)
	return true, err
}

// over is one request and its answer.
func (w *anyhow) over(over *http.Transport, c Caller, r Request, body *replayable, a *Answer) (*Sent, error) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(c.Context()))
	l := c.Canceler()
	end := func() { cancel(l.Why()) }
	l.Hold(end)
	n := &Sent{body: body}
	c.Sends(n)
	connects := c.Connected
	n.connects.Store(&connects)
	got, err := over.RoundTrip(r.http(n.trace(ctx, w.t), body))
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
	*a = Answer{
		got.StatusCode, got.ContentLength, got.Header.Get("Content-Encoding"), got.Header.Get("Content-Type"), got.Header, open, false,
	}
	if got.StatusCode/100 == 2 {
		// net/http keeps the answer for as long as its body is open, and a header can be large and a stream long.
		a.Header, got.Header = limits(got.Header), nil
	}
	return n, nil
}

// limits is what a header tells of limits; nil: nothing.
func limits(header http.Header) (told http.Header) {
	for name, values := range header {
		if !http1.TellsLimits([]byte(name)) || len(told) == http1.MostLimits || len(values) != 1 || len(values[0]) > http1.LongestLimit {
			continue
		}
		if told == nil {
			told = http.Header{}
		}
		told[name] = []string{strings.Clone(values[0])} // net/http cuts it out of all of the header
	}
	return told
}

// http is the request as net/http takes it.
func (r Request) http(ctx context.Context, of *replayable) *http.Request {
	body, _ := of.open() // fails only once it has been released
	request := &http.Request{
		Method: http.MethodPost, URL: r.At.url, Header: r.Header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(r.Body)), Body: body, GetBody: of.open,
	}
	if r.Source != nil {
		request.ContentLength = r.Source.Size()
	}
	if r.Method != "" {
		request.Method, request.Body, request.GetBody, request.Close = r.Method, nil, nil, true
	}
	return request.WithContext(ctx)
}
