package http2

import (
	"io"
	"sync"

	"one-api/relay/upstream/http1"
)

// sheet is what a piece of a body is read to that is not in memory.
type sheet [largestFrame - frameHeader]byte

var sheets = sync.Pool{New: func() any { return new(sheet) }}

// upload is a request's body until the last of it is sent. It is sent by the goroutine that asks and reads the answer, whenever there is
// nothing to read.
type upload struct {
	body  []byte        // that can be sent: all of it, or what was read of it
	from  io.ReadCloser // what it is read from; nil if it is in memory
	left  int64         // of from
	sheet *sheet
	sent  bool // the last of it
	over  bool // nothing more is sent
}

// stop sends nothing more.
func (u *upload) stop() {
	if u != nil {
		u.body, u.left, u.over = nil, 0, true
	}
}

// end lets go of what it is read from.
func (u *upload) end() {
	if u == nil || u.from == nil {
		return
	}
	_ = u.from.Close() // it was read, and has nothing more to say
	sheets.Put(u.sheet)
	u.from, u.sheet = nil, nil
}

// of begins the upload of a request.
func (u *upload) of(r *http1.Request) {
	if r.Source == nil {
		u.body = r.Body
		return
	}
	u.from, u.left, u.sheet = r.Source.Open(), r.Source.Size(), sheets.Get().(*sheet)
}

// sends sends a piece of the request, if there is one and room for it. The lock is let go in between.
func (a *Answer) sends() bool {
	u, c := a.upload, a.conn
	if u == nil || u.over || a.room() == 0 {
		return false
	}
	if len(u.body) == 0 {
		return a.fills()
	}
	a.puts()
	c.mu.Unlock()
	c.flush()
	c.mu.Lock()
	return true
}

// room is how much may be sent next.
func (a *Answer) room() int {
	c := a.conn
	if c.wire.waiting() > roomy {
		return 0
	}
	return int(max(0, min(a.window, c.window, int64(len(sheet{})))))
}

// puts gives as much to the wire as there is room for, in one frame.
func (a *Answer) puts() {
	u, c := a.upload, a.conn
	n := min(len(u.body), a.room())
	flags := byte(0)
	if n == len(u.body) && u.left == 0 {
		flags = flagEndStream
	}
	c.frames = append(appendFrame(c.frames, frameData, flags, a.id, n), u.body[:n]...)
	u.body = u.body[n:]
	a.window -= int64(n)
	c.window -= int64(n)
	c.seal()
	if flags != 0 {
		u.body, u.sent, u.over = nil, true, true // a stream can be long, and need not keep a long prompt
		if a.done {
			c.forget(a)
		}
	}
}

// fills reads the next piece of a body that is not in memory.
func (a *Answer) fills() bool {
	u, c := a.upload, a.conn
	n := int(min(u.left, int64(len(u.sheet))))
	from, to := u.from, u.sheet[:n]
	c.mu.Unlock()
	_, err := io.ReadFull(from, to)
	c.mu.Lock()
	switch {
	case u.over: // it has been given up in the meantime
	case err != nil:
		a.giveUp(err)
	default:
		u.body, u.left = to, u.left-int64(n)
	}
	return true
}
