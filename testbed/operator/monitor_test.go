package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

func TestHealthSaysWhatTheContractPromisesAndNothingElse(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	status, health := r.Get("/api/monitor/health")
	require.Equal(t, 200, status)
	require.Equal(t, "ok", health["status"])
	require.Equal(t, "normal", health["level"])
	require.Equal(t, "v0.0.0-test", health["version"])
	require.Equal(t, map[string]any{"total": 1.0, "healthy": 1.0, "degraded": 0.0, "disabled": 0.0}, health["channels"])
	require.Greater(t, health["goroutines"], 1.0)
	for _, key := range []string{"alloc_mb", "total_alloc_mb", "sys_mb", "num_gc"} {
		require.Contains(t, health["memory"], key)
	}
	require.NotContains(t, health, "busiest", "nothing is in flight")
	require.Equal(t, map[string]any{"open": 1.0, "idle": 0.0}, health["client_connections"], "this test's own, which asks")
	require.Len(t, health, 14)
}

func TestHealthSaysWhatIdleClientsAreWorthAndWhichChannelIsBusiest(t *testing.T) {
	release := make(chan struct{})
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
			harness.Answers(200, harness.WholeAnswer)(w, r)
		case <-r.Context().Done():
		}
	})
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n"+
		"  - {name: calm, type: openai, base_url: %[1]q, keys: [sk-upstream-secret], models: [calm]}\n"+
		"  - {name: busy, type: openai, base_url: %[1]q, keys: [sk-upstream-secret], models: [m]}\n", u.URL))
	before := runtime.NumGoroutine()
	var silent []net.Conn
	for _, sends := range []string{"", "", "GET /api/status HTTP/1.1\r\nHost: relay\r\nX-Half: "} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "http://"))
		require.NoError(t, err)
		_, err = io.WriteString(conn, sends)
		require.NoError(t, err)
		silent = append(silent, conn)
	}
	ended := make(chan int, 3)
	for _, model := range []string{"m", "m", "calm"} {
		go func() {
			response, err := r.Post(context.Background(), "/v1/chat/completions", strings.Replace(harness.Chat, `"m"`, `"`+model+`"`, 1))
			if err != nil {
				ended <- 0
				return
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			ended <- response.StatusCode
		}()
	}
	require.Eventually(t, func() bool {
		_, health := r.Get("/api/monitor/health")
		busiest, _ := health["busiest"].(map[string]any)
		return busiest["channel"] == "busy" && busiest["in_flight"] == 2.0 && health["in_flight"] == 3.0 &&
			reflect.DeepEqual(health["client_connections"], map[string]any{"open": 7.0, "idle": 3.0})
	}, harness.Patience, 5*time.Millisecond)
	_, health := r.Get("/api/monitor/health")
	require.Less(t, health["busiest"].(map[string]any)["oldest_seconds"], harness.Patience.Seconds())

	close(release)
	for range 3 {
		require.Equal(t, 200, <-ended)
	}
	for _, conn := range silent {
		_ = conn.Close()
	}
	r.RequireQuiet(before, u)
	_, health = r.Get("/api/monitor/health")
	require.NotContains(t, health, "busiest")
}

func TestHealthStaysExactWhileManyCallsHang(t *testing.T) {
	const calls = 100
	release := make(chan struct{})
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-release:
			_, _ = io.WriteString(w, "data: [DONE]\n\n")
		case <-r.Context().Done():
		}
	})
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	before := runtime.NumGoroutine()
	done := make(chan string, calls)
	for range calls {
		go func() {
			response, err := r.Post(context.Background(), "/v1/chat/completions", strings.Replace(harness.Chat, "{", `{"stream":true,`, 1))
			if err != nil {
				done <- err.Error()
				return
			}
			body, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			done <- string(body)
		}()
	}
	require.Eventually(t, func() bool {
		_, h := r.Get("/api/monitor/health")
		return h["in_flight"] == float64(calls) && h["open_bodies"] == float64(calls)
	}, harness.Patience, 5*time.Millisecond)
	_, h := r.Get("/api/monitor/health")
	// The upstream and the clients of this test live in the same process: per call a connection and a handler of the former,
	// three goroutines of the latter.
	require.LessOrEqual(t, h["unexplained_goroutines"].(float64), 6.0*calls+10)
	_, c := r.Get("/api/monitor/channels/a")
	require.Equal(t, float64(calls), c["in_flight"])
	require.Greater(t, c["oldest_in_flight_seconds"], 0.0)
	require.Equal(t, float64(calls), c["open_connections"])

	close(release)
	for range calls {
		require.True(t, strings.HasSuffix(<-done, "data: [DONE]\n\n"))
	}
	r.RequireQuiet(before, u)
	_, h = r.Get("/api/monitor/health")
	require.Equal(t, 0.0, h["in_flight"])
	require.Equal(t, 0.0, h["open_bodies"])
}

