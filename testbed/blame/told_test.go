package blame

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// TestAWebPageInTheAnswersPlaceIsCalledOne to the client and in the log, whatever its label: most often the base URL is that of a site.
func TestAWebPageInTheAnswersPlaceIsCalledOne(t *testing.T) {
	for _, kind := range []string{"text/html; charset=utf-8", "application/json"} {
		u := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write([]byte("\n<!doctype html><html><head><title>Our gateway at 10.0.0.7</title></head></html>"))
		})
		r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
		for path, body := range map[string]string{
			"/v1/chat/completions": harness.Chat, "/v1/responses": `{"model":"m","stream":true,"input":"hi"}`, "/v1/embeddings": `{"model":"m","input":"hi"}`,
			"/v1/messages": `{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}`,
		} {
			status, answer, _ := r.Ask(path, body)
			require.Equal(t, http.StatusBadGateway, status, answer)
			require.Contains(t, answer, "a web page instead of an answer", "%s %s", kind, path)
			require.Contains(t, answer, "base_url", path)
			require.NotContains(t, answer, "10.0.0.7")
		}
		require.Contains(t, r.Log.String(), "is the base_url the API's, and not a site's?")
	}
}

// TestAClockThatRanOutIsNamedInTheLog with how long it was and where it is set.
func TestAClockThatRanOutIsNamedInTheLog(t *testing.T) {
	u := harness.NewUpstream(t, false, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ", timeouts: {header: 20ms}"), harness.WithEnv("RETRY_TIMES", "0"))
	status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, http.StatusGatewayTimeout, status, answer)
	require.Regexp(t, `detail="nothing of an answer after [0-9.]+m?s: timeouts.header \(RELAY_TIMEOUT\) is 20ms"`, r.Log.String())
}

// TestAChannelThatIsPassedOverIsLoggedWithItsReason and for how long, in one line.
func TestAChannelThatIsPassedOverIsLoggedWithItsReason(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Refusing(http.StatusInternalServerError))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("RETRY_TIMES", "0"))
	for range 6 {
		_, _, _ = r.Ask("/v1/chat/completions", harness.Chat)
	}
	require.Regexp(t, `a channel is passed over for a while after failures" channel=a seconds=[1-9][0-9]* last_failure="upstream_status 500, Try again."`, r.Log.String())
}

// TestAnEndpointThatAModelsChannelsLackIsARefusalThatNamesWhoHasIt and no failure of the relay's.
func TestAnEndpointThatAModelsChannelsLackIsARefusalThatNamesWhoHasIt(t *testing.T) {
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/chat/completions" {
			harness.AnswersAsAsked(w, r)
			return
		}
		http.NotFound(w, r)
	})
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: anthropic, base_url: %q, keys: [k], models: [claude]}\n  - {name: b, type: openai, base_url: %q, keys: [k], models: [m]}\n", u.URL, u.URL))
	status, answer, _ := r.Ask("/v1/embeddings", `{"model":"claude","input":"hi"}`)
	require.Equal(t, http.StatusNotFound, status, answer)
	require.Contains(t, answer, "endpoint_not_supported")
	require.Contains(t, answer, "Channels of the types")
	require.Contains(t, answer, "openai")

	status, answer, _ = r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, http.StatusOK, status, answer)
	status, answer, _ = r.Ask("/v1/embeddings", `{"model":"m","input":"hi"}`)
	require.Equal(t, http.StatusNotFound, status, answer)
	require.Contains(t, answer, "endpoint_not_supported")
	require.Contains(t, answer, "its upstream does not have it")
}
