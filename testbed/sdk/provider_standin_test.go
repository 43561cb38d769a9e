package sdk

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	providers "one-api/relay/provider"
	"one-api/relay/wire"
	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
	"one-api/testbed/standin"
)

// vendorCosts is what an answer costs where the vendor says it otherwise than OpenAI.
var vendorCosts = map[string]wire.Usage{
	"openrouter": {Uncached: 15, CacheRead: 7, CacheWrite5m: 3, Text: 7},
	"perplexity": {Uncached: 25, Text: 7},
}

func costsAt(v standin.Vendor) wire.Usage {
	if u, differs := vendorCosts[v.Type()]; differs {
		return u
	}
	return wire.Usage{Uncached: standin.Input - standin.Cached, CacheRead: standin.Cached, Text: standin.Output}
}

// relayToVendor runs a relay whose only channel is a vendor, at another address than its own.
func relayToVendor(t *testing.T, v standin.Vendor, key string, answers ...standin.Answer) (*harness.Relay, *standin.Server) {
	t.Helper()
	server := &standin.Server{Dialect: v, Answers: answers}
	u := harness.StartUpstream(t, server.ServeHTTP, func(u *harness.Upstream) { u.Start() })
	version := ""
	if v.Base() == "" {
		version = ", version: ''"
	}
	return harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: %s, base_url: %q, keys: [%s], models: ['*'], model_mapping: {m: %q}%s}\n", v.Type(), u.URL+v.Base(), key, v.Model(), version)), server
}

func TestEveryVendorHasAnImitation(t *testing.T) {
	imitations := map[string]bool{"openai": true, "anthropic": true, "gemini": true, "xai": true, "jina": true, "cohere": true} // the last two are standin.Media
	for _, v := range standin.Vendors() {
		imitations[v.Type()] = true
	}
	for _, p := range providers.All() {
		require.True(t, imitations[p.Type] || p.Cloud != "", p.Type) // those of the clouds are in testbed/clouds and beside the SDKs' Bedrock
	}
}

// TestBothSDKsAreServedByEveryVendor asks strict imitations, whole and streamed, and counts what it costs.
func TestBothSDKsAreServedByEveryVendor(t *testing.T) {
	for _, v := range standin.Vendors() {
		for _, s := range sdktest.Sdks {
			t.Run(v.Type()+" "+s.Name, func(t *testing.T) {
				t.Parallel()
				r, server := relayToVendor(t, v, standin.Key, standin.Answer{Thought: "Hm.", Text: []string{"Good ", "day <&> 世界"}})
				for n, onText := range []func(string){nil, func(string) {}} {
					text, err := s.Ask(sdktest.Question{Relay: r, Text: "Hi!", OnText: onText})
					require.NoError(t, err, server.Refused())
					require.Equal(t, "Good day <&> 世界", text)
					require.Equal(t, []string{"completed", "completed"}[:n+1], r.Outcomes(n+1))
					usage := r.Attempt(n).Usage
					usage.Said, usage.SaysCost = 0, false // what it says to have cost is testbed/limits' to look at
					require.Equal(t, costsAt(v), usage)
				}
				require.Empty(t, server.Refused())
			})
		}
	}
}

// TestATurnWithToolsIsServedByEveryVendor is a Messages client's, whose ids, thoughts and limits are not made for any of them.
func TestATurnWithToolsIsServedByEveryVendor(t *testing.T) {
	const turn = `{"model":"m","max_tokens":99,"stop_sequences":["a","b","c","d","e"],"metadata":{"user_id":"user_1"},"system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],
		"tools":[{"name":"get_weather","description":"d","input_schema":{"type":"object","properties":{"city":{"type":"string"}}}}],"messages":[
		{"role":"user","content":"Paris and Rome?"},
		{"role":"assistant","content":[{"type":"text","text":"I look."},{"type":"tool_use","id":"toolu_01A09q90qw90lq917835lq9","name":"get_weather","input":{"city":"Paris"}},{"type":"tool_use","id":"toolu_01B","name":"get_weather","input":{"city":"Rome"}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_01A09q90qw90lq917835lq9","content":"15"},{"type":"tool_result","tool_use_id":"toolu_01B","content":"20"},{"type":"text","text":"Well?"}]}]%s}`
	for _, v := range standin.Vendors() {
		if v.Type() == "perplexity" { // it has no tools
			continue
		}
		t.Run(v.Type(), func(t *testing.T) {
			t.Parallel()
			r, server := relayToVendor(t, v, standin.Key, standin.Answer{Thought: "Hm.", Text: []string{"Once more."}, Calls: []standin.Call{{ID: "D681PevKs", Name: "get_weather", Arguments: []string{`{"city":`, `"Oslo"}`}}}})
			for _, stream := range []string{"", `,"stream":true`} {
				status, answer, _ := r.Ask("/v1/messages", fmt.Sprintf(turn, stream))
				require.Equal(t, 200, status, "%s %v", answer, server.Refused())
				require.Contains(t, answer, "Once more.")
				require.Contains(t, answer, "get_weather")
				require.Contains(t, answer, "Oslo")
				require.Contains(t, answer, `"stop_reason":"tool_use"`)
			}
			require.Empty(t, server.Refused())
		})
	}
}

