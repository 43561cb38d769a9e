package blame

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// theOperators are words on the operator's key or account, whatever their status.
var theOperators = map[string]struct{ kind, answer, conceals string }{
	"a bad key of Google's":        {"openai", raw(400, `[{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}]`), "API key not valid"},
	"the same without its reason":  {"openai", raw(400, `{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}`), "API key not valid"},
	"Groq's restricted account":    {"openai", raw(400, `{"error": {"message": "Organization has been restricted.", "type": "invalid_request_error", "code": "organization_restricted"}}`), "restricted"},
	"Qwen's arrears":               {"openai", raw(400, `{"error": {"message": "Access denied, please make sure your account is in good standing.", "type": "Arrearage", "code": "Arrearage", "param": null}}`), "standing"},
	"Qwen's own arrears":           {"openai", raw(400, `{"code":"Arrearage","message":"Access denied.","request_id":"r"}`), "denied"},
	"OpenAI's hard limit":          {"openai", raw(400, `{"error":{"message":"Billing hard limit has been reached","type":"invalid_request_error","code":"billing_hard_limit_reached"}}`), "Billing"},
	"a deactivated account":        {"openai", raw(403, `{"error":{"message":"x","type":"invalid_request_error","code":"account_deactivated"}}`), "deactivated"},
	"Anthropic's credit":           {"anthropic", raw(400, `{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing."}}`), "credit"},
	"Anthropic's disabled account": {"anthropic", raw(400, `{"type":"error","error":{"type":"invalid_request_error","message":"This organization has been disabled."}}`), "organization"},
	"a bad key of xAI's":           {"xai", raw(400, `{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***yz."}`), "Incorrect"},
	"no quota":                     {"openai", raw(429, `{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","code":"insufficient_quota"}}`), "plan"},
	"no balance":                   {"openai", raw(402, `{"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}}`), "Balance"},
	"a budget of LiteLLM's":        {"openai", raw(400, `{"error":{"message":"Budget has been exceeded! Current cost: 10.2, Max budget: 10.0","type":"budget_exceeded","param":null,"code":"400"}}`), "10.2"},
	"a revoked key":                {"openai", raw(403, `{"error":{"message":"Your API key has been revoked.","type":"forbidden"}}`), "revoked"},
	"a 401 as OpenAI writes it":    {"openai", raw(401, `{"error":{"message":"No.","type":"invalid_request_error","param":null,"code":null}}`), "No."},
	"inside a 200":                 {"openai", raw(200, `{"error":{"message":"x","type":"invalid_request_error","code":"invalid_api_key"}}`), "invalid_api_key"},
}

func TestTheOperatorsAccountMovesOnRestsTheKeyAndIsNoneOfTheClientsBusiness(t *testing.T) {
	for name, c := range theOperators {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := blames(t, c.kind, plays(t, c.answer), true)
			status, text, _ := b.says(harness.Key, plainCall)
			require.Equal(t, http.StatusOK, status, text)
			require.Equal(t, "2 0 1", b.keys(), "usable, cooling, refused")
			seen := b.channel("primary")
			require.Equal(t, "degraded", seen["state"])
			require.Contains(t, seen["reason"], "keys refused: 1 of 3; last failure: ")

			alone := blames(t, c.kind, plays(t, c.answer), false)
			status, text, _ = alone.says(harness.Key, plainCall)
			require.Equal(t, http.StatusBadGateway, status)
			require.NotContains(t, text, c.conceals)
			require.Contains(t, text, "upstream_refused_credentials")
			require.EqualValues(t, 3, alone.primary.posts.Load(), "the other keys are asked")
			require.Equal(t, "2 0 1", alone.keys())
			alone.settled()
			require.Equal(t, 1, strings.Count(alone.Log.String(), "a key was refused and rests"), "said once")
			require.Regexp(t, `a key was refused and rests.* channel=primary key=[123] of=3 .*why=`, alone.Log.String())
			require.NotContains(t, alone.Log.String(), "sk-up")
		})
	}
}

