package http2

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	xhttp2 "golang.org/x/net/http2"

	"one-api/relay/upstream/http1"
)

// unruly answers as it likes: whole, in pieces, early, without an end, and not at all.
func unruly(w http.ResponseWriter, r *http.Request) {
	switch how := rand.IntN(10); how {
	case 0:
		panic(http.ErrAbortHandler) // a reset before the header
	case 1:
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	case 2:
		<-r.Context().Done()
	case 3:
		w.WriteHeader(http.StatusRequestEntityTooLarge) // whatever is left of the request
	case 4:
		_, _ = w.Write(make([]byte, 600<<10))
		<-r.Context().Done()
	default:
		body, _ := io.ReadAll(r.Body)
		for len(body) > 0 && how < 8 {
			n := min(len(body), 1+rand.IntN(20<<10))
			_, _ = w.Write(body[:n])
			w.(http.Flusher).Flush()
			body = body[n:]
		}
		_, _ = w.Write(body)
	}
}

// TestACrowdThatComesAndGoesLeavesNothingBehind is for what no single case thinks of: calls of all sizes that end in all ways at once, on
// connections that are trimmed, and die, meanwhile.
func TestACrowdThatComesAndGoesLeavesNothingBehind(t *testing.T) {
	s := served(t, unruly)
	p := to(t, s)
	text := bytes.Repeat([]byte("0123456789abcdef"), 20<<10)
	opened, right := &atomic.Int64{}, atomic.Int64{}
	over := make(chan struct{})
	var calls, others sync.WaitGroup
	others.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-over:
				return
			case <-tick.C:
				p.Trim(time.Now(), 10)
				if n%50 == 49 {
					s.CloseClientConnections()
				}
			}
		}
	})
	one := func(n int) {
		r, l := hello, &on{}
		r.Path, r.Body = fmt.Sprint("/", n), text[:rand.IntN(len(text))]
		body := r.Body
		if n%3 == 0 {
			r.Source, r.Body = from{string(body), opened}, nil
		}
		leaves := time.AfterFunc(time.Duration(rand.IntN(40))*time.Millisecond, l.end)
		if n%4 != 0 {
			leaves.Reset(time.Second)
		}
		defer leaves.Stop()
		a, _, err := p.Do(l, r)
		if err != nil {
			return
		}
		defer func() { _ = a.Close() }()
		if n%7 == 0 {
			_, _ = io.CopyN(io.Discard, a, 1000)
			return
		}
		got, err := io.ReadAll(a)
		if err == nil && a.Status == http.StatusOK {
			if !bytes.Equal(got, body) {
				t.Errorf("%d bytes came back of %d, and others", len(got), len(body))
			}
			right.Add(1)
		}
	}
	for i := range 40 {
		calls.Go(func() {
			for n := range 12 {
				one(40*n + i)
			}
		})
	}
	calls.Wait()
	close(over)
	others.Wait()
	require.Positive(t, right.Load())
	require.Zero(t, opened.Load(), "bodies that were not closed")
	closed(t, p)
}

func TestManyHeadersAreCompressedInOneOrder(t *testing.T) {
	p := to(t, served(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("Mine")) //nolint:gosec // for nobody's eyes
	}))
	var calls sync.WaitGroup
	for i := range 20 {
		calls.Go(func() {
			for n := range 50 {
				mine := strings.Repeat(fmt.Sprint(i, " ", n, " "), 1+rand.IntN(40))
				mine = strings.TrimSpace(mine)
				r := http1.Request{Path: "/", Host: "example.com", Header: http.Header{"Mine": {mine}, "Other": {fmt.Sprint(n)}}}
				if _, body, err := ask(p, r); err != nil || body != mine {
					t.Errorf("%v: %q instead of %q", err, body, mine)
				}
			}
		})
	}
	calls.Wait()
}

// TestACrowdOnConnectionsThatTakeFewCallsEachIsAnsweredWhole is nginx, which says goodbye with its 1000th request (keepalive_requests), while
// others are on their way that it does not look at.
func TestACrowdOnConnectionsThatTakeFewCallsEachIsAnsweredWhole(t *testing.T) {
	const each, crowd = 5, 30
	s, p := talking(t, func(c *talker) {
		c.settings()
		for n := 1; ; n++ {
			id := c.request()
			if id == 0 {
				return
			}
			if n == each {
				_ = c.WriteGoAway(id, xhttp2.ErrCodeNo, nil)
			}
			if n <= each {
				c.answer(id)
			}
		}
	})
	var calls sync.WaitGroup
	for range crowd {
		calls.Go(func() {
			if _, body, err := ask(p, hello); err != nil || body != `{"b":2}` {
				t.Errorf("%v: %q", err, body)
			}
		})
	}
	calls.Wait()
	require.GreaterOrEqual(t, s.conns.Load(), int64(crowd/each))
}
