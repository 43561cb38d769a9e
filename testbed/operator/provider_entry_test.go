package operator

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay"
	"one-api/relay/config"
	"one-api/relay/jsonscan"
	"one-api/relay/outcome"
	providers "one-api/relay/provider"
	"one-api/relay/wire"
	"one-api/testbed/harness"
)

// withEntry adds a provider for the time of a test, as an entry in the table would.
func withEntry(t *testing.T, entry providers.Provider) {
	t.Helper()
	for kind, p := range relay.ProvidersOf([]providers.Provider{entry}) {
		relay.Providers[kind] = p
	}
	t.Cleanup(func() { delete(relay.Providers, entry.Type) })
}

// madeUpVendor is a vendor that nobody has heard of, which differs in all that can differ.
var madeUpVendor = providers.Provider{
	Type: "madeup", Also: []string{"made-up"}, Name: "made_up", BaseURL: "https://api.madeup.example", Unversioned: true,
	Speaks: []providers.Dialect{{
		Format: providers.Chat, Endpoints: []wire.Endpoint{wire.ChatCompletions},
		Path: func(own, model string, _ bool) string {
			return "/models/" + url.PathEscape(model) + strings.TrimPrefix(own, "/v1")
		},
	}},
	List: "/catalogue?all=1", Auth: providers.Auth{Header: "X-Madeup-Key", Before: "key:"}, KeyVariables: []string{"MADEUP_API_KEY"},
	Models: []string{"made-*"}, WellKnown: []string{"made-up-1"},
	Says: []providers.Saying{{Status: 418, Words: []string{"not in this kitchen"}, Means: providers.AboutRequest, Code: "no_tea"}},
}

// TestAVendorIsOneEntry serves both client formats, the list of models and the vendor's own refusal by nothing but that entry.
func TestAVendorIsOneEntry(t *testing.T) {
	withEntry(t, madeUpVendor)
	host := harness.NewOfficial(t, "api.madeup.example", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("X-Madeup-Key") != "key:sk-madeup" || r.Header.Get("Authorization") != "":
			harness.Answers(401, `{"error":{"message":"who are you?"}}`)(w, r)
		case r.Method == http.MethodGet && r.URL.RequestURI() == "/catalogue?all=1":
			harness.Answers(200, `{"models":[{"name":"made-1"},{"name":"other"}]}`)(w, r)
		case r.Method != http.MethodPost || r.URL.RequestURI() != "/models/made%2Fup/chat/completions":
			harness.Answers(404, `{"error":{"message":"nothing here"}}`)(w, r)
		case strings.Contains(string(r.Body.(harness.ReadBody).Whole), "tea"):
			harness.Answers(418, `{"error":{"message":"Tea: not in this kitchen (key:sk-madeup)"}}`)(w, r)
		default:
			harness.Answers(200, harness.WholeAnswer)(w, r)
		}
	})
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: madeup, keys: [sk-madeup], proxy: %q, model_mapping: {m: made/up}}\n", host.Proxy.Url()), harness.TrustingOfficial(host))

	for _, endpoint := range []string{"/v1/chat/completions", "/v1/messages"} {
		status, answer, _ := r.Ask(endpoint, `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`)
		require.Equal(t, 200, status, answer)
	}
	ids, _ := r.List()
	require.Equal(t, []string{"m", "made-1"}, ids)
	status, answer, _ := r.Ask("/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"tea"}]}`)
	require.Equal(t, 418, status, answer)
	require.Equal(t, "no_tea", harness.ErrorOf(t, answer)["code"])
	require.NotContains(t, answer, "sk-madeup")
	status, answer, _ = r.Ask("/v1/embeddings", `{"model":"m","input":"x"}`)
	require.Equal(t, 404, status, "the vendor has no such endpoint: "+answer)
	require.Equal(t, "made_up", r.Server.Pool().Set().All()[0].Provider)

	requireNoSecret(r, t, "sk-madeup")
}

