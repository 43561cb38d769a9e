package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serveUpstream runs the upstream in this process.
func serveUpstream(t *testing.T) endpoint {
	t.Helper()
	server := httptest.NewServer(newUpstream())
	t.Cleanup(server.Close)
	return endpoint{address: strings.TrimPrefix(server.URL, "http://"), key: clientKey}
}

func TestTheUpstreamAnswersAsTheModelsNameSays(t *testing.T) {
	t.Parallel()
	at := serveUpstream(t)
	for model, want := range map[string]struct {
		stream bool
		check  func(body string)
	}{
		"bench-plain":     {false, func(body string) { assert.Equal(t, plainAnswer, body) }},
		"bench-size-5000": {false, func(body string) { assert.Len(t, body, 5000-len("Hello there")) }},
		"bench-burst": {true, func(body string) {
			assert.Equal(t, chunksOfStream, strings.Count(body, `"content":"Hello"`))
			assert.True(t, strings.HasSuffix(body, "data: [DONE]\n\n"))
		}},
		"bench-paced-100us": {true, func(body string) { assert.Equal(t, chunksOfStream, strings.Count(body, stamp)) }},
	} {
		c := newClient(at.address)
		for range 2 { // the second goes over the same connection
			var body strings.Builder
			h, err := c.call(at.request(at.key, question(model, want.stream, promptBytes)), func(part []byte) { body.Write(part) })
			require.NoError(t, err, model)
			assert.False(t, h.first.IsZero())
			assert.NotNil(t, c.conn, model)
			want.check(body.String())
		}
		c.close()
	}
}

func TestWhatIsNo200IsAnErrorThatSaysWhy(t *testing.T) {
	t.Parallel()
	at := serveUpstream(t)
	c := newClient(at.address)
	defer c.close()
	_, err := c.call(at.request(at.key, question("bench-nonsense", false, 10)), nil)
	assert.ErrorContains(t, err, "status 400")
	assert.ErrorContains(t, err, "says nothing")
	_, err = c.call(at.request(at.key, question("bench-plain", false, 10)), nil)
	assert.NoError(t, err, "the next call has a connection of its own")
}

// TestABodyEndsWhereItSays speaks raw HTTP, because net/http's server does not write all of it.
func TestABodyEndsWhereItSays(t *testing.T) {
	t.Parallel()
	for answer, kept := range map[string]bool{
		"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello":                                     true,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n": true,
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello":                false,
		"HTTP/1.0 200 OK\r\n\r\nhello":                                                          false,
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		go func() {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
			_, _ = io.ReadFull(conn, make([]byte, 4))
			_, _ = io.WriteString(conn, answer)
			if kept {
				_, _ = io.Copy(io.Discard, conn)
			}
		}()
		c := newClient(listener.Addr().String())
		var body strings.Builder
		_, err = c.call([]byte("GET "), func(part []byte) { body.Write(part) })
		require.NoError(t, err, answer)
		assert.Equal(t, "hello", body.String())
		assert.Equal(t, kept, c.conn != nil, answer)
		c.close()
		require.NoError(t, listener.Close())
	}
}

func TestStampsAreFoundAlsoWhereTheyAreCut(t *testing.T) {
	t.Parallel()
	written := time.Now().Add(-time.Second).UnixNano()
	text := fmt.Sprintf(`data: {"content":"T=%d "}`+"\n\n"+`data: {"content":"T=%d "}`, written, written)
	for cut := range len(text) {
		found := 0
		s := stamps{found: func(age time.Duration) {
			found++
			assert.Greater(t, age, 900*time.Millisecond)
		}}
		s.read([]byte(text[:cut]))
		s.read([]byte(text[cut:]))
		require.Equal(t, 2, found, "cut at %d", cut)
	}
}

func TestALoadCountsEveryCallAndItsCPU(t *testing.T) {
	t.Parallel()
	at := serveUpstream(t)
	request := at.request(at.key, question("bench-paced-100us", true, 10))
	spent := -1.0
	l := load{
		at: at, concurrency: 3, duration: time.Millisecond, warm: 1, stamped: true,
		request: func() []byte { return request }, cpu: func() float64 { spent++; return spent },
	}
	m, err := l.run(t.Context())
	require.NoError(t, err)
	assert.GreaterOrEqual(t, m.calls, 3)
	assert.Len(t, m.latencies, m.calls)
	assert.Len(t, m.firsts, m.calls)
	assert.Len(t, m.delays, m.calls*(chunksOfStream-1))
	assert.InDelta(t, 1e6/float64(m.calls), m.cpu, 1e-6)
}

func TestACrowdStandsUntilItIsEnded(t *testing.T) {
	t.Parallel()
	at := serveUpstream(t)
	c := newCrowd(&subject{name: direct, endpoint: at}, viaOpenAI)
	defer c.leave()
	require.NoError(t, c.grow(t.Context(), 10))
	assert.EqualValues(t, 10, c.open.Load())
	require.NoError(t, c.grow(t.Context(), 40))
	assert.EqualValues(t, 40, c.open.Load())
	require.NoError(t, c.end(t.Context(), at.address))
	assert.Zero(t, c.open.Load())
	assert.NoError(t, c.broken())
}

func TestACrowdSaysWhatGaveOut(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	c := newCrowd(&subject{name: direct, endpoint: endpoint{address: strings.TrimPrefix(server.URL, "http://")}}, viaOpenAI)
	defer c.leave()
	assert.ErrorContains(t, c.grow(t.Context(), 1000), "status 404")
}
