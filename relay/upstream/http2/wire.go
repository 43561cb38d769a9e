package http2

import (
	"net"
	"sync"
	"syscall"
	"time"

	"one-api/relay/upstream/http1"
)

// Bounds of what waits to be written.
const (
	// roomy is how much may wait before bodies are held back.
	roomy = 64 << 10
	// crowded is how much may wait before no more calls are given to a connection, and before a server that asks for answers to its own
	// questions (PING, SETTINGS), and does not read them, loses it.
	crowded = 256 << 10
	// keptBuffer is the largest buffer that a connection keeps while nothing is written.
	keptBuffer = 32 << 10
)

// Wire is a socket as TLS, or a connection without it, writes to it. Once it holds, a write never waits: what is written is kept here,
// and leaves by flush.
type Wire struct {
	net.Conn // the socket

	system  syscall.RawConn
	now     func(fd uintptr) bool // writes out, as far as that goes without waiting
	soon    func(fd uintptr) bool // the same, and is false if it does not go
	timeout time.Duration         // for which a server may read nothing
	started func(drain func())    // runs it in a goroutine
	drained func()                // there is room again
	failed  func(err error)       // the socket takes nothing any more

	mu    sync.Mutex
	holds bool
	held  []byte
	spare []byte
	busy  bool // somebody flushes, or drains
	slow  bool // it is a drain: the socket is full
	cut   bool // what is written goes nowhere

	// Of the one who is busy.
	out   []byte
	wrote int
	err   error
}

// NewWire is one over a socket.
func NewWire(raw net.Conn) (*Wire, error) {
	socket, ok := raw.(syscall.Conn)
	if !ok {
		return nil, errNotSocket
	}
	system, err := socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	w := &Wire{Conn: raw, system: system}
	w.now = func(fd uintptr) bool {
		w.wrote, w.err = http1.WriteNow(fd, w.out)
		return true
	}
	w.soon = func(fd uintptr) bool {
		w.wrote, w.err = http1.WriteNow(fd, w.out)
		return w.wrote > 0 || w.err != nil
	}
	return w, nil
}

// Write is net.Conn's.
func (w *Wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !w.holds:
		return w.Conn.Write(b) // TLS shakes hands, and nobody else writes
	case w.cut:
		return len(b), nil
	}
	w.held = append(w.held, b...)
	return len(b), nil
}

// hold keeps what is written from here on, until it is flushed.
func (w *Wire) hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holds = true
}

// waiting is how much the socket has not taken, as far as it is full: 0 if it is not.
func (w *Wire) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.slow {
		return 0
	}
	return len(w.held) + 1
}

// flush sends what is held, without waiting. What the socket does not take is sent by a goroutine that ends with that. An error is that it
// takes nothing any more, and is told once.
func (w *Wire) flush() (failed error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy || len(w.held) == 0 {
		return nil // whoever is busy sends this too
	}
	w.busy = true
	for len(w.held) > 0 && !w.cut {
		w.out, w.held, w.spare = w.held, w.spare[:0], nil
		whole := w.out
		w.mu.Unlock()
		if err := w.system.Write(w.now); err != nil {
			w.wrote, w.err = 0, err
		}
		wrote, err := w.wrote, w.err
		w.mu.Lock()
		switch {
		case err != nil:
			failed = err
			w.sever()
		case wrote < len(whole):
			w.out, w.slow = whole[wrote:], true
			w.started(w.drain)
			return nil
		}
		w.keep(whole)
	}
	w.busy, w.out = false, nil
	return failed
}

// keep keeps a buffer for what is written next, unless it is large.
func (w *Wire) keep(b []byte) {
	if cap(b) <= keptBuffer {
		w.spare = b[:0]
	}
}

// sever takes a server that takes nothing more for one that does not read on: it may have answered before, which its reader finds out.
func (w *Wire) sever() { w.cut, w.held, w.spare = true, nil, nil }

// drain waits until the socket has taken everything.
func (w *Wire) drain() {
	for {
		err := w.SetWriteDeadline(time.Now().Add(w.timeout))
		if err == nil {
			if err = w.system.Write(w.soon); err == nil {
				err = w.err
			}
		}
		w.mu.Lock()
		if err == nil {
			if w.out = w.out[w.wrote:]; len(w.out) == 0 {
				w.out, w.held = w.held, nil
			}
		} else {
			w.sever()
		}
		if done := err != nil || len(w.out) == 0; done {
			w.busy, w.slow, w.out = false, false, nil
			w.mu.Unlock()
			_ = w.SetWriteDeadline(time.Time{}) // if that fails, so does the next write
			if err != nil {
				w.failed(err)
			}
			w.drained()
			return
		}
		w.mu.Unlock()
		w.drained()
	}
}