// requireNoSecret looks for a key in the log.
func requireNoSecret(r *harness.Relay, t *testing.T, key string) {
	t.Helper()
	require.NotContains(t, r.Log.String(), key)
}

func TestAVendorsVariableMakesItsChannel(t *testing.T) {
	withEntry(t, madeUpVendor)
	options := config.Source{Providers: relay.ConfigProviders(), ReadFile: func(string) ([]byte, error) { return nil, fs.ErrNotExist }, Env: func(name string) (string, bool) {
		return map[string]string{"MADEUP_API_KEY": "sk-madeup"}[name], name == "MADEUP_API_KEY"
	}}
	settings, err := config.LoadSettings(options)
	require.NoError(t, err)
	c, err := config.Load(options, settings)
	require.NoError(t, err)
	require.Len(t, c.Channels, 1)
	require.Equal(t, "madeup", c.Channels[0].Type)
	require.Equal(t, "https://api.madeup.example", c.Channels[0].BaseURL.String())
}

// TestEveryProviderIsAskedAsItsEntrySays asks a stand-in for each provider's host, in each client format.
func TestEveryProviderIsAskedAsItsEntrySays(t *testing.T) {
	for _, p := range providers.All() {
		if p.Cloud != "" {
			continue // its paths and credentials are its account's: testbed/clouds, and testbed/sdk for Bedrock
		}
		t.Run(p.Type, func(t *testing.T) {
			t.Parallel()
			u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Method == http.MethodGet:
					harness.Answers(200, `{"data":[{"id":"listed"}]}`)(w, r)
				case strings.HasSuffix(r.URL.Path, "/messages"):
					harness.Answers(200, `{"type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`)(w, r)
				case strings.HasSuffix(r.URL.Path, "/rerank"):
					harness.Answers(200, `{"id":"r","results":[{"index":0,"relevance_score":0.9}],"meta":{"billed_units":{"search_units":1}}}`)(w, r)
				case strings.HasSuffix(r.URL.Path, ":generateContent"):
					harness.Answers(200, `{"candidates":[{"content":{"role":"model","parts":[{"text":"x"}]},"finishReason":"STOP","index":0}]}`)(w, r)
				default:
					harness.Answers(200, harness.WholeAnswer)(w, r)
				}
			})
			r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: %s, base_url: %q, keys: [sk-upstream-secret], models: ['*']}\n", p.Type, u.URL))
			path := map[providers.Format]string{providers.Chat: "/v1/chat/completions", providers.Messages: "/v1/messages", providers.Gemini: "/v1beta/models/m:generateContent"}[p.Speaks[0].Format]
			endpoints, body := []string{"/v1/chat/completions", "/v1/messages"}, `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`
			if p.Speaks[0].Format == providers.Cohere { // it ranks, and holds no conversations
				path, endpoints, body = "/v2/rerank", []string{"/v1/rerank", "/v2/rerank"}, `{"model":"m","query":"q","documents":["d"]}`
			}
			for _, endpoint := range endpoints {
				status, answer, _ := r.Ask(endpoint, body)
				require.Equal(t, 200, status, answer)
				require.Equal(t, path, u.LastPath())
				require.Equal(t, p.Auth.Before+"sk-upstream-secret", u.LastHeader().Get(p.Auth.Header))
			}
			require.Equal(t, p.TelemetryName(), r.Server.Pool().Set().All()[0].Provider)
			ids, _ := r.List()
			if p.List == "" {
				require.NotContains(t, ids, "listed")
			} else {
				require.Equal(t, []string{"listed"}, ids)
			}
		})
	}
}

