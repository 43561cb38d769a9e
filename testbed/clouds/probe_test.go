package clouds

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay"
	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// probes asks the channels of a file, and gives the table.
func probes(t *testing.T, yaml string, calls bool) (table string, good bool) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "channels.yaml")
	require.NoError(t, os.WriteFile(file, []byte(yaml), 0o600))
	source := config.Source{File: file, Providers: relay.ConfigProviders(), Env: func(string) (string, bool) { return "", false }}
	settings, err := config.LoadSettings(source)
	require.NoError(t, err)
	cfg, err := config.Load(source, settings)
	require.NoError(t, err)
	var out bytes.Buffer
	good = relay.Probe(t.Context(), cfg, channel.PoolOptions{}, calls, &out)
	for _, secret := range append([]string{"k-wrong"}, secrets...) {
		if secret != standin.Project { // which is in the address, for the operator to check
			require.NotContains(t, out.String(), secret)
		}
	}
	return out.String(), good
}

// TestAProbeAsksEachKeyOfEachChannel and says what came of it.
func TestAProbeAsksEachKeyOfEachChannel(t *testing.T) {
	c := newCloud(t, azureOf(""), hello)
	list := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+standin.Key {
			harness.Answers(401, `{"error":{"message":"Incorrect API key provided: k-wrong-0123456789","type":"invalid_request_error","code":"invalid_api_key"}}`)(w, r)
			return
		}
		harness.Answers(200, `{"data":[{"id":"a"},{"id":"b"}]}`)(w, r)
	})
	openAI := fmt.Sprintf("  - {name: open, type: openai, base_url: %q, keys: [%s], models: [m]}\n", list.URL, standin.Key)
	table, good := probes(t, "channels:\n"+openAI+c.azure("az", "", key)+c.azure("en", "", c.entra(standin.ClientSecret)), false)
	require.True(t, good, table)
	require.Regexp(t, `(?m)^CHANNEL +TYPE +REACHABLE +KEY ACCEPTED +MODELS +LATENCY +ASKED AT`, table)
	require.Regexp(t, `(?m)^open +openai +yes +yes +2 +\d`, table)
	require.Regexp(t, `(?m)^az +azure +yes +yes +1 +\d`, table)
	require.Regexp(t, `(?m)^en +azure +yes +yes +1 +\d`, table)

	for name, c := range map[string]struct{ channel, says string }{
		"a wrong key":       {fmt.Sprintf("  - {name: a, type: openai, base_url: %q, keys: [%s, k-wrong-0123456789], models: [m]}\n", list.URL, standin.Key), `(?m)^a \(key 1 of 2\) +openai +yes +yes +2 .*\n^a \(key 2 of 2\) +openai +yes +no +- +\S+ +GET http://127.0.0.1:\d+/v1/models +401 Incorrect API key`},
		"a wrong secret":    {c.azure("a", "", c.entra("wrong-secret-0123")), `(?m)^a +azure +yes +no +- +\S+ +GET \S+/openai/v1/models +401 the token endpoint refused the credentials: status 401 invalid_client \(AADSTS7000215\)`},
		"nobody is there":   {"  - {name: a, type: openai, base_url: 'http://127.0.0.1:1', models: [m]}\n", `(?m)^a +openai +no +unknown +- +\S+ +GET \S+ +connection refused`},
		"another path":      {fmt.Sprintf("  - {name: a, type: azure, base_url: %q, api_version: 2024-10-21, keys: [%s]}\n", c.at.URL, standin.Key), `(?m)^a +azure +no +unknown`},
		"one of two is bad": {openAI + "  - {name: z, type: openai, base_url: 'http://127.0.0.1:1', models: [m]}\n", `(?m)^z +openai +no`},
	} {
		table, good := probes(t, "channels:\n"+c.channel, false)
		require.False(t, good, "%s\n%s", name, table)
		require.Regexp(t, c.says, table, name)
	}
	table, good = probes(t, "channels:\n"+openAI+"  - {name: off, type: openai, base_url: 'http://127.0.0.1:1', disabled: true}\n", false)
	require.True(t, good, table)
	require.Regexp(t, regexp.MustCompile(`(?m)^off +openai +- +- +- +- +GET http://127.0.0.1:1/v1/models +disabled, not asked`), table)
}

// TestAProbeAsksForATokenWhereItIsTold, of whoever has no list as well.
func TestAProbeAsksForATokenWhereItIsTold(t *testing.T) {
	for _, dialect := range []func(*standin.Tokens) standin.Dialect{
		func(s *standin.Tokens) standin.Dialect { return standin.VertexClaude{Tokens: s} },
		func(s *standin.Tokens) standin.Dialect { return standin.VertexGemini{Tokens: s} },
	} {
		c := newCloud(t, dialect, hello)
		table, good := probes(t, "channels:\n"+c.vertex(t, "vx", ""), false)
		require.True(t, good, table)
		require.Regexp(t, `(?m)^vx +vertex +- +- +- +- +POST \S+/publishers/\S+:\w+ +it has no list of models: --probe=call asks for one token`, table)
		table, good = probes(t, "channels:\n"+c.vertex(t, "vx", ""), true)
		require.True(t, good, "%s %v", table, c.Refused())
		require.Regexp(t, `(?m)^vx +vertex +yes +yes +- +\S+ +POST \S+/publishers/\S+:\w+ +a token of m`, table)
		require.Len(t, c.Asked(), 1)
	}
	c := newCloud(t, azureOf(dated), hello)
	table, good := probes(t, "channels:\n"+c.azure("az", dated, key), true)
	require.True(t, good, "%s %v", table, c.Refused())
}
