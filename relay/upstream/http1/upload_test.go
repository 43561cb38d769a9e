package http1

import (
	"bytes"
	"context"
	"crypto/rand"
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

// notInMemory is a source of a body, which counts its readers.
type notInMemory struct {
	b    []byte
	open atomic.Int64
}

func (s *notInMemory) Size() int64 { return int64(len(s.b)) }

func (s *notInMemory) Open() io.ReadCloser {
	s.open.Add(1)
	return &counted{bytes.NewReader(s.b), s}
}

type counted struct {
	io.Reader
	of *notInMemory
}

func (c *counted) Close() error {
	c.of.open.Add(-1)
	return nil
}

func random(t *testing.T, size int) []byte {
	t.Helper()
	b := make([]byte, size)
	_, err := rand.Read(b)
	require.NoError(t, err)
	return b
}

func TestALargeBodyArrivesWhole(t *testing.T) { overEach(t, testALargeBodyArrivesWhole) }

func testALargeBodyArrivesWhole(t *testing.T) {
	p, requests := keeping(t)
	for _, size := range []int{MaxBody + 1, 1 << 20, 3<<20 + 7} {
		for _, sourced := range []bool{false, true} {
			r := hello
			r.Body = random(t, size)
			source := &notInMemory{b: r.Body}
			if sourced {
				r.Source = source
			}
			a, _, err := p.Do(&on{}, r)
			require.NoError(t, err)
			require.Nil(t, a.upload, "nothing is kept of a request that was sent")
			_, err = io.ReadAll(a)
			require.NoError(t, err)
			require.NoError(t, a.Close())
			require.Zero(t, source.open.Load(), "readers of the body")
			got := <-requests
			body, err := io.ReadAll(got.Body)
			require.NoError(t, err)
			require.EqualValues(t, size, got.ContentLength)
			require.True(t, bytes.Equal(source.b, body))
		}
	}
	require.EqualValues(t, 1, p.Open.Load(), "one connection does for all")
}

// narrow is a server that reads nothing of a body but what answer does, and whose buffers take little. The function has the
// connection once it has the request's header.
func narrow(t *testing.T, answer func(c net.Conn)) *Pool {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &scripted{Listener: listener}
	speaks := spoken
	s.running.Go(func() {
		for {
			raw, err := listener.Accept()
			if err != nil {
				return
			}
			s.running.Go(func() {
				_ = raw.(*net.TCPConn).SetReadBuffer(256 << 10)
				c := speaks.serverSide(raw)
				defer func() { _ = c.Close() }()
				var head []byte
				for one := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head, one[0]) {
					if _, err := io.ReadFull(c, one); err != nil {
						return
					}
				}
				answer(c)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		s.running.Wait()
	})
	return s.pool(t)
}

const large = 12 << 20 // more than any buffers on the way take

func TestAnAnswerIsReadThatDoesNotWaitForALargeBody(t *testing.T) {
	overEach(t, testAnAnswerIsReadThatDoesNotWaitForALargeBody)
}

func testAnAnswerIsReadThatDoesNotWaitForALargeBody(t *testing.T) {
	for name, then := range map[string]func(c net.Conn, over chan struct{}){
		"and nothing is read":     func(_ net.Conn, over chan struct{}) { <-over },
		"and the rest is read":    func(c net.Conn, _ chan struct{}) { _, _ = io.Copy(io.Discard, c) },
		"and the connection ends": func(net.Conn, chan struct{}) {},
	} {
		t.Run(name, func(t *testing.T) {
			over := make(chan struct{})
			p := narrow(t, func(c net.Conn) {
				_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}")
				then(c, over)
			})
			source := &notInMemory{b: random(t, large)}
			for _, r := range []Request{{Path: "/", Host: "upstream", Body: source.b}, {Path: "/", Host: "upstream", Source: source}} {
				a, _, err := p.Do(&on{}, r)
				require.NoError(t, err)
				require.Equal(t, 413, a.Status)
				body, err := io.ReadAll(a)
				require.NoError(t, err)
				require.Equal(t, "{}", string(body))
				require.NoError(t, a.Close())
				require.Zero(t, source.open.Load(), "readers of the body")
				require.Zero(t, p.Open.Load(), "a connection on which a request was cut off serves nobody else")
			}
			close(over)
		})
	}
}

func TestABodyIsSentOnWhileItsAnswerComes(t *testing.T) {
	overEach(t, testABodyIsSentOnWhileItsAnswerComes)
}

// The server echoes as it reads, and says in between that it goes on.
func testABodyIsSentOnWhileItsAnswerComes(t *testing.T) {
	p := narrow(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 102 Processing\r\n\r\n")
		piece := make([]byte, 1<<20)
		for sent := 0; sent < large; sent += len(piece) {
			if _, err := io.ReadFull(c, piece); err != nil {
				return
			}
			if sent == 0 {
				_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", large)
			}
			if _, err := c.Write(piece); err != nil {
				return
			}
		}
		one := make([]byte, 1)
		_, _ = c.Read(one)
	})
	r := hello
	r.Body = random(t, large)
	a, _, err := p.Do(&on{}, r)
	require.NoError(t, err)
	require.Equal(t, 200, a.Status)
	require.NotNil(t, a.upload)
	body, err := io.ReadAll(a)
	require.NoError(t, err)
	require.True(t, bytes.Equal(r.Body, body))
	require.Nil(t, a.upload)
	require.NoError(t, a.Close())
	require.EqualValues(t, 1, p.Open.Load(), "all was sent and all was read")
}

func TestACallIsEndedInTheMiddleOfItsBody(t *testing.T) {
	overEach(t, testACallIsEndedInTheMiddleOfItsBody)
}

func testACallIsEndedInTheMiddleOfItsBody(t *testing.T) {
	there, gone := make(chan struct{}), make(chan struct{})
	p := narrow(t, func(c net.Conn) {
		close(there)
		_, _ = io.Copy(&slowly{there: gone}, c)
		close(gone)
	})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-there
		cancel()
	}()
	source := &notInMemory{b: random(t, large)}
	_, connected, err := p.Do(tied(ctx), Request{Path: "/", Host: "upstream", Source: source})
	require.Error(t, err)
	require.True(t, connected)
	require.Zero(t, source.open.Load())
	<-gone
	require.Eventually(t, func() bool { return p.Open.Load() == 0 }, 20*time.Second, time.Millisecond)
}

