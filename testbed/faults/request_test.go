package faults

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
	"one-api/testbed/harness"
)

// F16 and F17: requests that are too much or too slow, and health while calls hang.

// TestARequestThatIsTooMuchIsRefusedBeforeAnyUpstreamIsAsked sends requests that are refused, most of them without ever sending
// the rest of their bodies: the client waits for the relay, and the relay must not wait for the client.
func TestARequestThatIsTooMuchIsRefusedBeforeAnyUpstreamIsAsked(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F16")
	t.Parallel()
	s := newScene(t, harness.Variant{}, plan{
		handle:  func(w http.ResponseWriter, r *http.Request) { harness.Variant{}.Answer(w, r, harness.FromFaulty) },
		options: []harness.RelayOption{harness.WithEnv("MAX_REQUEST_BODY_MB", "1")},
	})
	s.before = harness.AmongOthers
	const good = "Authorization: Bearer " + harness.Key + "\r\n"
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
	answers := make([]harness.Heard, len(cases))
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
		require.NoError(t, answers[i].Err, tc.name)
		require.Equal(t, tc.status, answers[i].Status, tc.name)
		if tc.reason != "" {
			require.NotEmpty(t, harness.ErrorOf(t, answers[i].Text)["message"], tc.name)
			rejected[tc.reason]++
		}
	}
	harness.Ways[0].RequireAnswer(t, s.Variant, s.call(context.Background(), harness.Ways[0], harness.Ear{}), harness.FromFaulty)
	s.quiet()
	require.Equal(t, int64(1), s.faulty.Requests.Load())
	for _, end := range s.RequestEnds() {
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
func hearAll(conn net.Conn) (h harness.Heard) {
	return hearFrom(conn, bufio.NewReader(conn))
}

func hearFrom(conn net.Conn, reader *bufio.Reader) (h harness.Heard) {
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return harness.Heard{Err: err}
	}
	text, err := io.ReadAll(response.Body)
	if response.Close && err == nil {
		_, err = reader.WriteTo(io.Discard)
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil // a reset is an end as well, where the relay hangs up on what was still being sent
	}
	return harness.Heard{Err: err, Status: response.StatusCode, Header: response.Header, Text: string(text)}
}

// TestASlowRequestHoldsNobodyUp sends bodies in two parts with as much in between as the test wants.
func TestASlowRequestHoldsNobodyUp(t *testing.T) {
	harness.InMatrix(t, "F16")
	s := newScene(t, harness.Variant{}, plan{handle: func(w http.ResponseWriter, r *http.Request) { harness.Variant{}.Answer(w, r, harness.FromFaulty) }})
	const slow = 50
	body := `{"model":"openai","messages":[{"role":"user","content":"hi"}]}`
	conns := make([]net.Conn, slow)
	for i := range conns {
		conns[i] = s.dial(t)
		_, err := fmt.Fprintf(conns[i], "POST /v1/chat/completions HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", harness.Key, len(body), body[:20])
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return s.Server.Active() == slow }, harness.Patience, time.Millisecond)
	harness.Ways[0].RequireAnswer(t, s.Variant, s.call(context.Background(), harness.Ways[0], harness.Ear{}), harness.FromFaulty)
	status, health := s.Get("/api/monitor/health")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, float64(0), health["in_flight"], "no channel is held by a request that has not come yet")
	require.Equal(t, int64(1), s.faulty.Requests.Load())

	// Half of them get to the point, the others leave.
	for i, conn := range conns {
		if i%2 == 0 {
			_, err := io.WriteString(conn, body[20:])
			require.NoError(t, err)
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			require.NoError(t, err)
			text, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			harness.Ways[0].RequireAnswer(t, s.Variant, harness.Heard{Status: response.StatusCode, Header: response.Header, Text: string(text)}, harness.FromFaulty)
		}
		require.NoError(t, conn.Close())
	}
	s.quiet()
	require.Equal(t, int64(1+slow/2), s.faulty.Requests.Load())
	require.Len(t, s.RequestEnds(), 1+slow)
}

// TestHealthAnswersWhileCallsHang asks while no channel answers anything.
func TestHealthAnswersWhileCallsHang(t *testing.T) {
	harness.InMatrix(t, "F17")
	const hanging = 200
	s := newScene(t, harness.Variant{}, plan{handle: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }})
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	var calls sync.WaitGroup
	for i := range hanging {
		calls.Go(func() { s.call(ctx, harness.Ways[i%len(harness.Ways)], harness.Ear{}) })
	}
	require.Eventually(t, func() bool { return s.faulty.Open.Load() == hanging }, harness.Patience, time.Millisecond)
	for range 20 {
		status, health := s.Get("/api/monitor/health")
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "ok", health["status"])
		require.Equal(t, float64(hanging), health["in_flight"])
		require.Equal(t, float64(0), health["open_bodies"])
	}
	status, _ := s.Get("/api/monitor/channels/openai")
	require.Equal(t, http.StatusOK, status)
	leave()
	calls.Wait()
	s.quiet()
	require.Len(t, s.Recorded(), hanging)
	for _, a := range s.Recorded() {
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
