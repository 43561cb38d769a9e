package suite

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"one-api/relay"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rawRequest is a request as it goes over the wire.
func rawRequest(path, body, fields string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer %s\r\n%sContent-Length: %d\r\n\r\n%s", path, testKey, fields, len(body), body)
}

// dialRelay is a client without a library.
func (r *testRelay) dial() *net.TCPConn {
	r.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "http://"))
	require.NoError(r.t, err)
	r.t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn)
}

// TestAClientThatLeavesIsNoticedWhateverItHasSentBehindItsRequest is about what net/http does not notice: it stops watching a
// client when a byte comes from it.
func TestAClientThatLeavesIsNoticedWhateverItHasSentBehindItsRequest(t *testing.T) {
	hang := func(c *net.TCPConn) { _ = c.Close() }
	reset := func(c *net.TCPConn) {
		_ = c.SetLinger(0)
		_ = c.Close()
	}
	for name, tc := range map[string]struct {
		behind string // in a packet of its own
		with   string // in the same packet as the request
		leave  func(*net.TCPConn)
	}{
		"nothing":                       {leave: hang},
		"an empty line":                 {behind: "\r\n", leave: hang},
		"a byte, and a reset":           {behind: "G", leave: reset},
		"an empty line with the body":   {with: "\r\n", leave: hang},
		"the next request":              {behind: rawRequest("/v1/chat/completions", chat, ""), leave: hang},
		"the next request with the one": {with: rawRequest("/v1/chat/completions", chat, ""), leave: reset},
		"as much as is kept":            {behind: strings.Repeat("x", relay.MaxAhead), leave: hang},
		"more than is kept, and it stays": {behind: strings.Repeat("x", relay.MaxAhead+1), leave: func(*net.TCPConn) {
		}},
	} {
		for _, body := range []string{chat, stream} {
			t.Run(fmt.Sprintf("%s, stream %t", name, body == stream), func(t *testing.T) {
				u := newUpstream(t, false, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
				r := startRelay(t, openAIChannel("a", u, ""), withAheadTimeout(100*time.Millisecond))
				before := runtime.NumGoroutine()
				const ghosts = 5
				for range ghosts {
					c := r.dial()
					_, err := io.WriteString(c, rawRequest("/v1/chat/completions", body, "")+tc.with)
					require.NoError(t, err)
					r.eventually("the upstream is asked", func() bool { return u.open.Load() == 1 })
					_, _ = io.WriteString(c, tc.behind)
					tc.leave(c)
					// The next request may still be read then, and ends as soon.
					r.eventually("the client's leaving is noticed", func() bool {
						return u.open.Load() == 0 && r.server.Pool().InFlight() == 0 && r.clients() == 0
					})
				}
				require.GreaterOrEqual(t, u.requests.Load(), int64(ghosts))
				for _, a := range r.recorded() {
					require.Equal(t, "client_gone", a.Outcome.String())
				}
				r.requireQuiet(before, u)
			})
		}
	}
}

// TestRequestsThatAreSentAheadAreServedInTheirOrderByteForByte is for clients that pipeline.
func TestRequestsThatAreSentAheadAreServedInTheirOrderByteForByte(t *testing.T) {
	release := make(chan struct{})
	u := newUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		<-release
		answers(200, wholeAnswer)(w, r)
	})
	r := startRelay(t, openAIChannel("a", u, ""))
	c := r.dial()
	var sent []string
	for i := range 5 { // each too long for net/http's buffer, and all together within what is kept
		sent = append(sent, strings.Replace(chat, "hi", fmt.Sprintf("number %d %s", i, strings.Repeat("é", 2500)), 1))
	}
	_, err := io.WriteString(c, rawRequest("/v1/chat/completions", sent[0], ""))
	require.NoError(t, err)
	r.eventually("the first one is asked", func() bool { return u.open.Load() == 1 })
	for _, body := range sent[1:] {
		_, err := io.WriteString(c, rawRequest("/v1/chat/completions", body, ""))
		require.NoError(t, err)
	}
	close(release)
	from := bufio.NewReader(c)
	for range sent {
		answer, err := http.ReadResponse(from, nil)
		require.NoError(t, err)
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.Equal(t, 200, answer.StatusCode, string(text))
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	require.Len(t, u.bodies, len(sent))
	for i, body := range u.bodies {
		require.True(t, bytes.Contains(body, []byte(sent[i][40:])), "request %d", i)
	}
}

