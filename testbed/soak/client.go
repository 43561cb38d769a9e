package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"one-api/testbed/internal/process"
)

// result is what a client got.
type result uint8

const (
	whole     result = iota // all of a good answer
	errored                 // an error status
	cut                     // a 200 that visibly ended too early
	left                    // it left
	hungUp                  // the connection broke before there was an answer
	impatient               // it waited longer than any client should have to
	invented                // a 200 with nothing in it
	results
)

var resultNames = [results]string{"a whole answer", "an error", "a cut answer", "(left)", "a broken connection", "nothing for too long", "an empty 200"}

// clients make the calls.
type clients struct {
	url       string // of the relay
	patience  time.Duration
	upstreams *upstreams
	http      *http.Client
	buffers   sync.Pool
}

const clientKey = "sk-soak-0123456789abcdef"

func newClients(url string, patience time.Duration, u *upstreams) *clients {
	return &clients{
		url: url, patience: patience, upstreams: u,
		// The pool is small and forgets soon: one that grows with the busiest moment so far would look like a slope.
		http:    &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 5 * time.Second, DisableCompression: true}},
		buffers: sync.Pool{New: func() any { return new([16 << 10]byte) }},
	}
}

// call makes a call to its end.
func (c *clients) call(ctx context.Context, o order) result {
	ctx, leave := context.WithTimeout(ctx, c.patience)
	defer leave()
	switch o.what().client {
	case leavesInBody, leavesBlocked, stopsReading, halfCloses:
		return c.callRaw(ctx, o)
	case leavesBehindItsBody:
		defer c.upstreams.await(o.id, leave)()
		return c.callRaw(ctx, o)
	case leavesWhenTold:
		defer c.upstreams.await(o.id, leave)()
	default: // the others have nothing of their own here
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+o.path(), strings.NewReader(o.body()))
	if err != nil {
		return hungUp
	}
	request.Header.Set("Authorization", "Bearer "+o.key())
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return endedBy(ctx, hungUp)
	}
	defer func() { _ = response.Body.Close() }()
	tail, err := c.read(response.Body, o.what().client == leavesMidStream)
	switch {
	case response.StatusCode != http.StatusOK:
		return errored
	case errors.Is(err, errLeft):
		return left
	case err != nil:
		return endedBy(ctx, cut)
	case o.stream && !terminated(tail), !o.stream && !strings.HasSuffix(tail, "}"):
		return cut
	}
	return whole
}

// endedBy tells a client that left or ran out of patience from one to which something happened.
func endedBy(ctx context.Context, happened result) result {
	switch ctx.Err() {
	case context.Canceled:
		return left
	case context.DeadlineExceeded:
		return impatient
	}
	return happened
}

var errLeft = errors.New("left")

// read reads an answer, to its end or, where the client leaves, a part. tail is the end of what has come.
func (c *clients) read(body io.Reader, leaves bool) (tail string, err error) {
	buffer := c.buffers.Get().(*[16 << 10]byte)
	defer c.buffers.Put(buffer)
	const keep = 256
	kept := 0 // at the buffer's beginning: the end of what has come
	for reads := 1; ; reads++ {
		n, err := body.Read(buffer[kept:])
		n += kept
		kept = min(n, keep)
		copy(buffer[:], buffer[n-kept:n])
		switch {
		case err == io.EOF:
			return strings.TrimSpace(string(buffer[:kept])), nil
		case err != nil:
			return "", err
		case leaves && reads == 2:
			return "", errLeft
		}
	}
}

// Bounds of the clients that stop reading: how long one waits before it leaves, and its receive buffer, which fills soon.
const (
	blockedFor  = 300 * time.Millisecond
	smallBuffer = 4 << 10
)

// callRaw is for clients that do what net/http's would not.
func (c *clients) callRaw(ctx context.Context, o order) result {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		return endedBy(ctx, hungUp)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.(*net.TCPConn).SetReadBuffer(smallBuffer)
	body := o.body()
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		o.path(), o.key(), len(body))
	if o.what().client == leavesInBody {
		_, _ = io.WriteString(conn, head+body[:len(body)/2])
		return left
	}
	if _, err := io.WriteString(conn, head+body); err != nil {
		return hungUp
	}
	switch o.what().client {
	case leavesBehindItsBody: // as old clients do, and pipelines: net/http's server looks no further than that byte
		_, _ = io.WriteString(conn, "\r\n")
		defer context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Now()) })() // it leaves
		return c.answerOn(ctx, conn)                                                    // of the other channel, if the one that it leaves was not asked
	case halfCloses:
		_ = conn.(*net.TCPConn).CloseWrite()
		_ = conn.SetReadDeadline(time.Now().Add(c.patience))
		return c.answerOn(ctx, conn)
	default: // the others have nothing of their own here
	}
	if o.what().client == leavesBlocked {
		if _, err := conn.Read(make([]byte, 1)); err != nil { // the answer has begun
			return hungUp
		}
		process.Pause(ctx, blockedFor)
		return left
	}
	// It reads again only when the relay must have given up on it.
	process.Pause(ctx, clientWriteTimeout+clientWriteTimeout)
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	buffer := c.buffers.Get().(*[16 << 10]byte)
	defer c.buffers.Put(buffer)
	_, _ = io.CopyBuffer(io.Discard, conn, buffer[:])
	return cut
}

// answerOn reads what a client gets that has sent its request in its own way. Whatever that is, it must not be an answer that is none.
func (c *clients) answerOn(ctx context.Context, conn net.Conn) result {
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return endedBy(ctx, hungUp)
	}
	defer func() { _ = response.Body.Close() }()
	tail, err := c.read(response.Body, false)
	switch {
	case response.StatusCode != http.StatusOK:
		return errored
	case err != nil:
		return endedBy(ctx, cut)
	case tail == "":
		return invented
	}
	return whole
}

// key is the client's.
func (o order) key() string {
	if o.what().client == strangersKey {
		return "sk-soak-nobody-knows-me"
	}
	return clientKey
}

// prompt is long enough for a call that is kept to be seen in memory.
var prompt = strings.Repeat("a prompt of a few kilobytes ", 100)

// longPrompt does not fit into what a connection takes in one go.
var longPrompt = strings.Repeat("a prompt that is rather long ", 12<<10)

// body is the request's.
func (o order) body() string {
	model, content := o.model(), prompt
	switch o.what().client {
	case strangeModel:
		model = fmt.Sprintf("nobody-knows-%d", o.id)
	case tooMuch:
		content = strings.Repeat("too much ", 160<<10)
	case tooDeep:
		content = ""
	case sendsMuch:
		content = longPrompt
	default: // the others have nothing of their own here
	}
	text := fmt.Sprintf(`{"model":%q,"stream":%t,"max_tokens":64,"messages":[{"role":"user","content":"%s%s"}]`, model, o.stream, o.brief(), content)
	switch o.what().client {
	case spellsTwice:
		return text + `,"Stream":true}`
	case tooDeep:
		return text + `,"metadata":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}"
	default: // the others have nothing of their own here
	}
	return text + "}"
}
