package clouds

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// cloud is an imitated cloud with whoever gives out its tokens.
type cloud struct {
	*standin.Server
	tokens *standin.Tokens
	at     *harness.Upstream
	issuer *harness.Upstream
}

func newCloud(t *testing.T, dialect func(*standin.Tokens) standin.Dialect, answers ...standin.Answer) *cloud {
	t.Helper()
	c := &cloud{tokens: &standin.Tokens{}}
	c.Server = &standin.Server{Dialect: dialect(c.tokens), Answers: answers}
	c.at = harness.NewUpstream(t, false, c.ServeHTTP)
	c.issuer = harness.NewUpstream(t, false, c.tokens.ServeHTTP)
	return c
}

func azureOf(version string) func(*standin.Tokens) standin.Dialect {
	return func(tokens *standin.Tokens) standin.Dialect {
		return standin.Azure{Version: version, Tokens: tokens, Filters: true}
	}
}

const dated = "2025-04-01-preview"

// entra is the configuration of an application.
func (c *cloud) entra(secret string) string {
	return fmt.Sprintf(", entra: {tenant: %s, client_id: %s, client_secret: %q, authority: %q}", standin.Tenant, standin.ClientID, secret, c.issuer.URL)
}

func (c *cloud) azure(name, version, who string) string {
	if version != "" {
		who += ", api_version: " + version
	}
	return fmt.Sprintf("  - {name: %s, type: azure, base_url: %q, models: [m, e], model_mapping: {m: %s, e: embed-prod}%s}\n", name, c.at.URL, standin.Deployment, who)
}

// vertex is a channel with a service account's file.
func (c *cloud) vertex(t *testing.T, name, more string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sa.json")
	require.NoError(t, os.WriteFile(file, []byte(c.tokens.File(c.issuer.URL+"/token")), 0o600))
	return fmt.Sprintf("  - {name: %s, type: vertex, base_url: %q, credentials_file: %q, models: [m, e], model_mapping: {m: %q, e: text-embedding-005}%s}\n", name, c.at.URL, file, c.Dialect.Model(), more)
}

const key = ", keys: [" + standin.Key + "]"

var hello = standin.Answer{Text: []string{"Good ", "day <&> 世界"}}

// surface is a way to ask for a text.
type surface struct{ name, path, body string }

var surfaces = []surface{
	{"chat", "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"Hi!"}]%s}`},
	{"messages", "/v1/messages", `{"model":"m","max_tokens":99,"messages":[{"role":"user","content":"Hi!"}]%s}`},
	{"responses", "/v1/responses", `{"model":"m","store":false,"input":"Hi!"%s}`},
}

const tools = `{"city":{"type":"string"}}`

// withTool is the body of a surface that offers a tool.
func (s surface) withTool(stream string) string {
	schema := `{"type":"object","properties":` + tools + `,"required":["city"],"additionalProperties":false}`
	tool := map[string]string{
		"chat":      `{"type":"function","function":{"name":"get_weather","parameters":` + schema + `}}`,
		"messages":  `{"name":"get_weather","input_schema":` + schema + `}`,
		"responses": `{"type":"function","name":"get_weather","parameters":` + schema + `,"strict":true}`,
	}[s.name]
	return fmt.Sprintf(s.body, `,"tools":[`+tool+`]`+stream)
}

// everySurface asks by every surface, whole and streamed, for a text and for a call of a tool.
func everySurface(t *testing.T, channels func(c *cloud) string, dialect func(*standin.Tokens) standin.Dialect, usage wire.Usage) {
	for _, s := range surfaces {
		for _, stream := range []string{"", `,"stream":true`} {
			t.Run(s.name+stream, func(t *testing.T) {
				t.Parallel()
				c := newCloud(t, dialect, hello, standin.Answer{Calls: []standin.Call{{ID: "call_1", Name: "get_weather", Arguments: []string{`{"city":"Oslo"}`}}}})
				r := harness.StartRelay(t, "channels:\n"+channels(c))
				status, answer, _ := r.Ask(s.path, fmt.Sprintf(s.body, stream))
				require.Equal(t, 200, status, "%s %v", answer, c.Refused())
				require.Contains(t, strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(answer), "Good ", answer)
				require.Contains(t, answer, "世界")
				status, answer, _ = r.Ask(s.path, s.withTool(stream))
				require.Equal(t, 200, status, "%s %v", answer, c.Refused())
				require.Contains(t, answer, "get_weather")
				require.Contains(t, answer, "Oslo")
				require.Equal(t, []string{"completed", "completed"}, r.Outcomes(2))
				require.Equal(t, usage, r.Attempt(0).Usage)
				require.Empty(t, c.Refused())
			})
		}
	}
}

// secrets is what no client, log line or metric may have.
var secrets = []string{standin.Key, standin.Tenant, standin.ClientID, standin.ClientSecret, standin.Project, standin.ServiceAccount, "ya29.", "PRIVATE KEY"}

func requireNoSecret(t *testing.T, r *harness.Relay, answers ...string) {
	t.Helper()
	_, channels := r.Get("/api/monitor/health")
	for _, text := range append(answers, r.Log.String(), fmt.Sprint(channels)) {
		for _, secret := range secrets {
			require.NotContains(t, text, secret)
		}
	}
}

func failing(status int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// rewrite gives a relay another configuration.
func rewrite(t *testing.T, r *harness.Relay, yaml string) {
	t.Helper()
	require.NoError(t, os.WriteFile(r.File, []byte(yaml+"\ntokens:\n  - {name: test, key: "+harness.Key+"}\n"), 0o600))
}
