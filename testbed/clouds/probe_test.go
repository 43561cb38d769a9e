package clouds

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay"
	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// probes asks the channels of a file, and gives the table.
func probes(t *testing.T, yaml string, calls bool) (table string, found relay.Found) {
	t.Helper()
	return probesFor(t, yaml, relay.Question{Call: calls})
}

func probesFor(t *testing.T, yaml string, asked relay.Question) (table string, found relay.Found) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "channels.yaml")
	require.NoError(t, os.WriteFile(file, []byte(yaml), 0o600))
	source := config.Source{File: file, Providers: relay.ConfigProviders(), Env: func(string) (string, bool) { return "", false }}
	settings, err := config.LoadSettings(source)
	require.NoError(t, err)
	cfg, err := config.Load(source, settings)
	require.NoError(t, err)
	var out bytes.Buffer
	found = relay.Probe(t.Context(), cfg, channel.PoolOptions{}, asked, &out)
	for _, secret := range append([]string{"k-wrong"}, secrets...) {
		if secret != standin.Project { // which is in the address, for the operator to check
			require.NotContains(t, out.String(), secret)
		}
	}
	return out.String(), found
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
	table, found := probes(t, "channels:\n"+openAI+c.azure("az", "", key)+c.azure("en", "", c.entra(standin.ClientSecret)), false)
	require.Equal(t, relay.AllWork, found, table)
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
		table, found := probes(t, "channels:\n"+c.channel, false)
		require.Equal(t, relay.SomeFail, found, "%s\n%s", name, table)
		require.Regexp(t, c.says, table, name)
	}
	table, found = probes(t, "channels:\n"+openAI+"  - {name: off, type: openai, base_url: 'http://127.0.0.1:1', disabled: true}\n", false)
	require.Equal(t, relay.AllWork, found, table)
	require.Regexp(t, regexp.MustCompile(`(?m)^off +openai +- +- +- +- +GET http://127.0.0.1:1/v1/models +disabled, not asked`), table)
}

// TestAProbeAsksForATokenWhereItIsTold, of whoever has no list as well.
func TestAProbeAsksForATokenWhereItIsTold(t *testing.T) {
	for _, dialect := range []func(*standin.Tokens) standin.Dialect{
		func(s *standin.Tokens) standin.Dialect { return standin.VertexClaude{Tokens: s} },
		func(s *standin.Tokens) standin.Dialect { return standin.VertexGemini{Tokens: s} },
	} {
		c := newCloud(t, dialect, hello)
		table, found := probes(t, "channels:\n"+c.vertex(t, "vx", ""), false)
		require.Equal(t, relay.NotKnown, found, table)
		require.Regexp(t, `(?m)^vx +vertex +- +- +- +- +POST \S+/publishers/\S+:\w+ +it has no list of models: --probe=call asks for one token`, table)
		require.Contains(t, table, "0 good, 0 failed, 1 not known.")
		table, found = probes(t, "channels:\n"+c.vertex(t, "vx", ""), true)
		require.Equal(t, relay.AllWork, found, "%s %v", table, c.Refused())
		require.Regexp(t, `(?m)^vx +vertex +yes +yes +- +\S+ +POST \S+/publishers/\S+:\w+ +a token of m`, table)
		require.Len(t, c.Asked(), 1)
	}
	c := newCloud(t, azureOf(dated), hello)
	table, found := probes(t, "channels:\n"+c.azure("az", dated, key), true)
	require.Equal(t, relay.AllWork, found, "%s %v", table, c.Refused())
}

// openAIs is a server of OpenAI's kind, whose list and calls are answered each in its own way.
func openAIs(t *testing.T, list, call http.HandlerFunc) *harness.Upstream {
	t.Helper()
	return harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			list(w, r)
			return
		}
		call(w, r)
	})
}

// withModels is a channel of such a server.
func withModels(u *harness.Upstream, models string) string {
	return fmt.Sprintf("channels:\n  - {name: a, type: openai, base_url: %q, keys: [%s], models: [%s]}\n", u.URL, standin.Key, models)
}

// breaksOff sends the header of a good answer and a part of its body, and then ends the connection, or waits until nobody waits for more.
func breaksOff(waits bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "500")
		_, _ = w.Write([]byte(`{"id":`))
		_ = http.NewResponseController(w).Flush()
		if waits {
			<-r.Context().Done()
		}
		panic(http.ErrAbortHandler)
	}
}

const aToken = `{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`

