package suite

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestASilentStreamGetsPingsThatCommitTheStatusAndNoContentSoThatAnotherChannelCanStillTakeOver(t *testing.T) {
	pinged := make(chan struct{})
	silent := newUpstream(t, false, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-pinged:
			panic(http.ErrAbortHandler)
		case <-r.Context().Done():
		}
	})
	good := newUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"here\"}}]}\n\ndata: [DONE]\n\n")
	})
	r := startRelay(t, openAIChannel("silent", silent, ", priority: 9")+
		strings.TrimPrefix(openAIChannel("good", good, ""), "channels:\n"), withEnv("KEEPALIVE_INTERVAL", "0.05"))
	response, err := r.post(context.Background(), "/v1/chat/completions", stream)
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
	require.Equal(t, []string{"upstream_reset", "completed"}, r.outcomes(2))
}

// TestAnErrorBehindAPingIsAnEventOfTheStream has seconds for the ping to come before the error.
func TestAnErrorBehindAPingIsAnEventOfTheStream(t *testing.T) {
	long(t)
	t.Parallel()
	u := newUpstream(t, false, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for path, want := range map[string]string{
		"/v1/chat/completions": "\n\ndata: {\"error\":{",
		"/v1/messages":         "\n\nevent: error\ndata: {\"type\":\"error\"",
	} {
		r := startRelay(t, openAIChannel("a", u, ", timeouts: {header: 2s}"), withEnv("KEEPALIVE_INTERVAL", "0.05"))
		status, answer, _ := r.ask(path, strings.Replace(stream, "{", `{"max_tokens":9,`, 1))
		require.Equal(t, 200, status)
		require.True(t, strings.HasPrefix(answer, ": ping\n\n"), answer)
		require.Contains(t, answer, want)
		require.NotContains(t, answer, "[DONE]")
		require.NotContains(t, answer, "message_stop")
		require.Equal(t, []string{"header_timeout"}, r.outcomes(1))
	}
}

func TestAnAnswerThatIsNotAStreamGetsNoPings(t *testing.T) {
	u := newUpstream(t, false, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	r := startRelay(t, openAIChannel("a", u, ", timeouts: {header: 200ms}"), withEnv("KEEPALIVE_INTERVAL", "0.02"))
	status, answer, _ := r.ask("/v1/chat/completions", chat)
	require.Equal(t, 504, status)
	require.Equal(t, "header_timeout", errorOf(t, answer)["code"])
}

func TestAnUpstreamIsDrainedForItsUsageWhenItsClientLeavesIfThatIsAskedFor(t *testing.T) {
	left := make(chan struct{})
	u := newUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"first\"}}]}\n\n")
		_ = http.NewResponseController(w).Flush()
		<-left
		for range 200 { // more than any buffer between here and a client that is gone
			_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\""+strings.Repeat("x", 4096)+"\"}}]}\n\n")
		}
		_, _ = io.WriteString(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":22,\"total_tokens\":33}}\n\ndata: [DONE]\n\n")
	})
	r := startRelay(t, openAIChannel("a", u, ""), withEnv("CLIENT_GONE_DRAIN", "20"))
	_, closeStream := r.openStream()
	closeStream()
	close(left)
	require.Equal(t, []string{"client_gone"}, r.outcomes(1))
	usage := r.recorded()[0].Usage
	require.EqualValues(t, 11, usage.Input())
	require.EqualValues(t, 22, usage.Output())
}

func TestADrainIsBounded(t *testing.T) {
	u, _ := halfStream(t)
	r := startRelay(t, openAIChannel("a", u, ""), withEnv("CLIENT_GONE_DRAIN", "0.1"))
	_, closeStream := r.openStream()
	closeStream()
	require.Equal(t, []string{"client_gone"}, r.outcomes(1))
	require.Eventually(t, func() bool { return u.open.Load() == 0 }, patience, time.Millisecond)
}

// TestTheTotalClockCutsEvenAHealthyStreamWhereItIsSet has seconds for the stream to begin.
func TestTheTotalClockCutsEvenAHealthyStreamWhereItIsSet(t *testing.T) {
	long(t)
	t.Parallel()
	u, _ := halfStream(t)
	r := startRelay(t, openAIChannel("a", u, ", timeouts: {total: 3s}"))
	rest, closeStream := r.openStream()
	defer closeStream()
	all, err := io.ReadAll(rest)
	require.NoError(t, err)
	require.Contains(t, string(all), `"code":"idle_timeout"`)
	require.NotContains(t, string(all), "[DONE]")
}
