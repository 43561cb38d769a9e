// Package socket is websockets (RFC 6455) as the relay has them: whole messages within a bound and a budget, a deadline for each part
// of one, no compression, and no goroutine of their own. Framing is github.com/coder/websocket's; what a message says is not known here.
package socket

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"one-api/relay/membudget"
)

// Conn is one end of a websocket. One goroutine reads at a time; any may write.
type Conn struct {
	ws *websocket.Conn
	// under is the connection below, for its deadlines; nil: it has none that can be set.
	under deadlines
	// part is how long each part of a message may take to come, once it has begun.
	part time.Duration
	// over is whether there is anything more to read below.
	over *StreamEnd
}

// StreamEnd is whether the stream below a websocket has ended. The library takes that for the end of a message, whatever of it is missing.
type StreamEnd struct{ seen atomic.Bool }

// errCut says that the connection ended before a message did.
var errCut = errors.New("the connection broke in the middle of a message")

func (o *StreamEnd) note(n int, err error) (int, error) {
	switch {
	case n > 0: // an error beside it comes again
		return n, nil
	case err != nil:
		o.seen.Store(true)
	}
	return n, err
}

// ended is the error at the end of a message that has been read as far as the library has it.
func (o *StreamEnd) ended(err error) error {
	if errors.Is(err, io.EOF) && o.seen.Load() {
		return errCut
	}
	return err
}

// Below has a stream below a websocket note its end.
func (o *StreamEnd) Below(stream io.ReadCloser) io.ReadCloser {
	if both, ok := stream.(io.ReadWriteCloser); ok {
		return &overStream{both, o}
	}
	return stream
}

type overStream struct {
	io.ReadWriteCloser
	over *StreamEnd
}

func (s *overStream) Read(p []byte) (int, error) { return s.over.note(s.ReadWriteCloser.Read(p)) }

type overConn struct {
	net.Conn
	over *StreamEnd
}

func (c *overConn) Read(p []byte) (int, error) { return c.over.note(c.Conn.Read(p)) }

type deadlines interface {
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// Close codes (RFC 6455, section 7.4.1).
const (
	Normal       = int(websocket.StatusNormalClosure)
	GoingAway    = int(websocket.StatusGoingAway)
	Unsupported  = int(websocket.StatusUnsupportedData)
	Policy       = int(websocket.StatusPolicyViolation)
	TooBig       = int(websocket.StatusMessageTooBig)
	Broken       = int(websocket.StatusInternalError)
	Restart      = int(websocket.StatusServiceRestart)
	Later        = int(websocket.StatusTryAgainLater)
	BadGateway   = int(websocket.StatusBadGateway)
	unsaid       = int(websocket.StatusNoStatusRcvd) // no code was sent: it cannot be sent either
	longestCause = 123                               // bytes of a reason
)

// Asks reports whether a request asks for a websocket, however well.
func Asks(r *http.Request) bool { return hasToken(r.Header["Upgrade"], "websocket") }

// Offers reports whether a request for a websocket offers a protocol.
func Offers(r *http.Request, protocol string) bool {
	return hasToken(r.Header["Sec-Websocket-Protocol"], protocol)
}

// Misasked says what is wrong with a request for a websocket (RFC 6455, section 4.2.1), and with which status that is answered; 0:
// nothing is.
func Misasked(r *http.Request) (status int, why string) {
	switch {
	case !r.ProtoAtLeast(1, 1):
		return http.StatusUpgradeRequired, "A websocket takes HTTP/1.1, and this request is " + r.Proto + "."
	case !hasToken(r.Header["Connection"], "upgrade"):
		return http.StatusBadRequest, "A websocket is asked for with `Connection: Upgrade`, which this request has not: a proxy on the way " +
			"may have taken it out."
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		return http.StatusUpgradeRequired, "This relay speaks version 13 of the websocket protocol (`Sec-WebSocket-Version: 13`)."
	case len(r.Header["Sec-Websocket-Key"]) != 1:
		return http.StatusBadRequest, "A websocket is asked for with one `Sec-WebSocket-Key`."
	}
	return 0, ""
}

func hasToken(values []string, token string) bool {
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// Accept makes a request's connection a websocket. protocol is the one that is agreed to of those that the client offers; empty: none.
// part is how long each part of a message may take to come, once it has begun.
//
// Any origin may: who calls is known by a key and never by a cookie. What is sent is not compressed: that would take a window of
// memory for each connection, and most of what is said here is sound or short.
func Accept(w http.ResponseWriter, r *http.Request, protocol string, part time.Duration) (*Conn, error) {
	taken := &taker{ResponseWriter: w, over: new(StreamEnd)}
	options := &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled}
	if protocol != "" {
		options.Subprotocols = []string{protocol}
	}
	ws, err := websocket.Accept(taken, r, options)
	if err != nil {
		return nil, err
	}
	return &Conn{ws: ws, under: taken.conn, part: part, over: taken.over}, nil
}

// Of is the client's end of a websocket that has been asked for. under is the connection below; nil if it has no deadlines. over has
// been put below what the library reads.
func Of(ws *websocket.Conn, under deadlines, part time.Duration, over *StreamEnd) *Conn {
	return &Conn{ws: ws, under: under, part: part, over: over}
}

// taker notes the connection that the library takes from net/http.
type taker struct {
	http.ResponseWriter
	conn net.Conn
	over *StreamEnd
}

// Hijack is http.Hijacker's.
func (t *taker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(t.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	t.conn = conn
	return &overConn{conn, t.over}, buffered, nil
}

// WriteHeaderNow sends the status where the writer would keep it back (gin's does).
func (t *taker) WriteHeaderNow() {
	if w, ok := t.ResponseWriter.(interface{ WriteHeaderNow() }); ok {
		w.WriteHeaderNow()
	}
}

// block is how much of a message has to come within the time of a part.
const block = 64 << 10

// ErrBinary says that a message is binary, where all are text.
var ErrBinary = errors.New("a binary message, where all are text")

// Read waits for the next message, which is text of at most so many bytes, and counts what it holds. Control frames are dealt with
// meanwhile. A longer message ends the connection, with code 1009. An error that CloseOf knows is the other side's word.
func (c *Conn) Read(held *membudget.Lease, most int64) ([]byte, error) {
	c.ws.SetReadLimit(most)
	kind, r, err := c.ws.Reader(context.Background())
	if err != nil {
		return nil, err
	}
	message, err := c.take(r, held, most)
	if err == nil && kind != websocket.MessageText {
		return nil, ErrBinary
	}
	return message, err
}

// take reads a message to its end.
func (c *Conn) take(r io.Reader, held *membudget.Lease, most int64) ([]byte, error) {
	message := held.Buffer(-1, most)
	defer message.Close()
	defer c.readBy(time.Time{})
	for due := 0; ; {
		if message.Len() >= due {
			due = message.Len() + block
			c.readBy(time.Now().Add(c.part))
		}
		room, err := message.Room()
		if err != nil {
			return nil, err
		}
		n, err := r.Read(room)
		message.Took(n)
		switch err = c.over.ended(err); {
		case err == io.EOF: //nolint:errorlint // that is the end of a message; a connection that broke may wrap one
			return message.Body()
		case err != nil:
			return nil, err
		}
	}
}

func (c *Conn) readBy(t time.Time) {
	if c.under != nil && c.part > 0 {
		_ = c.under.SetReadDeadline(t) // fails on a connection that is closed, and with it the read
	}
}

// Write sends a text message. How long that may take is the connection's to say.
func (c *Conn) Write(message []byte) error {
	return c.ws.Write(context.Background(), websocket.MessageText, message)
}

// SetWriteDeadline bounds the writes that are waiting and those to come.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if c.under == nil {
		return http.ErrNotSupported
	}
	return c.under.SetWriteDeadline(t)
}

