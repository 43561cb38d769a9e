package http2

import (
	"io"
	"net/http"
	"sync"

	"one-api/relay/upstream/http1"
)

// Answer is an open answer. Read and Close belong to the goroutine that asked.
type Answer struct {
	Status   int // 0 until the header has come
	Type     string
	Encoding string
	Length   int64       // Content-Length; -1 if not said
	Header   http.Header // the whole header; of a 2xx no more than what http1.TellsLimits

	conn     *conn
	canceler http1.Canceler
	cond     sync.Cond // of the connection, under whose lock everything below is
	id       uint32    // 0 until it is sent
	upload   *upload   // of the request's body; nil: it has none
	body     upload    // what that is
	window   int64     // that may be sent of it

	err     error // why it ends before its end
	lost    bool  // with its connection
	reused  bool  // which had been used before
	heard   bool  // something of it has come
	done    bool  // all of it has come
	ready   bool  // something came with the header
	closed  bool
	interim int
	before  uint32 // bytes of interim answers
	left    int64  // of the length; -1 if that was not said

	size     int64 // of the window, as the server knows it
	receive  int64 // what it may send
	consumed int64 // what was read of what it has sent, and it was not told
	backlog  backlog
	into     []byte // that somebody waits to read into; nil: nobody
	got      int    // of it
}

// receives takes data.
func (a *Answer) receives(data []byte) {
	if a.left >= 0 {
		if int64(len(data)) > a.left {
			defer a.breaks(malformed("more of it than its Content-Length"), false)
			data = data[:a.left]
		}
		a.left -= int64(len(data))
	}
	if a.into != nil && a.backlog.empty() {
		n := copy(a.into[a.got:], data)
		a.got, data = a.got+n, data[n:]
		a.consume(int64(n))
	}
	a.backlog.add(data)
	a.cond.Signal()
}

// consume gives room back that an answer's window had lost.
func (a *Answer) consume(n int64) {
	if a.consumed += n; a.consumed < a.size/2 || a.done || a.err != nil {
		return
	}
	more := a.consumed
	if a.into != nil && a.size < largestWindow { // its reader waits for it
		more += a.size
		a.size *= 2
	}
	a.receive += more
	a.consumed = 0
	a.conn.frames = appendNumber(a.conn.frames, frameWindow, a.id, uint32(more)) //nolint:gosec // less than two windows
}

// finish is that all of it has come.
func (a *Answer) finish() {
	if a.left > 0 {
		a.breaks(io.ErrUnexpectedEOF, false)
	}
	a.done = true
	switch {
	case a.upload == nil || a.upload.sent:
		a.conn.forget(a)
	case a.err != nil:
		a.conn.reset(a, codeNone)
	}
	a.cond.Signal()
}

// breaks is that it ends before its end. What has come of it can still be read.
func (a *Answer) breaks(err error, lost bool) {
	if a.err == nil && !a.done {
		a.err, a.lost = err, lost
	}
	a.upload.stop()
	a.cond.Broadcast()
}

// Buffered reports whether something came with the header, for which Read does not wait.
func (a *Answer) Buffered() bool { return a.ready }

// Read reads the body. io.EOF may come with its last bytes. While there is nothing to read, what is left of the request is sent.
func (a *Answer) Read(b []byte) (int, error) {
	c := a.conn
	c.mu.Lock()
	a.ready = false
	n, err := a.read(b)
	tells := len(c.frames) > 0
	if tells {
		c.seal()
	}
	c.mu.Unlock()
	if tells {
		c.flush()
	}
	return n, err
}

func (a *Answer) read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		switch {
		case a.closed:
			return 0, errClosed
		case !a.backlog.empty():
			n := a.backlog.take(b)
			a.consume(int64(n))
			if a.backlog.empty() && a.done && a.err == nil {
				return n, io.EOF
			}
			return n, nil
		case a.err != nil:
			return 0, a.err
		case a.done:
			return 0, io.EOF
		case a.sends():
			continue
		}
		a.into, a.got = b, 0
		a.cond.Wait()
		n := a.got
		a.into, a.got = nil, 0
		if n > 0 {
			if a.backlog.empty() && a.done && a.err == nil {
				return n, io.EOF
			}
			return n, nil
		}
	}
}

// abort ends the call, at once and from wherever.
func (a *Answer) abort() {
	c := a.conn
	c.mu.Lock()
	a.giveUp(errEnded)
	c.mu.Unlock()
	c.flush()
}

// giveUp lets go of everything, and has the server told if it was not known to be done.
func (a *Answer) giveUp(err error) {
	c := a.conn
	if c.streams[a.id] == a {
		code := codeCancel
		if a.done {
			code = codeNone // it has answered, and the rest of the request is not sent
		}
		c.reset(a, code)
	}
	if a.err == nil {
		a.err = err
	}
	a.upload.stop()
	a.backlog.clear()
	a.cond.Broadcast()
}

// Close lets go of an answer, and gives up what has not come of it. Again does nothing.
func (a *Answer) Close() error {
	c := a.conn
	c.mu.Lock()
	again := a.closed
	if !again {
		a.closed = true
		a.giveUp(errClosed)
	}
	c.mu.Unlock()
	if again {
		return nil
	}
	c.flush()
	a.upload.end()
	a.canceler.Drop() // too late or not: there is nothing left to be ended
	return nil
}
