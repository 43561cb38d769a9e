package outcome

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOfAnUpstreamsHeaderClientsAreToldWhetherAndWhenToTryAgain(t *testing.T) {
	passed := headerOf(
		"x-should-retry", "false", "retry-after-ms", "1500", "x-ratelimit-limit-requests", "500", "x-ratelimit-remaining-tokens", "0", "x-ratelimit-reset-tokens", "6m0s", "x-ratelimit-reset", "1795262430000",
		"ratelimit-remaining", "3", "anthropic-ratelimit-requests-reset", "2026-11-21T12:00:42Z", "anthropic-ratelimit-unified-status", "allowed_warning",
	)
	kept := headerOf(
		"anthropic-ratelimit-organization", "3f0c1a2b-77aa-4c1d-9e2f-001122334455", "openai-organization", "org-of-the-operator", "anthropic-organization-id", "id", "x-request-id", "req_1", "retry-after", "3", "set-cookie", "a=b", "server", "cloudflare",
		"x-ratelimit-limit-org", "org-AbCdEf", "x-ratelimit-policy", "5;w=60;key=\"sk-up\"", "anthropic-ratelimit-account", "8f0c-hidden@example.com", "ratelimit", `"default";r=50`,
		"x-should-retry-not", "true", "x-ratelimit-reset-at", strings.Repeat("1", 90),
	)
	all := kept.Clone()
	for name, values := range passed {
		all[name] = values
	}
	require.Equal(t, passed, ForClients(all))
	require.Nil(t, ForClients(kept))
	require.Nil(t, ForClients(headerOf("x-should-retry", "maybe")))
	require.Nil(t, ForClients(http.Header{"X-Should-Retry": {"true", "false"}}), "which of the two?")

	many := http.Header{}
	for i := range 1000 {
		many.Set(fmt.Sprintf("x-ratelimit-%d", i), "1")
	}
	require.Len(t, ForClients(many), mostForClients)
}

func TestWhatAFailureSaysOfLimitsGoesWithTheProvidersOwnWords(t *testing.T) {
	header := headerOf("x-should-retry", "true", "x-ratelimit-remaining-requests", "0")
	for name, test := range map[string]struct {
		status int
		body   string
		told   bool
	}{
		"a limit":                 {429, `{"error":{"message":"slow down"}}`, true},
		"a server in trouble":     {500, `{"error":{"message":"sorry"}}`, true},
		"overloaded":              {529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, true},
		"a request that is wrong": {400, `{"error":{"message":"no such member","type":"invalid_request_error"}}`, true},
		"a key that is refused":   {401, `{"error":{"message":"Incorrect API key provided"}}`, false},
		"an account":              {429, `{"error":{"message":"You exceeded your current quota","code":"insufficient_quota","type":"insufficient_quota"}}`, false},
		"a web page":              {503, "<html><body>down</body></html>", false},
	} {
		f := StatusFailure(test.status, header.Clone(), []byte(test.body))
		want := http.Header(nil)
		if test.told {
			want = header
		}
		require.Equal(t, want, f.Err.Header, "%s: %v", name, f.Err)
	}
}
