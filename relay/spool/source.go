package spool

import (
	"io"
	"os"
	"sync/atomic"
)

// Edited is a body in which the bytes from From to To are another text. It can be read any number of times.
type Edited struct {
	Body     *Body
	From, To int64
	Text     []byte
}

// Size is how many bytes there are.
func (e *Edited) Size() int64 { return e.Body.Size() - (e.To - e.From) + int64(len(e.Text)) }

// Open begins to read it. Close may come from another goroutine than the one that reads.
func (e *Edited) Open() io.ReadCloser { return &reader{of: e} }

// reader reads an edited body from its beginning.
type reader struct {
	of     *Edited
	at     int64
	closed atomic.Bool
}

func (r *reader) Read(p []byte) (int, error) {
	if r.closed.Load() {
		return 0, os.ErrClosed
	}
	e := r.of
	changed := e.From + int64(len(e.Text)) // where the text ends
	var n int
	var err error
	switch {
	case r.at >= e.Size():
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	case r.at < e.From:
		n, err = e.Body.ReadAt(p[:min(int64(len(p)), e.From-r.at)], r.at)
	case r.at < changed:
		n, err = readFrom(e.Text, p, r.at-e.From)
	default:
		n, err = e.Body.ReadAt(p, r.at-changed+e.To)
	}
	r.at += int64(n)
	if n > 0 && err == io.EOF { //nolint:errorlint // it is ReaderAt's, and only says where this piece ends
		err = nil
	}
	return n, err
}

// Close is io.Closer's.
func (r *reader) Close() error {
	r.closed.Store(true)
	return nil
}

func readFrom(text, p []byte, at int64) (int, error) {
	if at >= int64(len(text)) {
		return 0, io.EOF
	}
	n := copy(p, text[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
