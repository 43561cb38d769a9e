package sse

import (
	"errors"
	"io"

	"one-api/relay/membudget"
)

// ErrTooLarge means that an event, or a single comment line, has more bytes than the Reader's bound.
var ErrTooLarge = errors.New("server-sent event is too large")

var errClosed = errors.New("server-sent event reader is closed")

// maxEmptyReads is how often in a row a reader may return neither bytes nor an error, as in package bufio.
const maxEmptyReads = 100

// Reader parses an event stream as the HTML standard says
// (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream), and beyond that
//
//   - returns an event that has a name but no data, which a browser would drop;
//   - returns, at a clean end of the stream, the event whose blank line is missing: real servers end with "data: [DONE]".
//
// It reads into one buffer and looks at each byte once. The buffer has 1 KiB while events arrive one by one, 4 KiB while they
// arrive together, and more only if an event needs it. A Reader is not safe for concurrent use.
type Reader struct {
	// Lease counts the buffers of events that are not small; nil means that they are not counted. If it has no room, Next returns its error.
	Lease *membudget.Lease

	// Strays makes Next also return what is not an event but holds an object, without data or a name: see Stray.
	Strays bool

	named   bool // see Stray
	ready   bool // buf[start:pos] is a whole event
	begun   bool // the byte order mark has been looked for
	afterCR bool // the last line ended in CR, so that an LF at pos belongs to it

	src   io.Reader
	max   int
	stray []byte // of the last event
	err   error  // to be returned after the complete events in the buffer
	// full is the error if there was no room for the data of an event. The buffer is kept until the next call, for the events before it.
	full error

	buf        *buffer // nil once closed, or once the error was returned
	usual      int     // bytes of the buffer that suit the pace of the last read
	start, end int     // buf[start:end] was read and not yet returned
	scratch    *buffer // the joined data of the last event, if it has several lines

	// How far scan has come. It can run ahead of Next, as it moves no bytes.
	lines lineScanner
	pos   int   // where the current line begins; buf[start:pos] is the beginning of an event
	event block // what is known of buf[start:pos]
	heard int   // events and comments that were whole
}

// NewReader returns a Reader of r. maxEvent bounds an event's Raw, in bytes.
func NewReader(r io.Reader, maxEvent int) *Reader {
	return &Reader{src: r, max: maxEvent, buf: getBuffer(smallBuffer), usual: smallBuffer}
}

// Next returns the next event that has data or a name, and invalidates the one before. It reads only when no complete event is
// buffered. The error is io.EOF, ErrTooLarge, io.ErrNoProgress or whatever the underlying reader returned, unwrapped; every later
// call returns it again. Any error but io.EOF drops an event that arrived in part.
//
// A byte order mark at the start, and comments before an event, are not in its Raw; an event that ends in CR LF lacks that
// last LF there, since it may come later than the event.
func (r *Reader) Next() (Event, error) {
	if r.full != nil {
		r.err = r.full
		r.release()
		return Event{}, r.err
	}
	if r.scratch != nil {
		putBuffer(r.scratch)
		r.scratch = nil
		_ = r.hold(0) // less than before: it fits
	}
	r.stray = nil
	for !r.scan() {
		if r.err != nil {
			return r.last()
		}
		r.fill()
	}
	return r.take()
}

// Stray returns an object that stood among the lines of the last event, or in its place, where only fields may stand: servers that fail
// in the middle of a stream write their error as they would have written it before the stream. named reports whether it was the value
// of a field "error", as llama.cpp writes it. It is valid for as long as the event, and nil if there was none.
func (r *Reader) Stray() (object []byte, named bool) { return r.stray, r.named }

// Run is a run of events that follow each other in the buffer. The zero Run has none.
type Run struct{ from, to int }

// Add adds the event that Next has just returned to the run; false if the event does not follow the run.
func (r *Run) Add(e Event) bool {
	if r.from == r.to {
		r.from, r.to = e.from, e.from
	}
	if e.from != r.to {
		return false
	}
	r.to += len(e.Raw)
	return true
}

// Bytes returns the Raw of all events of a run. Unlike a single event, a run stays valid while Next has whole events to return, that is
// until Next is called while Complete is false.
func (r *Reader) Bytes(run Run) []byte { return r.buf.bytes[run.from:run.to:run.to] }

// Complete reports whether a whole event is buffered.
func (r *Reader) Complete() bool { return r.scan() }

// Buffered reports whether Next can return without reading.
func (r *Reader) Buffered() bool {
	return r.scan() || r.err != nil
}

// Close gives the buffers back, so that no Event is valid any more. It does not close the underlying reader, and may be called
// again.
func (r *Reader) Close() {
	if r.err == nil {
		r.err = errClosed
	}
	r.release()
}

func (r *Reader) release() {
	putBuffer(r.scratch)
	putBuffer(r.buf)
	r.Lease.Release()
	*r = Reader{err: r.err}
}

// scan continues through the buffered lines and reports whether an event is complete. If one is too large, start stays at it, so that
// scan never reaches what follows.
func (r *Reader) scan() bool {
	if r.ready || r.buf == nil || !r.begun && !r.begin() {
		return r.ready
	}
	text := r.buf.bytes[:r.end]
	for {
		if r.afterCR && r.pos < r.end {
			r.skipLF(text[r.pos])
		}
		stop := r.lines.end(text, r.pos)
		if stop == r.end {
			break
		}
		line, first := text[r.pos:stop], r.pos == r.start
		r.afterCR = text[stop] == '\r'
		r.pos = stop + 1
		switch {
		case r.pos-r.start > r.max:
			r.err = ErrTooLarge
			return false
		case len(line) == 0 && r.returns():
			r.event.dirty = r.event.dirty || r.afterCR
			r.ready = true
			return true
		case len(line) == 0, first && line[0] == ':':
			// Dropped at once, so that keep-alives never add up to an event that is too large.
			r.drop(len(line) > 0 || !first)
		default:
			r.event.dirty = r.event.dirty || r.afterCR
			r.event.add(line, stop-r.start)
		}
	}
	if r.end-r.start > r.max {
		r.err = ErrTooLarge
	}
	return false
}