func TestAGatewaysWordForAProviderThatDidNotAnswerMovesOn(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		blamed float64 // failures that count against the channel
	}{
		"Cloudflare's":                     {`{"success": false, "result": [], "messages": [], "error": [{"code": 2005, "message": "Failed to get response from provider"}]}`, 1},
		"LiteLLM's":                        {`{"error":{"message":"litellm.APIConnectionError: OllamaException - Connection refused","type":null,"param":null,"code":"400"}}`, 1},
		"LiteLLM's, of a timeout":          {`{"error":{"message":"litellm.Timeout: Connection timed out","type":"None","param":"None","code":"400"}}`, 1},
		"one-api's":                        {`{"error":{"message":"do request failed","type":"one_api_error","param":"","code":"do_request_failed"}}`, 1},
		"OpenRouter's":                     {`{"error":{"code":400,"message":"Provider returned error","metadata":{"raw":"ERROR","provider_name":"P"}}}`, 0},
		"OpenRouter's, with a code inside": {`{"error":{"code":400,"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"message\":\"m\",\"code\":403}}","provider_name":"P"}}}`, 0},
		"a connection's":                   {`{"error":{"message":"Connection error.","type":"invalid_request_error"}}`, 0},
	} {
		for _, inside := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s inside a 200 %t", name, inside), func(t *testing.T) {
				t.Parallel()
				status, body := 400, c.body
				if inside {
					status = 200
				}
				b := blames(t, "openai", plays(t, raw(status, body)), true)
				status, text, _ := b.says(harness.Key, plainCall)
				require.Equal(t, http.StatusOK, status, text)
				require.Equal(t, "3 0 0", b.keys())
				if !inside { // there, an error without a status is the upstream's own
					require.EqualValues(t, c.blamed, b.channel("primary")["consecutive_failures"])
				}
			})
		}
	}
}

// uncertain is a refusal that may be about the key, and may be about what was asked.
var uncertain = raw(403, `{"error":{"message":"Request not allowed","type":"forbidden"}}`)

func TestThreeUncertainRefusalsOfTwoClientsRestAKey(t *testing.T) {
	for _, c := range []struct {
		name    string
		clients []string // "": a success
		refused bool
	}{
		{"two of two clients", []string{harness.Key, secondKey}, false},
		{"three of two clients", []string{harness.Key, secondKey, harness.Key}, true},
		{"three of two clients, one after the other", []string{harness.Key, harness.Key, secondKey}, true},
		{"ten of one client", []string{harness.Key, harness.Key, harness.Key, harness.Key, harness.Key, harness.Key, harness.Key, harness.Key, harness.Key, harness.Key}, false},
		{"with a success in between", []string{harness.Key, secondKey, "", harness.Key, secondKey}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			well := false
			p := playsBy(t, func(*http.Request, string) string {
				if well {
					return rawGood()
				}
				return uncertain
			})
			r := harness.StartRelay(t, "channels:\n  - {name: primary, type: openai, base_url: "+p.URL+"/v1, keys: [sk-up-aaaa1111bbbb], models: [m]}\n"+blameTokens)
			b := &blamed{Relay: r, primary: p}
			for _, client := range c.clients {
				b.settled()
				if well = client == ""; well {
					client = harness.Key
				}
				b.says(client, plainCall)
			}
			if !c.refused {
				require.Equal(t, "1 0 0", b.keys())
				require.Equal(t, "degraded", b.channel("primary")["state"])
				require.Contains(t, b.channel("primary")["reason"], "refusals that may be about a key: 1 of 1")
				return
			}
			require.Equal(t, "0 0 1", b.keys())
			require.Equal(t, "cooling", b.channel("primary")["state"])
			require.InDelta(t, 60, b.channel("primary")["retry_in_seconds"], 30)
		})
	}
}

