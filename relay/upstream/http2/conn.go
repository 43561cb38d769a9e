package http2

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"runtime/pprof"
	"sync"
	"time"

	"golang.org/x/net/http2/hpack"
)

// Windows of flow control, which bound what an upstream may send that nobody has read.
const (
	standardWindow = 65535
	// firstWindow is an answer's. It is enough for events, however fast they come.
	firstWindow = 256 << 10
	// largestWindow is what an answer's grows to while its reader waits for it: 2 MiB a round trip.
	largestWindow = 2 << 20
	// sharedWindow is a connection's, which bounds nothing: what has come of an answer is of no account to the others.
	sharedWindow = 1 << 30
	sharedRefill = 1 << 24

	// assumedStreams is how many a connection takes until its server has said so for the first time, unsaidStreams where it does not.
	assumedStreams = 100
	unsaidStreams  = 1000

	tableSize = 4096 // of header compression, in both directions
	lastID    = math.MaxInt32 - 2
)

// conn is one connection. Its calls write in their own goroutines; one goroutine reads, for all of them, and while nobody calls: that is
// how a server's questions are answered at once, and how its goodbye is known before the next call.
type conn struct {
	pool   *Pool
	serial uint64 // later ones have larger ones
	wire   *Wire
	secure *tls.Conn // over the wire; nil without TLS

	mu       sync.Mutex
	err      error // why it is over; nil: it is not
	streams  map[uint32]*Answer
	next     uint32 // stream
	reserved int    // calls that will open one
	resets   int    // streams that were given up, and that the server may still count
	quiet    bool   // no answer has come since the last of those was known to be
	leaving  bool   // no more streams
	retired  bool   // no more calls but those that have a place
	goodbye  *gone
	last     uint32 // of the streams that a goodbye includes

	// What the server has agreed to.
	settled    bool
	most       int   // streams
	window     int64 // that it may be sent on the connection
	initial    int64 // that it may be sent on a new stream
	frameSize  int
	headerList uint32 // of a request's; 0: any

	encoder *hpack.Encoder
	block   bytes.Buffer // that the encoder writes to
	frames  []byte       // that are written next
	failed  error        // of TLS's writing

	receive int64 // what the server may send
	took    int64 // what it has sent of that, and was not told

	// Of the reader.
	decoder *hpack.Decoder
	head    head

	// Of health, as Trim sees it.
	heard  bool
	at     time.Duration // when something was last heard
	pinged time.Duration // when it was asked whether it lives; 0: it was not
	unused time.Duration // since when nobody calls; 0: somebody does, or has
}

// newConn begins a connection. It is for so many calls first of all.
func (p *Pool) newConn(wire *Wire, secure *tls.Conn, serial uint64, reserved int) *conn {
	c := &conn{
		pool: p, serial: serial, wire: wire, secure: secure, streams: map[uint32]*Answer{}, next: 1, reserved: reserved,
		most: p.room(), window: standardWindow, initial: standardWindow, frameSize: largestFrame, receive: sharedWindow,
	}
	c.encoder = hpack.NewEncoder(&c.block)
	c.encoder.SetMaxDynamicTableSizeLimit(tableSize)
	c.decoder = hpack.NewDecoder(tableSize, c.field)
	c.decoder.SetMaxStringLength(maxHeader)
	wire.timeout, wire.failed, wire.drained, wire.started = p.WriteTimeout, c.severed, c.roomAgain, p.aside
	wire.hold()
	p.Open.Add(1)

	b := append(c.frames[:0], preface...)
	b = appendFrame(b, frameSettings, 0, 0, 3*6)
	b = appendSetting(b, settingPush, 0)
	b = appendSetting(b, settingWindow, firstWindow)
	b = appendSetting(b, settingHeaderListLen, maxHeader)
	c.frames = appendNumber(b, frameWindow, 0, sharedWindow-standardWindow)
	c.seal()
	c.flush()
	go c.run()
	return c
}

// seal gives the frames to the wire, in as few records as there can be.
func (c *conn) seal() {
	if c.secure == nil {
		_, c.failed = c.wire.Write(c.frames)
	} else {
		_, c.failed = c.secure.Write(c.frames)
	}
	if c.frames = c.frames[:0]; cap(c.frames) > keptBuffer {
		c.frames = nil
	}
	if c.failed != nil {
		c.leaving = true
	}
}

// flush sends what is sealed. It never waits, and nobody who calls it holds the connection.
func (c *conn) flush() {
	if err := c.wire.flush(); err != nil {
		c.severed(err)
	}
}

// severed is that the server takes nothing more. It may have answered before: what it has sent is read, as far as it has.
func (c *conn) severed(error) {
	c.mu.Lock()
	c.leaving = true
	c.mu.Unlock()
	_ = c.wire.SetReadDeadline(time.Now().Add(c.pool.WriteTimeout)) // if that fails it is closed, which is what it is for
}

