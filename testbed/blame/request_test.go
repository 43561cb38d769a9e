package blame

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

const challengePage = "<!DOCTYPE html><html><title>Just a moment...</title></html>"

// broughtAbout are refusals that a client's request can bring about. final: nobody else is asked.
var broughtAbout = map[string]struct {
	kind   string // of the channel
	answer string
	final  bool
}{
	"a prompt that OpenRouter's moderation flags": {"openai", raw(403, `{"error": {"code": 403, "message": "a-model requires moderation. Your input was flagged for \"harassment\".", "metadata": {"reasons": ["harassment"], "flagged_input": "..."}}}`), true},
	"a prompt that xAI will not have":             {"xai", raw(403, `{"code":"permission-denied","error":"Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"}`), true},
	"a prompt that is flagged in other words":     {"openai", raw(403, `{"error":{"message":"The request was rejected: prompt violates our content policy","type":"forbidden"}}`), true},
	"more max_tokens than can be paid for":        {"openai", raw(402, `{"error": {"code": 402, "message": "This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only afford 30104."}}`), false},
	"a prompt beyond what can be paid for":        {"openai", raw(402, `{"error":{"code":402,"message":"Prompt tokens limit exceeded: 9000 > 4000. To increase, visit the settings."}}`), false},
	"embeddings of a model for chats":             {"openai", raw(403, `{ "error": { "message": "You are not allowed to generate embeddings from this model", "type": "invalid_request_error", "param": null, "code": null } }`), false},
	"a model that the project has not":            {"openai", raw(403, `{"error":{"message":"Project x does not have access to model o3","type":"invalid_request_error","code":"model_not_found"}}`), false},
	"a model that the organisation has blocked":   {"openai", raw(403, `{"error":{"message":"The model is blocked at the organization level","type":"permissions_error","code":"model_permission_blocked_org"}}`), false},
	"an endpoint outside a key's scope":           {"openai", raw(401, `{"error":{"message":"You have insufficient permissions for this operation. Missing scopes: model.request.","type":"invalid_request_error","param":null,"code":null}}`), false},
	"LiteLLM's refusal of a model":                {"openai", raw(401, `{"error":{"message":"key not allowed to access model. This key can only access models=['a']","type":"key_model_access_denied","param":"model","code":"401"}}`), false},
	"a prompt beyond the tokens of a minute":      {"openai", raw(429, `{"error":{"message":"Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 50000.","type":"tokens","code":"rate_limit_exceeded"}}`), false},
	"the same, at Groq":                           {"openai", raw(413, `{"error":{"message":"Request too large for model x in organization org_x on tokens per minute (TPM): Limit 6000, Requested 7105","type":"tokens","code":"rate_limit_exceeded"}}`), false},
	"a long context that costs extra":             {"anthropic", raw(429, `{"type":"error","error":{"type":"rate_limit_error","message":"Extra usage is required for long context requests."}}`), false},
	"a model outside Gemini's free tier":          {"openai", raw(429, `[{"error":{"code":429,"message":"You exceeded your current quota.\n* Quota exceeded for metric: generate_content_free_tier_requests, limit: 0","status":"RESOURCE_EXHAUSTED"}}]`), false},
	"a firewall's challenge":                      {"openai", rawOf(403, "text/html", challengePage, "cf-mitigated: challenge"), false},
	"a firewall's page with a 401":                {"openai", rawOf(401, "text/html", challengePage), false},
	"a firewall's page without a label":           {"anthropic", rawOf(403, "", "<html><head><title>403 Forbidden</title></head></html>"), false},
	"Cloudflare's bare refusal":                   {"openai", rawOf(403, "text/plain", "error code: 1020", "Server: cloudflare"), false},
	"a model that there is not":                   {"openai", raw(404, `{"error":{"message":"The model x does not exist","type":"invalid_request_error","code":"model_not_found"}}`), false},
	"Anthropic's permission for one resource":     {"anthropic", raw(403, `{"type":"error","error":{"type":"permission_error","message":"Your API key does not have permission to use the specified resource."}}`), false},
	"a 403 without a word":                        {"openai", raw(403, ``), false},
	"a 403 in words that nobody knows":            {"openai", raw(403, `{"error":{"message":"Nope, not this one."}}`), false},
	"a 402 in words that nobody knows":            {"openai", raw(402, `{"detail":"no"}`), false},
}

