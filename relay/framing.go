package relay

import (
	"bytes"
	"net/http"
	"sync/atomic"
)

// A request with both Transfer-Encoding and Content-Length is how requests are smuggled past a proxy that goes by the other one,
// and HTTP/1.0 knows no Transfer-Encoding at all. Such a request may be answered, but its connection has to be closed then: what
// follows on it may be a part of its body (RFC 9112, sections 6.1 and 6.3). net/http (Go 1.26) drops the one that it does not go
// by before a handler could see it, and keeps the connection. So the names of the fields are looked at here, as they come in.

const (
	nameOfCoding = "transfer-encoding:"
	nameOfLength = "content-length:"
)

// framing is what the lines that a client has sent say of where its requests end. Bodies are looked at as well, since nothing
// here knows where they begin. JSON has no such lines; what has loses its connection, and no more.
type framing struct {
	line           [len(nameOfCoding)]byte // the beginning of the line that is coming in
	at             uint8                   // how much of it there is
	coding, length bool                    // in the lines since the last empty one
	// For the handlers, which run while the next request may be coming in. No bit is ever taken back.
	found atomic.Uint32
}

// What has been found. It is bits of one number, since every connection has it.
const (
	foundChunked   = 1 << iota // there was a Transfer-Encoding
	foundAmbiguous             // and a Content-Length beside it
)

// sees takes in what has been read.
func (f *framing) sees(p []byte) {
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if f.at == 0 && end >= 0 { // the whole line is here, as nearly always
			if end <= 1 || mayFrame(p[0]) {
				f.ends(p[:min(end, len(f.line))])
			}
			p = p[end+1:]
			continue
		}
		if int(f.at) < len(f.line) {
			part := p
			if end >= 0 {
				part = p[:end]
			}
			f.at += uint8(copy(f.line[f.at:], part)) //nolint:gosec // a line has fewer bytes
		}
		if end < 0 {
			return
		}
		f.ends(f.line[:f.at])
		f.at = 0
		p = p[end+1:]
	}
}

// ends is the end of a line, of which this is the beginning.
func (f *framing) ends(line []byte) {
	switch {
	case len(line) == 0, len(line) == 1 && line[0] == '\r':
		f.coding, f.length = false, false
		return
	case !mayFrame(line[0]):
		return
	case named(line, nameOfCoding):
		f.coding = true
		f.found.Or(foundChunked)
	case named(line, nameOfLength):
		f.length = true
	}
	if f.coding && f.length {
		f.found.Or(foundAmbiguous)
	}
}

// mayFrame reports whether a line that begins so may be one of the two.
func mayFrame(first byte) bool {
	first |= 0x20 // a lower case letter, of a letter
	return first == nameOfCoding[0] || first == nameOfLength[0]
}

// named reports whether a line begins with a name, in any case. A control character for the hyphen passes as well: net/http refuses it.
func named(line []byte, name string) bool {
	last := len(name) - 1
	if len(line) <= last || line[last] != name[last] {
		return false
	}
	for i, c := range line[:last] {
		if c|0x20 != name[i] {
			return false
		}
	}
	return true
}

// Ambiguous reports whether nobody can be sure where a request of this connection ends.
func (c *clientConn) Ambiguous(r *http.Request) bool {
	found := c.framing.found.Load()
	return found&foundAmbiguous != 0 || !r.ProtoAtLeast(1, 1) && found&foundChunked != 0
}
