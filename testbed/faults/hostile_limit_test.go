package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/relay/outcome"
	"one-api/relay/wire"
	"one-api/testbed/harness"
)

// F15 and F16: what is too much is refused with the reason, in the client's own format.

// tell sends a request as it stands, in one go and without ever ending it, and hears what comes back.
func (s *scene) tell(t *testing.T, request string) harness.Heard {
	t.Helper()
	conn := s.dial(t)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(conn, request) // the relay may hang up before it has all of it
	}()
	h := hearAll(conn)
	require.NoError(t, conn.Close())
	<-sent
	require.NoError(t, h.Err)
	return h
}

// requireReason asserts that an answer is an error in a client's format, with the reason and the request's id.
func requireReason(t *testing.T, format wire.Format, h harness.Heard, status int, kind, reason string) {
	t.Helper()
	require.Equal(t, status, h.Status, h.Text)
	require.Equal(t, "application/json", h.Header.Get("Content-Type"))
	id := h.Header.Get("X-Oneapi-Request-Id")
	require.NotEmpty(t, id)
	said := harness.ErrorOf(t, h.Text)
	require.Contains(t, said["message"], reason)
	require.Contains(t, said["message"], "(request id: "+id+")")
	require.Equal(t, kind, said["type"])
	if format == wire.Anthropic {
		var outside struct{ Type string }
		require.NoError(t, json.Unmarshal([]byte(h.Text), &outside))
		require.Equal(t, "error", outside.Type)
	} else {
		require.Contains(t, said, "code")
		require.Contains(t, said, "param")
	}
}

func TestWhatIsTooLargeIsRefusedWithTheReasonInTheClientsFormat(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F16")
	s := newScene(t, harness.Variant{}, plan{
		handle:  func(w http.ResponseWriter, r *http.Request) { harness.Variant{}.Answer(w, r, harness.FromFaulty) },
		options: []harness.RelayOption{harness.WithEnv("MAX_REQUEST_BODY_MB", "1")},
	})
	s.before = harness.AmongOthers
	t.Cleanup(s.quiet) // behind the parallel parts
	const invalid = "invalid_request_error"
	tooLarge := map[wire.Format]string{wire.OpenAI: invalid, wire.Anthropic: "request_too_large"}
	const body = "The request's body is larger than 1 MiB, the most that this relay accepts (MAX_REQUEST_BODY_MB)."
	const header = "The request's line and header are larger than 32 KiB, the most that this relay accepts."
	for name, tc := range map[string]struct {
		rest   string // of the header, and the body
		status int
		kind   map[wire.Format]string
		reason string
	}{
		"an announced body": {"Content-Length: 1048577\r\n\r\n", http.StatusRequestEntityTooLarge, tooLarge, body},
		"an absurd body":    {"Content-Length: 9223372036854775807\r\n\r\n", http.StatusRequestEntityTooLarge, tooLarge, body},
		"a chunked body":    {chunked + "\r\n200000\r\n" + strings.Repeat("x", 1<<20+1), http.StatusRequestEntityTooLarge, tooLarge, body},
		"a fat header":      {"X-Fat: " + strings.Repeat("x", 40<<10) + "\r\n\r\n", http.StatusRequestHeaderFieldsTooLarge, nil, header},
		"a header that is fat and still being sent": {"X-Fat: " + strings.Repeat("x", 1<<20), http.StatusRequestHeaderFieldsTooLarge, nil, header},
		"a header of many fields": {strings.Repeat("X-A: b\r\n", 200) + "\r\n", http.StatusRequestHeaderFieldsTooLarge, nil,
			"fields, and this relay takes 128 at the most."},
		"a header of many names": {manyNames(200) + "\r\n", http.StatusRequestHeaderFieldsTooLarge, nil, "fields, and this relay takes 128 at the most."},
	} {
		for _, path := range []string{"/v1/chat/completions", "/v1/messages"} {
			t.Run(name+" to "+path, func(t *testing.T) {
				t.Parallel()
				format := wire.OpenAI
				if path == wire.Messages.Path() {
					format = wire.Anthropic
				}
				kind := invalid
				if tc.kind != nil {
					kind = tc.kind[format]
				}
				h := s.tell(t, "POST "+path+" HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer "+harness.Key+"\r\n"+tc.rest)
				requireReason(t, format, h, tc.status, kind, tc.reason)
			})
		}
	}
	t.Run("a long line", func(t *testing.T) {
		h := s.tell(t, "GET /"+strings.Repeat("x", 1<<20)+" HTTP/1.1\r\nHost: relay\r\n\r\n")
		requireReason(t, wire.Anthropic, h, http.StatusRequestHeaderFieldsTooLarge, invalid, header)
	})
}

func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "X-A%d: b\r\n", i)
	}
	return b.String()
}

