package http2

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2/hpack"

	"one-api/relay/upstream/http1"
)

const (
	// mostTries is how often a request is sent that its server refuses to look at.
	mostTries = 3
	// mostConns is how many connections in a row may take no more calls when a call's turn comes.
	mostConns = 10
	// mostGoodbyes is how many may say goodbye before they have looked at it, and have looked at others'.
	mostGoodbyes = 100
	// atOnce is how many frames of a body are written with its header.
	atOnce = 4
)

// Do sends a request and waits for the header of its answer. What a server has not looked at is sent again, and so is, once and on a newer
// connection, what was on one that had been used before and has ended before anything of the answer came: its server was just closing it.
// From here until the answer is closed, the canceler ends the call by resetting its stream. connected reports whether there was a
// connection, so that something of the request may have been sent.
func (p *Pool) Do(canceler http1.Canceler, r http1.Request) (a *Answer, connected bool, err error) {
	size, err := check(&r)
	if err != nil {
		return nil, false, err
	}
	var so tries
	for {
		c := p.take(so.after)
		if c == nil {
			if c, err = p.await(canceler, r.Waits, connected, so.after); err != nil {
				return nil, connected, err
			}
		}
		a = &Answer{conn: c, canceler: canceler, left: -1, size: firstWindow, receive: firstWindow}
		a.cond.L = &c.mu
		if sizeOf(&r) > 0 {
			a.body.of(&r)
			a.upload = &a.body
		}
		canceler.Hold(a.abort) // from here on others may touch it
		err = c.ask(a, &r, size)
		if err == nil {
			return a, true, nil
		}
		connected = connected || a.id != 0
		ended := a.ended() // the canceler's doing
		_ = a.Close()
		if ended || !so.again(a, err) {
			return nil, connected, err
		}
	}
}

// tries is what a call has met so far.
type tries struct {
	after   uint64 // connections up to this one are not asked again
	refused int    // times that its server refused to look at it
	full    int    // connections that took no more calls
	late    int    // connections that said goodbye before they had looked at it
	died    bool   // a connection that had been used before ended
}

// again reports whether the call may be sent again behind an error.
func (t *tries) again(a *Answer, err error) bool {
	switch {
	case errors.Is(err, errFull) && t.full+1 < mostConns:
		t.full++
	case errors.Is(err, errUnseen) && a.conn.hasServed() && t.late+1 < mostGoodbyes:
		t.late++ // each of these has answered somebody, so that a crowd gets on
	case (errors.Is(err, errRefused) || errors.Is(err, errUnseen)) && t.refused+1 < mostTries:
		t.refused++
	case a.reused && a.lost && !a.heard && !t.died && a.conn.endedUnasked():
		t.died, t.after = true, a.conn.serial
	default:
		return false
	}
	return true
}

// ended reports whether the call was ended before its time.
func (a *Answer) ended() bool {
	a.conn.mu.Lock()
	defer a.conn.mu.Unlock()
	return errors.Is(a.err, errEnded)
}

// endedUnasked reports whether the connection has ended without a goodbye, which would have said what had been looked at.
func (c *conn) endedUnasked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.goodbye == nil
}

// hasServed reports whether a connection that has said goodbye includes any streams in that.
func (c *conn) hasServed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last > 0
}

// ask sends a request in a place that was reserved, and waits for the answer's header.
func (c *conn) ask(a *Answer, r *http1.Request, size uint32) error {
	c.mu.Lock()
	c.reserved--
	if err := c.open(a, r, size); err != nil {
		c.leave()
		c.mu.Unlock()
		return err
	}
	c.mu.Unlock()
	c.flush()
	c.mu.Lock()
	defer c.mu.Unlock()
	for a.Status == 0 && a.err == nil {
		if !a.sends() {
			a.cond.Wait()
		}
	}
	if a.Status == 0 {
		return a.err
	}
	a.ready = !a.backlog.empty()
	return nil
}

// open writes a request, as much of it as there is room for and as is in memory.
func (c *conn) open(a *Answer, r *http1.Request, size uint32) error {
	switch {
	case a.err != nil: // the call was ended meanwhile
		return a.err
	case c.leaving || c.settled && c.most > 0 && len(c.streams) >= c.most:
		return errFull
	case c.headerList > 0 && size > c.headerList:
		return errHeaderList
	}
	a.id, a.reused, a.window = c.next, c.next > 1, c.initial
	c.retired = c.retired || r.Method != "" && !a.reused // none is kept that was made for this
	c.next += 2
	c.streams[a.id] = a
	c.unused = 0
	c.encode(r)
	u := a.upload
	c.appendHeader(a.id, u == nil)
	for n := 0; n < atOnce && u != nil && len(u.body) > 0 && a.room() > 0; n++ {
		a.puts() // the first of them goes with the header, in one record if both fit
	}
	if len(c.frames) > 0 {
		c.seal()
	}
	return nil
}

