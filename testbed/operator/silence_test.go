package operator

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

const streamedChat = `{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}`

// silentUpstream answers at once, and then not any more, until it speaks again.
type silentUpstream struct {
	*harness.Upstream
	says   string // the beginning of an answer: "header", "token", or nothing at all
	silent atomic.Bool
	held   atomic.Int64
	speak  chan struct{}
}

func newSilentUpstream(t *testing.T, says string) *silentUpstream {
	u := &silentUpstream{says: says, speak: make(chan struct{})}
	const token = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n"
	const end = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
	u.Upstream = harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		if !u.silent.Load() {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, token+end)
			return
		}
		if u.says != "" {
			w.Header().Set("Content-Type", "text/event-stream")
			if u.says == "token" {
				_, _ = io.WriteString(w, token)
			}
			_ = http.NewResponseController(w).Flush()
		}
		u.held.Add(1)
		defer u.held.Add(-1)
		select {
		case <-u.speak:
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, token+end)
		case <-r.Context().Done():
		}
	})
	return u
}

// crowd is clients that wait for an answer, until they are told to leave.
func crowd(t *testing.T, r *harness.Relay, n int) (leave func(), wait func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if response, err := r.Post(ctx, "/v1/chat/completions", streamedChat); err == nil {
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		})
	}
	t.Cleanup(func() { cancel(); all.Wait() })
	return func() { cancel(); all.Wait() }, all.Wait
}

// wellFor has a channel answer a few calls, so that it is known what is usual there.
func wellFor(r *harness.Relay, calls int) {
	for range calls {
		status, answer, _ := r.Ask("/v1/chat/completions", streamedChat)
		require.Equal(r.T, 200, status, answer)
	}
}

func TestACallThatHangsIsSaidByTheMonitorEndpointsAndInTheLogInTheSameWords(t *testing.T) {
	for says, want := range map[string]string{
		"": ", not even a header", "header": ", but a header", "token": ", but a header",
	} {
		t.Run("it says "+says, func(t *testing.T) {
			t.Parallel()
			u := newSilentUpstream(t, says)
			r := harness.StartRelay(t, harness.OpenAIChannel("slow-one", u.Upstream, ""), harness.WithHangsAtLeast(300*time.Millisecond))
			wellFor(r, 5)
			u.silent.Store(true)
			_, wait := crowd(t, r, 3)
			var c map[string]any
			r.Eventually("all three hang", func() bool {
				_, c = r.Get("/api/monitor/channels/slow-one")
				return c["hanging"] == 3.0
			})
			require.Equal(t, "degraded", c["state"])
			require.Regexp(t, `^3 calls hang: nothing has come for \S+ \(since \d\d:\d\d:\d\d UTC\), where 95 of 100 take less than \S+`+want+`$`, c["reason"])
			require.Equal(t, 0.0, c["consecutive_failures"], "it is no failure")
			require.Equal(t, 0.0, c["retry_in_seconds"], "and nobody passes it over")
			require.Nil(t, c["last_failure"])
			_, h := r.Get("/api/monitor/health")
			is := h["silent"].(map[string]any)
			require.Equal(t, "slow-one", is["channel"])
			require.Equal(t, 3.0, is["hanging"])
			require.Equal(t, 1.0, is["channels"])
			require.Contains(t, is["reason"], "3 calls hang: nothing has come for ")
			require.Equal(t, map[string]any{"total": 1.0, "healthy": 0.0, "degraded": 1.0, "disabled": 0.0}, h["channels"])
			r.Eventually("the log says so", func() bool {
				return strings.Contains(r.Log.String(), `level=WARN msg="calls hang at a channel: their clients wait, or leave without an answer" channel=slow-one why="`)
			})

			close(u.speak)
			wait()
			r.Eventually("nothing hangs any more", func() bool {
				_, c = r.Get("/api/monitor/channels/slow-one")
				_, h = r.Get("/api/monitor/health")
				return c["state"] == "healthy" && h["silent"] == nil
			})
			require.Empty(t, c["reason"])
			require.Equal(t, 1, strings.Count(r.Log.String(), "calls hang at a channel"), "once")
		})
	}
}

func TestCallsThatClientsLeaveOneAfterTheOtherBeforeAnythingComesAreToldAndCountAgainstNobody(t *testing.T) {
	u := newSilentUpstream(t, "")
	r := harness.StartRelay(t, harness.OpenAIChannel("dead-one", u.Upstream, ""), harness.WithEnv("ADMIN_TOKEN", "admin-secret-123456"))
	wellFor(r, 5)
	channel := func() (c map[string]any) {
		_, c = r.Get("/api/monitor/channels/dead-one")
		return c
	}
	leaves := func(n int, after time.Duration) {
		leave, _ := crowd(t, r, n)
		r.Eventually("they wait", func() bool { return u.held.Load() == int64(n) })
		waits := time.Now()
		r.Eventually("they have waited", func() bool { return time.Since(waits) >= after })
		leave()
		r.Eventually("they have left", func() bool { return channel()["in_flight"] == 0.0 })
	}
	u.silent.Store(true)
	leaves(2, 0)
	require.Equal(t, 0.0, channel()["left_in_a_row"], "two that leave say nothing of the channel")
	leaves(3, 2200*time.Millisecond)
	told := func() bool { return channel()["left_in_a_row"].(float64) >= 3 }
	r.Eventually("it is told", told)
	c := channel()
	require.Equal(t, "degraded", c["state"])
	require.Regexp(t, `^the last [3-5] calls were left by their clients, after \S+( to \S+)? in which nothing came \(since \d\d:\d\d:\d\d UTC\), not even a header$`, c["reason"])
	require.GreaterOrEqual(t, c["left_after_least_seconds"], 2.0)
	require.Equal(t, 0.0, c["consecutive_failures"])
	require.Equal(t, 0.0, c["retry_in_seconds"])
	require.Nil(t, c["last_failure"])
	require.Equal(t, map[string]any{"completed": 5.0, "client_gone": 5.0}, c["attempts"])
	_, h := r.Get("/api/monitor/health")
	require.Equal(t, "dead-one", h["silent"].(map[string]any)["channel"])
	require.Equal(t, c["reason"], h["silent"].(map[string]any)["reason"])
	r.Eventually("the log says so", func() bool {
		return strings.Contains(r.Log.String(), `channel=dead-one why="the last `)
	})

	u.silent.Store(false)
	wellFor(r, 1)
	r.Eventually("it has answered", func() bool { return channel()["state"] == "healthy" })
	require.Empty(t, channel()["reason"])

	u.silent.Store(true)
	leaves(3, 2200*time.Millisecond)
	r.Eventually("it is told again", told)
	request, err := http.NewRequest(http.MethodPost, r.URL+"/api/channel/dead-one/enable", nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer admin-secret-123456")
	response, err := r.Client.Do(request)
	require.NoError(t, err)
	_ = response.Body.Close()
	r.Eventually("the operator has forgiven it", func() bool { return channel()["state"] == "healthy" })
	require.Empty(t, channel()["reason"])
}
