package http2

import (
	"encoding/binary"
	"math"
)

// dispatch takes a frame.
func (c *conn) dispatch(f *frame) error {
	if !c.settled && (f.kind != frameSettings || f.has(flagAck)) {
		return breach(codeProtocol, "it does not begin with its settings")
	}
	if c.head.open && (f.kind != frameContinuation || f.stream != c.head.stream) {
		return breach(codeProtocol, "a frame within a header")
	}
	switch f.kind {
	case frameData:
		return c.data(f)
	case frameHeaders:
		return c.headers(f)
	case frameContinuation:
		return c.continuation(f)
	case frameReset:
		return c.isReset(f)
	case frameSettings:
		return c.settings(f)
	case framePing:
		return c.isPinged(f)
	case frameGoAway:
		return c.goAway(f)
	case frameWindow:
		return c.windowUpdate(f)
	case framePushPromise:
		return breach(codeProtocol, "a push, which was ruled out")
	case framePriority:
		if f.size != 5 {
			return breach(codeFrameSize, "a priority of another size")
		}
	default: // of extensions
	}
	return nil
}

// known is the stream of a frame; nil if it is over. One that has never begun is a breach.
func (c *conn) known(f *frame) (*Answer, error) {
	if f.stream == 0 || f.stream >= c.next || f.stream%2 == 0 {
		return nil, breach(codeProtocol, "a frame for a stream that there is not")
	}
	return c.streams[f.stream], nil
}

func (c *conn) data(f *frame) error {
	a, err := c.known(f)
	if err == nil {
		err = f.unpad()
	}
	if err != nil {
		return err
	}
	c.quiet = false
	// The connection's window is given back at once, whoever reads when: an answer has a window of its own.
	size := int64(f.size)
	if c.receive -= size; c.receive < 0 {
		return breach(codeFlowControl, "it sends more than it may")
	}
	if c.took += size; c.took >= sharedRefill {
		c.receive += c.took
		c.frames = appendNumber(c.frames, frameWindow, 0, uint32(c.took)) //nolint:gosec // at most 16 MiB and a frame
		c.took = 0
	}
	if a == nil || a.done {
		return nil
	}
	if a.receive -= size; a.receive < 0 {
		return breach(codeFlowControl, "it sends more of an answer than it may")
	}
	if a.Status == 0 {
		a.breaks(malformed("data before the header"), false)
		c.reset(a, codeProtocol)
		return nil
	}
	a.consume(size - int64(len(f.payload))) // padding
	a.receives(f.payload)
	switch {
	case a.err != nil:
		c.reset(a, codeProtocol)
	case f.has(flagEndStream):
		a.finish()
	}
	return nil
}

func (c *conn) isReset(f *frame) error {
	a, err := c.known(f)
	if err != nil {
		return err
	}
	if f.size != 4 {
		return breach(codeFrameSize, "a reset of another size")
	}
	if a == nil {
		return nil
	}
	code := Code(binary.BigEndian.Uint32(f.payload))
	switch {
	case a.done: // all of the answer has come, and nobody wants the rest of the request
		a.upload.stop()
	case code == codeRefused && a.Status == 0:
		a.breaks(errRefused, false)
	default:
		a.breaks(&Reset{code}, false)
	}
	if code == codeProtocol { // whose fault it may be: another connection has nothing of that
		c.leaving = true
	}
	c.forget(a)
	return nil
}

func (c *conn) settings(f *frame) error {
	switch {
	case f.stream != 0:
		return breach(codeProtocol, "settings of a stream")
	case f.has(flagAck) && f.size != 0, f.size%6 != 0:
		return breach(codeFrameSize, "settings of another size")
	case f.has(flagAck):
		return nil
	}
	if !c.settled {
		c.settled, c.most = true, unsaidStreams
	}
	for b := f.payload; len(b) > 0; b = b[6:] {
		if err := c.setting(binary.BigEndian.Uint16(b), binary.BigEndian.Uint32(b[2:])); err != nil {
			return err
		}
	}
	c.pool.most.Store(int64(c.most))
	err := c.answers(frameSettings, nil)
	c.leave()
	return err
}