// TestWhatAClientCanBringAboutCostsNobodyElse has one client go on and on. The list of models is answered, so nothing is wrong with
// the keys.
func TestWhatAClientCanBringAboutCostsNobodyElse(t *testing.T) {
	for name, c := range broughtAbout {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := blames(t, c.kind, plays(t, c.answer), true)
			const calls = 12
			for i := range calls {
				status, text, _ := b.says(harness.Key, plainCall)
				if c.final {
					require.GreaterOrEqual(t, status, 400, text)
					require.Less(t, status, 500, text)
				} else {
					require.Equal(t, http.StatusOK, status, text)
				}
				require.EqualValues(t, i+1, b.primary.posts.Load(), "asked once by each call: no call walks through the keys, and the channel is not passed over")
			}
			require.Equal(t, "3 0 0", b.keys(), "usable, cooling, refused")
			require.NotEqual(t, "cooling", b.channel("primary")["state"])
			require.Zero(t, b.channel("primary")["retry_in_seconds"])
			require.LessOrEqual(t, b.primary.lists.Load(), int64(1))
		})
	}
}

// TestWhatAClientCanBringAboutIsToldOnceWhereThereIsNobodyElse has no channel behind: the keys are not walked through either.
func TestWhatAClientCanBringAboutIsToldOnceWhereThereIsNobodyElse(t *testing.T) {
	for name, c := range broughtAbout {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := blames(t, c.kind, plays(t, c.answer), false)
			status, text, _ := b.says(harness.Key, plainCall)
			require.GreaterOrEqual(t, status, 400, text)
			require.EqualValues(t, 1, b.primary.posts.Load())
			require.Equal(t, "3 0 0", b.keys(), "usable, cooling, refused")
			for _, account := range []string{"30104", "credits, or", "organization org", "<html", "sk-up"} {
				require.NotContains(t, text, account)
			}
		})
	}
}

// TestARequestPutsOneKeyToRestAtMost has an upstream that refuses all keys in plain words.
func TestARequestPutsOneKeyToRestAtMost(t *testing.T) {
	for name, answer := range map[string]string{
		"refused": raw(401, `{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}`),
		"limited": raw(429, `{"error":{"message":"Slow down","code":"rate_limit_exceeded"}}`, "Retry-After: 120"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := blames(t, "openai", plays(t, answer), false)
			for _, want := range []map[string]string{
				{"refused": "2 0 1", "limited": "2 1 0"}, {"refused": "1 0 2", "limited": "1 2 0"}, {"refused": "0 0 3", "limited": "0 3 0"},
			} {
				status, _, _ := b.says(harness.Key, plainCall)
				require.GreaterOrEqual(t, status, 400)
				require.Equal(t, want[name], b.keys(), "usable, cooling, refused")
			}
			require.Equal(t, "cooling", b.channel("primary")["state"])
			require.Positive(t, b.channel("primary")["retry_in_seconds"], "it covers keys that rest")
			require.Equal(t, 3, b.primary.keysUsed())
		})
	}
}

// TestAnUncertain401IsTakenToOneOtherKeyAndNoFurther: it may be the key, and then the next one serves.
func TestAnUncertain401IsTakenToOneOtherKeyAndNoFurther(t *testing.T) {
	b := blames(t, "openai", plays(t, raw(401, `{"message":"Unauthorized"}`)), false)
	status, _, _ := b.says(harness.Key, plainCall)
	require.Equal(t, http.StatusBadGateway, status)
	require.EqualValues(t, 2, b.primary.posts.Load())
	require.Equal(t, "3 0 0", b.keys())

	half := blames(t, "openai", playsBy(t, func(r *http.Request, _ string) string {
		if strings.Contains(r.Header.Get("Authorization"), "aaaa1111") {
			return raw(401, `{"message":"Unauthorized"}`)
		}
		return rawGood()
	}), false)
	for range 6 {
		status, text, _ := half.says(harness.Key, plainCall)
		require.Equal(t, http.StatusOK, status, text)
	}
}

