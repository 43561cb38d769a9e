package http2

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/upstream/http1"
)

func TestACallIsAnswered(t *testing.T) {
	s := served(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-RateLimit-Remaining", "7")
		w.Header().Set("X-Long", "x")
		_, _ = fmt.Fprintf(w, "%s %s %s %s %d %s", r.Proto, r.Method, r.URL, r.Host, r.ContentLength, body) //nolint:gosec // for nobody's eyes
	})
	p := to(t, s)
	r := hello
	r.Query = "a=b"
	r.Header = http.Header{"Content-Type": {"x/y"}, "X-Own": {"1", "2"}, "Connection": {"close"}}
	for range 3 {
		a, body, err := ask(p, r)
		require.NoError(t, err)
		require.Equal(t, `HTTP/2.0 POST /v1/chat?a=b example.com 7 {"a":1}`, body)
		require.Equal(t, 200, a.Status)
		require.Equal(t, "application/json", a.Type)
		require.EqualValues(t, len(body), a.Length)
		require.Equal(t, http.Header{"X-Ratelimit-Remaining": {"7"}}, a.Header)
	}
	require.EqualValues(t, 1, p.Open.Load())
}

func TestOfARefusalTheWholeHeaderIsKept(t *testing.T) {
	p := to(t, served(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "9")
		w.Header().Set("X-Long", "x")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, "no")
	}))
	a, body, err := ask(p, hello)
	require.NoError(t, err)
	require.Equal(t, 429, a.Status)
	require.Equal(t, "no", body)
	require.Equal(t, "9", a.Header.Get("Retry-After"))
	require.Equal(t, "x", a.Header.Get("X-Long"))
}

// from is a body that is not in memory.
type from struct {
	text   string
	opened *atomic.Int64
}

func (f from) Size() int64 { return int64(len(f.text)) }

func (f from) Open() io.ReadCloser {
	f.opened.Add(1)
	return &reading{strings.NewReader(f.text), f.opened}
}

type reading struct {
	io.Reader
	opened *atomic.Int64
}

func (r *reading) Close() error {
	r.opened.Add(-1)
	return nil
}

func TestBodiesOfAnySizeGoBothWays(t *testing.T) {
	p := to(t, served(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Got", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}))
	opened := &atomic.Int64{}
	var calls sync.WaitGroup
	for _, size := range []int{0, 1, 16 << 10, 16<<10 - frameHeader, 65535, 65536, 1 << 20, 5 << 20} {
		for _, spilled := range []bool{false, true} {
			calls.Go(func() {
				text := strings.Repeat("0123456789abcdef", size/16+1)[:size]
				r := hello
				r.Body = []byte(text)
				if spilled {
					r.Body, r.Source = nil, from{text, opened}
				}
				_, body, err := ask(p, r)
				if err != nil || body != text {
					t.Errorf("size %d, spilled %v: %v, %d came back", size, spilled, err, len(body))
				}
			})
		}
	}
	calls.Wait()
	require.Zero(t, opened.Load(), "bodies that were not closed")
}

func TestManyCallsShareAConnectionAndMoreAreMadeWhenOneIsFull(t *testing.T) {
	gate, asked := make(chan struct{}), atomic.Int64{}
	p := to(t, served(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		<-gate
		_, _ = io.WriteString(w, "yes")
	}))
	release := sync.OnceFunc(func() { close(gate) })
	defer release()
	var calls sync.WaitGroup
	const all = 300
	for range all {
		calls.Go(func() {
			_, body, err := ask(p, hello)
			if err != nil || body != "yes" {
				t.Errorf("%v: %q", err, body)
			}
		})
	}
	require.Eventually(t, func() bool { return asked.Load() == all }, 30*time.Second, time.Millisecond)
	require.LessOrEqual(t, p.Open.Load(), int64(4)) // of 250 streams each
	require.GreaterOrEqual(t, p.Open.Load(), int64(2))
	release()
	calls.Wait()
}

func TestAnAnswerThatNobodyReadsHoldsItsWindowAndNoOtherCall(t *testing.T) {
	sent, ended := atomic.Int64{}, make(chan struct{})
	p := to(t, served(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/flood" {
			_, _ = io.WriteString(w, "yes")
			return
		}
		defer close(ended)
		block := bytes.Repeat([]byte("x"), 8<<10)
		for {
			n, err := w.Write(block)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}))
	flood := hello
	flood.Path = "/flood"
	a, _, err := p.Do(&on{}, flood)
	require.NoError(t, err)
	held := func() (n int) {
		a.conn.mu.Lock()
		defer a.conn.mu.Unlock()
		for p := a.backlog.first; p != nil; p = p.next {
			n += p.wrote - p.read
		}
		return n
	}
	require.Eventually(t, func() bool { return held() == firstWindow }, 30*time.Second, time.Millisecond)
	for range 100 {
		_, body, err := ask(p, hello)
		require.NoError(t, err)
		require.Equal(t, "yes", body)
	}
	require.Equal(t, firstWindow, held(), "its window is all that it holds")
	require.EqualValues(t, 1, p.Open.Load())
	_, err = io.CopyN(io.Discard, a, 20<<20)
	require.NoError(t, err)
	a.conn.mu.Lock()
	size := a.size
	a.conn.mu.Unlock()
	require.LessOrEqual(t, size, int64(largestWindow))
	require.NoError(t, a.Close())
	<-ended
	require.Zero(t, held())
}

