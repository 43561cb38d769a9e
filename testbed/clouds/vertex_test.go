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
		"Mistral's models":   {func(s *standin.Tokens) standin.Dialect { return standin.VertexMistral(s) }, azureUsage},
		"AI21's models":      {func(s *standin.Tokens) standin.Dialect { return standin.VertexJamba(s) }, azureUsage},
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

// TestANumberOfTokensOnVertexIsItsOwn for clients of each format, and models of either house; one that is refused is an estimate.
func TestANumberOfTokensOnVertexIsItsOwn(t *testing.T) {
	const gemini = `"contents":[{"role":"user","parts":[{"text":"Hi!"}]}],"systemInstruction":{"parts":[{"text":"Be brief."}]},"tools":[{"functionDeclarations":[{"name":"f"}]}]`
	questions := map[string]struct{ path, body string }{
		"messages":       {"/v1/messages/count_tokens", `{"model":"m","system":"Be brief.","messages":[{"role":"user","content":"Hi!"}],"tools":[{"name":"f","input_schema":{"type":"object"}}]}`},
		"responses":      {"/v1/responses/input_tokens", `{"model":"m","instructions":"Be brief.","input":"Hi!"}`},
		"gemini":         {"/v1beta/models/m:countTokens", `{"contents":[{"role":"user","parts":[{"text":"Hi!"}]}]}`},
		"gemini, all":    {"/v1beta/models/m:countTokens", `{"generateContentRequest":{"model":"models/m","safetySettings":[],` + gemini + `}}`},
		"gemini, snakes": {"/v1/models/m:countTokens", `{"generate_content_request":{"contents":[{"role":"user","parts":[{"text":"Hi!"}]}],"system_instruction":{"parts":[{"text":"Be brief."}]}}}`},
		"as on vertex":   {"/v1/models/m:countTokens", "{" + gemini + "}"},
	}
	for house, dialect := range map[string]func(*standin.Tokens) standin.Dialect{
		"Google's":    func(s *standin.Tokens) standin.Dialect { return standin.VertexGemini{Tokens: s} },
		"Anthropic's": func(s *standin.Tokens) standin.Dialect { return standin.VertexClaude{Tokens: s} },
	} {
		for client, ask := range questions {
			t.Run(house+", "+client, func(t *testing.T) {
				t.Parallel()
				c := newCloud(t, dialect, hello)
				r := harness.StartRelay(t, "channels:\n"+c.vertex(t, "a", ""))
				status, answer, header := r.Ask(ask.path, ask.body)
				require.Equal(t, 200, status, "%s %v", answer, c.Refused())
				require.Empty(t, header.Get("X-Oneapi-Estimated"), c.Refused())
				require.Contains(t, answer, fmt.Sprint(standin.Counted), c.Refused())
				require.Len(t, c.Asked(), 1)
				if strings.Contains(ask.body, "rief") {
					require.Contains(t, string(c.Asked()[0].Text), "Be brief.")
				}
				_, _, _ = r.Ask("/v1/messages", `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi!"}]}`)
				c.at.Close()
				status, answer, header = r.Ask(ask.path, ask.body)
				require.Equal(t, 200, status, answer)
				require.Equal(t, "true", header.Get("X-Oneapi-Estimated"))
			})
		}
	}
	c := newCloud(t, func(s *standin.Tokens) standin.Dialect { return standin.VertexPartner{Tokens: s} }, hello)
	r := harness.StartRelay(t, "channels:\n"+c.vertex(t, "a", ""))
	_, _, header := r.Ask("/v1/messages/count_tokens", questions["messages"].body)
	require.Equal(t, "true", header.Get("X-Oneapi-Estimated"), "partners' models have no such question")
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
	requireNoSecret(t, r, answer, r.Attempt(0).Failure.Detail)
}

