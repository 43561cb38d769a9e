package sdk

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
	"one-api/testbed/standin"
)

// TestAModelThatIsServedOnResponsesOnlyIsReachedByEveryClient is for an upstream of which nothing is known: it says so itself, and that
// is remembered.
func TestAModelThatIsServedOnResponsesOnlyIsReachedByEveryClient(t *testing.T) {
	for _, s := range sdktest.Sdks {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			r, server := imitating(t, standin.Responses{}, "", standin.Answer{Text: []string{"Good ", "day"}})
			for n, onText := range []func(string){nil, func(string) {}, nil} {
				text, err := s.Ask(sdktest.Question{Relay: r, Text: "Hi!", OnText: onText})
				require.NoError(t, err, server.Refused())
				require.Equal(t, "Good day", text)
				require.Equal(t, []string{"completed", "completed", "completed"}[:n+1], r.Outcomes(n+1), "what is asked anew is the same attempt")
				require.EqualValues(t, standin.Output, r.Attempt(n).Usage.Output())
			}
			require.Len(t, server.Refused(), 1, "it is asked once where it does not serve its model")
			require.Equal(t, 1, strings.Count(r.Log.String(), "serves a model on the Responses API only"))
			require.NoError(t, r.Server.Reload())
			_, err := s.Ask(sdktest.Question{Relay: r, Text: "Hi!"})
			require.NoError(t, err)
			require.Len(t, server.Refused(), 2, "a reload forgets it")
		})
	}
	t.Run("the Responses API's own", func(t *testing.T) {
		r, server := imitating(t, standin.Responses{}, "", standin.Answer{Text: []string{"Good ", "day"}})
		for range 2 {
			status, answer, _ := r.Ask("/v1/responses", `{"model":"m","input":"Hi!"}`)
			require.Equal(t, 200, status, answer)
			require.Contains(t, answer, standin.ResponsesAnswerID, "natively")
		}
		require.Len(t, server.Refused(), 1)
	})
}

// TestAModelThatIsKnownToBeServedOnResponsesOnlyIsAskedThereAtOnce is for OpenAI's own address.
func TestAModelThatIsKnownToBeServedOnResponsesOnlyIsAskedThereAtOnce(t *testing.T) {
	for _, model := range []string{"o3-pro", "gpt-5.1-codex"} {
		server := &standin.Server{Dialect: standin.Responses{}, Answers: []standin.Answer{{Text: []string{"Good day"}}}}
		o := harness.NewOfficial(t, "api.openai.com", func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			require.Contains(t, string(body), model)
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(string(body), model, standin.Responses{}.Model(), 1)))
			server.ServeHTTP(w, r)
		})
		r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, keys: [%s], models: [m], model_mapping: {m: %s}, proxy: %q}\n", standin.Key, model, o.Proxy.Url()),
			harness.TrustingOfficial(o))
		for path, body := range map[string]string{
			"/v1/chat/completions": harness.Chat, "/v1/messages": `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`,
			"/v1/responses": `{"model":"m","input":"hi"}`,
		} {
			status, answer, _ := r.Ask(path, body)
			require.Equal(t, 200, status, "%s: %s", path, answer)
			require.Contains(t, answer, "Good day")
		}
		require.Empty(t, server.Refused())
	}
}

// TestAnUpstreamThatHasNoResponsesAPIKeepsItsOwnWord: what it says of the model is what the client is told, and not that there is no such
// path.
func TestAnUpstreamThatHasNoResponsesAPIKeepsItsOwnWord(t *testing.T) {
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/responses") {
			harness.Answers(404, `{"error":{"message":"Invalid URL (POST /v1/responses)","type":"invalid_request_error","param":null,"code":null}}`)(w, r)
			return
		}
		harness.Answers(404, `{"error":{"message":"This model is only supported in v1/responses and not in v1/chat/completions.","type":"invalid_request_error","param":"model","code":null}}`)(w, r)
	})
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("RETRY_TIMES", "0"))
	status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.NotEqual(t, 200, status)
	require.Contains(t, answer, "only supported in v1/responses")
}