// Ping asks the other side for a sign of life, and waits for it no longer than timeout. Somebody has to be reading meanwhile.
func (c *Conn) Ping(timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return c.ws.Ping(ctx)
}

// Close says goodbye with a code and a reason, waits a few seconds for the other side to do so too, and closes the connection. A
// reader's Read ends.
func (c *Conn) Close(code int, reason string) {
	if code == unsaid || code < 0 {
		code = Normal
	}
	_ = c.ws.Close(websocket.StatusCode(code), clip(reason)) // what is wrong with it now matters to nobody
}

// CloseNow closes the connection.
func (c *Conn) CloseNow() { _ = c.ws.CloseNow() }

// clip is as much of a reason as there is room for in a frame.
func clip(reason string) string {
	if len(reason) <= longestCause {
		return reason
	}
	return strings.ToValidUTF8(reason[:longestCause], "")
}

// CloseOf is how the other side has closed the connection, if that is what err says: its code, 1005 if it gave none, and its reason.
func CloseOf(err error) (code int, reason string, ok bool) {
	var closed websocket.CloseError
	if !errors.As(err, &closed) {
		return 0, "", false
	}
	return int(closed.Code), closed.Reason, true
}

// IsTooBig reports whether a message was longer than it may be. The other side has been told.
func IsTooBig(err error) bool { return errors.Is(err, websocket.ErrMessageTooBig) }

// Kind is what a message is made of.
type Kind = websocket.MessageType

// Next waits for the next message, of at most so many bytes. What it is made of is read from the reader, to its end, before the next
// one is waited for; each part of it has its time.
func (c *Conn) Next(most int64) (Kind, io.Reader, error) {
	c.readBy(time.Time{})
	c.ws.SetReadLimit(most)
	kind, r, err := c.ws.Reader(context.Background())
	if err != nil {
		return 0, nil, err
	}
	return kind, &timed{c, r}, nil
}

// timed gives each part of a message its time.
type timed struct {
	c *Conn
	r io.Reader
}

func (t *timed) Read(p []byte) (int, error) {
	t.c.readBy(time.Now().Add(t.c.part))
	n, err := t.r.Read(p)
	return n, t.c.over.ended(err)
}

// Send sends a whole message.
func (c *Conn) Send(kind Kind, message []byte) error {
	return c.ws.Write(context.Background(), kind, message)
}

// Begin begins a message that is sent in parts, as they come.
func (c *Conn) Begin(kind Kind) (io.WriteCloser, error) {
	return c.ws.Writer(context.Background(), kind)
}
