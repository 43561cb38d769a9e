package clients

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// TestPagesMayReadEveryHeaderThatTheRelayWrites asks for what has one of them, and for what may come to have more.
func TestPagesMayReadEveryHeaderThatTheRelayWrites(t *testing.T) {
	// Browsers show these without being told to (https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name), and the
	// others are for what is between the page and the relay.
	shown := map[string]bool{"Cache-Control": true, "Content-Length": true, "Content-Type": true}
	between := map[string]bool{"Date": true, "Connection": true, "X-Accel-Buffering": true}
	small, limited := harness.NewUpstream(t, false, harness.TooLong("small")), harness.NewUpstream(t, false, harness.Answers(429, `{"error":{"message":"slow down"}}`))
	r := harness.StartRelay(t, fmt.Sprintf(`channels:
  - {name: a, type: openai, base_url: %q, models: [small, large]}
  - {name: b, type: openai, base_url: %q, models: [limited]}
context_fallback: {small: large}
`, small.URL, limited.URL), harness.WithEnv("RETRY_TIMES", "0"))
	seen := map[string]bool{}
	for _, path := range []string{"/v1/chat/completions", "/v1/messages", "/v1/models", "/api/status", "/api/monitor/health", "/nowhere"} {
		for _, body := range []string{
			`{"model":"small","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`, `{"model":"small","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`,
			`{"model":"limited","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`, `{"model":"unknown","max_tokens":9,"messages":[]}`, `no JSON`,
		} {
			for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodPut} {
				response, _ := raw(r, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: relay\r\nOrigin: https://page.example\r\nX-Request-Id: mine\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
					method, path, harness.Key, len(body), body))
				exposed := strings.Split(response.Header.Get("Access-Control-Expose-Headers"), ", ")
				for name := range response.Header {
					if !shown[name] && !between[name] && !strings.HasPrefix(name, "Access-Control-") {
						require.Contains(t, exposed, name, "%s %s %s", method, path, body)
						seen[name] = true
					}
				}
			}
		}
	}
	for _, name := range []string{"X-Oneapi-Request-Id", "X-Request-Id", "Request-Id", "Retry-After", "X-Oneapi-Fallback", "Allow"} {
		require.True(t, seen[name], "no answer had %s", name)
	}
}

// TestAKeyInTheAddressReachesNoUpstream: it is taken from headers, but SDKs and people put it into the address too.
func TestAKeyInTheAddressReachesNoUpstream(t *testing.T) {
	var mu sync.Mutex
	var got []string
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		got = append(got, r.RequestURI+" "+fmt.Sprint(r.Header))
		mu.Unlock()
		harness.Variant{}.AsIn(r).Answer(w, r, harness.FromHealthy)
	})
	var yaml strings.Builder
	yaml.WriteString("channels:\n")
	kinds := []string{"openai", "anthropic", "xai"}
	for _, kind := range kinds {
		fmt.Fprintf(&yaml, "  - {name: %s, type: %s, base_url: %q, keys: [sk-up], models: [%q]}\n", kind, kind, u.URL, kind)
	}
	r := harness.StartRelay(t, yaml.String())
	bare := strings.TrimPrefix(harness.Key, "sk-")
	for _, kind := range kinds {
		for _, path := range []string{"/v1/chat/completions", "/v1/messages"} {
			for _, name := range []string{"key", "api_key", "api-key", "apikey", "access_token", "token", "x-api-key", "X-Goog-Api-Key", "beta"} {
				for _, key := range []string{harness.Key, bare, url.QueryEscape("Bearer " + harness.Key), strings.ReplaceAll(harness.Key, "-", "%2d")} {
					status, answer, _ := r.Ask(path+"?beta=true&"+name+"="+key, fmt.Sprintf(`{"model":%q,"max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`, kind))
					require.Equal(t, 200, status, answer)
				}
			}
		}
	}
	r.Eventually("calls in flight", func() bool { return r.Server.Pool().InFlight() == 0 })
	mu.Lock()
	defer mu.Unlock()
	for _, request := range got {
		decoded, err := url.PathUnescape(request)
		require.NoError(t, err)
		require.NotContains(t, request+decoded, bare)
	}
	require.NotContains(t, r.Log.String(), bare)
	response, _ := raw(r, "GET /v1/models?key="+harness.Key+" HTTP/1.1\r\nHost: relay\r\n\r\n")
	require.Equal(t, 401, response.StatusCode, "an address is logged by whatever it passes through: only Google's endpoints take a key there")
}
