package http1

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const short = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

// keeping is a server that hands out what it was asked, after a first call that is over.
func keeping(t *testing.T) (p *Pool, requests chan *http.Request) {
	t.Helper()
	requests = make(chan *http.Request, 1)
	p = serve(t, func(c net.Conn, ask func() *http.Request) {
		_, _ = io.WriteString(c, short)
		for r := ask(); r != nil; r = ask() {
			requests <- r
			_, _ = io.WriteString(c, short)
		}
	}).pool(t)
	_, _, err := ask(t, p)
	require.NoError(t, err)
	return p, requests
}

func TestARequestArrivesAsItWasMeantHoweverLongItIs(t *testing.T) {
	overEach(t, testARequestArrivesAsItWasMeantHoweverLongItIs)
}

func testARequestArrivesAsItWasMeantHoweverLongItIs(t *testing.T) {
	p, requests := keeping(t)
	for _, size := range []int{0, 1, 3 << 10, 4 << 10, MaxBody} {
		for _, value := range []string{"b", strings.Repeat("v", 6<<10)} {
			want := Request{
				Path: "/a%20b/v1/chat", Query: "x=1&y=%2F", Host: "upstream:81",
				Header: http.Header{"X-Key": {value, "second"}, "User-Agent": {"one-api"}}, Body: bytes.Repeat([]byte("q"), size),
			}
			a, _, err := p.Do(&on{}, want)
			require.NoError(t, err)
			_, err = io.ReadAll(a)
			require.NoError(t, err)
			require.NoError(t, a.Close())
			got := <-requests
			require.Equal(t, "POST", got.Method)
			require.Equal(t, "HTTP/1.1", got.Proto)
			require.Equal(t, "/a%20b/v1/chat?x=1&y=%2F", got.RequestURI)
			require.Equal(t, want.Host, got.Host)
			got.Header.Del("Content-Length")
			require.Equal(t, want.Header, got.Header)
			body, err := io.ReadAll(got.Body)
			require.NoError(t, err)
			require.Equal(t, want.Body, body)
			require.EqualValues(t, size, got.ContentLength)
		}
	}
	require.EqualValues(t, 1, p.Open.Load())
}

func TestWhereARequestGoesAndEndsIsNotForAConfiguredHeaderToSay(t *testing.T) {
	overEach(t, testWhereARequestGoesAndEndsIsNotForAConfiguredHeaderToSay)
}

func testWhereARequestGoesAndEndsIsNotForAConfiguredHeaderToSay(t *testing.T) {
	p, requests := keeping(t)
	r := hello
	r.Header = http.Header{"Host": {"other"}, "Content-Length": {"3"}, "Transfer-Encoding": {"chunked"}, "Trailer": {"A"}, "A": {"b"}}
	a, _, err := p.Do(&on{}, r)
	require.NoError(t, err)
	_, err = io.ReadAll(a)
	require.NoError(t, err)
	require.NoError(t, a.Close())
	got := <-requests
	require.Equal(t, hello.Host, got.Host)
	require.EqualValues(t, len(hello.Body), got.ContentLength)
	require.Equal(t, http.Header{"A": {"b"}, "Content-Length": {"7"}}, got.Header)
	require.Empty(t, got.TransferEncoding)
}

func TestAConnectionThatTheServerClosedWhileItWasIdleIsNotUsed(t *testing.T) {
	overEach(t, testAConnectionThatTheServerClosedWhileItWasIdleIsNotUsed)
}

func testAConnectionThatTheServerClosedWhileItWasIdleIsNotUsed(t *testing.T) {
	for name, goodbye := range map[string]string{"closed": "", "closed after words that nobody asked for": "HTTP/1.1 408 Request Timeout\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			closed := make(chan struct{}, 9)
			s := serve(t, func(c net.Conn, _ func() *http.Request) {
				_, _ = io.WriteString(c, short+goodbye)
				_ = c.Close()
				closed <- struct{}{}
			})
			p := s.pool(t)
			for range 5 {
				_, body, err := ask(t, p)
				require.NoError(t, err)
				require.Equal(t, "{}", body)
				<-closed
			}
			require.EqualValues(t, 5, s.connections.Load())
		})
	}
}

func TestTheEndOfTheContextClosesTheConnectionWhereverTheCallIs(t *testing.T) {
	overEach(t, testTheEndOfTheContextClosesTheConnectionWhereverTheCallIs)
}

func testTheEndOfTheContextClosesTheConnectionWhereverTheCallIs(t *testing.T) {
	for name, answer := range map[string]string{
		"before the header": "", "in the header": "HTTP/1.1 200", "in the body": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
		"in a chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			there, gone := make(chan struct{}), make(chan struct{})
			p := serve(t, func(c net.Conn, ask func() *http.Request) {
				_, _ = io.WriteString(c, answer)
				close(there)
				ask() // until the connection ends
				close(gone)
			}).pool(t)
			ctx, cancel := context.WithCancel(context.Background())
			go func() {
				<-there
				cancel()
			}()
			a, connected, err := p.Do(tied(ctx), hello)
			require.True(t, connected)
			if err == nil {
				_, err = io.ReadAll(a)
				require.NoError(t, a.Close())
			}
			require.Error(t, err)
			<-gone
			require.Eventually(t, func() bool { return p.Open.Load() == 0 }, 20*time.Second, time.Millisecond)
		})
	}
}

