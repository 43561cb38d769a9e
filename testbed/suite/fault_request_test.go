package suite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
)

// F16 and F17: requests that are too much or too slow, and health while calls hang.

// TestARequestThatIsTooMuchIsRefusedBeforeAnyUpstreamIsAsked sends requests that are refused, most of them without ever sending
// the rest of their bodies: the client waits for the relay, and the relay must not wait for the client.
func TestARequestThatIsTooMuchIsRefusedBeforeAnyUpstreamIsAsked(t *testing.T) {
	long(t)
	inMatrix(t, "F16")
	t.Parallel()
	s := newScene(t, variant{}, plan{
		handle:  func(w http.ResponseWriter, r *http.Request) { variant{}.answer(w, r, fromFaulty) },
		options: []relayOption{withEnv("MAX_REQUEST_BODY_MB", "1")},
	})
	s.before = amongOthers
	const good = "Authorization: Bearer " + testKey + "\r\n"
	cases := []struct {
		name, head, body string
		status           int
		reason           outcome.Reason // empty: the request got as far as no handler
	}{
		{"a header over its bound", good + "X-Fat: " + strings.Repeat("x", 80<<10) + "\r\n", "", http.StatusRequestHeaderFieldsTooLarge, ""},
		{"a body that says that it is too large", good + "Content-Length: 1048577\r\n", "", http.StatusRequestEntityTooLarge, outcome.BadBody},
		{"a body that turns out to be too large", good + chunked, "200000\r\n" + strings.Repeat("x", 1<<20+1), http.StatusRequestEntityTooLarge, outcome.BadBody},
		{"a body that ends too early", good + chunked, "9\r\n{\"model\":\r\n0\r\n\r\n", http.StatusBadRequest, outcome.BadBody},
		{"a body that is broken off", good + chunked, "9\r\n{\"model\":nonsense", http.StatusBadRequest, outcome.BadBody},
		{"a body that is packed", good + "Content-Encoding: gzip\r\nContent-Length: 1000\r\n", "x", http.StatusUnsupportedMediaType, outcome.BadBody},
		{"JSON that nests without end", good + chunked, nested(512 << 10), http.StatusBadRequest, outcome.BadBody},
		{"a wrong key", "Authorization: Bearer sk-wrong\r\nContent-Length: 1000\r\n", "", http.StatusUnauthorized, outcome.BadAuth},
		{"no key", chunked, "", http.StatusUnauthorized, outcome.BadAuth},
	}
	answers := make([]heard, len(cases))
	var calls sync.WaitGroup
	for i, tc := range cases {
		conn := s.dial(t)
		calls.Go(func() {
			_, _ = io.WriteString(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: relay\r\n"+tc.head+"\r\n"+tc.body)
		})
		calls.Go(func() {
			answers[i] = hearAll(conn)
			_ = conn.Close()
		})
	}
	calls.Wait()
	rejected := map[outcome.Reason]int{}
	for i, tc := range cases {
		require.NoError(t, answers[i].err, tc.name)
		require.Equal(t, tc.status, answers[i].status, tc.name)
		if tc.reason != "" {
			require.NotEmpty(t, errorOf(t, answers[i].text)["message"], tc.name)
			rejected[tc.reason]++
		}
	}
	ways[0].requireAnswer(t, s.variant, s.call(context.Background(), ways[0], ear{}), fromFaulty)
	s.quiet()
	require.Equal(t, int64(1), s.faulty.requests.Load())
	for _, end := range s.requestEnds() {
		if end.Outcome == outcome.Rejected {
			rejected[end.Reason]--
		}
	}
	require.Equal(t, map[outcome.Reason]int{outcome.BadBody: 0, outcome.BadAuth: 0}, rejected)
}

const chunked = "Transfer-Encoding: chunked\r\n"

// nested is a chunked body of so many bytes of JSON.
func nested(size int) string {
	const beginning = `{"model":"openai","messages":`
	return fmt.Sprintf("%x\r\n", size) + beginning + strings.Repeat("[", size-len(beginning)) + "\r\n0\r\n\r\n"
}

// hearAll reads an answer and, where the relay says that it will hang up, waits for that. It gives up on a relay that does nothing.
func hearAll(conn net.Conn) (h heard) {
	return hearFrom(conn, bufio.NewReader(conn))
}

func hearFrom(conn net.Conn, reader *bufio.Reader) (h heard) {
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return heard{err: err}
	}
	text, err := io.ReadAll(response.Body)
	if response.Close && err == nil {
		_, err = reader.WriteTo(io.Discard)
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil // a reset is an end as well, where the relay hangs up on what was still being sent
	}
	return heard{err: err, status: response.StatusCode, header: response.Header, text: string(text)}
}

// TestASlowRequestHoldsNobodyUp sends bodies in two parts with as much in between as the test wants.
func TestASlowRequestHoldsNobodyUp(t *testing.T) {
	inMatrix(t, "F16")
	s := newScene(t, variant{}, plan{handle: func(w http.ResponseWriter, r *http.Request) { variant{}.answer(w, r, fromFaulty) }})
	const slow = 50
	body := `{"model":"openai","messages":[{"role":"user","content":"hi"}]}`
	conns := make([]net.Conn, slow)
	for i := range conns {
		conns[i] = s.dial(t)
		_, err := fmt.Fprintf(conns[i], "POST /v1/chat/completions HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", testKey, len(body), body[:20])
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return s.server.Active() == slow }, patience, time.Millisecond)
	ways[0].requireAnswer(t, s.variant, s.call(context.Background(), ways[0], ear{}), fromFaulty)
	status, health := s.get("/api/monitor/health")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, float64(0), health["in_flight"], "no channel is held by a request that has not come yet")
	require.Equal(t, int64(1), s.faulty.requests.Load())

	// Half of them get to the point, the others leave.
	for i, conn := range conns {
		if i%2 == 0 {
			_, err := io.WriteString(conn, body[20:])
			require.NoError(t, err)
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			require.NoError(t, err)
			text, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			ways[0].requireAnswer(t, s.variant, heard{status: response.StatusCode, header: response.Header, text: string(text)}, fromFaulty)
		}
		require.NoError(t, conn.Close())
	}
	s.quiet()
	require.Equal(t, int64(1+slow/2), s.faulty.requests.Load())
	require.Len(t, s.requestEnds(), 1+slow)
}

// TestHealthAnswersWhileCallsHang asks while no channel answers anything.
func TestHealthAnswersWhileCallsHang(t *testing.T) {
	inMatrix(t, "F17")
	const hanging = 200
	s := newScene(t, variant{}, plan{handle: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }})
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	var calls sync.WaitGroup
	for i := range hanging {
		calls.Go(func() { s.call(ctx, ways[i%len(ways)], ear{}) })
	}
	require.Eventually(t, func() bool { return s.faulty.open.Load() == hanging }, patience, time.Millisecond)
	for range 20 {
		status, health := s.get("/api/monitor/health")
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "ok", health["status"])
		require.Equal(t, float64(hanging), health["in_flight"])
		require.Equal(t, float64(0), health["open_bodies"])
	}
	status, _ := s.get("/api/monitor/channels/openai")
	require.Equal(t, http.StatusOK, status)
	leave()
	calls.Wait()
	s.quiet()
	require.Len(t, s.recorded(), hanging)
	for _, a := range s.recorded() {
		require.Equal(t, outcome.ClientGone, a.Outcome)
	}
}

// dial is a client that writes its request itself.
func (s *scene) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