// appendHeader appends the frames of the header that was encoded.
func (c *conn) appendHeader(stream uint32, whole bool) {
	kind, flags, block := frameHeaders, byte(0), c.block.Bytes()
	if whole {
		flags = flagEndStream
	}
	for {
		part := block[:min(len(block), largestFrame)]
		if block = block[len(part):]; len(block) == 0 {
			flags |= flagEndHeaders
		}
		c.frames = append(appendFrame(c.frames, kind, flags, stream, len(part)), part...)
		if len(block) == 0 {
			break
		}
		kind, flags = frameContinuation, 0
	}
	if c.block.Reset(); c.block.Cap() > keptBuffer {
		c.block = bytes.Buffer{}
	}
}

// encode encodes a request's header, which was checked. What is another at each request is kept out of the table that both ends share.
func (c *conn) encode(r *http1.Request) {
	c.put(":authority", r.Host, false)
	c.put(":method", cmp.Or(r.Method, http.MethodPost), false)
	path := r.Path
	if r.Query != "" {
		path += "?" + r.Query
	}
	c.put(":path", path, false)
	c.put(":scheme", c.scheme(), false)
	for name, values := range r.Header {
		if lower, ok := lowered(name); ok {
			for _, value := range values {
				c.put(lower, value, lower == "traceparent")
			}
		}
	}
	if r.Method != "" {
		return
	}
	var digits [20]byte
	c.put("content-length", string(strconv.AppendInt(digits[:0], sizeOf(r), 10)), true)
}

func (c *conn) put(name, value string, once bool) {
	_ = c.encoder.WriteField(hpack.HeaderField{Name: name, Value: value, Sensitive: once}) // to memory
}

func (c *conn) scheme() string {
	if c.secure == nil {
		return "http"
	}
	return "https"
}

func sizeOf(r *http1.Request) int64 {
	if r.Source != nil {
		return r.Source.Size()
	}
	return int64(len(r.Body))
}

var errHeaderList = errors.New("http2: the request's header list is larger than the upstream takes")

// fieldCost is what a field counts for beside its name and value.
const fieldCost = 32

// check reports how large a request's header is, as HTTP/2 counts, and whether it can be sent.
func check(r *http1.Request) (size uint32, err error) {
	for _, text := range [...]string{r.Path, r.Query} {
		for i := range len(text) {
			if text[i] <= ' ' || text[i] == 0x7f {
				return 0, http1.ErrUnsendable
			}
		}
	}
	n := len(r.Host) + len(r.Path) + len(r.Query) + 5*fieldCost + 64
	for name, values := range r.Header {
		for _, value := range values {
			if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
				return 0, http1.ErrUnsendable
			}
			n += len(name) + len(value) + fieldCost
		}
	}
	return uint32(min(n, 1<<30)), nil
}

// lowered is how a field is called over HTTP/2; false: it says how a message is framed, or what becomes of its connection, and is not sent.
func lowered(name string) (string, bool) {
	if lower, ok := usual[name]; ok {
		return lower, lower != ""
	}
	return strings.ToLower(name), true
}

// usual is the fields that requests mostly have, and, without a name, those that are not sent.
var usual = func() map[string]string {
	m := map[string]string{
		"Host": "", "Content-Length": "", "Transfer-Encoding": "", "Trailer": "", "Connection": "", "Proxy-Connection": "",
		"Keep-Alive": "", "Upgrade": "", "Te": "", "Http2-Settings": "",
	}
	for _, name := range []string{
		"Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Api-Key", "Content-Type", "User-Agent", "Traceparent", "Tracestate",
		"X-Api-Key", "X-Goog-Api-Key", "X-Request-Id", "Anthropic-Version", "Anthropic-Beta", "Openai-Organization", "Openai-Project",
		"X-Amz-Date", "X-Amz-Security-Token", "Idempotency-Key", "Http-Referer", "X-Title",
	} {
		m[name] = strings.ToLower(name)
	}
	return m
}()

// await waits for a connection that is being made, while the canceler holds.
func (p *Pool) await(canceler http1.Canceler, waits http1.Waits, again bool, after uint64) (*conn, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if waits != nil {
		waits.Connecting(again)
	}
	canceler.Hold(cancel)
	c, err := p.join(ctx, after)
	if !canceler.Drop() && err == nil {
		c.unreserve()
		return nil, context.Canceled
	}
	if waits != nil && err == nil {
		waits.Connected()
	}
	return c, err
}