// roomAgain wakes the calls whose bodies wait for the socket.
func (c *conn) roomAgain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wakeUploads()
}

func (c *conn) wakeUploads() {
	for _, a := range c.streams {
		if a.upload != nil {
			a.cond.Signal()
		}
	}
}

// usable reports whether it takes another call.
func (c *conn) usable() bool {
	return !c.leaving && !c.retired && c.next < lastID && len(c.streams)+c.reserved+c.resets < c.most && c.wire.waiting() < crowded
}

// idle reports whether nobody calls.
func (c *conn) idle() bool { return len(c.streams)+c.reserved == 0 }

// reserve takes a place for a call.
func (c *conn) reserve() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.usable() {
		return false
	}
	c.reserved++
	return true
}

// unreserve gives it back.
func (c *conn) unreserve() {
	c.mu.Lock()
	c.reserved--
	c.leave()
	c.mu.Unlock()
}

// leave ends a connection that nobody needs, or whose server takes no more calls on it.
func (c *conn) leave() {
	if (c.leaving || c.retired || c.most == 0) && c.idle() {
		c.end(errIdle)
	}
}

// run reads until the connection ends.
func (c *conn) run() {
	pprof.SetGoroutineLabels(context.Background()) // it is not the call's that has made the connection
	err := c.read()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	c.mu.Lock()
	c.end(err)
	c.mu.Unlock()
	c.pool.remove(c)
}

// read reads frames, and all that have come are read before anybody who waits for them runs.
func (c *conn) read() error {
	var from io.Reader = c.wire
	if c.secure != nil {
		from = c.secure
	}
	buffer, filled := make([]byte, frameHeader+largestFrame), 0
	for {
		n, failed := from.Read(buffer[filled:])
		filled += n
		used, err := c.takes(buffer[:filled])
		c.flush()
		if err != nil {
			return err
		}
		if failed != nil {
			return failed
		}
		filled = copy(buffer, buffer[used:filled])
	}
}

// takes takes the frames that have come whole.
func (c *conn) takes(b []byte) (used int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(b)-used >= frameHeader {
		h := b[used:]
		f := frame{
			size: int(h[0])<<16 | int(h[1])<<8 | int(h[2]), kind: h[3], flags: h[4],
			stream: binary.BigEndian.Uint32(h[5:]) & math.MaxInt32,
		}
		if f.size > largestFrame {
			return used, breach(codeFrameSize, "a frame is too large")
		}
		if len(h) < frameHeader+f.size {
			break
		}
		f.payload = h[frameHeader : frameHeader+f.size]
		used += frameHeader + f.size
		c.heard = true
		if err := c.dispatch(&f); err != nil {
			return used, err
		}
	}
	if len(c.frames) > 0 {
		c.seal()
	}
	return used, nil
}

// end ends the connection, and all of its calls with it. A server that has done wrong is told.
func (c *conn) end(err error) {
	if c.err != nil {
		return
	}
	if c.goodbye != nil && errors.Is(err, io.ErrUnexpectedEOF) {
		err = c.goodbye
	}
	c.err, c.leaving = err, true
	for id, a := range c.streams {
		delete(c.streams, id)
		a.breaks(err, true)
	}
	code := codeNone
	var wrong *broken
	if errors.As(err, &wrong) {
		code = wrong.code
	}
	c.frames = appendFrame(c.frames[:0], frameGoAway, 0, 0, 8)
	c.frames = binary.BigEndian.AppendUint32(c.frames, 0)
	c.frames = binary.BigEndian.AppendUint32(c.frames, uint32(code))
	c.seal()
	if c.secure != nil {
		_ = c.secure.CloseWrite() // which writes to the wire, and does not wait
	}
	_ = c.wire.flush()
	_ = c.wire.Close() // nothing that was written is still wanted
	c.pool.Open.Add(-1)
}

// forget takes a stream out that has ended at both ends, or was given up.
func (c *conn) forget(a *Answer) {
	delete(c.streams, a.id)
	c.leave()
}

// reset gives a stream up, and has the server told. Until it has answered a PING behind that, the stream counts as one that it may still be
// busy with: a server bounds how many it takes, and some how many are given up.
func (c *conn) reset(a *Answer, code Code) {
	c.frames = appendNumber(c.frames, frameReset, a.id, uint32(code))
	if code == codeCancel && !c.quiet && !c.leaving && !c.retired {
		if c.resets == 0 {
			c.ping()
		}
		c.resets++
	}
	c.seal()
	c.forget(a)
}

// ping asks whether the connection lives.
func (c *conn) ping() {
	c.frames = append(appendFrame(c.frames, framePing, 0, 0, 8), "one-api."...)
}
