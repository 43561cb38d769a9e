package clients

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// queries are what SDKs send: Anthropic's beta namespace and Claude Code, those for Azure, Google's in three languages, OpenAI's with a
// default_query, and what is no parameter at all.
var queries = []string{
	"", "?", "beta=true", "api-version=2025-04-01-preview", "api-version=preview&beta=true", "alt=sse", "$alt=json;enum-encoding=int", "%24alt=json%3Benum-encoding%3Dint",
	"alt=json", "prettyPrint=false&alt=sse", "beta=false", "stream=true&n=5&model=other", "a=%zz", "a;b", "a=%zz&beta=true", "=", "&&&", "beta", strings.Repeat("x=y&", 400),
}

// TestWhatAClientPutsIntoItsAddressChangesNothingButWhatItsProviderDefines and nothing of it costs the call.
func TestWhatAClientPutsIntoItsAddressChangesNothingButWhatItsProviderDefines(t *testing.T) {
	const turn = `"messages":[{"role":"user","content":"Hi!"}]`
	surfaces := map[string]struct{ path, body string }{
		"chat":      {"/v1/chat/completions", `{"model":"%s",` + turn + `}`},
		"messages":  {"/v1/messages", `{"model":"%s","max_tokens":99,` + turn + `}`},
		"responses": {"/v1/responses", `{"model":"%s","store":false,"input":"Hi!"}`},
		"counting":  {"/v1/messages/count_tokens", `{"model":"%s",` + turn + `}`},
		"gemini":    {"/v1beta/models/%s:generateContent", `{"contents":[{"parts":[{"text":"Hi!"}]}]}`},
		"streamed":  {"/v1beta/models/%s:streamGenerateContent", `{"contents":[{"parts":[{"text":"Hi!"}]}]}`},
	}
	var yaml strings.Builder
	yaml.WriteString("channels:\n")
	servers := map[string]*standin.Server{}
	for name, d := range map[string]standin.Dialect{"o": standin.OpenAI{}, "r": standin.Responses{}, "a": standin.Anthropic{}, "g": standin.Gemini{}} {
		server := &standin.Server{Dialect: d, Answers: []standin.Answer{{Text: []string{"Good day"}}}}
		u := harness.NewUpstream(t, false, server.ServeHTTP)
		api := ""
		if name == "r" {
			api = ", api: responses"
		}
		fmt.Fprintf(&yaml, "  - {name: %s, type: %s, base_url: %q, keys: [%s], models: [%s], model_mapping: {%s: %s}%s}\n", name, d.Type(), u.URL, standin.Key, name, name, d.Model(), api)
		servers[name] = server
	}
	r := harness.StartRelay(t, yaml.String())
	for what, surface := range surfaces {
		for model, server := range servers {
			for _, query := range queries {
				path, body := surface.path, surface.body
				if strings.Contains(path, "%s") {
					path = fmt.Sprintf(path, model)
				} else {
					body = fmt.Sprintf(body, model)
				}
				before := len(server.Asked())
				status, answer := askAt(t, r, path, query, body)
				about := fmt.Sprintf("%s of %s, ?%.60s: %s %v", what, model, query, answer, server.Refused())
				require.Equal(t, http.StatusOK, status, about)
				asked := server.Asked()
				if len(asked) == before {
					require.Equal(t, "counting", what, about)
					continue // which is guessed
				}
				require.Len(t, asked, before+1, about)
				require.Equal(t, upstreamQuery(what, model, query), asked[before].Query, about)
				sent, _ := url.ParseQuery(query)
				if what == "streamed" {
					require.Equal(t, sent.Get("alt") != "sse", strings.HasPrefix(answer, "["), about)
				}
			}
		}
	}
}

// upstreamQuery is what an upstream sees of a client's.
func upstreamQuery(surface, model, query string) string {
	sent, _ := url.ParseQuery(query) // which drops what is no parameter
	switch {
	case surface == "streamed" && model == "g":
		return "alt=sse"
	case model == "a" && (surface == "messages" || surface == "counting") && sent.Get("beta") == "true":
		return "beta=true"
	case surface == "responses" && model == "r" && sent.Has("stream"):
		return "stream=true" // which means something for what is kept
	case surface == "responses" && model == "r" && sent.Get("beta") == "true":
		return "beta=true"
	}
	return ""
}

// askAt posts to an address as it stands.
func askAt(t *testing.T, r *harness.Relay, path, query, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, r.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	request.URL.RawQuery, request.URL.ForceQuery = strings.TrimPrefix(query, "?"), query == "?"
	request.Header.Set("Authorization", "Bearer "+harness.Key)
	request.Header.Set("Content-Type", "application/json")
	response, err := r.Client.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}
