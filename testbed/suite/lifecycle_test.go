package suite

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"one-api/relay"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const stream = `{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}`

// halfStream is an upstream that sends one event at once and the rest when it is told to.
func halfStream(t *testing.T) (u *upstream, finish chan struct{}) {
	finish = make(chan struct{})
	return newUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"first\"}}]}\n\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-finish:
			_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
		case <-r.Context().Done():
		}
	}), finish
}

// openStream starts a stream and reads its first event.
func (r *testRelay) openStream() (rest *bufio.Reader, close func()) {
	r.t.Helper()
	var conn net.Conn
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (_ net.Conn, err error) {
		conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return conn, err
	}}
	request, err := http.NewRequest(http.MethodPost, r.URL+"/v1/chat/completions", strings.NewReader(stream))
	require.NoError(r.t, err)
	request.Header.Set("Authorization", "Bearer "+testKey)
	response, err := transport.RoundTrip(request)
	require.NoError(r.t, err)
	require.Equal(r.t, 200, response.StatusCode)
	rest = bufio.NewReader(response.Body)
	line, err := rest.ReadString('\n')
	require.NoError(r.t, err)
	require.Contains(r.t, line, "first")
	return rest, func() {
		_ = conn.Close() // closing the body would return before net/http's goroutine closes the connection
		_ = response.Body.Close()
	}
}

func TestStoppingLetsCallsFinishSaysDrainingAndTakesNoNewOnes(t *testing.T) {
	u, finish := halfStream(t)
	r := startRelay(t, openAIChannel("a", u, ""))
	rest, closeStream := r.openStream()
	defer closeStream()
	r.stop()
	require.Eventually(t, func() bool {
		status, h := r.get("/api/monitor/health")
		return status == 503 && h["status"] == "draining"
	}, patience, time.Millisecond)
	status, answer, _ := r.ask("/v1/chat/completions", chat)
	require.Equal(t, 503, status)
	require.Equal(t, "shutdown", errorOf(t, answer)["code"])
	close(finish)
	all, err := io.ReadAll(rest)
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(string(all), "data: [DONE]\n\n"), string(all))
	err = <-r.ended
	require.NoError(t, err, "a clean end")
	r.ended <- nil // for the harness
	require.Equal(t, []string{"completed"}, r.outcomes(1))
}

func TestACallThatOutlastsTheShutdownTimeoutEndsWithAnHonestError(t *testing.T) {
	u, _ := halfStream(t)
	r := startRelay(t, openAIChannel("a", u, ""), withEnv("SHUTDOWN_TIMEOUT", "0.05"))
	rest, closeStream := r.openStream()
	defer closeStream()
	r.stop()
	all, err := io.ReadAll(rest)
	require.NoError(t, err)
	require.Contains(t, string(all), `"code":"shutdown"`)
	require.NotContains(t, string(all), "[DONE]")
	err = <-r.ended
	require.ErrorIs(t, err, relay.ErrCut)
	r.ended <- nil
	require.Equal(t, []string{"shutdown"}, r.outcomes(1))
}

func TestAChangedFileIsReloadedWhileCallsInFlightKeepWhatTheyStartedWith(t *testing.T) {
	old, finish := halfStream(t)
	next := newUpstream(t, false, answers(200, wholeAnswer))
	r := startRelay(t, openAIChannel("a", old, ""))
	rest, closeStream := r.openStream()
	defer closeStream()

	yaml := openAIChannel("b", next, "") + "tokens:\n  - {name: test, key: " + testKey + "}\n"
	require.NoError(t, os.WriteFile(r.file, []byte(yaml), 0o600))
	require.Eventually(t, func() bool { return strings.Contains(r.log.String(), "configuration reloaded") }, patience, 10*time.Millisecond)
	status, _, _ := r.ask("/v1/chat/completions", chat)
	require.Equal(t, 200, status)
	require.EqualValues(t, 1, next.requests.Load())
	_, h := r.get("/api/monitor/health")
	require.Equal(t, 1.0, h["in_flight"], "the call of the channel that is gone")
	close(finish)
	all, err := io.ReadAll(rest)
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(string(all), "data: [DONE]\n\n"))
	require.Eventually(t, func() bool { return r.server.Pool().InFlight() == 0 }, patience, time.Millisecond)
}

func TestABadFileIsRefusedTheOldOneStaysAndThatIsLogged(t *testing.T) {
	u := newUpstream(t, false, answers(200, wholeAnswer))
	r := startRelay(t, openAIChannel("a", u, ""))
	require.NoError(t, os.WriteFile(r.file, []byte("channels:\n  - {name: a, type: openai, wieght: 3}\n  - {name: a}\n"), 0o600))
	err := r.server.Reload()
	require.ErrorContains(t, err, "wieght")
	require.ErrorContains(t, err, ":3:")
	require.Contains(t, r.log.String(), "the old one stays")
	status, _, _ := r.ask("/v1/chat/completions", chat)
	require.Equal(t, 200, status)
}