// TestTheRelaysOwnQuestionSaysWhetherAKeyIsGood: it is asked at most once a minute, and its answer is no client's doing.
func TestTheRelaysOwnQuestionSaysWhetherAKeyIsGood(t *testing.T) {
	for name, c := range map[string]struct {
		list    string
		refused bool
	}{
		"refused in words":                   {raw(401, `{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}`), true},
		"refused without a word":             {raw(401, ``), true},
		"refused by a gateway":               {raw(403, `{"message":"Forbidden"}`), true},
		"answered":                           {goodList, false},
		"not there":                          {raw(404, `{"detail":"Not Found"}`), false},
		"broken":                             {raw(500, `{}`), false},
		"refused by a firewall":              {rawOf(403, "text/html", challengePage), false},
		"refused to a key that may not list": {raw(403, `{"error":{"message":"You have insufficient permissions for this operation. Missing scopes: api.model.read.","type":"invalid_request_error"}}`), false},
		"refused as too dear":                {raw(402, `{"error":{"code":402,"message":"This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only afford 30104."}}`), false},
		"refused for its words":              {raw(403, `{"error":{"code":403,"message":"a-model requires moderation. Your input was flagged."}}`), false},
		"refused for what a model cannot":    {raw(403, `{"error":{"message":"You are not allowed to generate embeddings from this model"}}`), false},
		"reset":                              {"", false},
	} {
		for _, kind := range []string{"openai", "anthropic", "xai"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				p := plays(t, uncertain)
				p.list = c.list
				b := blames(t, kind, p, true)
				for i := range 8 {
					if i == 4 { // it is asked behind the answer that gave rise to it
						b.Eventually("the question", func() bool { return p.lists.Load() > 0 })
					}
					require.Equal(t, i > 3, p.lists.Load() > 0, "once one of the three keys has been refused twice, and not before")
					status, text, _ := b.says(harness.Key, plainCall)
					require.Equal(t, http.StatusOK, status, text)
					b.settled()
				}
				require.EqualValues(t, 1, p.lists.Load(), "once a minute")
				if c.refused {
					require.Equal(t, "2 0 1", b.keys())
					require.Contains(t, b.Log.String(), "it was refused the list of models as well")
				} else {
					require.Equal(t, "3 0 0", b.keys())
				}
				for _, a := range b.Recorded() {
					require.NotEmpty(t, a.RequestID, "a question of the relay's own is no attempt of a client's")
				}
				total := b.channel("primary")["attempts_total"].(float64)
				require.EqualValues(t, p.posts.Load(), total)
			})
		}
	}
}

// TestTheRelaysOwnQuestionIsBounded has an upstream that never answers it. The relay stops all the same.
func TestTheRelaysOwnQuestionIsBounded(t *testing.T) {
	hold := make(chan struct{})
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			select {
			case <-hold:
			case <-r.Context().Done():
			}
			return
		}
		w.WriteHeader(http.StatusForbidden)
	})
	defer close(hold)
	r := harness.StartRelay(t, "channels:\n  - {name: primary, type: openai, base_url: "+u.URL+", keys: [sk-up-aaaa1111bbbb], models: [m]}\n")
	for range 2 {
		status, _, _ := r.Ask("/v1/chat/completions", plainCall)
		require.Equal(t, http.StatusBadGateway, status)
	}
	r.Eventually("the question", func() bool { return u.Requests.Load() == 3 })
	require.EqualValues(t, 1, r.Server.Pool().InFlight())
	require.Equal(t, "/v1/models", u.LastPath())
	require.Equal(t, "Bearer sk-up-aaaa1111bbbb", u.LastHeader().Get("Authorization"))
	began := time.Now()
	r.Stop()
	require.NoError(t, <-r.Ended)
	r.Ended <- nil // for who ends the test
	require.Less(t, time.Since(began), harness.Patience)
	require.Zero(t, r.Server.Pool().InFlight())
}

// TestALimitOfSomebodyBehindAGatewayIsOnOneModel: the channel's only key goes on with the others.
func TestALimitOfSomebodyBehindAGatewayIsOnOneModel(t *testing.T) {
	const openRouter = `{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"m is temporarily rate-limited upstream. Please retry shortly.","provider_name":"P"}}}`
	for name, limited := range map[string]string{
		"OpenRouter's":               raw(429, openRouter, "Retry-After: 60"),
		"OpenRouter's inside a 200":  raw(200, openRouter),
		"LiteLLM's":                  raw(429, `{"error":{"message":"litellm.RateLimitError: AzureException - slow down","type":null,"param":null,"code":"429"}}`, "Retry-After: 60"),
		"Portkey's":                  raw(429, `{"error":{"message":"openai error: slow down","type":"requests","param":null,"code":"rate_limit_exceeded"},"provider":"openai"}`, "Retry-After: 60"),
		"a refusal of LiteLLM's key": raw(401, `{"error":{"message":"litellm.AuthenticationError: OpenAIException - Incorrect API key provided: sk-theirs.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := blames(t, "openai", playsBy(t, func(_ *http.Request, body string) string {
				if strings.Contains(body, `"model":"m"`) {
					return limited
				}
				return rawGood()
			}), false, harness.WithPause(time.Millisecond))
			for range 5 {
				status, text, _ := b.says(harness.Key, plainCall)
				require.NotEqual(t, http.StatusOK, status)
				require.NotContains(t, text, "theirs")
				status, text, _ = b.says(harness.Key, strings.Replace(plainCall, `"m"`, `"another"`, 1))
				require.Equal(t, http.StatusOK, status, text)
				require.Equal(t, "3 0 0", b.keys())
			}
			require.Equal(t, "healthy", b.channel("primary")["state"])
		})
	}
}