// returns reports whether a blank line ends an event that Next returns.
func (r *Reader) returns() bool { return r.event.dispatched() || r.Strays && r.event.strayTo > 0 }

// skipLF skips an LF that belongs to the CR before it.
func (r *Reader) skipLF(next byte) {
	r.afterCR = false
	if next != '\n' {
		return
	}
	if r.start == r.pos {
		r.start++
	}
	r.pos++
}

// drop skips what is in front of pos: a comment, an event without content, or a blank line between two events.
func (r *Reader) drop(heard bool) {
	if heard {
		r.heard++
	}
	r.start = r.pos
	r.event = block{}
}

// Heard counts the events and comments that have arrived whole so far, which shows whoever waits for one whether the stream is alive.
// Blank lines and incomplete events are not counted.
func (r *Reader) Heard() int { return r.heard }

// begin skips a byte order mark. It returns false while only part of one may have arrived.
func (r *Reader) begin() bool {
	const mark = "\xEF\xBB\xBF"
	text := r.buf.bytes[r.start:r.end]
	if len(text) < len(mark) && string(text) == mark[:len(text)] {
		return false
	}
	r.begun = true
	if len(text) >= len(mark) && string(text[:len(mark)]) == mark {
		r.start += len(mark)
		r.pos = r.start
	}
	return true
}

// hold counts the buffer and more bytes beside it.
func (r *Reader) hold(more int) error { return r.Lease.Hold(int64(len(r.buf.bytes) + more)) }

// take returns buf[start:pos].
func (r *Reader) take() (Event, error) {
	raw, b := r.buf.bytes[r.start:r.pos:r.pos], &r.event
	event := Event{Raw: raw, Clean: !b.dirty, from: r.start}
	if b.nameTo > b.nameFrom {
		event.Name = raw[b.nameFrom:b.nameTo:b.nameTo]
	}
	if b.strayTo > 0 {
		r.stray, r.named = raw[b.strayFrom:b.strayTo:b.strayTo], b.strayNamed
	}
	switch {
	case b.dataLines == 1:
		event.Data = raw[b.dataFrom:b.dataTo:b.dataTo]
	case b.dataLines > 1:
		if r.full = r.hold(b.dataLen); r.full != nil {
			return Event{}, r.full
		}
		r.scratch = getBuffer(b.dataLen)
		event.Data = joinData(r.scratch.bytes[:0:b.dataLen], raw)
	}
	r.start = r.pos
	r.event = block{}
	r.ready = false
	r.heard++
	return event, nil
}

// last returns what is left when there is no complete event and nothing more can be read: at io.EOF the event whose blank line is
// missing, if it has data, and then the error.
func (r *Reader) last() (Event, error) {
	if r.err == io.EOF { //nolint:errorlint // a wrapped io.EOF is an error on the way, not the end
		if r.pos < r.end {
			r.event.add(r.buf.bytes[r.pos:r.end], r.end-r.start)
			r.pos = r.end
		}
		if r.event.dataLen > 0 || r.Strays && r.event.strayTo > 0 {
			r.event.dirty = true
			return r.take()
		}
	}
	r.release()
	return Event{}, r.err
}

func (r *Reader) fill() {
	if r.err = r.makeRoom(); r.err != nil {
		return
	}
	for range maxEmptyReads {
		pending, room := r.end-r.start, len(r.buf.bytes)-r.end
		n, err := r.src.Read(r.buf.bytes[r.end:])
		r.end += n
		switch {
		case pending < burstBuffer/2 && (n == room && n > burstBuffer/2 || n > burstBuffer):
			r.usual = floodBuffer // of small events, and there is more where they came from
		case n > smallBuffer/2:
			r.usual = burstBuffer
		default:
			r.usual = smallBuffer
		}
		if n > 0 || err != nil {
			r.err = err
			return
		}
	}
	r.err = io.ErrNoProgress
}

// makeRoom moves the beginning of an event to the front of a buffer that has room for more of it. What is moved is not moved
// again unless the buffer has to double, so the cost stays in proportion to the bytes read.
func (r *Reader) makeRoom() error {
	pending, size := r.end-r.start, len(r.buf.bytes)
	room := size
	switch {
	case size > r.usual && pending <= r.usual/2:
		room = r.usual // the big event, or the burst, is over
	case pending == size && size >= r.max/2:
		room = r.max + 1 // scan refuses more than max, and one byte more shows that
	case pending == size:
		room = 2 * size
	case size < r.usual:
		room = r.usual
	case r.start == 0:
		return nil
	}
	to := r.buf
	if room > size {
		if err := r.hold(room); err != nil { // both, while one is copied to the other
			return err
		}
	}
	if room != size {
		to = getBuffer(room)
	}
	copy(to.bytes, r.buf.bytes[r.start:r.end])
	if to != r.buf {
		putBuffer(r.buf)
		r.buf = to
		_ = r.hold(0) // less than before: it fits
	}
	r.lines.moved(r.start)
	r.pos -= r.start
	r.start, r.end = 0, pending
	return nil
}
