package clients

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// TestAProvidersWordOnWhenToTryAgainReachesItsClient, and nothing else of its header.
func TestAProvidersWordOnWhenToTryAgainReachesItsClient(t *testing.T) {
	passed := map[string]string{
		"X-Should-Retry": "false", "X-Ratelimit-Limit-Tokens": "30000", "X-Ratelimit-Remaining-Tokens": "0", "X-Ratelimit-Reset-Tokens": "1.5s",
		"Anthropic-Ratelimit-Requests-Reset": "2026-11-21T12:00:42Z", "Retry-After-Ms": "1500", "Retry-After": "2",
	}
	kept := map[string]string{"Openai-Organization": "org-of-the-operator", "X-Ratelimit-Limit-Org": "org-of-the-operator", "X-Request-Id": "req_of_the_upstream", "Set-Cookie": "a=b"}
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
		for _, headers := range []map[string]string{passed, kept} {
			for name, value := range headers {
				w.Header().Set(name, value)
			}
		}
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte(`{"error":{"message":"Rate limit reached on tokens per min (TPM).","type":"tokens","code":"rate_limit_exceeded"}}`))
	})
	for _, path := range []string{"/v1/chat/completions", "/v1/messages", "/v1/responses"} {
		for _, origin := range []string{"", "Origin: https://page.example\r\n"} {
			r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("RETRY_TIMES", "0")) // another one has not heard of the limit
			body := `{"model":"m","max_tokens":9,"input":"hi","messages":[{"role":"user","content":"hi"}]}`
			response, answer := raw(r, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: relay\r\n%sAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", path, origin, harness.Key, len(body), body))
			require.Equal(t, http.StatusTooManyRequests, response.StatusCode, answer)
			exposed := strings.Split(response.Header.Get("Access-Control-Expose-Headers"), ", ")
			for name, value := range passed {
				require.Equal(t, value, response.Header.Get(name), "%s %s", path, name)
				if origin != "" {
					require.Contains(t, exposed, name, path)
				}
			}
			for name, value := range kept {
				require.NotEqual(t, value, response.Header.Get(name), path)
			}
		}
	}
}

// TestAGoodAnswerTellsItsClientWhatRemainsOfLimits, streamed and whole, in the answerer's format and in another, over HTTP/1.1 and HTTP/2,
// and it tells of the channel that answers and not of one that has failed before.
func TestAGoodAnswerTellsItsClientWhatRemainsOfLimits(t *testing.T) {
	passed := map[string]string{
		"X-Should-Retry": "true", "X-Ratelimit-Limit-Requests": "500", "X-Ratelimit-Remaining-Tokens": "29000", "X-Ratelimit-Reset-Tokens": "6m0s", "Retry-After-Ms": "150",
		"Anthropic-Ratelimit-Tokens-Reset": "2026-11-21T12:00:42Z", "Anthropic-Ratelimit-Unified-Status": "allowed_warning",
	}
	kept := map[string]string{
		"Openai-Organization": "org-of-the-operator", "Anthropic-Organization-Id": "8f0c", "X-Ratelimit-Limit-Org": "org-of-the-operator", "Set-Cookie": "a=b",
		"Openai-Project": "proj_hidden", "X-Ratelimit-Account": "00000000-1111-2222-3333-444444444444",
	}
	for _, http2 := range []bool{false, true} {
		bad := harness.NewUpstream(t, http2, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Ratelimit-Remaining-Requests", "0")
			w.WriteHeader(http.StatusBadGateway)
		})
		good := harness.NewUpstream(t, http2, func(w http.ResponseWriter, r *http.Request) {
			for _, headers := range []map[string]string{passed, kept} {
				for name, value := range headers {
					w.Header().Set(name, value)
				}
			}
			harness.AnswersAsAsked(w, r)
		})
		r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: bad, type: openai, base_url: %q, keys: [sk-up], models: [m], priority: 2}\n  - {name: good, type: openai, base_url: %q, keys: [sk-up], models: [m]}\n",
			bad.URL, good.URL), harness.Trusting(bad, good))
		for _, path := range []string{"/v1/chat/completions", "/v1/messages", "/v1/responses"} {
			for _, stream := range []string{"", `,"stream":true`} {
				for _, origin := range []string{"", "Origin: https://page.example\r\n"} {
					body := `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]` + stream + `}`
					if path == "/v1/responses" {
						body = `{"model":"m","input":"hi"` + stream + `}`
					}
					response, answer := raw(r, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: relay\r\n%sAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", path, origin, harness.Key, len(body), body))
					require.Equal(t, http.StatusOK, response.StatusCode, answer)
					exposed := strings.Split(response.Header.Get("Access-Control-Expose-Headers"), ", ")
					for name, value := range passed {
						require.Equal(t, value, response.Header.Get(name), "%s %s", path, name)
						if origin != "" {
							require.Contains(t, exposed, name, path)
						}
					}
					for name := range kept {
						require.Empty(t, response.Header.Get(name), "%s %s", path, name)
					}
					require.Empty(t, response.Header.Get("X-Ratelimit-Remaining-Requests"), "what the one has said that failed")
				}
			}
		}
	}
}

// TestAnOverflowHasTheWordThatEachClientGoesBy whatever the provider's word for it is.
func TestAnOverflowHasTheWordThatEachClientGoesBy(t *testing.T) {
	const openAIs = `{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 9631 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`
	const anthropics = `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 208310 tokens > 200000 maximum"}}`
	for kind, refusal := range map[string]string{"openai": openAIs, "anthropic": anthropics} {
		u := harness.NewUpstream(t, false, harness.Answers(http.StatusBadRequest, refusal))
		r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: %s, base_url: %q, keys: [sk-up], models: [m]}\n", kind, u.URL))
		for _, stream := range []string{"", `,"stream":true`} {
			for path, body := range map[string]string{
				"/v1/chat/completions": `{"model":"m","messages":[{"role":"user","content":"hi"}]` + stream + `}`,
				"/v1/messages":         `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]` + stream + `}`,
				"/v1/responses":        `{"model":"m","input":"hi"` + stream + `}`,
			} {
				status, answer, _ := r.Ask(path, body)
				require.Equal(t, http.StatusBadRequest, status, answer)
				if path == "/v1/messages" {
					require.Regexp(t, `^prompt is too long: [0-9]+ tokens > [0-9]+ maximum`, harness.ErrorOf(t, answer)["message"], "%s: %s", kind, path)
					require.Equal(t, "invalid_request_error", harness.ErrorOf(t, answer)["type"])
				} else {
					require.Equal(t, "context_length_exceeded", harness.ErrorOf(t, answer)["code"], "%s: %s", kind, path)
				}
			}
		}
	}
}