func TestWhatElseAVendorHasIsServed(t *testing.T) {
	for _, v := range standin.Vendors() {
		t.Run(v.Type(), func(t *testing.T) {
			t.Parallel()
			r, server := relayToVendor(t, v, standin.Key, standin.Answer{Text: []string{"x"}})
			if v.Serves("embeddings") {
				status, answer, _ := r.Ask("/v1/embeddings", `{"model":"m","input":"x"}`)
				require.Equal(t, 200, status, answer)
				r.Outcomes(1)
				require.Equal(t, wire.Usage{Uncached: 8}, r.Attempt(0).Usage)
			}
			ids, _ := r.List()
			if v.Serves("models") {
				require.Contains(t, ids, v.Model())
			}
			require.Empty(t, server.Refused())
		})
	}
}

// TestAVendorsRefusalsAreReadInItsOwnWords has a wrong key, a model that there is not, and a request that is wrong.
func TestAVendorsRefusalsAreReadInItsOwnWords(t *testing.T) {
	for _, v := range standin.Vendors() {
		t.Run(v.Type(), func(t *testing.T) {
			t.Parallel()
			r, _ := relayToVendor(t, v, "sk-wrong-key-0123", standin.Answer{Text: []string{"x"}})
			status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
			require.Equal(t, http.StatusBadGateway, status, answer)
			require.Equal(t, "upstream_refused_credentials", harness.ErrorOf(t, answer)["code"])

			r, _ = relayToVendor(t, v, standin.Key, standin.Answer{Text: []string{"x"}})
			status, answer, _ = r.Ask("/v1/chat/completions", strings.Replace(harness.Chat, `"m"`, `"nonsense"`, 1))
			require.Equal(t, http.StatusNotFound, status, answer)

			status, answer, _ = r.Ask("/v1/chat/completions", `{"model":"m","messages":[]}`)
			require.Contains(t, []int{400, 422}, status, answer)
			require.NotContains(t, answer, standin.Key)
			require.Equal(t, "healthy", string(r.Server.Pool().Set().All()[0].State(r.Attempt(0).Began)))
		})
	}
}

// TestAnErrorOfMiniMaxInsideA200IsOne has its base_resp, whole and in a stream.
func TestAnErrorOfMiniMaxInsideA200IsOne(t *testing.T) {
	for code, want := range map[int]struct {
		status  int
		outcome string
	}{1004: {502, "upstream_error_event"}, 1008: {502, "upstream_error_event"}, 1002: {429, "upstream_error_event"}, 1026: {400, "upstream_error_event"}} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprint(code, " ", stream), func(t *testing.T) {
				said := fmt.Sprintf(`{"id":"x","choices":null,"created":1,"model":"MiniMax-M2","object":"","usage":{"total_tokens":0},"base_resp":{"status_code":%d,"status_msg":"something is wrong"}}`, code)
				u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
					if stream {
						w.Header().Set("Content-Type", "text/event-stream")
						_, _ = w.Write([]byte("data: " + said + "\n\n"))
						return
					}
					harness.Answers(200, said)(w, r)
				})
				r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: minimax, base_url: %q, keys: [k], models: [m]}\n", u.URL), harness.WithEnv("RETRY_TIMES", "0"))
				status, answer, _ := r.Ask("/v1/chat/completions", fmt.Sprintf(`{"model":"m","stream":%t,"messages":[{"role":"user","content":"hi"}]}`, stream))
				require.Equal(t, want.status, status, answer)
				require.Equal(t, want.outcome, r.Outcomes(1)[0])
			})
		}
	}
}