// TestWordsThatAClientPutsIntoAMessageRestNoKey has upstreams begin their messages with what the client sent: the name of a field,
// as Anthropic does, or of a model.
func TestWordsThatAClientPutsIntoAMessageRestNoKey(t *testing.T) {
	for _, phrase := range []string{"Your credit balance is too low", "API key not valid", "This organization has been disabled", "Failed to get response from provider", "Insufficient Balance",
		"do request failed", "no healthy upstream", "litellm.APIConnectionError", "litellm.RateLimitError", "Provider returned error"} {
		for how, body := range map[string]string{
			"as a field":      `{"model":"m","messages":[],"` + phrase + `":1}`,
			"as a model":      `{"model":"` + phrase + `","messages":[]}`,
			"with escapes":    `{"model":"m","messages":[],"\u00` + "59\":1,\"" + strings.ReplaceAll(phrase, "o", `\u006f`) + `":1}`,
			"in another case": `{"model":"m","messages":[],"` + strings.ToUpper(phrase) + `":1}`,
		} {
			t.Run(phrase+" "+how, func(t *testing.T) {
				t.Parallel()
				said := phrase
				if how == "in another case" {
					said = strings.ToUpper(phrase)
				}
				b := blames(t, "anthropic", plays(t, raw(400, `{"type":"error","error":{"type":"invalid_request_error","message":"`+said+`: Extra inputs are not permitted"}}`)), false)
				for range 6 {
					request := strings.Replace(body, `"messages":[]`, `"messages":[{"role":"user","content":"hi"}]`, 1)
					response, err := b.Post(t.Context(), "/v1/messages", request[:len(request)-1]+`,"max_tokens":9}`)
					require.NoError(t, err)
					require.NoError(t, response.Body.Close())
					require.Equal(t, http.StatusBadRequest, response.StatusCode)
				}
				require.Equal(t, "3 0 0", b.keys())
				require.Zero(t, b.channel("primary")["consecutive_failures"])
			})
		}
	}
}

// TestWordsThatAClientPutsIntoAnErrorInsideA200CoolNoKey is the same for limits that have no status.
func TestWordsThatAClientPutsIntoAnErrorInsideA200CoolNoKey(t *testing.T) {
	for _, phrase := range []string{"Too many requests", "Rate limit exceeded", "litellm.RateLimitError"} {
		t.Run(phrase, func(t *testing.T) {
			t.Parallel()
			b := blames(t, "openai", plays(t, raw(200, `{"error":{"message":"`+phrase+`: try again in 30s"}}`)), true)
			for _, body := range []string{`{"model":"m","messages":[{"role":"user","content":"` + phrase + `"}]}`, plainCall} {
				status, text, _ := b.says(harness.Key, body)
				require.Equal(t, http.StatusOK, status, text)
				want := "3 0 0"
				if body == plainCall {
					want = "2 1 0"
				}
				require.Equal(t, want, b.keys(), body)
			}
		})
	}
}

// TestAModelThatThereIsNotIsSeenAndKeepsNobodyFromTheOthers: a client that asks for made-up models makes the channel look bad, which
// is true, and does not have it passed over for those who ask for real ones.
func TestAModelThatThereIsNotIsSeenAndKeepsNobodyFromTheOthers(t *testing.T) {
	b := blames(t, "openai", playsBy(t, func(_ *http.Request, body string) string {
		if strings.Contains(body, "made-up") {
			return raw(404, `{"error":{"message":"The model made-up does not exist","type":"invalid_request_error","code":"model_not_found"}}`)
		}
		return rawGood()
	}), true)
	for i := range 20 {
		require.Equal(t, i < 10, b.channel("primary")["state"] == "healthy", "after %d", i)
		status, _, _ := b.says(harness.Key, `{"model":"made-up","messages":[]}`)
		require.Equal(t, http.StatusOK, status, "the one behind has it")
	}
	seen := b.channel("primary")
	require.Equal(t, "degraded", seen["state"])
	require.Contains(t, seen["reason"], "none of its last 20 attempts succeeded; last failure: upstream_status 404, The model made-up does not exist")
	require.Zero(t, seen["retry_in_seconds"])

	status, _, _ := b.says(secondKey, plainCall)
	require.Equal(t, http.StatusOK, status)
	require.EqualValues(t, 21, b.primary.posts.Load(), "it was not passed over")
	require.Equal(t, "healthy", b.channel("primary")["state"], "one success clears it")
	require.Empty(t, b.channel("primary")["reason"])
}
