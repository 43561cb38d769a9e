package faults

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// F16: clients that take their time with a request are cut within its bounds, and hold nothing afterwards.

func TestSlowRequestsAreCutInTimeAndHoldNothing(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F16")
	const bound = 2 * time.Second // in which those who are well have to get to their point, on a busy machine too
	s := newScene(t, harness.Variant{}, plan{
		handle:  func(w http.ResponseWriter, r *http.Request) { harness.Variant{}.Answer(w, r, harness.FromFaulty) },
		options: []harness.RelayOption{harness.WithClientTimeouts(bound, bound), harness.WithEnv("MAX_BUFFERED_MB", "64")},
	})
	const head = "POST /v1/chat/completions HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer " + harness.Key + "\r\n"
	const perKind = 30
	kinds := []struct {
		name, begins, goesOn string
		status               int // 0: it is hung up on without an answer
	}{
		{"nothing at all", "", "", 0},
		{"a line that never ends", "GET /", "x", http.StatusBadRequest},
		{"a header that never ends", head, "X-Slow: x\r\n", 0},
		{"a body of which nothing comes", head + "Content-Length: 67108864\r\n\r\n", "", http.StatusRequestTimeout},
		{"a body that drips", head + "Content-Length: 67108864\r\n\r\n", " ", http.StatusRequestTimeout},
		{"a large body that stops", head + "Content-Length: 67108864\r\n\r\n" + strings.Repeat(" ", 300<<10), "", http.StatusRequestTimeout},
		{"chunks that drip", head + chunked + "\r\n", "1\r\n \r\n", http.StatusRequestTimeout},
		{"a chunk's size that drips", head + chunked + "\r\n", "0", http.StatusRequestTimeout},
		{"a body for which there is no key", "POST /v1/messages HTTP/1.1\r\nHost: relay\r\nContent-Length: 67108864\r\n\r\n", " ", http.StatusUnauthorized},
	}
	var all sync.WaitGroup // of all kinds at once: they share the waiting
	statuses := make([][perKind]int, len(kinds))
	for k, kind := range kinds {
		for i := range perKind {
			all.Go(func() { statuses[k][i] = s.beSlow(t, kind.begins, kind.goesOn) })
		}
	}
	// An ordinary call is served meanwhile.
	harness.Ways[0].RequireAnswer(t, s.Variant, s.call(t.Context(), harness.Ways[0], harness.Ear{}), harness.FromFaulty)
	all.Wait()
	for k, kind := range kinds {
		for _, status := range statuses[k] {
			require.Equal(t, kind.status, status, kind.name)
		}
	}
	s.Eventually("none of them is held", func() bool { return s.Server.Active() == 0 && s.Clients() <= 1 })
	require.Zero(t, s.Server.Budget().Used())
	s.quiet()
	for _, end := range s.RequestEnds() {
		if end.Outcome == outcome.Rejected {
			require.Contains(t, []outcome.Reason{outcome.BadBody, outcome.BadAuth}, end.Reason)
			continue
		}
		require.Equal(t, outcome.Completed, end.Outcome)
	}
}

// beSlow sends a beginning and then drips on until the relay hangs up. It returns the answer's status; 0: there was none, -1: the
// relay has not hung up.
func (s *scene) beSlow(t *testing.T, begins, goesOn string) (status int) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if !assert.NoError(t, err) {
		return -1
	}
	_, _ = io.WriteString(conn, begins)
	ended := make(chan struct{})
	var drips sync.WaitGroup
	drips.Go(func() { drip(conn, goesOn, ended) })
	_ = conn.SetReadDeadline(time.Now().Add(harness.Patience))
	reader := bufio.NewReader(conn)
	if response, err := http.ReadResponse(reader, nil); err == nil {
		status = response.StatusCode
		_, _ = io.Copy(io.Discard, response.Body)
	}
	_, err = reader.WriteTo(io.Discard) // until the relay hangs up
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		status = -1
	}
	close(ended)
	drips.Wait()
	_ = conn.Close()
	return status
}

// drip sends a little at a time until the other end hangs up or ended.
func drip(conn net.Conn, what string, ended <-chan struct{}) {
	if what == "" {
		return
	}
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case <-ended:
			return
		case <-again.C:
			if _, err := io.WriteString(conn, what); err != nil {
				return
			}
		}
	}
}

// TestJSONThatNestsWithoutEndIsRefusedInBothDirections: an upstream may try it as well as a client.
func TestJSONThatNestsWithoutEndIsRefusedInBothDirections(t *testing.T) {
	harness.InMatrix(t, "F16")
	deep := strings.Repeat(`[`, 4<<20)
	for _, v := range []harness.Variant{{}, {Stream: true}} {
		t.Run(v.String(), func(t *testing.T) {
			s := newScene(t, v, plan{handle: func(w http.ResponseWriter, r *http.Request) {
				v.Header(w)
				if v.Stream {
					harness.Say(w, "data: ")
				}
				harness.Say(w, `{"type":"message_start","choices":`+deep+"\n\n")
			}})
			for _, h := range s.callAll(t.Context(), harness.Ear{}) {
				require.NoError(t, h.Err)
				require.Equal(t, http.StatusBadGateway, h.Status, h.Text)
			}
			for _, w := range s.ways {
				status, answer, _ := s.Ask(path(w), fmt.Sprintf(`{"model":%q,"max_tokens":1,"messages":%s`, w.Name, deep))
				require.Equal(t, http.StatusBadRequest, status, answer)
			}
			s.quiet()
			require.Zero(t, s.Server.Budget().Used())
		})
	}
}
