package http1

import (
	"errors"
	"io"
	"sync"
)

// Source is a body that is not in memory. It can be sent any number of times, and reading it takes no time to speak of.
type Source interface {
	// Size is how many bytes that is.
	Size() int64
	// Open begins to read it.
	Open() io.ReadCloser
}

// sheet is what a larger body is sent by: what goes into a record, and what TLS makes of it.
type sheet struct {
	plain  [maxRecord]byte
	secret [maxRecord + 1<<10]byte
}

// maxRecord is what fits into one record of TLS.
const maxRecord = 16 << 10

// mostAtOnce is how much of a body in memory is sent between two looks for an answer.
const mostAtOnce = 64 << 10

var sheets = sync.Pool{New: func() any { return new(sheet) }}

// shredded is told of a sheet that is given back, for tests.
var shredded = func(*sheet) {}

func (s *sheet) giveBack() {
	shredded(s)
	sheets.Put(s)
}

var errCut = errors.New("http1: not all of the request was sent")

// upload is a request with a larger body, until the last of it is sent, or its answer closed. It belongs to the goroutine that asks
// and reads the answer, which does a piece of it whenever there is nothing to read: for as long as an answer is open, it is sent on.
type upload struct {
	conn   *conn
	sheet  *sheet        // nil means ended
	head   []byte        // what has not been taken of the header
	body   []byte        // and of the body, if it is in memory
	from   io.ReadCloser // if it is not; nil means that it is, or has been read
	left   int64         // of from
	out    []byte        // what has been taken and has to be sent, without TLS; with it that is in the wire
	failed error         // of writing; nothing more is sent
}

func (c *conn) upload(head []byte, r *Request) *upload {
	u := &upload{conn: c, sheet: sheets.Get().(*sheet), head: head, body: r.Body}
	if r.Source != nil {
		u.body, u.from, u.left = nil, r.Source.Open(), r.Source.Size()
	}
	if c.tls != nil {
		c.wire.hold(u.sheet.secret[:])
	}
	return u
}

// send sends a piece, and waits for a moment if the connection takes none. An error is that there is no next piece; what becomes of
// writing is in failed, and there may be an answer to read all the same.
func (u *upload) send() error {
	if u.failed = u.fill(); u.failed != nil {
		return u.failed
	}
	out := u.pending()
	n, err := u.conn.put(out)
	if n == 0 && err == nil && len(out) > 0 {
		n, err = u.conn.putSoon(out)
	}
	u.sent(n)
	u.failed = err
	return nil
}

// going reports whether there is something to send.
func (u *upload) going() bool {
	return u.failed == nil && (len(u.pending()) > 0 || len(u.head)+len(u.body) > 0 || u.left > 0)
}

func (u *upload) pending() []byte {
	if u.conn.tls != nil {
		return u.conn.wire.pending()
	}
	return u.out
}

func (u *upload) sent(n int) {
	if u.conn.tls != nil {
		u.conn.wire.gone += n
	} else {
		u.out = u.out[n:]
	}
}

// fill takes the next piece, if the one before has been sent.
func (u *upload) fill() error {
	if len(u.pending()) > 0 {
		return nil
	}
	c := u.conn
	if c.tls == nil && len(u.head) == 0 && u.from == nil { // it can be sent from where it stands
		n := min(len(u.body), mostAtOnce)
		u.out, u.body = u.body[:n], u.body[n:]
		return nil
	}
	n, err := u.take(u.sheet.plain[:])
	if err != nil {
		return err
	}
	if c.tls == nil {
		u.out = u.sheet.plain[:n]
		return nil
	}
	c.wire.hold(u.sheet.secret[:])
	_, err = c.tls.Write(u.sheet.plain[:n])
	return err
}

// take copies the next piece.
func (u *upload) take(b []byte) (int, error) {
	n := copy(b, u.head)
	u.head = u.head[n:]
	if len(u.head) > 0 {
		return n, nil
	}
	if u.from == nil {
		took := copy(b[n:], u.body)
		u.body = u.body[took:]
		return n + took, nil
	}
	took, err := io.ReadFull(u.from, b[n:n+int(min(u.left, int64(len(b)-n)))])
	u.left -= int64(took)
	return n + took, err
}

// end lets go of what it holds. cut is why not all of it was sent; nil means that all was.
func (u *upload) end() (cut error) {
	if cut = u.failed; u.going() {
		cut = errCut
	}
	if u.from != nil {
		_ = u.from.Close() // it was read, and has nothing more to say
	}
	if u.conn.tls != nil {
		u.conn.wire.letGo()
	}
	u.sheet.giveBack()
	*u = upload{}
	return cut
}

// sendOn sends on until something comes, and reads that: errNothing if all was sent before.
func (c *conn) sendOn(b []byte, u *upload) (int, error) {
	for u.going() {
		if err := u.send(); err != nil {
			return 0, err
		}
		if n, err := c.poll(b); err != errNothing { //nolint:errorlint // it is this package's, and nobody wraps it
			return n, err
		}
	}
	return 0, errNothing
}