// slowly takes what it is given, a mebibyte in a tenth of a second.
type slowly struct{ there chan struct{} }

func (s *slowly) Write(b []byte) (int, error) {
	select {
	case <-s.there:
	case <-time.After(time.Duration(len(b)) * 100 * time.Nanosecond):
	}
	return len(b), nil
}

func TestABodyThatCannotBeReadEndsItsCall(t *testing.T) {
	overEach(t, testABodyThatCannotBeReadEndsItsCall)
}

func testABodyThatCannotBeReadEndsItsCall(t *testing.T) {
	p := narrow(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	_, connected, err := p.Do(&on{}, Request{Path: "/", Host: "upstream", Source: broken{}})
	require.ErrorIs(t, err, errBroken)
	require.True(t, connected)
	require.Zero(t, p.Open.Load())
}

var errBroken = errors.New("the disk is gone")

// broken is a body of which only the beginning can be read.
type broken struct{}

func (broken) Size() int64 { return 1 << 20 }
func (broken) Open() io.ReadCloser {
	return io.NopCloser(io.MultiReader(bytes.NewReader(make([]byte, 99<<10)), failing{}))
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errBroken }

func TestALargeBodyIsSentOnceMoreIfItsConnectionWasJustClosed(t *testing.T) {
	overEach(t, testALargeBodyIsSentOnceMoreIfItsConnectionWasJustClosed)
}

// The server takes a request on a connection that it has answered on before, and closes it: that it does so while the request is on its way
// looks just the same.
func testALargeBodyIsSentOnceMoreIfItsConnectionWasJustClosed(t *testing.T) {
	var served atomic.Int64
	s := serve(t, func(c net.Conn, ask func() *http.Request) {
		served.Add(1)
		_, _ = io.WriteString(c, short)
		_ = ask()
	})
	p := s.pool(t)
	source := &notInMemory{b: random(t, 1<<20)}
	for i := range 4 {
		a, _, err := p.Do(&on{}, Request{Path: "/", Host: "upstream", Source: source})
		require.NoError(t, err)
		_, err = io.ReadAll(a)
		require.NoError(t, err)
		require.NoError(t, a.Close())
		require.EqualValues(t, i+1, served.Load())
		require.Zero(t, source.open.Load())
	}
}

// TestNothingIsReadFromASheetThatWasGivenBack spoils every sheet as soon as it is given back, while many calls share them.
func TestNothingIsReadFromASheetThatWasGivenBack(t *testing.T) {
	overEach(t, testNothingIsReadFromASheetThatWasGivenBack)
}

func testNothingIsReadFromASheetThatWasGivenBack(t *testing.T) {
	shredded = func(s *sheet) {
		for i := range s.plain {
			s.plain[i], s.secret[i] = 0xDB, 0xDB
		}
	}
	t.Cleanup(func() { shredded = func(*sheet) {} })
	s := serve(t, func(c net.Conn, ask func() *http.Request) {
		_, _ = io.WriteString(c, short)
		for r := ask(); r != nil; r = ask() {
			body, _ := io.ReadAll(r.Body)
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body))
			_, _ = c.Write(body)
		}
	})
	p := s.pool(t)
	var all sync.WaitGroup
	for caller := range 6 {
		all.Go(func() {
			for i := range 20 {
				r := Request{Path: "/", Host: "upstream", Body: bytes.Repeat([]byte{'a' + byte(caller)}, 2<<10+i*7<<10)}
				if i%2 == 0 {
					r.Source = &notInMemory{b: r.Body}
				}
				a, _, err := p.Do(&on{}, r)
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(a)
				if err != nil || string(body) != "{}" && !bytes.Equal(body, r.Body) {
					t.Errorf("%d bytes instead of %d: %v", len(body), len(r.Body), err)
				}
				_ = a.Close()
			}
		})
	}
	all.Wait()
}
