package http1

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// memory is a connection without a socket: it answers every request with the same bytes, in pieces.
type memory struct {
	net.Conn
	asked  bool // since the last look
	answer []byte
	piece  int
	rest   []byte
}

func (m *memory) Write(p []byte) (int, error) {
	m.rest, m.asked = m.answer, true
	return len(p), nil
}

func (m *memory) readNow(_ uintptr, p []byte) (n int, ready bool, err error) {
	if !m.asked {
		return 0, false, nil
	}
	m.asked = false
	n, err = m.Read(p)
	return n, true, err
}

func (m *memory) Read(p []byte) (int, error) {
	if len(m.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), m.piece)], m.rest)
	m.rest = m.rest[n:]
	return n, nil
}

func (m *memory) Close() error { return nil }

func inMemory(answer []byte, piece int) *Pool {
	p := &Pool{IdleTimeout: time.Hour, MaxIdle: 1, Open: &atomic.Int64{}}
	p.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, io.ErrClosedPipe } // there is one connection
	m := &memory{answer: answer, piece: piece}
	c := newConn(m, ready{}, p.Open)
	c.now = m.readNow
	p.idle = []*conn{c}
	return p
}

// ready is a connection for which nobody has to wait.
type ready struct{}

func (ready) Read(do func(uintptr) bool) error {
	for !do(0) {
	}
	return nil
}
func (ready) Write(func(uintptr) bool) error { return nil }
func (ready) Control(func(uintptr)) error    { return nil }

func TestACallAllocatesItsAnswerAndNothingElse(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	p := inMemory([]byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), 4096)
	canceler := &on{}
	buffer := make([]byte, 64)
	require.EqualValues(t, 1, testing.AllocsPerRun(1000, func() {
		a, _, err := p.Do(canceler, hello)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = a.Read(buffer); err != io.EOF {
			t.Fatal(err)
		}
		_ = a.Close()
	}))
}

// FuzzAnAnswerIsReadAsNetHTTPReadsIt compares with net/http's client: what this package takes for a complete answer is the same
// answer there. It may refuse more.
func FuzzAnAnswerIsReadAsNetHTTPReadsIt(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.0 200\r\n\r\nhello",
		"HTTP/1.1 204 No\nA:b\n c\n\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n00a \r\n0123456789\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
	} {
		for _, piece := range []int{1, 3, 4096} {
			f.Add([]byte(seed), piece)
		}
	}
	f.Fuzz(func(t *testing.T, wire []byte, piece int) {
		p := inMemory(wire, max(1, piece%5000))
		a, _, err := p.Do(&on{}, hello)
		if err != nil {
			return
		}
		body, err := io.ReadAll(a)
		reusable := a.ended && a.reusable && len(a.rest) == 0
		_ = a.Close()
		if err != nil {
			return
		}
		from := bufio.NewReaderSize(bytes.NewReader(wire), 1<<20)
		var want *http.Response
		for want == nil || want.StatusCode/100 == 1 && want.StatusCode != http.StatusSwitchingProtocols {
			want, err = http.ReadResponse(from, &http.Request{Method: http.MethodPost})
			require.NoError(t, err, "%q", wire)
		}
		require.Equal(t, want.StatusCode, a.Status)
		require.Equal(t, want.ContentLength, a.Length)
		require.Equal(t, want.Header.Get("Content-Type"), a.Type)
		require.Equal(t, want.Header.Get("Content-Encoding"), a.Encoding)
		all, err := io.ReadAll(want.Body)
		if a.framing == byChunks && !errors.Is(err, io.ErrUnexpectedEOF) {
			err = nil // it is the trailer's, which is skipped here and no part of the body
		}
		require.NoError(t, err, "%q", wire)
		require.Equal(t, string(all), string(body))
		if reusable {
			require.False(t, want.Close, "%q", wire)
		}
	})
}

// TestNothingIsReadFromAPageThatWasGivenBack spoils every page as soon as it is given back, while many calls share them. The
// race detector sees whoever still writes to one.
func TestNothingIsReadFromAPageThatWasGivenBack(t *testing.T) {
	overEach(t, testNothingIsReadFromAPageThatWasGivenBack)
}

