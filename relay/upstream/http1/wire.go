package http1

import (
	"net"
)

// Wire is a socket as TLS sees it. TLS must not wait when the relay has something else to do, and cannot be told so: what it reads
// from and writes to is this instead, which says that nothing has come, or takes what is to be sent and keeps it.
type Wire struct {
	net.Conn // the socket, or whoever counts it
	now      func(fd uintptr, b []byte) (n int, ready bool, err error)
	mode     mode
	fd       uintptr // for direct

	holds bool
	held  []byte // what was written while it holds
	gone  int    // of held: has been sent

	// Where the records end that TLS has been given, as far as that can be seen from outside: whole is how many of them may wait to be
	// read, which is a hint and no more.
	whole  int
	header int // bytes of a record's header that have come
	body   int // bytes of its body that have not; while the header comes, its length so far
}

// mode is what a read does.
type mode uint8

const (
	waits   mode = iota
	direct       // it is within a call of the poller's, and reads the descriptor without waiting
	still        // it reads nothing: there is only what TLS has
	foreign      // the connection is somebody else's
)

// nothing is that nothing has come. TLS takes it for an error that passes, and goes on with the next read where it has stopped.
type nothing struct{}

func (nothing) Error() string   { return "http1: nothing has come yet" }
func (nothing) Timeout() bool   { return false }
func (nothing) Temporary() bool { return true }

var errNothing net.Error = nothing{}

const recordHeader = 5

// Read is net.Conn's.
func (w *Wire) Read(b []byte) (n int, err error) {
	switch w.mode {
	case still:
		return 0, errNothing
	case direct:
		var ready bool
		if n, ready, err = w.now(w.fd, b); !ready {
			return 0, errNothing
		}
	case foreign:
		return w.Conn.Read(b)
	default:
		n, err = w.Conn.Read(b)
	}
	w.note(b[:n])
	return n, err
}

// Write is net.Conn's.
func (w *Wire) Write(b []byte) (int, error) {
	if w.holds {
		w.held = append(w.held, b...)
		return len(b), nil
	}
	return w.Conn.Write(b)
}

// HandOver leaves the connection to somebody else, who sees it as that.
func (w *Wire) HandOver(as net.Conn) { w.Conn, w.mode = as, foreign }

// note follows the records.
func (w *Wire) note(b []byte) {
	for len(b) > 0 {
		if w.header < recordHeader {
			switch w.header++; w.header {
			case recordHeader - 1:
				w.body = int(b[0]) << 8
			case recordHeader:
				w.body |= int(b[0])
			}
			b = b[1:]
		} else {
			n := min(len(b), w.body)
			b, w.body = b[n:], w.body-n
		}
		if w.header == recordHeader && w.body == 0 {
			w.header = 0
			w.whole++
		}
	}
}

// hold keeps what is written from here on, in that.
func (w *Wire) hold(in []byte) { w.holds, w.held, w.gone = true, in[:0], 0 }

// pending is what is kept and has not been sent.
func (w *Wire) pending() []byte { return w.held[w.gone:] }

// letGo keeps nothing more.
func (w *Wire) letGo() { w.holds, w.held, w.gone = false, nil, 0 }