func TestTheDrillDownCountsEveryAttemptOfAChannelByItsOutcome(t *testing.T) {
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "embeddings") {
			harness.Answers(500, `{"error":{"message":"no embeddings at 127.0.0.1 with sk-upstream-secret"}}`)(w, r)
			return
		}
		harness.Answers(200, harness.WholeAnswer)(w, r)
	})
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("RETRY_TIMES", "0"))
	for range 3 {
		r.Ask("/v1/chat/completions", harness.Chat)
	}
	status, answer, _ := r.Ask("/v1/embeddings", `{"model":"m","input":"x"}`)
	require.Equal(t, 502, status)
	require.NotContains(t, answer, "sk-upstream-secret")
	require.NotContains(t, answer, "127.0.0.1")
	require.NotContains(t, r.Log.String(), "sk-upstream-secret")

	_, c := r.Get("/api/monitor/channels/a")
	require.Equal(t, map[string]any{"completed": 3.0, "upstream_status": 1.0}, c["attempts"])
	require.Equal(t, 4.0, c["attempts_total"])
	require.Equal(t, "degraded", c["state"])
	require.Equal(t, "upstream_status", c["last_failure"].(map[string]any)["outcome"])
	require.Equal(t, 500.0, c["last_failure"].(map[string]any)["status"])

	response, err := r.Client.Get(r.URL + "/api/monitor/channels")
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	var all []map[string]any
	require.NoError(t, json.NewDecoder(response.Body).Decode(&all))
	require.Len(t, all, 1)
	require.Equal(t, "a", all[0]["name"])
	status, _ = r.Get("/api/monitor/channels/none")
	require.Equal(t, 404, status)
}

func TestAnOperatorTakesABadChannelOutAndPutsItBack(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("ADMIN_TOKEN", "admin-secret-123456"))
	switchTo := func(what, token string) int {
		request, err := http.NewRequest(http.MethodPost, r.URL+"/api/channel/a/"+what, nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := r.Client.Do(request)
		require.NoError(t, err)
		_ = response.Body.Close()
		return response.StatusCode
	}
	require.Equal(t, 401, switchTo("disable", "wrong"))
	require.Equal(t, 200, switchTo("disable", "admin-secret-123456"))
	status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, 503, status)
	require.Equal(t, "no_usable_channel", harness.ErrorOf(t, answer)["code"])
	_, h := r.Get("/api/monitor/health")
	require.Equal(t, 1.0, h["channels"].(map[string]any)["disabled"])
	require.Equal(t, 200, switchTo("enable", "admin-secret-123456"))
	status, _, _ = r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, 200, status)
}

func TestWithoutAnAdminTokenThereAreNoAdminEndpoints(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	for _, path := range []string{"/api/channel/a/disable", "/api/channel/a/enable", "/debug/pprof/goroutine"} {
		status, _, _ := r.Ask(path, "")
		require.Equal(t, 404, status, path)
	}
}

func TestWhoMayLook(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	look := func(r *harness.Relay, path string, set func(*http.Request)) int {
		request, err := http.NewRequest(http.MethodGet, r.URL+path, nil)
		require.NoError(t, err)
		if set != nil {
			set(request)
		}
		response, err := r.Client.Do(request)
		require.NoError(t, err)
		_ = response.Body.Close()
		return response.StatusCode
	}
	proxied := func(r *http.Request) { r.Header.Set("X-Forwarded-For", "203.0.113.9") }

	open := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("MONITOR_ALLOW_CIDR", ""))
	require.Equal(t, 200, look(open, "/api/monitor/channels", nil), "loopback may look")
	require.Equal(t, 403, look(open, "/api/monitor/channels", proxied), "a proxy on this machine is not the one who asks")
	require.Equal(t, 200, look(open, "/api/monitor/health", proxied), "health is public")
	require.Equal(t, 200, look(open, "/api/status", proxied))

	guarded := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("MONITOR_ALLOW_CIDR", "198.51.100.0/24", "MONITOR_TOKEN", "look-at-me-123456", "PUBLIC_HEALTH", "false"))
	for _, path := range []string{"/api/monitor/channels", "/api/monitor/channels/a", "/api/monitor/health"} {
		require.Equal(t, 401, look(guarded, path, nil), path)
		require.Equal(t, 401, look(guarded, path, func(r *http.Request) { r.Header.Set("Authorization", "Bearer look-at-me-12345") }), path)
		require.Equal(t, 200, look(guarded, path, func(r *http.Request) { r.Header.Set("Authorization", "Bearer look-at-me-123456") }), path)
		require.Equal(t, 200, look(guarded, path, func(r *http.Request) { r.SetBasicAuth("anybody", "look-at-me-123456") }), path)
	}
	require.Equal(t, 200, look(guarded, "/api/status", nil))

	allowed := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("MONITOR_ALLOW_CIDR", "127.0.0.1", "MONITOR_TOKEN", "look-at-me-123456"))
	require.Equal(t, 200, look(allowed, "/api/monitor/channels", nil), "an allowed address needs no token")
	require.Equal(t, 401, look(allowed, "/api/monitor/channels", proxied))
}

func TestStatusHasTheTextThatDockerHealthChecksGrepFor(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	response, err := r.Client.Get(r.URL + "/api/status")
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Contains(t, string(body), `"success":true`)
	require.Contains(t, string(body), `"message":""`)
	require.Contains(t, string(body), `"version":"v0.0.0-test"`)
}