// TestAnEscapedPathIsTheSameOverEveryTransport has a base URL and a model with what has to be escaped in them.
func TestAnEscapedPathIsTheSameOverEveryTransport(t *testing.T) {
	entry := madeUpVendor
	entry.Type, entry.BaseURL, entry.Unversioned = "escaped", "", false
	withEntry(t, entry)
	for model, want := range map[string]string{
		"plain":                    "/a%2Fb/c%20d/v1/models/plain/chat/completions",
		"anthropic/claude:1":       "/a%2Fb/c%20d/v1/models/anthropic%2Fclaude:1/chat/completions",
		"arn:aws:bedrock/x y?z#%2": "/a%2Fb/c%20d/v1/models/arn:aws:bedrock%2Fx%20y%3Fz%23%252/chat/completions",
		"模型":                       "/a%2Fb/c%20d/v1/models/%E6%A8%A1%E5%9E%8B/chat/completions",
	} {
		for transport, start := range map[string]func(*harness.Upstream){
			"plain": func(u *harness.Upstream) { u.Start() },
			"TLS":   func(u *harness.Upstream) { u.StartTLS() },
			"HTTP/2": func(u *harness.Upstream) {
				u.EnableHTTP2 = true
				u.StartTLS()
			},
		} {
			t.Run(transport+" "+model, func(t *testing.T) {
				u := harness.StartUpstream(t, harness.Answers(200, harness.WholeAnswer), start)
				r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: escaped, base_url: \"%s/a%%2Fb/c%%20d\", keys: [k], models: ['*']}\n", u.URL), harness.Trusting(u))
				status, answer, _ := r.Ask("/v1/chat/completions", string(jsonscan.Replace([]byte(`{"model":0,"messages":[]}`), 9, 10, model)))
				require.Equal(t, 200, status, answer)
				require.Equal(t, want, u.LastPath())
			})
		}
	}
}

// TestWhoSignsSeesWhatLeaves has a provider that signs all of a request, and one that cannot.
func TestWhoSignsSeesWhatLeaves(t *testing.T) {
	entry := madeUpVendor
	entry.Type, entry.BaseURL, entry.Unversioned = "signed", "", false
	var seen providers.Signable
	entry.Auth = providers.Auth{Sign: func(_ context.Context, r *providers.Signable, key string) error {
		if key == "sk-broken-key" {
			return errors.New("no token for sk-broken-key")
		}
		seen = *r
		seen.Header = r.Header.Clone()
		r.Header.Set("Signature", "by "+key)
		return nil
	}}
	withEntry(t, entry)
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n"+
		"  - {name: a, type: signed, base_url: %[1]q, keys: [sk-signing-key], models: [m], model_mapping: {m: mapped}, headers: {X-Extra: e}}\n"+
		"  - {name: b, type: signed, base_url: %[1]q, keys: [sk-broken-key], models: [unsigned]}\n", u.URL))
	status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, 200, status, answer)
	require.Equal(t, "by sk-signing-key", u.LastHeader().Get("Signature"))
	require.Equal(t, u.URL+u.LastPath(), seen.URL.String())
	require.Equal(t, http.MethodPost, seen.Method)
	require.Equal(t, u.Bodies[len(u.Bodies)-1], seen.Body)
	for _, name := range []string{"X-Extra", "User-Agent", "Content-Type", "Accept-Encoding"} {
		require.NotEmpty(t, seen.Header.Get(name), name)
		require.Equal(t, u.LastHeader().Get(name), seen.Header.Get(name))
	}

	status, answer, _ = r.Ask("/v1/chat/completions", strings.Replace(harness.Chat, `"m"`, `"unsigned"`, 1))
	require.Equal(t, 502, status, answer)
	require.Equal(t, outcome.ConnectFailed.String(), harness.ErrorOf(t, answer)["code"])
	require.NotContains(t, answer, "broken-key")
	requireNoSecret(r, t, "sk-broken-key")
	require.EqualValues(t, 1, u.Requests.Load(), "nothing that is not signed leaves")
}

func TestTheOperatorsOwnCredentialsStand(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ", headers: {Authorization: 'Basic abc'}"))
	status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, 200, status, answer)
	require.Equal(t, []string{"Basic abc"}, u.LastHeader().Values("Authorization"))
}
