package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// Sent is a request of net/http's, and what that tells of it. Its goroutines keep the request, and with it its context, for as long as the
// connection lives: therefore neither this nor what ends the context may refer to the exchange.
type Sent struct {
	body     *replayable
	tcp      atomic.Pointer[upstreamConn] // nil means none yet
	shared   atomic.Bool                  // with other calls
	reused   atomic.Bool                  // it had been used before
	answered atomic.Bool                  // a byte of the answer has come
	returned atomic.Bool                  // net/http has taken it back, whole
	connects atomic.Pointer[func()]       // is called when there is a connection; nil if the request is over
}

// trace has net/http tell the call.
func (n *Sent) trace(ctx context.Context, t *Transport) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(got httptrace.GotConnInfo) { // again where net/http itself tries again
			tcp, shared := below(got.Conn)
			n.shared.Store(shared || t.bare)
			n.reused.Store(got.Reused)
			n.answered.Store(false)
			n.tcp.Store(tcp)
			if connects := n.connects.Load(); connects != nil {
				(*connects)()
			}
		},
		GotFirstResponseByte: func() { n.answered.Store(true) },
		PutIdleConn:          func(err error) { n.returned.Store(err == nil) },
	})
}

// connected reports whether there was a connection, so that something of the request may have been sent.
func (n *Sent) connected() bool { return n.tcp.Load() != nil }

// diedUnused reports whether err is the end of a connection that had been used before, and on which nothing of an answer came.
func (n *Sent) diedUnused(err error) bool {
	var ofStream streamError
	return n.reused.Load() && !n.answered.Load() && !errors.As(err, &ofStream)
}

// streamError is how net/http's HTTP/2 says that a stream was reset, and not its connection: it fills a struct of these fields
// (golang.org/x/net/http2.StreamError).
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (streamError) Error() string { return "the stream was reset" }

// LetGo lets go of the request's body, which is not to be sent again.
func (n *Sent) LetGo() { n.body.release() }

// Finish closes the call's connection, unless other calls share it or net/http has it back in good order. By then nobody reads
// it any more: in some states net/http would not.
func (n *Sent) Finish() {
	tcp := n.tcp.Load()
	if tcp == nil || n.shared.Load() {
		return
	}
	if !n.returned.Load() || tcp.severed.Load() {
		_ = tcp.Close()
	}
}

// errSwitches is an answer that nobody has asked for: net/http hands over its connection with it, and looks after nothing more.
var errSwitches = errors.New("malformed answer: it switches protocols")

// switches reports whether a status hands over the connection instead of an answer, or is a 1xx.
func switches(status int, body io.Reader) bool {
	_, writable := body.(io.Writer)
	return writable || status < http.StatusOK
}

// netBody is an answer's body that is closed once, by whoever comes first: the exchange or what ends its call.
type netBody struct {
	io.ReadCloser
	closed atomic.Bool
}

func (b *netBody) Close() error {
	if b.closed.Swap(true) {
		return nil
	}
	return b.ReadCloser.Close()
}