func TestAContextThatEndsBehindItsAnswerLeavesTheConnectionAlone(t *testing.T) {
	overEach(t, testAContextThatEndsBehindItsAnswerLeavesTheConnectionAlone)
}

func testAContextThatEndsBehindItsAnswerLeavesTheConnectionAlone(t *testing.T) {
	s := serve(t, func(c net.Conn, ask func() *http.Request) {
		for ok := true; ok; ok = ask() != nil {
			_, _ = io.WriteString(c, short)
		}
	})
	p := s.pool(t)
	for range 100 {
		ctx, cancel := context.WithCancel(context.Background())
		a, _, err := p.Do(tied(ctx), hello)
		require.NoError(t, err)
		_, err = io.ReadAll(a)
		require.NoError(t, err)
		require.NoError(t, a.Close())
		cancel()
	}
	require.EqualValues(t, 1, s.connections.Load())
}

func TestNothingIsConnectedWhereNobodyListensOrTheContextIsOver(t *testing.T) {
	overEach(t, testNothingIsConnectedWhereNobodyListensOrTheContextIsOver)
}

func testNothingIsConnectedWhereNobodyListensOrTheContextIsOver(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := (&scripted{Listener: listener}).pool(t)
	require.NoError(t, listener.Close())
	_, connected, err := p.Do(&on{}, hello)
	require.Error(t, err)
	require.False(t, connected)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, connected, err = serve(t, nil).pool(t).Do(tied(ctx), hello)
	require.Error(t, err)
	require.False(t, connected)
}

func TestWhatHTTPDoesNotAllowIsNotSent(t *testing.T) { overEach(t, testWhatHTTPDoesNotAllowIsNotSent) }

func testWhatHTTPDoesNotAllowIsNotSent(t *testing.T) {
	s := serve(t, nil)
	p := s.pool(t)
	for name, r := range map[string]Request{
		"a line break in a value": {Path: "/", Header: http.Header{"A": {"b\r\nC: d"}}},
		"a NUL in a value":        {Path: "/", Header: http.Header{"A": {"\x00"}}},
		"a space in a name":       {Path: "/", Header: http.Header{"A b": {"c"}}},
		"an empty name":           {Path: "/", Header: http.Header{"": {"c"}}},
		"a space in the path":     {Path: "/a b"},
		"a line break in a query": {Path: "/", Query: "a\r\nB: c"},
	} {
		_, connected, err := p.Do(&on{}, r)
		require.ErrorIs(t, err, ErrUnsendable, name)
		require.False(t, connected, name)
	}
	require.Zero(t, s.connections.Load())
}

func TestAnAnswerThatComesBeforeTheRequestWasReadIsReadAllTheSame(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
		_, _ = io.Copy(io.Discard, c)
		_ = c.Close()
	}()
	p := (&scripted{Listener: listener}).pool(t)
	large := hello
	large.Body = bytes.Repeat([]byte("x"), MaxBody)
	a, _, err := p.Do(&on{}, large)
	require.NoError(t, err)
	require.Equal(t, 413, a.Status)
	body, err := io.ReadAll(a)
	require.NoError(t, err)
	require.Equal(t, "{}", string(body))
	require.NoError(t, a.Close())
	<-done
	require.NoError(t, listener.Close())
}

func TestTrimClosesWhatIsOldDeadOrTooMuch(t *testing.T) {
	overEach(t, testTrimClosesWhatIsOldDeadOrTooMuch)
}

func testTrimClosesWhatIsOldDeadOrTooMuch(t *testing.T) {
	s := serve(t, func(c net.Conn, ask func() *http.Request) {
		for ok := true; ok; ok = ask() != nil {
			_, _ = io.WriteString(c, short)
		}
	})
	p := s.pool(t)
	open := func(n int) {
		var all []*Answer
		for range n {
			a, _, err := p.Do(&on{}, hello)
			require.NoError(t, err)
			_, err = io.ReadAll(a)
			require.NoError(t, err)
			all = append(all, a)
		}
		for _, a := range all {
			require.NoError(t, a.Close())
		}
	}
	open(6)
	require.EqualValues(t, 6, p.Open.Load())
	p.Trim(time.Now(), 8)
	require.EqualValues(t, 6, p.Open.Load(), "few enough")
	p.Trim(time.Now(), 4)
	require.EqualValues(t, 4, p.Open.Load(), "more than are to be kept")
	p.Trim(time.Now().Add(p.IdleTimeout/2), 8)
	require.EqualValues(t, 4, p.Open.Load(), "looked at, and still open")
	p.Trim(time.Now().Add(p.IdleTimeout), 8)
	require.Zero(t, p.Open.Load(), "too old")

	open(10)
	require.EqualValues(t, p.MaxIdle, p.Open.Load(), "no more than MaxIdle wait")
	p.Close()
	require.Zero(t, p.Open.Load())
	open(1)
	require.Zero(t, p.Open.Load(), "a pool that is closed keeps none")
}

func TestAKeptConnectionIsLookedAtAndReadWithOneSystemCallEach(t *testing.T) {
	p, requests := keeping(t)
	c := p.idle[0]
	reads := 0
	c.now = func(fd uintptr, b []byte) (int, bool, error) {
		reads++
		return readNow(fd, b)
	}
	for range 20 {
		_, body, err := ask(t, p)
		require.NoError(t, err)
		require.Equal(t, "{}", body)
		<-requests
	}
	require.Equal(t, 2*20, reads)
	require.Same(t, c, p.idle[0])
}