func (c *conn) setting(setting uint16, value uint32) error {
	switch setting {
	case settingTableSize:
		c.encoder.SetMaxDynamicTableSize(value)
	case settingPush:
		if value != 0 { // which a server must not say
			return breach(codeProtocol, "it wants to be pushed to")
		}
	case settingStreams:
		c.most = int(min(value, math.MaxInt32))
	case settingWindow:
		if value > math.MaxInt32 {
			return breach(codeFlowControl, "a window that is too large")
		}
		change := int64(value) - c.initial
		c.initial = int64(value)
		for _, a := range c.streams {
			if a.window += change; a.window > math.MaxInt32 {
				return breach(codeFlowControl, "a window that is too large")
			}
		}
		c.wakeUploads()
	case settingFrameSize:
		if value < largestFrame || value > 1<<24-1 {
			return breach(codeProtocol, "a frame size that nobody may have")
		}
		// Larger frames than everybody takes would gain nothing: one fills a record of TLS.
	case settingHeaderListLen:
		c.headerList = value
	default: // of extensions
	}
	return nil
}

func (c *conn) isPinged(f *frame) error {
	switch {
	case f.stream != 0:
		return breach(codeProtocol, "a PING of a stream")
	case f.size != 8:
		return breach(codeFrameSize, "a PING of another size")
	case f.has(flagAck):
		// Some servers bound how often they are asked while they say nothing else.
		c.resets, c.quiet = 0, c.quiet || c.resets > 0
		return nil
	}
	return c.answers(framePing, f.payload)
}

// answers acknowledges. A server that asks on and reads no answers loses its connection, and not the relay its memory.
func (c *conn) answers(kind byte, payload []byte) error {
	if c.wire.waiting() > crowded {
		return breach(codeCalm, "it asks and does not read the answers")
	}
	c.frames = append(appendFrame(c.frames, kind, flagAck, 0, len(payload)), payload...)
	if len(c.frames) > largestFrame {
		c.seal()
	}
	return nil
}

// goAway is a server's goodbye. The streams that it includes go on; the others it has not looked at.
func (c *conn) goAway(f *frame) error {
	if f.stream != 0 {
		return breach(codeProtocol, "a goodbye of a stream")
	}
	if f.size < 8 {
		return breach(codeFrameSize, "a goodbye that is too short")
	}
	last := binary.BigEndian.Uint32(f.payload) & math.MaxInt32
	code := Code(binary.BigEndian.Uint32(f.payload[4:]))
	if c.goodbye != nil {
		last = min(last, c.last)
	}
	c.last, c.leaving = last, true
	if c.goodbye == nil || code != codeNone {
		c.goodbye = &gone{code}
	}
	unseen := errUnseen
	if code != codeNone {
		unseen = errRefused
	}
	for id, a := range c.streams {
		if id > last {
			delete(c.streams, id)
			a.breaks(unseen, false)
		}
	}
	c.leave()
	return nil
}

func (c *conn) windowUpdate(f *frame) error {
	if f.size != 4 {
		return breach(codeFrameSize, "a window of another size")
	}
	more := int64(binary.BigEndian.Uint32(f.payload) & math.MaxInt32)
	if f.stream == 0 {
		if c.window += more; more == 0 || c.window > math.MaxInt32 {
			return breach(codeFlowControl, "a window that is too large, or grows by nothing")
		}
		c.wakeUploads()
		return nil
	}
	a, err := c.known(f)
	if a == nil || err != nil {
		return err
	}
	if a.window += more; more == 0 || a.window > math.MaxInt32 {
		if !a.done {
			a.breaks(malformed("a window that is too large, or grows by nothing"), false)
		}
		c.reset(a, codeFlowControl)
		return nil
	}
	if a.upload != nil {
		a.cond.Signal()
	}
	return nil
}
