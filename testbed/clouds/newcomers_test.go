package clouds

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay"
	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// TestANewcomersMistakeIsToldByTheProbeAndByTheFirstCall in a sentence that says what is wrong, to the operator in full and to a client
// without anything that is the operator's alone.
func TestANewcomersMistakeIsToldByTheProbeAndByTheFirstCall(t *testing.T) {
	page := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("<html><body>404 Not Found nginx</body></html>"))
	})
	sign := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html><body>Sign in</body></html>"))
	})
	moved := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "https://elsewhere.example"+r.URL.Path)
		w.WriteHeader(http.StatusMovedPermanently)
	})
	tls := harness.NewUpstream(t, true, func(http.ResponseWriter, *http.Request) {})
	az, azd := newCloud(t, azureOf(""), hello), newCloud(t, azureOf(dated), hello)
	vx := newCloud(t, func(s *standin.Tokens) standin.Dialect { return standin.VertexGemini{Tokens: s} }, hello)
	vxBad := newCloud(t, func(s *standin.Tokens) standin.Dialect { return standin.VertexGemini{Tokens: s} }, hello)
	vxBad.tokens.Fails = failing(400, `{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`)
	vxTime := newCloud(t, func(s *standin.Tokens) standin.Dialect { return standin.VertexGemini{Tokens: s} }, hello)
	vxTime.tokens.Fails = failing(400, `{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim."}`)
	gem := &standin.Server{Dialect: standin.Gemini{}, Answers: []standin.Answer{hello}}
	gemAt := harness.NewUpstream(t, false, gem.ServeHTTP)
	oa := &standin.Server{Dialect: standin.OpenAI{}, Answers: []standin.Answer{hello}}
	oaAt := harness.NewUpstream(t, false, oa.ServeHTTP)
	expired := &standin.Bedrock{Answers: []standin.Answer{hello}, Fail: func() (string, int, string) {
		return "ExpiredTokenException", 403, "The security token included in the request is expired"
	}}
	expiredAt := harness.NewUpstream(t, false, expired.ServeHTTP)
	denied := &standin.Bedrock{Answers: []standin.Answer{hello}, Fail: func() (string, int, string) {
		return "AccessDeniedException", 403, "You don't have access to the model with the specified model ID."
	}}
	deniedAt := harness.NewUpstream(t, false, denied.ServeHTTP)
	br := &standin.Bedrock{Answers: []standin.Answer{hello}}
	brAt := harness.NewUpstream(t, false, br.ServeHTTP)
	secure := func(u string) string { return strings.Replace(u, "http://", "https://", 1) }
	for _, c := range []struct {
		name, channel       string
		reachable, accepted string
		status              int // for the client
		says                string
	}{
		{"azure deployment not there", strings.Replace(az.azure("a", "", key), standin.Deployment, "gpt-99", 1), "yes", "unknown", 404, "The API deployment for this resource does not exist"},
		{"azure wrong version", strings.Replace(azd.azure("a", dated, key), dated, "2024-02-01", 1), "no", "unknown", 502, "Resource not found: there is nothing at this path: is the base_url's path right? Or is there no such api_version?"},
		{"azure refused key", strings.Replace(az.azure("a", "", key), standin.Key, "wrong-key-0123456789", 1), "yes", "no", 502, "401 Access denied due to invalid subscription key or wrong API endpoint"},
		{"azure tenant", az.azure("a", "", az.entra("wrong-secret-0123")), "yes", "no", 502, "invalid_client (AADSTS7000215): client_secret is wrong (its value is meant, and not its id)"},
		{"azure https to http", strings.Replace(az.azure("a", "", key), az.at.URL, secure(az.at.URL), 1), "no", "unknown", 502, "TLS: the other end does not speak TLS"},
		{"bedrock wrong region", strings.Replace(bedrockChannel("a", brAt.URL, standin.BedrockNova, ""), "us-east-1", "eu-west-1", 1), "yes", "no", 502, "Credential should be scoped to a valid region"},
		{"bedrock wrong secret", strings.Replace(bedrockChannel("a", brAt.URL, standin.BedrockNova, ""), standin.BedrockSecret, "wrong0123456789", 1), "yes", "no", 502, "Check your AWS Secret Access Key"},
		{"bedrock on demand", bedrockChannel("a", brAt.URL, strings.TrimPrefix(standin.BedrockClaude, "us."), ""), "yes", "unknown", 502, "Retry your request with the ID or ARN of an inference profile"},
		{"bedrock no model", bedrockChannel("a", brAt.URL, "amazon.nope", ""), "yes", "unknown", 502, "The provided model identifier is invalid"},
		{"bedrock expired", bedrockChannel("a", expiredAt.URL, standin.BedrockNova, ""), "yes", "no", 502, "The security token included in the request is expired"},
		{"bedrock denied", bedrockChannel("a", deniedAt.URL, standin.BedrockNova, ""), "yes", "unknown", 502, "You don't have access to the model"},
		{"vertex other project", strings.Replace(vx.vertex(t, "a", ""), ", models", ", project: other-project, models", 1), "yes", "unknown", 502, "Permission 'aiplatform.endpoints.predict' denied on resource"},
		{"vertex no model", strings.Replace(vx.vertex(t, "a", ""), "gemini-3-flash-preview", "gemini-99", 1), "yes", "unknown", 404, "was not found or your project does not have access to it"},
		{"vertex refused account", vxBad.vertex(t, "a", ""), "yes", "no", 502, "invalid_grant: the key in the credentials file is not the account's any more: make a new one"},
		{"vertex clock", vxTime.vertex(t, "a", ""), "yes", "no", 502, "invalid_grant: the clock of this machine is wrong"},
		{"gemini wrong key", fmt.Sprintf("  - {name: a, type: gemini, base_url: %q, keys: [AIzaSyWrong0123456789], models: [m], model_mapping: {m: gemini-3-flash-preview}}\n", gemAt.URL), "yes", "no", 502, "API key not valid. Please pass a valid API key."},
		{"gemini no model", fmt.Sprintf("  - {name: a, type: gemini, base_url: %q, keys: [%s], models: [m], model_mapping: {m: gemini-99}}\n", gemAt.URL, standin.Key), "yes", "unknown", 404, "models/gemini-99 is not found for API version v1beta"},
		{"gemini https to http", fmt.Sprintf("  - {name: a, type: gemini, base_url: %q, keys: [%s], models: [m]}\n", secure(gemAt.URL), standin.Key), "no", "unknown", 502, "TLS: the other end does not speak TLS"},
		{"openai wrong key", fmt.Sprintf("  - {name: a, type: openai, base_url: %q, keys: [sk-wrong-0123456789], models: [m], model_mapping: {m: gpt-4o}}\n", oaAt.URL), "yes", "no", 502, "Incorrect API key provided: [key]"},
		{"openai no model", fmt.Sprintf("  - {name: a, type: openai, base_url: %q, keys: [%s], models: [m], model_mapping: {m: gpt-99}}\n", oaAt.URL, standin.Key), "yes", "unknown", 404, "The model `gpt-99` does not exist"},
		{"openai wrong path", fmt.Sprintf("  - {name: a, type: openai, base_url: %q, keys: [%s], models: [m]}\n", page.URL+"/api/v1", standin.Key), "no", "unknown", 502, "a web page, with status 404: there is nothing at this path: is the base_url's path right?"},
		{"openai sign in page", fmt.Sprintf("  - {name: a, type: openai, base_url: %q, keys: [%s], models: [m]}\n", sign.URL, standin.Key), "no", "unknown", 502, "a web page instead of an answer: is the base_url the API's, and not a site's?"},
		{"openai redirect", fmt.Sprintf("  - {name: a, type: openai, base_url: %q, keys: [%s], models: [m]}\n", moved.URL, standin.Key), "no", "unknown", 502, "redirects are not followed, base_url has to name where the API really is"},
		{"openai http to https", fmt.Sprintf("  - {name: a, type: openai, base_url: %q, keys: [%s], models: [m]}\n", strings.Replace(tls.URL, "https://", "http://", 1), standin.Key), "no", "unknown", 502, "Client sent an HTTP request to an HTTPS server: base_url has to begin with https://"},
		{"openai unknown certificate", fmt.Sprintf("  - {name: a, type: openai, base_url: %q, keys: [%s], models: [m]}\n", tls.URL, standin.Key), "no", "unknown", 502, "TLS: the certificate's authority is unknown"},
		{"openai no host", "  - {name: a, type: openai, base_url: 'http://no-such-host.invalid/v1', models: [m]}\n", "no", "unknown", 502, "the host name does not resolve"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, found := probes(t, "channels:\n"+c.channel, true)
			require.Equal(t, relay.SomeFail, found, table)
			require.Regexp(t, `(?m)^a +\w+ +`+c.reachable+` +`+c.accepted+` .*`+regexp.QuoteMeta(c.says), table)
			r := harness.StartRelay(t, "channels:\n"+c.channel, harness.WithEnv("RETRY_TIMES", "0"))
			status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
			require.Equal(t, c.status, status, answer)
			require.NotEmpty(t, harness.ErrorOf(t, answer)["message"])
			require.Contains(t, r.Attempt(0).Failure.Detail, strings.TrimPrefix(c.says, "401 "))
			requireNoSecret(t, r, answer)
			for _, secret := range []string{"wrong-key", "wrong-secret", "wrong0123456789", "AIzaSyWrong", "sk-wrong", "127.0.0.1:"} {
				require.NotContains(t, answer, secret)
			}
		})
	}
}
