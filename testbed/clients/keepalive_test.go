package clients

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

func TestASilentStreamGetsPingsThatCommitTheStatusAndNoContentSoThatAnotherChannelCanStillTakeOver(t *testing.T) {
	pinged := make(chan struct{})
	silent := harness.NewUpstream(t, false, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-pinged:
			panic(http.ErrAbortHandler)
		case <-r.Context().Done():
		}
	})
	good := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"here\"}}]}\n\ndata: [DONE]\n\n")
	})
	r := harness.StartRelay(t, harness.OpenAIChannel("silent", silent, ", priority: 9")+
		strings.TrimPrefix(harness.OpenAIChannel("good", good, ""), "channels:\n"), harness.WithEnv("KEEPALIVE_INTERVAL", "0.05"))
	response, err := r.Post(context.Background(), "/v1/chat/completions", harness.Stream)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
	body := bufio.NewReader(response.Body)
	for range 2 {
		for _, want := range []string{": ping\n", "\n"} {
			line, err := body.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, want, line)
		}
	}
	close(pinged)
	rest, err := io.ReadAll(body)
	require.NoError(t, err)
	answer := strings.ReplaceAll(string(rest), ": ping\n\n", "")
	require.Equal(t, "data: {\"choices\":[{\"delta\":{\"content\":\"here\"}}]}\n\ndata: [DONE]\n\n", answer)
	require.Equal(t, []string{"upstream_reset", "completed"}, r.Outcomes(2))
}

// TestAnErrorBehindAPingIsAnEventOfTheStream has seconds for the ping to come before the error.
func TestAnErrorBehindAPingIsAnEventOfTheStream(t *testing.T) {
	harness.Long(t)
	t.Parallel()
	u := harness.NewUpstream(t, false, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for path, want := range map[string]string{
		"/v1/chat/completions": "\n\ndata: {\"error\":{",
		"/v1/messages":         "\n\nevent: error\ndata: {\"type\":\"error\"",
	} {
		r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ", timeouts: {header: 2s}"), harness.WithEnv("KEEPALIVE_INTERVAL", "0.05"))
		status, answer, _ := r.Ask(path, strings.Replace(harness.Stream, "{", `{"max_tokens":9,`, 1))
		require.Equal(t, 200, status)
		require.True(t, strings.HasPrefix(answer, ": ping\n\n"), answer)
		require.Contains(t, answer, want)
		require.NotContains(t, answer, "[DONE]")
		require.NotContains(t, answer, "message_stop")
		require.Equal(t, []string{"header_timeout"}, r.Outcomes(1))
	}
}

func TestAnAnswerThatIsNotAStreamGetsNoPings(t *testing.T) {
	u := harness.NewUpstream(t, false, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ", timeouts: {header: 200ms}"), harness.WithEnv("KEEPALIVE_INTERVAL", "0.02"))
	status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, 504, status)
	require.Equal(t, "header_timeout", harness.ErrorOf(t, answer)["code"])
}

func TestAnUpstreamIsDrainedForItsUsageWhenItsClientLeavesIfThatIsAskedFor(t *testing.T) {
	left := make(chan struct{})
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"first\"}}]}\n\n")
		_ = http.NewResponseController(w).Flush()
		<-left
		for range 200 { // more than any buffer between here and a client that is gone
			_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\""+strings.Repeat("x", 4096)+"\"}}]}\n\n")
		}
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n")
		_, _ = io.WriteString(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":22,\"total_tokens\":33}}\n\ndata: [DONE]\n\n")
	})
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("CLIENT_GONE_DRAIN", "20"))
	_, closeStream := r.OpenStream()
	closeStream()
	close(left)
	require.Equal(t, []string{"client_gone"}, r.Outcomes(1))
	usage := r.Attempt(0).Usage
	require.EqualValues(t, 11, usage.Input())
	require.EqualValues(t, 22, usage.Output())
}

func TestADrainIsBounded(t *testing.T) {
	u, _ := harness.HalfStream(t)
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("CLIENT_GONE_DRAIN", "0.1"))
	_, closeStream := r.OpenStream()
	closeStream()
	require.Equal(t, []string{"client_gone"}, r.Outcomes(1))
	require.Eventually(t, func() bool { return u.Open.Load() == 0 }, harness.Patience, time.Millisecond)
}

// TestTheTotalClockCutsEvenAHealthyStreamWhereItIsSet has seconds for the stream to begin.
func TestTheTotalClockCutsEvenAHealthyStreamWhereItIsSet(t *testing.T) {
	harness.Long(t)
	t.Parallel()
	u, _ := harness.HalfStream(t)
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ", timeouts: {total: 3s}"))
	rest, closeStream := r.OpenStream()
	defer closeStream()
	all, err := io.ReadAll(rest)
	require.NoError(t, err)
	require.Contains(t, string(all), `"code":"idle_timeout"`)
	require.NotContains(t, string(all), "[DONE]")
}