// TestAClientThatHasItsAnswerMaySendItsNextRequestAtOnceHoweverLargeItIs: the handler may still be at its end by then.
func TestAClientThatHasItsAnswerMaySendItsNextRequestAtOnceHoweverLargeItIs(t *testing.T) {
	u := newUpstream(t, false, answers(200, wholeAnswer))
	r := startRelay(t, openAIChannel("a", u, ""))
	before := runtime.NumGoroutine()
	for _, size := range []int{0, 1 << 10, relay.MaxAhead, 4 * relay.MaxAhead, 64 * relay.MaxAhead} {
		for range 30 {
			status, answer, _ := r.ask("/v1/chat/completions", strings.Replace(chat, "hi", strings.Repeat("x", size), 1))
			require.Equal(t, 200, status, answer)
		}
	}
	r.requireQuiet(before, u)
}

// TestAnEmptyLineBehindABodyIsNoPartOfTheNextRequest is RFC 9112, section 2.2.
func TestAnEmptyLineBehindABodyIsNoPartOfTheNextRequest(t *testing.T) {
	release := make(chan struct{}, 1)
	u := newUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		<-release
		answers(200, wholeAnswer)(w, r)
	})
	r := startRelay(t, openAIChannel("a", u, ""))
	c := r.dial()
	from := bufio.NewReader(c)
	for range 3 {
		_, err := io.WriteString(c, rawRequest("/v1/chat/completions", chat, ""))
		require.NoError(t, err)
		r.eventually("the upstream is asked", func() bool { return u.open.Load() == 1 })
		_, err = io.WriteString(c, "\r\n")
		require.NoError(t, err)
		release <- struct{}{}
		answer, err := http.ReadResponse(from, nil)
		require.NoError(t, err)
		_, err = io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.Equal(t, 200, answer.StatusCode)
	}
}

// TestAClientThatHalfClosesGetsNoInventedAnswer is RFC 9112, section 9.6: it cannot be told from one that has left, so its call
// ends; and it is told so.
func TestAClientThatHalfClosesGetsNoInventedAnswer(t *testing.T) {
	for _, test := range []struct {
		name, path, body string
		begins           bool // the upstream has begun its answer when the client closes
		want             string
	}{
		{"whole", "/v1/chat/completions", chat, false, `"code":"client_gone"`},
		{"stream", "/v1/chat/completions", stream, false, `"code":"client_gone"`},
		{"Messages", "/v1/messages", strings.Replace(chat, "{", `{"max_tokens":9,`, 1), false, `"type":"error"`},
		{"in the middle of a stream", "/v1/chat/completions", stream, true, `data: {"error":`},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := newUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
				if test.begins {
					w.Header().Set("Content-Type", "text/event-stream")
					say(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"here\"}}]}\n\n")
				}
				<-r.Context().Done()
			})
			r := startRelay(t, openAIChannel("a", u, ""))
			before := runtime.NumGoroutine()
			c := r.dial()
			_, err := io.WriteString(c, rawRequest(test.path, test.body, "Connection: close\r\n"))
			require.NoError(t, err)
			from := bufio.NewReader(c)
			if test.begins {
				_, err = from.Peek(1)
				require.NoError(t, err)
			}
			require.NoError(t, c.CloseWrite())
			answer, err := http.ReadResponse(from, nil)
			require.NoError(t, err)
			text, err := io.ReadAll(answer.Body)
			require.NoError(t, err)
			if test.begins {
				require.Equal(t, 200, answer.StatusCode)
			} else {
				require.Equal(t, 499, answer.StatusCode, string(text))
			}
			require.Contains(t, string(text), test.want)
			require.NotContains(t, string(text), "[DONE]")
			require.Equal(t, []string{"client_gone"}, r.outcomes(1))
			r.requireQuiet(before, u)
		})
	}
}