func TestAServiceAccountThatIsRefusedIsAnHonestError(t *testing.T) {
	c := newCloud(t, func(s *standin.Tokens) standin.Dialect { return standin.VertexGemini{Tokens: s} }, hello)
	channel := c.vertex(t, "a", "")
	c.tokens.Fails = failing(400, `{"error":"invalid_grant","error_description":"Invalid JWT Signature for `+standin.ServiceAccount+`."}`)
	r := harness.StartRelay(t, "channels:\n"+channel, harness.WithEnv("RETRY_TIMES", "0"))
	status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, http.StatusBadGateway, status, answer)
	require.Equal(t, "upstream_refused_credentials", harness.ErrorOf(t, answer)["code"])
	require.Equal(t, "the token endpoint refused the credentials: status 400 invalid_grant: the key in the credentials file is not the account's any more: make a new one",
		r.Attempt(0).Failure.Detail)
	requireNoSecret(t, r, answer)
}

// TestVectorsAreMadeByVertex for clients of either API, by predict or, of the newer models, by embedContent, and are counted.
func TestVectorsAreMadeByVertex(t *testing.T) {
	for model, single := range map[string]bool{"text-embedding-005": false, "text-multilingual-embedding-002": false, "gemini-embedding-001": false, "gemini-embedding-2-preview": true} {
		t.Run(model, func(t *testing.T) {
			c := newCloud(t, func(s *standin.Tokens) standin.Dialect { return standin.VertexGemini{Tokens: s} }, hello)
			r := harness.StartRelay(t, "channels:\n"+strings.Replace(c.vertex(t, "a", ""), "text-embedding-005", model, 1))
			n := 0
			ask := func(path, body, want string) map[string]any {
				status, answer, _ := r.Ask(path, body)
				require.Equal(t, 200, status, "%s %v", answer, c.Refused())
				require.Contains(t, answer, want)
				n++
				require.Equal(t, "completed", r.Outcomes(n)[n-1])
				require.EqualValues(t, standin.VertexTokens, r.Attempt(n-1).Usage.Input())
				return c.Asked()[len(c.Asked())-1].Body
			}
			asked := ask("/v1/embeddings", `{"model":"e","input":"one","dimensions":2}`, `"embedding":[0.5,-0.25]`)
			if single {
				require.Equal(t, map[string]any{"content": map[string]any{"parts": []any{map[string]any{"text": "one"}}}, "embedContentConfig": map[string]any{"outputDimensionality": 2.0}}, asked)
			} else {
				require.Equal(t, map[string]any{"instances": []any{map[string]any{"content": "one"}}, "parameters": map[string]any{"outputDimensionality": 2.0}}, asked)
			}
			ask("/v1/embeddings", `{"model":"e","input":["one"],"encoding_format":"base64"}`, `"embedding":"AAAAPwAAgL4="`)
			asked = ask("/v1beta/models/e:embedContent", `{"content":{"parts":[{"text":"one"}]},"taskType":"RETRIEVAL_DOCUMENT","title":"One","outputDimensionality":2}`, `{"embedding":{"values":[0.5,-0.25]}}`)
			if single {
				require.Equal(t, map[string]any{"taskType": "RETRIEVAL_DOCUMENT", "title": "One", "outputDimensionality": 2.0}, asked["embedContentConfig"])
			} else {
				require.Equal(t, []any{map[string]any{"content": "one", "task_type": "RETRIEVAL_DOCUMENT", "title": "One"}}, asked["instances"])
			}
			ask("/v1beta/models/e:batchEmbedContents", `{"requests":[{"model":"models/e","content":{"parts":[{"text":"one"}]}}]}`, `{"embeddings":[{"values":[0.5,-0.25]}]}`)
			require.Empty(t, c.Refused())

			status, answer, _ := r.Ask("/v1/embeddings", `{"model":"e","input":["one","two"]}`)
			switch {
			case strings.HasPrefix(model, "text"):
				require.Equal(t, 200, status, answer)
				require.EqualValues(t, 2*standin.VertexTokens, r.Attempt(n).Usage.Input())
			case single:
				require.Equal(t, 400, status, answer)
				require.Contains(t, answer, "must have one text")
			default:
				require.Equal(t, 400, status, answer)
				require.Contains(t, answer, "1 instance(s) is allowed per prediction")
			}
		})
	}
}
