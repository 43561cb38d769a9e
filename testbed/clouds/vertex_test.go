package clouds

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

func TestEverySurfaceIsServedByVertex(t *testing.T) {
	for name, v := range map[string]struct {
		dialect func(*standin.Tokens) standin.Dialect
		usage   wire.Usage
	}{
		"Google's models":    {func(s *standin.Tokens) standin.Dialect { return standin.VertexGemini{Tokens: s} }, wire.Usage{Uncached: standin.Input - standin.Cached, CacheRead: standin.Cached, Text: standin.Output}},
		"Anthropic's models": {func(s *standin.Tokens) standin.Dialect { return standin.VertexClaude{Tokens: s} }, wire.Usage{Uncached: standin.Fresh, CacheRead: standin.Cached, CacheWrite5m: standin.Written, Text: standin.Output}},
		"partners' models":   {func(s *standin.Tokens) standin.Dialect { return standin.VertexPartner{Tokens: s} }, azureUsage},
	} {
		t.Run(name, func(t *testing.T) {
			everySurface(t, func(c *cloud) string { return c.vertex(t, "a", "") }, v.dialect, v.usage)
		})
	}
}

func TestGeminisClientsAreServedByVertex(t *testing.T) {
	for _, dialect := range []func(*standin.Tokens) standin.Dialect{
		func(s *standin.Tokens) standin.Dialect { return standin.VertexGemini{Tokens: s} },
	} {
		c := newCloud(t, dialect, hello)
		r := harness.StartRelay(t, "channels:\n"+c.vertex(t, "a", ""))
		for _, verb := range []string{"generateContent", "streamGenerateContent?alt=sse", "countTokens"} {
			status, answer, _ := r.Ask("/v1beta/models/m:"+verb, `{"contents":[{"role":"user","parts":[{"text":"Hi!"}]}]}`)
			require.Equal(t, 200, status, "%s %s %v", verb, answer, c.Refused())
		}
	}
}

// TestAModelThatItsMakerHasNotAtAnEndpointIsRefusedWithoutBeingAskedFor: Claude makes no embeddings.
func TestAModelThatItsMakerHasNotAtAnEndpointIsRefusedWithoutBeingAskedFor(t *testing.T) {
	c := newCloud(t, func(s *standin.Tokens) standin.Dialect { return standin.VertexClaude{Tokens: s} }, hello)
	r := harness.StartRelay(t, "channels:\n"+c.vertex(t, "a", ""))
	status, answer, _ := r.Ask("/v1beta/models/m:embedContent", `{"content":{"parts":[{"text":"x"}]}}`)
	require.Equal(t, http.StatusNotFound, status, answer)
	require.Contains(t, answer, "not served at")
	require.Zero(t, c.at.Requests.Load())
}

// TestTheMetadataServerGivesTokens to a channel without a file, which says its project.
func TestTheMetadataServerGivesTokens(t *testing.T) {
	c := newCloud(t, func(s *standin.Tokens) standin.Dialect { return standin.VertexClaude{Tokens: s} }, hello)
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: vertex, base_url: %q, project: %s, models: [m], model_mapping: {m: %q}}\n", c.at.URL, standin.Project, c.Dialect.Model()),
		harness.WithEnv("GCE_METADATA_HOST", strings.TrimPrefix(c.issuer.URL, "http://")))
	status, answer, _ := r.Ask("/v1/messages", `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi!"}]}`)
	require.Equal(t, 200, status, "%s %v", answer, c.Refused())
	require.Equal(t, "gcp.vertex_ai", r.Server.Pool().Set().All()[0].Provider)
	c.tokens.Revoke()
	status, answer, _ = r.Ask("/v1/messages", `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi!"}]}`)
	require.Equal(t, 200, status, "%s %v", answer, c.Refused())
	require.Equal(t, 2, c.tokens.Asked())
}

// TestAnotherProjectsRefusalNamesNoProject, nor the account that asked.
func TestAnotherProjectsRefusalNamesNoProject(t *testing.T) {
	c := newCloud(t, func(s *standin.Tokens) standin.Dialect { return standin.VertexGemini{Tokens: s} }, hello)
	r := harness.StartRelay(t, "channels:\n"+c.vertex(t, "a", ", location: europe-west4"), harness.WithEnv("RETRY_TIMES", "0"))
	status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, http.StatusBadGateway, status, answer)
	requireNoSecret(t, r, answer, r.Recorded()[0].Failure.Detail)
}

func TestAServiceAccountThatIsRefusedIsAnHonestError(t *testing.T) {
	c := newCloud(t, func(s *standin.Tokens) standin.Dialect { return standin.VertexGemini{Tokens: s} }, hello)
	channel := c.vertex(t, "a", "")
	c.tokens.Fails = failing(400, `{"error":"invalid_grant","error_description":"Invalid JWT Signature for `+standin.ServiceAccount+`."}`)
	r := harness.StartRelay(t, "channels:\n"+channel, harness.WithEnv("RETRY_TIMES", "0"))
	status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, http.StatusBadGateway, status, answer)
	require.Equal(t, "upstream_refused_credentials", harness.ErrorOf(t, answer)["code"])
	require.Equal(t, "the token endpoint refused the credentials: status 400 invalid_grant", r.Recorded()[0].Failure.Detail)
	requireNoSecret(t, r, answer)
}
