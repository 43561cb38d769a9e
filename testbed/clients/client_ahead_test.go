package clients

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay"
	"one-api/testbed/harness"
)

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
		"the next request":              {behind: harness.RawRequest("/v1/chat/completions", harness.Chat, ""), leave: hang},
		"the next request with the one": {with: harness.RawRequest("/v1/chat/completions", harness.Chat, ""), leave: reset},
		"as much as is kept":            {behind: strings.Repeat("x", relay.MaxAhead), leave: hang},
		"more than is kept, and it stays": {behind: strings.Repeat("x", relay.MaxAhead+1), leave: func(*net.TCPConn) {
		}},
	} {
		for _, body := range []string{harness.Chat, harness.Stream} {
			t.Run(fmt.Sprintf("%s, stream %t", name, body == harness.Stream), func(t *testing.T) {
				u := harness.NewUpstream(t, false, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
				r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithAheadTimeout(100*time.Millisecond))
				before := runtime.NumGoroutine()
				const ghosts = 5
				for range ghosts {
					c := r.Dial()
					_, err := io.WriteString(c, harness.RawRequest("/v1/chat/completions", body, "")+tc.with)
					require.NoError(t, err)
					r.Eventually("the upstream is asked", func() bool { return u.Open.Load() == 1 })
					_, _ = io.WriteString(c, tc.behind)
					tc.leave(c)
					// The next request may still be read then, and ends as soon.
					r.Eventually("the client's leaving is noticed", func() bool {
						return u.Open.Load() == 0 && r.Server.Pool().InFlight() == 0 && r.Clients() == 0
					})
				}
				require.GreaterOrEqual(t, u.Requests.Load(), int64(ghosts))
				for _, a := range r.Recorded() {
					require.Equal(t, "client_gone", a.Outcome.String())
				}
				r.RequireQuiet(before, u)
			})
		}
	}
}

// TestRequestsThatAreSentAheadAreServedInTheirOrderByteForByte is for clients that pipeline.
func TestRequestsThatAreSentAheadAreServedInTheirOrderByteForByte(t *testing.T) {
	release := make(chan struct{})
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		<-release
		harness.Answers(200, harness.WholeAnswer)(w, r)
	})
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	c := r.Dial()
	var sent []string
	for i := range 5 { // each too long for net/http's buffer, and all together within what is kept
		sent = append(sent, strings.Replace(harness.Chat, "hi", fmt.Sprintf("number %d %s", i, strings.Repeat("é", 2500)), 1))
	}
	_, err := io.WriteString(c, harness.RawRequest("/v1/chat/completions", sent[0], ""))
	require.NoError(t, err)
	r.Eventually("the first one is asked", func() bool { return u.Open.Load() == 1 })
	for _, body := range sent[1:] {
		_, err := io.WriteString(c, harness.RawRequest("/v1/chat/completions", body, ""))
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
	u.Mu.Lock()
	defer u.Mu.Unlock()
	require.Len(t, u.Bodies, len(sent))
	for i, body := range u.Bodies {
		require.True(t, bytes.Contains(body, []byte(sent[i][40:])), "request %d", i)
	}
}

// TestAClientThatHasItsAnswerMaySendItsNextRequestAtOnceHoweverLargeItIs: the handler may still be at its end by then.
func TestAClientThatHasItsAnswerMaySendItsNextRequestAtOnceHoweverLargeItIs(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	before := runtime.NumGoroutine()
	for _, size := range []int{0, 1 << 10, relay.MaxAhead, 4 * relay.MaxAhead, 64 * relay.MaxAhead} {
		for range 30 {
			status, answer, _ := r.Ask("/v1/chat/completions", strings.Replace(harness.Chat, "hi", strings.Repeat("x", size), 1))
			require.Equal(t, 200, status, answer)
		}
	}
	r.RequireQuiet(before, u)
}

// TestAnEmptyLineBehindABodyIsNoPartOfTheNextRequest is RFC 9112, section 2.2.
func TestAnEmptyLineBehindABodyIsNoPartOfTheNextRequest(t *testing.T) {
	release := make(chan struct{}, 1)
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		<-release
		harness.Answers(200, harness.WholeAnswer)(w, r)
	})
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	c := r.Dial()
	from := bufio.NewReader(c)
	for range 3 {
		_, err := io.WriteString(c, harness.RawRequest("/v1/chat/completions", harness.Chat, ""))
		require.NoError(t, err)
		r.Eventually("the upstream is asked", func() bool { return u.Open.Load() == 1 })
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
		{"whole", "/v1/chat/completions", harness.Chat, false, `"code":"client_gone"`},
		{"stream", "/v1/chat/completions", harness.Stream, false, `"code":"client_gone"`},
		{"Messages", "/v1/messages", strings.Replace(harness.Chat, "{", `{"max_tokens":9,`, 1), false, `"type":"error"`},
		{"in the middle of a stream", "/v1/chat/completions", harness.Stream, true, `data: {"error":`},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
				if test.begins {
					w.Header().Set("Content-Type", "text/event-stream")
					harness.Say(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"here\"}}]}\n\n")
				}
				<-r.Context().Done()
			})
			r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
			before := runtime.NumGoroutine()
			c := r.Dial()
			_, err := io.WriteString(c, harness.RawRequest(test.path, test.body, "Connection: close\r\n"))
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
			require.Equal(t, []string{"client_gone"}, r.Outcomes(1))
			r.RequireQuiet(before, u)
		})
	}
}
