package http1

import (
	"errors"
	"io"
	"net/http"
)

// ErrMalformed means that the server does not speak HTTP/1.1, ErrHeaderTooLarge that an answer's header is over 64 KiB.
var (
	ErrMalformed      = errors.New("http1: malformed answer")
	ErrHeaderTooLarge = errors.New("http1: response headers exceeded 64 KiB")
	errClosed         = errors.New("http1: the answer is closed")
)

// framing is how an answer says where it ends.
type framing uint8

const (
	byLength framing = iota
	byChunks
	byClosing
)

// Answer is an open answer. Read and Close belong to the goroutine that asked, and need not be told apart from the answers of
// other requests on the same connection: Close lets go of it.
type Answer struct {
	Status   int
	Type     string      // Content-Type
	Encoding string      // Content-Encoding
	Length   int64       // Content-Length; -1 if not said
	Header   http.Header // the whole header; of a 2xx no more than what TellsLimits

	pool     *Pool
	conn     *conn // nil means closed
	canceler Canceler
	upload   *upload // what has not been sent of the request; nil means nothing
	unsent   error   // why not all of the request was sent; nil means that all was, or that upload goes on
	page     *page   // nil means given back
	rest     []byte  // what came with the header, in page or, if that was too small, elsewhere
	framing  framing
	left     int64 // byLength: what has not come yet
	chunks   chunks
	silent   bool // the connection ended before a byte of it came
	ended    bool // the whole of it has come
	reusable bool // the connection is good for another request, once it has
}

// Read reads the body, without its transfer coding. io.EOF may come with its last bytes. An answer that ends before its end is
// io.ErrUnexpectedEOF.
func (a *Answer) Read(b []byte) (int, error) {
	switch {
	case a.conn == nil:
		return 0, errClosed
	case a.ended:
		return 0, io.EOF
	case len(b) == 0:
		return 0, nil
	}
	switch a.framing {
	case byLength:
		return a.readLength(b)
	case byChunks:
		return a.readChunks(b)
	default:
		n, err := a.source(b)
		a.ended = errors.Is(err, io.EOF)
		return n, err
	}
}

// Buffered reports whether Read has something to give at once. For chunks nobody can know without decoding them: false.
func (a *Answer) Buffered() bool { return a.framing == byLength && len(a.rest) > 0 }

func (a *Answer) readLength(b []byte) (int, error) {
	if int64(len(b)) > a.left {
		b = b[:a.left]
	}
	n, err := a.source(b)
	a.left -= int64(n)
	switch {
	case a.left == 0:
		a.ended = true
		return n, io.EOF
	case errors.Is(err, io.EOF):
		return n, io.ErrUnexpectedEOF
	}
	return n, err
}

// readChunks decodes the chunks where they were read to: there is no other buffer.
func (a *Answer) readChunks(b []byte) (int, error) {
	for {
		n, err := a.source(b)
		data, excess, broken := a.chunks.decode(b[:n])
		switch {
		case broken != nil:
			return data, broken
		case a.chunks.done:
			a.ended = true
			a.reusable = a.reusable && excess == 0
			return data, io.EOF
		case errors.Is(err, io.EOF):
			return data, io.ErrUnexpectedEOF
		case err != nil || data > 0:
			return data, err
		}
	}
}

// source reads what came with the header, and then the connection.
func (a *Answer) source(b []byte) (int, error) {
	if len(a.rest) == 0 {
		return a.receive(b)
	}
	n := copy(b, a.rest)
	if a.rest = a.rest[n:]; len(a.rest) == 0 {
		a.rest = nil
		a.dropPage()
	}
	return n, nil
}

// receive reads the connection, and sends the rest of the request while there is nothing to read.
func (a *Answer) receive(b []byte) (int, error) {
	if a.upload != nil {
		n, err := a.conn.sendOn(b, a.upload)
		if !a.upload.going() {
			a.dropUpload()
		}
		if err != errNothing { //nolint:errorlint // it is this package's, and nobody wraps it
			return n, err
		}
	}
	return a.conn.read(b)
}

// dropUpload lets go of the request.
func (a *Answer) dropUpload() {
	if a.upload != nil {
		a.unsent = a.upload.end()
		a.upload = nil
	}
}

func (a *Answer) dropPage() {
	if a.page != nil {
		a.page.giveBack()
		a.page = nil
	}
}

// Close gives the connection back, or closes it if the answer has not been read to its end. The answer holds nothing from
// then on; closing it again does nothing.
func (a *Answer) Close() error {
	c := a.conn
	if c == nil {
		return nil
	}
	a.dropUpload()
	// A server that answers before it has read the request is not asked again on this connection.
	good := a.ended && a.reusable && len(a.rest) == 0 && a.unsent == nil && c.clean()
	a.conn, a.rest = nil, nil
	a.dropPage()
	// If this comes too late, the connection has been closed, or is being closed.
	if a.canceler.Drop() && good {
		a.pool.put(c)
	} else {
		c.close()
	}
	return nil
}

// fail closes the connection of an answer that there is not.
func (a *Answer) fail() {
	a.reusable = false
	_ = a.Close()
}
