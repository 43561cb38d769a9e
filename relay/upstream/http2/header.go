package http2

import (
	"net/http"
	"strconv"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2/hpack"

	"one-api/relay/upstream/http1"
)

// Bounds of an answer's header.
const (
	maxHeader        = 64 << 10 // counted as the standard does: 32 bytes for each field beside its name and value
	maxBlock         = 2 * maxHeader
	maxContinuations = 64
	maxInterim       = 5 // answers of 1xx before the answer
)

// head is the header that is being read.
type head struct {
	open          bool // its end has not come
	stream        uint32
	last          bool // the stream ends with it
	block         int  // bytes of it
	continuations int

	size     uint32 // of what was decoded
	tooLarge bool
	wrong    string // what about it is; empty: nothing
	regular  bool   // fields other than pseudo-header fields have begun
	pseudo   bool   // there was one of those
	status   int
	kind     string // Content-Type
	packed   string // Content-Encoding
	lengths  int    // how many there are
	length   int64  // -1: not a number
	header   http.Header
}

func (c *conn) headers(f *frame) error {
	if _, err := c.known(f); err != nil {
		return err
	}
	if err := f.unpad(); err != nil {
		return err
	}
	if f.has(flagPriority) {
		if len(f.payload) < 5 {
			return breach(codeFrameSize, "a header that is too short")
		}
		f.payload = f.payload[5:]
	}
	c.quiet = false
	c.head = head{open: true, stream: f.stream, last: f.has(flagEndStream), length: -1}
	c.decoder.SetEmitEnabled(true)
	return c.fragment(f)
}

func (c *conn) continuation(f *frame) error {
	if !c.head.open {
		return breach(codeProtocol, "the continuation of nothing")
	}
	if c.head.continuations++; c.head.continuations > maxContinuations {
		return breach(codeCalm, "a header without an end")
	}
	return c.fragment(f)
}

// fragment decodes a part of a header. Whoever it is for, that has to be done: the next one refers to it.
func (c *conn) fragment(f *frame) error {
	h := &c.head
	if h.block += len(f.payload); h.block > maxBlock {
		return breach(codeCalm, "a header list without an end")
	}
	if _, err := c.decoder.Write(f.payload); err != nil {
		return breach(codeCompression, "a header that cannot be decoded")
	}
	if !f.has(flagEndHeaders) {
		return nil
	}
	if err := c.decoder.Close(); err != nil {
		return breach(codeCompression, "a header that ends in the middle of a field")
	}
	h.open = false
	a := c.streams[h.stream]
	if a == nil || a.done {
		return nil
	}
	return c.headed(a)
}

// field takes one field.
func (c *conn) field(f hpack.HeaderField) {
	h := &c.head
	if h.size += f.Size(); h.size > maxHeader {
		h.tooLarge = true
		c.decoder.SetEmitEnabled(false)
		return
	}
	switch {
	case h.wrong != "":
	case f.IsPseudo():
		h.pseudo = true
		n, err := strconv.Atoi(f.Value)
		if h.regular || h.status != 0 || f.Name != ":status" || err != nil || len(f.Value) != 3 || n < 100 {
			h.wrong = "a status, or what stands in its place"
			return
		}
		h.status = n
	case !isName(f.Name) || !httpguts.ValidHeaderFieldValue(f.Value):
		h.wrong = "a header field"
	default:
		h.regular = true
		h.note(f.Name, f.Value)
	}
}

// isName reports whether a field may be called so over HTTP/2, which knows no capitals.
func isName(name string) bool {
	for i := range len(name) {
		if 'A' <= name[i] && name[i] <= 'Z' {
			return false
		}
	}
	return httpguts.ValidHeaderFieldName(name)
}

func (h *head) note(name, value string) {
	switch name {
	case "content-type":
		if h.kind == "" {
			h.kind = value
		}
	case "content-encoding":
		if h.packed == "" {
			h.packed = value
		}
	case "content-length":
		if h.lengths++; h.lengths == 1 {
			if n, err := strconv.ParseUint(value, 10, 63); err == nil {
				h.length = int64(n)
			}
		}
	}
	switch {
	case h.status/100 != 2:
	case http1.TellsLimits([]byte(name)) && len(h.header) < http1.MostLimits && len(value) <= http1.LongestLimit:
	default:
		return
	}
	if h.header == nil {
		h.header = http.Header{}
	}
	h.header.Add(name, value)
}

// headed takes a header that has come whole.
func (c *conn) headed(a *Answer) error {
	h := &c.head
	if a.Status != 0 {
		return c.trailed(a)
	}
	a.heard = true
	var err error
	switch {
	case h.tooLarge:
		err = ErrHeaderTooLarge
	case h.wrong != "":
		err = malformed(h.wrong)
	case h.status == 0:
		err = malformed("a header without a status")
	case h.status == http.StatusSwitchingProtocols:
		err = malformed("it switches protocols, which nobody proposed")
	case h.status < http.StatusOK:
		a.interim++
		a.before += h.size
		switch {
		case h.last:
			err = malformed("an interim answer that is the last")
		case a.interim > maxInterim || a.before > maxHeader:
			err = malformed("too many interim answers")
		default:
			return nil
		}
	}
	if err != nil {
		a.breaks(err, false)
		c.reset(a, codeProtocol)
		return nil
	}
	a.Status, a.Type, a.Encoding, a.Header, a.Length = h.status, h.kind, h.packed, h.header, -1
	if a.Header == nil && h.status/100 != 2 {
		a.Header = http.Header{}
	}
	switch {
	case h.lengths == 1:
		a.Length = h.length
	case h.lengths == 0 && h.last:
		a.Length = 0
	}
	h.header = nil
	a.left = a.Length
	if h.last {
		a.finish()
	} else {
		a.cond.Signal()
	}
	return nil
}

// trailed takes the header behind an answer, of which nothing is wanted but that it ends there.
func (c *conn) trailed(a *Answer) error {
	h := &c.head
	if !h.last || h.pseudo || h.wrong != "" || h.tooLarge {
		a.breaks(malformed("a trailer"), false)
		c.reset(a, codeProtocol)
		return nil
	}
	a.finish()
	return nil
}
