package clients

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// TestAKeyThatOpensNothingIsToldWhy, on every kind of endpoint and in its client's format; and the address behind a trusted proxy counts.
func TestAKeyThatOpensNothingIsToldWhy(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, fmt.Sprintf(`channels:
  - {name: a, type: openai, base_url: %q, keys: [sk-up], models: [m]}
tokens:
  - {name: off, key: sk-0123456789-off, disabled: true}
  - {name: old, key: sk-0123456789-old, expires: 2020-01-31T00:00:00Z}
  - {name: office, key: sk-0123456789-office, allow_cidr: [198.51.100.0/24]}
  - {name: here, key: sk-0123456789-here, allow_cidr: [127.0.0.0/8], expires: 2999-01-01T00:00:00Z}
`, u.URL), harness.WithEnv("TRUSTED_PROXIES", "127.0.0.1"))
	body := `{"model":"m","max_tokens":9,"input":"hi","messages":[{"role":"user","content":"hi"}]}`
	for _, test := range []struct {
		key, forwarded string
		status         int
		says           string
	}{
		{"off", "", 401, "This API key is disabled"},
		{"old", "", 401, "This API key has expired"},
		{"office", "", 403, "may not be used from this address"},
		{"office", "X-Forwarded-For: 203.0.113.9\r\n", 403, "may not be used from this address"},
		{"office", "X-Forwarded-For: 198.51.100.7\r\n", 200, ""},
		{"office", "X-Forwarded-For: 198.51.100.7, 203.0.113.9\r\n", 403, "may not be used from this address"},
		{"here", "", 200, ""},
		{"here", "X-Forwarded-For: 203.0.113.9\r\n", 403, "may not be used from this address"},
		{"off\r\nx-api-key: sk-0123456789-here", "", 200, ""},
	} {
		for _, door := range []string{"POST /v1/chat/completions", "POST /v1/messages", "POST /v1/responses", "GET /v1/models"} {
			response, answer := raw(r, fmt.Sprintf("%s HTTP/1.1\r\nHost: relay\r\n%sAuthorization: Bearer sk-0123456789-%s\r\nContent-Length: %d\r\n\r\n%s", door, test.forwarded, test.key, len(body), body))
			require.Equal(t, test.status, response.StatusCode, "%s %v: %s", door, test, answer)
			require.Contains(t, answer, test.says)
			if test.status != 200 && door == "POST /v1/messages" {
				require.Equal(t, map[int]string{401: "authentication_error", 403: "permission_error"}[test.status], harness.ErrorOf(t, answer)["type"])
			}
		}
	}
}