// TestAProbeTellsWhatIsWrongFromWhatNobodyKnows: a script goes by that.
func TestAProbeTellsWhatIsWrongFromWhatNobodyKnows(t *testing.T) {
	answers := harness.Answers
	for name, c := range map[string]struct {
		answer     http.HandlerFunc
		list, call relay.Found
		says       string // of both, behind the name and the type
		calls      string // if something else is said of a call
	}{
		"an outage":        {answers(500, `{"error":{"message":"boom"}}`), relay.NotKnown, relay.SomeFail, `yes +unknown .* 500 boom`, ""},
		"no such thing":    {answers(404, `{"error":{"message":"The model m does not exist","code":"model_not_found"}}`), relay.NotKnown, relay.SomeFail, `yes +unknown .* 404 The model m does not exist`, ""},
		"no list":          {answers(404, `{"error":{"message":"nothing here"}}`), relay.NotKnown, relay.SomeFail, `yes +unknown .* 404 nothing here`, ""},
		"a limit":          {answers(429, `{"error":{"message":"slow down"}}`), relay.AllWork, relay.NotKnown, `yes +yes .* 429 slow down`, ""},
		"a refusal":        {answers(401, `{"error":{"message":"bad key"}}`), relay.SomeFail, relay.SomeFail, `yes +no .* 401 bad key`, ""},
		"not this request": {answers(400, `{"error":{"message":"max_tokens is too small"}}`), relay.AllWork, relay.NotKnown, `yes +yes .* 400 max_tokens is too small`, ""},
		"a cut":            {breaksOff(false), relay.NotKnown, relay.SomeFail, `yes +unknown .* a good answer began and did not come to its end: the connection was closed early`, ""},
		"silence midway":   {breaksOff(true), relay.NotKnown, relay.SomeFail, `yes +unknown .* a good answer began and did not come to its end: no whole answer within 10s`, ""},
		"another's answer": {answers(200, `{"hello":"world"}`), relay.NotKnown, relay.SomeFail, `yes +unknown .* the list of models is none that is known: it has no data`, `yes +unknown `},
		"a web page":       {answers(200, "\n<html>"), relay.SomeFail, relay.SomeFail, `no +unknown .* a web page instead of an answer`, ""},
		"nothing":          {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, relay.SomeFail, relay.SomeFail, `no +unknown `, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := openAIs(t, c.answer, c.answer)
			table, found := probes(t, withModels(u, "m"), false)
			require.Equal(t, c.list, found, table)
			require.Regexp(t, `(?m)^a +openai +`+c.says, table)
			table, found = probes(t, withModels(u, "m"), true)
			require.Equal(t, c.call, found, table)
			require.Regexp(t, `(?m)^a +openai +`+cmp.Or(c.calls, c.says), table)
		})
	}
}

func TestAProbeThatTheChannelsOwnClockEndsNamesThatClock(t *testing.T) {
	waits := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	u := openAIs(t, waits, waits)
	for _, call := range []bool{false, true} {
		table, found := probes(t, strings.Replace(withModels(u, "m"), "models:", "timeouts: {header: 100ms}, models:", 1), call)
		require.Equal(t, relay.SomeFail, found, table)
		require.Regexp(t, `(?m)^a +openai +no +unknown .* timeouts\.header`, table)
	}
}

// TestAProbeThatAsksForATokenTakesAModelOfTheUpstreamsList if the channel names none, and one that gives text before all others; or that
// which the operator names.
func TestAProbeThatAsksForATokenTakesAModelOfTheUpstreamsList(t *testing.T) {
	var asked []string
	call := func(w http.ResponseWriter, r *http.Request) {
		var said struct{ Model string }
		require.NoError(t, json.NewDecoder(r.Body).Decode(&said))
		asked = append(asked, said.Model)
		if said.Model == "gone" {
			harness.Answers(404, `{"error":{"message":"The model gone does not exist","code":"model_not_found"}}`)(w, r)
			return
		}
		harness.Answers(200, aToken)(w, r)
	}
	const list = `{"data":[{"id":"text-embedding-3-small"},{"id":"whisper-1"},{"id":"gone"},{"id":"chatty"},{"id":"gpt-x"}]}`
	for _, c := range []struct {
		list, models, names string
		asked               []string
		found               relay.Found
		says                string
	}{
		{list, "'*'", "", []string{"gone", "chatty"}, relay.AllWork, "yes +yes +5 .* a token of chatty"},
		{list, "'gpt-*'", "", []string{"gpt-x"}, relay.AllWork, "yes +yes +5 .* a token of gpt-x"},
		{list, "'*'", "gpt-x", []string{"gpt-x"}, relay.AllWork, "yes +yes +- .* a token of gpt-x"},
		{list, "'gone*'", "gpt-x", []string{"gone"}, relay.SomeFail, "yes +unknown +5 .* 404 The model gone does not exist"},
		{list, "whisper-1, chatty", "", []string{"chatty"}, relay.AllWork, "yes +yes +- .* a token of chatty"},
		{list, "whisper-1", "", nil, relay.NotKnown, "yes +yes +5 .* no model of it is named that could be asked for a token: list one in models, or name it with --probe=call:MODEL"},
		{`{"data":[]}`, "'*'", "", nil, relay.NotKnown, "yes +yes +0 .* no model of it is named that could be asked for a token"},
		{`{"data":[{"id":"dall-e-3"}]}`, "'*'", "", nil, relay.NotKnown, "yes +yes +1 .* no model of it is named that could be asked for a token"},
		{`<html>`, "'*'", "", nil, relay.SomeFail, "no +unknown +- .* it names no model, and was asked for its list: a web page"},
	} {
		asked = nil
		u := openAIs(t, harness.Answers(200, c.list), call)
		table, found := probesFor(t, withModels(u, c.models), relay.Question{Call: true, Model: c.names})
		require.Equal(t, c.found, found, table)
		require.Regexp(t, `(?m)^a +openai +`+c.says, table)
		require.Equal(t, c.asked, asked, table)
	}
}