func TestACallThatIsEndedFreesEverythingAndTheServerIsTold(t *testing.T) {
	gone := make(chan string, 8)
	p := to(t, served(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/chat" {
			_, _ = io.WriteString(w, "yes")
			return
		}
		if r.URL.Path == "/begun" {
			_, _ = io.WriteString(w, "begun")
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
		gone <- r.URL.Path
	}))
	for _, path := range []string{"/begun", "/silent"} {
		l, r := &on{}, hello
		r.Path = path
		ended := make(chan error)
		go func() {
			a, _, err := p.Do(l, r)
			if err == nil {
				_, err = io.ReadAll(a)
				_ = a.Close()
			}
			ended <- err
		}()
		require.Eventually(t, func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			if len(p.conns) == 0 {
				return false
			}
			c := p.conns[0]
			c.mu.Lock()
			defer c.mu.Unlock()
			for _, a := range c.streams {
				return path == "/silent" || a.Status != 0
			}
			return false
		}, 30*time.Second, time.Millisecond)
		l.end()
		require.Error(t, <-ended)
		require.Equal(t, path, <-gone)
		_, body, err := ask(p, hello)
		require.NoError(t, err)
		require.Equal(t, "yes", body)
	}
	require.EqualValues(t, 1, p.Open.Load(), "the connection is still the one")
	l := &on{}
	l.end()
	_, _, err := p.Do(l, hello)
	require.Error(t, err)
}

func TestAnAnswerThatComesBeforeAllOfTheRequestIsRead(t *testing.T) {
	p := to(t, served(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/chat" {
			_, _ = io.ReadFull(r.Body, make([]byte, 20<<10))
		}
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		_, _ = io.WriteString(w, "too many words")
	}))
	for _, path := range []string{"/v1/chat", "/at/once"} {
		for _, spilled := range []bool{true, false} {
			opened := &atomic.Int64{}
			for range 50 {
				r := hello
				r.Path, r.Body = path, bytes.Repeat([]byte("x"), 4<<20)
				if spilled {
					r.Source, r.Body = from{string(r.Body), opened}, nil
				}
				a, body, err := ask(p, r)
				require.NoError(t, err)
				require.Equal(t, 413, a.Status)
				require.Equal(t, "too many words", body)
			}
			require.Zero(t, opened.Load())
		}
	}
}

func TestAStreamGoesOnWhileItsRequestIsStillSent(t *testing.T) {
	p := to(t, served(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		_, _ = io.Copy(w, r.Body)
	}))
	r := hello
	r.Body = bytes.Repeat([]byte("0123456789abcdef"), 256<<10)
	_, body, err := ask(p, r)
	require.NoError(t, err)
	require.Equal(t, string(r.Body), body)
}

func TestAnIdleConnectionIsClosedAndOneThatIsLeftClosesWithItsLastCall(t *testing.T) {
	gate := make(chan struct{})
	p := to(t, served(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			w.(http.Flusher).Flush()
			<-gate
		}
		_, _ = io.WriteString(w, "yes")
	}))
	_, _, err := ask(p, hello)
	require.NoError(t, err)
	now := time.Now()
	p.Trim(now, 1)
	p.Trim(now.Add(59*time.Second), 1)
	require.EqualValues(t, 1, p.Open.Load())
	p.Trim(now.Add(60*time.Second), 1)
	require.Zero(t, p.Open.Load())

	_, _, err = ask(p, hello)
	require.NoError(t, err)
	p.Trim(now, 0)
	require.Zero(t, p.Open.Load(), "nobody needs it")

	wait := hello
	wait.Path = "/wait"
	a, _, err := p.Do(&on{}, wait)
	require.NoError(t, err)
	p.Close()
	require.EqualValues(t, 1, p.Open.Load())
	close(gate)
	_, err = io.ReadAll(a)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return p.Open.Load() == 0 }, 30*time.Second, time.Millisecond)
	require.NoError(t, a.Close())

	_, body, err := ask(p, hello) // somebody who had begun before may still come
	require.NoError(t, err)
	require.Equal(t, "yes", body)
	require.Eventually(t, func() bool { return p.Open.Load() == 0 }, 30*time.Second, time.Millisecond)
}

func TestARequestThatCannotBeWrittenIsNotSent(t *testing.T) {
	p := &Pool{}
	for name, r := range map[string]http1.Request{
		"path":  {Path: "/a b", Host: "h"},
		"query": {Path: "/", Query: "a\n", Host: "h"},
		"name":  {Path: "/", Host: "h", Header: http.Header{"A b": {"x"}}},
		"value": {Path: "/", Host: "h", Header: http.Header{"A": {"x\r\nb: c"}}},
	} {
		_, connected, err := p.Do(&on{}, r)
		require.ErrorIs(t, err, http1.ErrUnsendable, name)
		require.False(t, connected)
	}
}

func TestACallAllocatesLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	_, c := talking(t, func(c *talker) {
		c.settings()
		for id := c.request(); id != 0; id = c.request() {
			c.answer(id)
		}
	})
	l, buffer := &on{}, make([]byte, 512)
	_, _, err := c.Do(l, hello)
	require.NoError(t, err)
	got := testing.AllocsPerRun(200, func() {
		a, _, err := c.Do(l, hello)
		if err != nil {
			panic(err)
		}
		for err == nil {
			_, err = a.Read(buffer)
		}
		_ = a.Close()
	})
	require.LessOrEqual(t, got, 20.0, "those of the server are in it; of net/http's client's it would be 54")
}