// TestAModelsNameIsBounded: names that a glob covers are remembered.
func TestAModelsNameIsBounded(t *testing.T) {
	harness.InMatrix(t, "F15")
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, base_url: %q, keys: [k], models: [\"*\"]}\n", u.URL))
	for size, want := range map[int]int{512: http.StatusOK, 513: http.StatusBadRequest, 1 << 20: http.StatusBadRequest} {
		status, answer, _ := r.Ask("/v1/chat/completions", fmt.Sprintf(`{"model":%q,"messages":[]}`, strings.Repeat("m", size)))
		require.Equal(t, want, status, answer)
	}
	r.RequireQuiet(harness.AmongOthers, u)
}

// TestARequestThatTheBudgetHasNoRoomForIsRefusedAndTriedNowhere fills the budget with one body that is still on its way.
func TestARequestThatTheBudgetHasNoRoomForIsRefusedAndTriedNowhere(t *testing.T) {
	harness.InMatrix(t, "F16")
	s := newScene(t, harness.Variant{}, plan{
		handle:  func(w http.ResponseWriter, r *http.Request) { harness.Variant{}.Answer(w, r, harness.FromFaulty) },
		options: []harness.RelayOption{harness.WithEnv("MAX_BUFFERED_MB", "6")},
	})
	s.before = harness.AmongOthers
	const size = 3 << 20
	giant := s.dial(t)
	_, err := fmt.Fprintf(giant, "POST /v1/chat/completions HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
		harness.Key, size, strings.Repeat(" ", size-1<<20))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return s.Server.Budget().Used() > 2<<20 }, harness.Patience, time.Millisecond)

	for _, w := range harness.Ways[:2] {
		status, answer, header := s.Ask(path(w), fmt.Sprintf(`{"model":%q,"max_tokens":1,"messages":[{"role":"user","content":%q}]}`, w.Name, strings.Repeat("x", size)))
		h := harness.Heard{Status: status, Text: answer, Header: header}
		requireReason(t, w.Client, h, http.StatusServiceUnavailable, "api_error", "MAX_BUFFERED_MB")
		require.Equal(t, "1", header.Get("Retry-After"))
		h = s.call(t.Context(), w, harness.Ear{})
		w.RequireAnswer(t, s.Variant, h, harness.FromFaulty) // a small one is free
	}
	// A body that would fit, but for its conversion.
	commas := `{"model":"openai-to-anthropic","messages":[` + strings.Repeat(`{},`, 20<<10) + `{}]}`
	status, answer, header := s.Ask("/v1/chat/completions", commas)
	requireReason(t, wire.OpenAI, harness.Heard{Status: status, Text: answer, Header: header}, http.StatusServiceUnavailable, "api_error", "MAX_BUFFERED_MB")

	require.NoError(t, giant.Close())
	require.Eventually(t, func() bool { return s.Server.Budget().Used() == 0 }, harness.Patience, time.Millisecond)
	_, health := s.Get("/api/monitor/health")
	require.Equal(t, float64(0), health["buffered_mb"])
	s.quiet()
	refused := 0
	for _, end := range s.RequestEnds() {
		if end.Reason == outcome.OverLimit {
			refused++
			require.Equal(t, outcome.Rejected, end.Outcome)
			require.Zero(t, end.Asked())
		}
	}
	require.Equal(t, 3, refused)
	require.Equal(t, int64(2), s.faulty.Requests.Load())
	for _, a := range s.Recorded() {
		require.Equal(t, outcome.Completed, a.Outcome)
	}
}

// TestAnAnswerThatTheBudgetHasNoRoomForIsTooLargeAndNoFaultOfItsChannel: the failure moves on, and no channel rests for it.
func TestAnAnswerThatTheBudgetHasNoRoomForIsTooLargeAndNoFaultOfItsChannel(t *testing.T) {
	harness.InMatrix(t, "F3")
	large := strings.Repeat("x", 2<<20)
	harness.InEveryVariant(t, func(v harness.Variant) bool { return !v.Large }, func(t *testing.T, v harness.Variant) {
		s := newScene(t, v, plan{
			handle:  func(w http.ResponseWriter, r *http.Request) { v.Answer(w, r, large) },
			options: []harness.RelayOption{harness.WithEnv("MAX_BUFFERED_MB", "1")},
		})
		for range 6 {
			for name, h := range s.callAll(t.Context(), harness.Ear{}) {
				if v.Second && !strings.Contains(h.Text, "MAX_BUFFERED_MB") { // some begin with a small event, and then it is too late
					require.Equal(t, http.StatusOK, h.Status, name)
					require.Contains(t, h.Text, harness.FromHealthy)
					continue
				}
				require.False(t, v.Second && !v.Stream, "another channel can take over: %s", h.Text)
				require.Contains(t, h.Text, "MAX_BUFFERED_MB", name)
				if !v.Stream {
					require.Equal(t, http.StatusServiceUnavailable, h.Status, h.Text)
				}
			}
		}
		s.quiet()
		require.Zero(t, s.Server.Budget().Used())
		for _, w := range s.ways {
			for _, o := range s.outcomesOf(w.Name) {
				require.Equal(t, outcome.TooLarge, o)
			}
			require.Equal(t, channel.Healthy, s.Server.Pool().Set().Get(w.Name).State(time.Now()), w.Name)
		}
	})
}
