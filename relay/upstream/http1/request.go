package http1

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
)

// Request is what a server is asked.
type Request struct {
	// Method is empty for a POST. With any other a request has no body, and no connection is kept for it.
	Method string
	Path   string // escaped
	Query  string // raw; empty means none
	Host   string
	Header http.Header
	Body   []byte
	Source Source // the body, if it is not Body; nil if it is
	// Waits is told of a connection that has to be made; nil means that nobody needs to know.
	Waits Waits
}

// Waits is told what a request waits for.
type Waits interface {
	// Connecting begins the wait for a connection. again: one that had been used before has died.
	Connecting(again bool)
	// Connected ends it.
	Connected()
}

func (r *Request) size() int64 {
	if r.Source != nil {
		return r.Source.Size()
	}
	return int64(len(r.Body))
}

// ErrUnsendable means that a request's target or a field of its header is not what HTTP allows.
var ErrUnsendable = errors.New("http1: the request's target or a field of its header has a character that HTTP does not allow")

// page is what a request's header is written from and an answer's header is read into. One serves both.
type page [4 << 10]byte

var pages = sync.Pool{New: func() any { return new(page) }}

// recycled is told of a page that is given back, for tests.
var recycled = func(*page) {}

func (p *page) giveBack() {
	recycled(p)
	pages.Put(p)
}

// Canceler is how a call is ended before its time. Hold says what that takes, and has it done at once if the call has ended
// already; Drop takes it back, and is false if it came too late: abort has been called, or is just being called.
type Canceler interface {
	Hold(abort func())
	Drop() bool
}

// Do sends a request and waits for the header of its answer. If a connection that has been used before ends before a byte of the answer,
// its server was just closing it, and the request is sent once more, on a new one. From here until the answer is closed, the canceler ends
// the call by closing its connection. connected reports whether there was a connection, so that something of the request may have been
// sent.
func (p *Pool) Do(canceler Canceler, r Request) (a *Answer, connected bool, err error) {
	scratch := pages.Get().(*page)
	head, err := p.appendHead(scratch[:0], &r)
	if err != nil {
		scratch.giveBack()
		return nil, false, err
	}
	for fresh := false; ; {
		var c *conn
		if !fresh {
			c = p.take()
		}
		used := c != nil
		if !used {
			if c, err = p.dialOn(canceler, r.Waits, connected); err != nil {
				scratch.giveBack()
				return nil, connected, err
			}
		}
		canceler.Hold(c.abort)
		a = &Answer{pool: p, conn: c, page: scratch, canceler: canceler}
		first, left := a.ask(head, &r, used)
		if !left && canceler.Drop() {
			// The server has closed it, or does so just now: nothing of the request has left.
			c.close()
			continue
		}
		connected = true
		if err = a.readHead(first); err != nil {
			a.dropUpload()
			if used && a.silent && canceler.Drop() {
				c.close()
				fresh = true
				continue // the request's header still stands in the page: nothing has been read over it
			}
			a.fail()
			if a.unsent != nil && !errors.Is(a.unsent, errCut) {
				err = a.unsent
			}
			return nil, true, err
		}
		a.reusable = a.reusable && r.Method == ""
		return a, true, nil
	}
}

// ask sends a request, or begins to. left reports whether anything of it may have been sent; nothing is if the connection was used before
// and is over.
func (a *Answer) ask(head []byte, r *Request, used bool) (first beginning, left bool) {
	c := a.conn
	switch {
	case r.Source != nil || len(r.Body) > MaxBody:
		if used && !c.usable() {
			return first, false
		}
		a.upload = c.upload(head, r)
	case used:
		var wrote int64
		first, wrote, a.unsent = c.ask(head, r.Body, a.page)
		return first, a.unsent == nil || wrote > 0
	default:
		_, a.unsent = c.send(head, r.Body)
	}
	return first, true
}

// dialOn makes a connection while the canceler holds.
func (p *Pool) dialOn(canceler Canceler, waits Waits, again bool) (*conn, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if waits != nil {
		waits.Connecting(again)
	}
	canceler.Hold(cancel)
	c, err := p.dial(ctx)
	if !canceler.Drop() && err == nil {
		c.close()
		return nil, context.Canceled
	}
	if waits != nil && err == nil {
		waits.Connected()
	}
	return c, err
}

// framed reports whether a field says where the request goes or ends, which is said here and not by who asks. net/http drops the
// same ones.
func framed(name string) bool {
	switch name { // the keys of a header are canonical
	case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
		return true
	}
	return false
}

const proxyAuthorization = "Proxy-Authorization"

func (p *Pool) appendHead(b []byte, r *Request) ([]byte, error) {
	b = append(append(b, cmp.Or(r.Method, http.MethodPost)...), ' ')
	target := len(b)
	if p.Proxy != nil {
		b = append(append(b, "http://"...), r.Host...)
	}
	b = append(b, r.Path...)
	if r.Query != "" {
		b = append(append(b, '?'), r.Query...)
	}
	for _, c := range b[target:] {
		if c <= ' ' || c == 0x7f {
			return nil, ErrUnsendable
		}
	}
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, r.Host...)
	b = append(b, "\r\n"...)
	shown := p.Proxy != nil && p.Proxy.Authorization != ""
	for name, values := range r.Header {
		if framed(name) || shown && name == proxyAuthorization {
			continue
		}
		for _, value := range values {
			b = append(b, name...)
			b = append(b, ": "...)
			at := len(b)
			b = append(b, value...)
			if !isToken(name) || !isFieldValue(b[at:]) {
				return nil, ErrUnsendable
			}
			b = append(b, "\r\n"...)
		}
	}
	if shown {
		b = append(append(append(b, proxyAuthorization+": "...), p.Proxy.Authorization...), "\r\n"...)
	}
	if r.Method != "" {
		return append(b, "Connection: close\r\n\r\n"...), nil
	}
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, r.size(), 10)
	return append(b, "\r\n\r\n"...), nil
}