func testNothingIsReadFromAPageThatWasGivenBack(t *testing.T) {
	recycled = func(p *page) {
		for i := range p {
			p[i] = 0xDB
		}
	}
	t.Cleanup(func() { recycled = func(*page) {} })
	s := serve(t, func(c net.Conn, ask func() *http.Request) {
		reply := func(r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			half := len(body) / 2
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: x/%d\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(body), half, body[:half])
			_, _ = fmt.Fprintf(c, "%x\r\n%s\r\n0\r\n\r\n", len(body)-half, body[half:])
		}
		_, _ = io.WriteString(c, short)
		for r := ask(); r != nil; r = ask() {
			reply(r)
		}
	})
	p := s.pool(t)
	var all sync.WaitGroup
	for caller := range 8 {
		all.Go(func() {
			for i := range 200 {
				r := hello
				r.Body = bytes.Repeat([]byte{'a' + byte(caller)}, 2+i*37)
				a, _, err := p.Do(&on{}, r)
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(smallReads{a})
				if err != nil {
					t.Error(err)
				}
				if string(body) != "{}" && (!bytes.Equal(body, r.Body) || a.Type != fmt.Sprintf("x/%d", len(r.Body))) {
					t.Errorf("%d bytes of type %q instead of %d", len(body), a.Type, len(r.Body))
				}
				if err := a.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// TestACallOverTLSAllocatesLittleMore counts both ends: what the server takes is what crypto/tls does for every read.
func TestACallOverTLSAllocatesLittleMore(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	spoken = tls.VersionTLS13
	defer func() { spoken = 0 }()
	p := serve(t, func(c net.Conn, _ func() *http.Request) {
		answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
		b := make([]byte, 4<<10)
		for {
			if _, err := c.Write(answer); err != nil {
				return
			}
			if _, err := c.Read(b); err != nil {
				return
			}
		}
	}).pool(t)
	canceler, buffer := &on{}, make([]byte, 64)
	call := func() {
		a, _, err := p.Do(canceler, hello)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = a.Read(buffer); err != io.EOF {
			t.Fatal(err)
		}
		_ = a.Close()
	}
	call()
	// The answer, and of crypto/tls: for each read of an end one reader, for the client's last look another.
	require.LessOrEqual(t, testing.AllocsPerRun(1000, call), 8.0)
	require.EqualValues(t, 1, p.Open.Load())
}

// FuzzOverTLSAnAnswerIsReadAsWithout sends the same bytes both ways, in records of any size.
func FuzzOverTLSAnAnswerIsReadAsWithout(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.0 200\r\n\r\nhello",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n00a \r\n0123456789\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
	} {
		for _, piece := range []int{1, 3, 4096} {
			f.Add([]byte(seed), piece)
		}
	}
	answers := make(chan [2]any, 1)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(f, err)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			raw, err := listener.Accept()
			if err != nil {
				return
			}
			what := <-answers
			c := language(tls.VersionTLS13).serverSide(raw)
			if _, err := c.Read(make([]byte, 4<<10)); err == nil {
				for wire, piece := what[0].([]byte), what[1].(int); len(wire) > 0; {
					n := min(len(wire), piece)
					_, _ = c.Write(wire[:n])
					wire = wire[n:]
				}
			}
			_ = c.Close()
		}
	})
	f.Cleanup(func() {
		_ = listener.Close()
		running.Wait()
	})
	secure := language(tls.VersionTLS13).clientSide()
	f.Fuzz(func(t *testing.T, wire []byte, piece int) {
		if len(wire) > 32<<10 {
			return
		}
		piece = max(1, piece%5000)
		read := func(p *Pool) (head [4]any, body string, failed bool) {
			a, _, err := p.Do(&on{}, hello)
			if err != nil {
				return head, "", true
			}
			all, err := io.ReadAll(a)
			_ = a.Close()
			return [4]any{a.Status, a.Type, a.Encoding, a.Length}, string(all), err != nil
		}
		plain := inMemory(wire, piece)
		head, body, failed := read(plain)
		answers <- [2]any{wire, piece}
		over := &Pool{Address: listener.Addr().String(), Dial: (&net.Dialer{}).DialContext, TLS: secure, MaxIdle: 1, Open: &atomic.Int64{}}
		headTLS, bodyTLS, failedTLS := read(over)
		over.Close()
		require.Equal(t, head, headTLS, "%q in %d", wire, piece)
		require.Equal(t, body, bodyTLS, "%q in %d", wire, piece)
		require.Equal(t, failed, failedTLS, "%q in %d", wire, piece)
		require.Zero(t, over.Open.Load())
	})
}
