package exchange

import (
	"io"
	"time"

	"one-api/relay/socket"
)

// Bounds of a message.
const (
	partOfMessage = 16 << 10 // of a message, that is held in either direction
	mostCosting   = 1 << 20  // of one that says what something has cost, and is kept whole for that
	writeUpstream = 30 * time.Second
)

// pass passes a message on, a part at a time. look, unless it is nil, is shown its beginning and, if it asks for more, the whole of it.
// lost reports whether it was the receiving side that failed.
func (t *tunnel) pass(from, to *socket.Conn, part []byte, look func(message []byte, whole bool) (more bool)) (lost bool, err error) {
	kind, r, err := from.Next(maxEvent)
	if err != nil {
		return false, err
	}
	n, err := io.ReadFull(r, part)
	t.touch()
	switch {
	case err == io.EOF, err == io.ErrUnexpectedEOF: //nolint:errorlint // that is the end of a message; a connection that broke wraps them
		if look != nil {
			look(part[:n], true)
		}
		t.writes(to)
		err = to.Send(kind, part[:n])
		return err != nil, err
	case err != nil:
		return false, err
	}
	keeps := look != nil && look(part, false) && t.x.hold.answer.Hold(mostCosting) == nil
	if keeps {
		defer t.x.hold.answer.Release()
	}
	t.writes(to)
	w, err := to.Begin(kind)
	if err != nil {
		return true, err
	}
	if to == t.client {
		t.within = true
	}
	kept, lost, err := t.passAll(to, w, r, part, n, keeps)
	if err != nil {
		return lost, err
	}
	if kept != nil {
		look(kept, true)
	}
	if err := w.Close(); err != nil {
		return true, err
	}
	if to == t.client {
		t.within = false
	}
	return false, nil
}

// passAll passes a message on to its end. Its first n bytes are in part. kept is the whole message, if keeps asks for that and it is no
// longer than mostCosting.
func (t *tunnel) passAll(to *socket.Conn, w io.Writer, r io.Reader, part []byte, n int, keeps bool) (kept []byte, lost bool, err error) {
	for {
		if keeps = keeps && len(kept)+n <= mostCosting; keeps {
			kept = append(kept, part[:n]...)
		} else {
			kept = nil
		}
		if n > 0 {
			t.writes(to)
			if _, err := w.Write(part[:n]); err != nil {
				return nil, true, err
			}
		}
		n, err = r.Read(part)
		ended := err == io.EOF
		if ended && n == 0 {
			return kept, false, nil
		}
		if err != nil && !ended {
			return nil, false, err
		}
		t.touch()
	}
}

// writes bounds a write to the upstream. A write to the client is bounded by the connection below.
func (t *tunnel) writes(to *socket.Conn) {
	if to == t.up {
		_ = to.SetWriteDeadline(time.Now().Add(writeUpstream)) // fails on a connection that is closed, and with it the write
	}
}
