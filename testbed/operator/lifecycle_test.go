package operator

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay"
	"one-api/testbed/harness"
)

func TestStoppingLetsCallsFinishSaysDrainingAndTakesNoNewOnes(t *testing.T) {
	u, finish := harness.HalfStream(t)
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	rest, closeStream := r.OpenStream()
	defer closeStream()
	r.Stop()
	require.Eventually(t, func() bool {
		status, h := r.Get("/api/monitor/health")
		return status == 503 && h["status"] == "draining"
	}, harness.Patience, time.Millisecond)
	status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, 503, status)
	require.Equal(t, "shutdown", harness.ErrorOf(t, answer)["code"])
	close(finish)
	all, err := io.ReadAll(rest)
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(string(all), "data: [DONE]\n\n"), string(all))
	err = <-r.Ended
	require.NoError(t, err, "a clean end")
	r.Ended <- nil // for the harness
	require.Equal(t, []string{"completed"}, r.Outcomes(1))
}

func TestACallThatOutlastsTheShutdownTimeoutEndsWithAnHonestError(t *testing.T) {
	u, _ := harness.HalfStream(t)
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("SHUTDOWN_TIMEOUT", "0.05"))
	rest, closeStream := r.OpenStream()
	defer closeStream()
	r.Stop()
	all, err := io.ReadAll(rest)
	require.NoError(t, err)
	require.Contains(t, string(all), `"code":"shutdown"`)
	require.NotContains(t, string(all), "[DONE]")
	err = <-r.Ended
	require.ErrorIs(t, err, relay.ErrCut)
	r.Ended <- nil
	require.Equal(t, []string{"shutdown"}, r.Outcomes(1))
}

func TestAChangedFileIsReloadedWhileCallsInFlightKeepWhatTheyStartedWith(t *testing.T) {
	old, finish := harness.HalfStream(t)
	next := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", old, ""))
	rest, closeStream := r.OpenStream()
	defer closeStream()

	yaml := harness.OpenAIChannel("b", next, "") + "tokens:\n  - {name: test, key: " + harness.Key + "}\n"
	require.NoError(t, os.WriteFile(r.File, []byte(yaml), 0o600))
	require.Eventually(t, func() bool { return strings.Contains(r.Log.String(), "configuration reloaded") }, harness.Patience, 10*time.Millisecond)
	status, _, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, 200, status)
	require.EqualValues(t, 1, next.Requests.Load())
	_, h := r.Get("/api/monitor/health")
	require.Equal(t, 1.0, h["in_flight"], "the call of the channel that is gone")
	close(finish)
	all, err := io.ReadAll(rest)
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(string(all), "data: [DONE]\n\n"))
	require.Eventually(t, func() bool { return r.Server.Pool().InFlight() == 0 }, harness.Patience, time.Millisecond)
}

func TestABadFileIsRefusedTheOldOneStaysAndThatIsLogged(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	require.NoError(t, os.WriteFile(r.File, []byte("channels:\n  - {name: a, type: openai, wieght: 3}\n  - {name: a}\n"), 0o600))
	err := r.Server.Reload()
	require.ErrorContains(t, err, "wieght")
	require.ErrorContains(t, err, ":3:")
	for _, problem := range []string{"wieght", ":3:"} {
		require.Regexp(t, `(?m)^[^\n]*the old one stays[^\n]*`+problem, r.Log.String(), "each problem has a line")
	}
	require.NotContains(t, r.Log.String(), `\n`)
	status, _, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, 200, status)
}

func TestWhatIsOnlyOddAboutAFileIsNotSaidToBeWhyItWasRefused(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	require.NoError(t, os.WriteFile(r.File, []byte("channels:\n  - {name: a, type: openai, keys: [\"your-api-key\"]}\nfoo: 1\n"), 0o600))
	require.Error(t, r.Server.Reload())
	require.Regexp(t, `(?m)level=ERROR msg="the new configuration was refused: the old one stays" [^\n]*foo: unknown key[^\n]*problem="1 of 1"`, r.Log.String())
	require.Regexp(t, `(?m)level=WARN msg="the configuration that was refused has something odd as well" [^\n]*placeholder`, r.Log.String())
}
