package outcome

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// saying is an error as OpenAI writes them.
func saying(kind, code, message string) string {
	return fmt.Sprintf(`{"error":{"message":%q,"type":%q,"param":null,"code":%q}}`, message, kind, code)
}

// openRouterLimited is about a provider of OpenRouter's.
const openRouterLimited = `{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"google/gemini-2.0-flash-exp:free is temporarily rate-limited upstream. Please retry shortly, or add your own key to accumulate your rate limits: https://openrouter.ai/settings/integrations","provider_name":"Google AI Studio"}},"user_id":"user_1"}`

func TestAnErrorIsClassifiedByWhatTheProviderMeansByIt(t *testing.T) {
	const page = "<!DOCTYPE html><html><title>Just a moment...</title></html>"
	for _, c := range []struct {
		name   string
		status int
		body   string
		class  Class
		client int
	}{
		// The request's own.
		{"bad request", 400, saying("invalid_request_error", "", "no"), ClassRequest, 400},
		{"plain text", 400, "nope", ClassRequest, 400},
		{"too large", 413, "", ClassRequest, 413},
		{"unprocessable", 422, "", ClassRequest, 422},
		{"for legal reasons", 451, "", ClassRequest, 451},
		{"context length with a 500", 500, saying("", "context_length_exceeded", "x"), ClassRequest, 400},
		{"content filter with a 403", 403, saying("", "content_policy_violation", "x"), ClassRequest, 403},
		{"Azure's filter", 400, saying("", "content_filter", "x"), ClassRequest, 400},
		{"DashScope's filter", 400, saying("", "data_inspection_failed", "Input data may contain inappropriate content."), ClassRequest, 400},
		{"a prompt that is too long, in Anthropic's words", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 200001 tokens"}}`, ClassRequest, 400},
		{"OpenRouter's moderation", 403, `{"error":{"code":403,"message":"a-model requires moderation. Your input was flagged for \"harassment\".","metadata":{"reasons":["harassment"],"flagged_input":"..."}}}`, ClassRequest, 403},
		{"moderation in words alone", 403, saying("", "", "Your prompt was flagged by our moderation"), ClassRequest, 403},
		{"DeepSeek's moderation, behind a gateway's 403", 403, saying("invalid_request_error", "invalid_request_error", "Content Exists Risk"), ClassRequest, 403},
		{"a safety system", 403, saying("", "", "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"), ClassRequest, 403},

		// What another channel may serve.
		{"unknown there", 404, saying("", "model_not_found", "no such model"), ClassElsewhere, 404},
		{"unknown there, in words alone", 404, saying("invalid_request_error", "", "The model `x` does not exist"), ClassElsewhere, 404},
		{"no endpoint for an image", 404, `{"error":{"message":"No endpoints found that support image input","code":404}}`, ClassElsewhere, 404},
		{"a model that this key has not", 403, saying("", "model_not_found", "x"), ClassElsewhere, 502},
		{"an endpoint that this model has not", 403, saying("invalid_request_error", "", "You are not allowed to generate embeddings from this model"), ClassElsewhere, 502},
		{"a scope that a restricted key has not", 401, saying("invalid_request_error", "", "You have insufficient permissions for this operation. Missing scopes: model.request."), ClassElsewhere, 502},
		{"a way to log in that a client asked for", 401, `{"type":"error","error":{"type":"authentication_error","message":"OAuth authentication is currently not supported."}}`, ClassElsewhere, 502},
		{"a tool's credentials", 400, saying("invalid_request_error", "", "Invalid credentials for the MCP server"), ClassRequest, 400},
		{"LiteLLM's word on a model", 401, saying("key_model_access_denied", "401", "key not allowed to access model"), ClassElsewhere, 502},
		{"a model that is gone", 400, saying("invalid_request_error", "model_decommissioned", "The model `x` has been decommissioned"), ClassElsewhere, 502},
		{"a project without the model", 403, saying("", "", "Project `proj_x` does not have access to model `o3`"), ClassElsewhere, 502},
		{"max_tokens that are too dear", 402, `{"error":{"code":402,"message":"This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only afford 30104."}}`, ClassElsewhere, 400},
		{"a prompt beyond the tokens of a minute", 429, saying("tokens", "rate_limit_exceeded", "Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 50000."), ClassElsewhere, 413},
		{"the same, in figures alone", 429, saying("tokens", "", "TPM: Limit 6000, Requested 7105, please reduce your message size"), ClassElsewhere, 413},
		{"Groq's", 413, saying("tokens", "rate_limit_exceeded", "Request too large for model `x`: Limit 6000, Requested 7105"), ClassElsewhere, 413},
		{"Anthropic's long context", 429, `{"type":"error","error":{"type":"rate_limit_error","message":"Extra usage is required for long context requests."}}`, ClassElsewhere, 413},
		{"a model outside the free tier", 429, `{"error":{"code":429,"message":"You exceeded your current quota. * Quota exceeded for metric: x, limit: 0","status":"RESOURCE_EXHAUSTED"}}`, ClassElsewhere, 413},
		{"new-api's user with nothing left", 403, saying("new_api_error", "insufficient_user_quota", "用户额度不足, 剩余额度: ＄0.000000 (request id: 1)"), ClassKeyRefused, 502},
		{"new-api's user below nothing", 403, saying("new_api_error", "insufficient_user_quota", "用户额度不足, 剩余额度: ＄-0.120000"), ClassKeyRefused, 502},
		{"new-api's user with too little for this", 403, saying("new_api_error", "insufficient_user_quota", "用户额度不足, 剩余额度: ＄0.012000"), ClassElsewhere, 502},
		{"new-api's user with too little, as it says", 403, saying("new_api_error", "insufficient_user_quota", "预扣费额度失败, 用户剩余额度: ＄0.500000, 需要预扣费额度: ＄2.000000"), ClassElsewhere, 502},
		{"new-api's token that is used up", 403, saying("new_api_error", "", "[sk-abc***xyz] 该令牌额度已用尽 !token.UnlimitedQuota && token.RemainQuota = 0"), ClassKeyRefused, 502},
		{"one-api's token that is used up", 403, saying("one_api_error", "", "该令牌额度已用尽"), ClassKeyRefused, 502},
		{"one-api's user who is banned", 403, saying("one_api_error", "", "用户已被封禁"), ClassKeyRefused, 502},
		{"one-api's quota", 403, saying("new_api_error", "pre_consume_token_quota_failed", "token quota is not enough"), ClassElsewhere, 502},

		// Unmistakable words on a key or an account.
		{"OpenAI", 401, saying("invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-x."), ClassKeyRefused, 502},
		{"a 401 in the provider's own shape", 401, saying("", "", "No."), ClassKeyRefused, 502},
		{"Anthropic", 401, `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}`, ClassKeyRefused, 502},
		{"xAI's 400", 400, `{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xx***yy."}`, ClassKeyRefused, 502},
		{"xAI's 403", 403, `{"code":"permission-denied","error":"Your API key is blocked."}`, ClassKeyRefused, 502},
		{"Google", 400, `[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]`, ClassKeyRefused, 502},
		{"Google, without the reason", 400, `{"error":{"code":400,"message":"API key expired. Please renew the API key.","status":"INVALID_ARGUMENT"}}`, ClassKeyRefused, 502},
		{"Google's disabled API", 403, `{"error":{"code":403,"message":"x","status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}]}}`, ClassKeyRefused, 502},
		{"Groq", 400, saying("invalid_request_error", "organization_restricted", "Organization has been restricted."), ClassKeyRefused, 502},
		{"DashScope", 400, saying("Arrearage", "Arrearage", "Access denied, please make sure your account is in good standing."), ClassKeyRefused, 502},
		{"Anthropic's credit", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}`, ClassKeyRefused, 502},
		{"OpenAI's hard limit", 400, saying("billing_limit_user_error", "billing_hard_limit_reached", "Billing hard limit has been reached"), ClassKeyRefused, 502},
		{"a deactivated account", 401, saying("", "account_deactivated", "x"), ClassKeyRefused, 502},
		{"no quota", 429, saying("insufficient_quota", "insufficient_quota", "x"), ClassKeyRefused, 502},
		{"DeepSeek's balance", 402, saying("unknown_error", "invalid_request_error", "Insufficient Balance"), ClassKeyRefused, 502},
		{"Azure", 401, `{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint."}}`, ClassKeyRefused, 502},
		{"LiteLLM's budget", 400, saying("budget_exceeded", "400", "Budget has been exceeded!"), ClassKeyRefused, 502},
		{"Volcengine's overdue account", 403, `{"error":{"code":"AccountOverdueError","message":"x","type":"Forbidden"}}`, ClassKeyRefused, 502},
		{"SiliconFlow's balance", 403, `{"code":30001,"message":"Sorry, your account balance is insufficient","data":null}`, ClassKeyRefused, 502},
		{"Novita's balance", 403, `{"code":403,"reason":"NOT_ENOUGH_BALANCE","message":"not enough balance","metadata":{}}`, ClassKeyRefused, 502},
		{"Google's prepaid credits", 429, `{"error":{"code":429,"message":"Your prepayment credits are depleted. Please go to AI Studio to manage your project and billing.","status":"RESOURCE_EXHAUSTED"}}`, ClassKeyRefused, 502},
		{"the same with a 400", 400, `{"error":{"code":400,"message":"Your prepayment credits are depleted. Please go to AI Studio to manage your project and billing.","status":"FAILED_PRECONDITION"}}`, ClassKeyRefused, 502},
		{"OpenRouter's limit of a key", 403, `{"error":{"message":"Key limit exceeded (monthly limit). Manage it using the settings","code":403}}`, ClassKeyRefused, 502},
		{"Together's credit", 402, saying("credit_limit", "", "Credit limit exceeded, please navigate to the billing page"), ClassKeyRefused, 502},
		{"Fireworks' account", 412, saying("", "", "Account acme is suspended, possibly due to reaching the monthly spending limit or failure to pay past invoices."), ClassKeyRefused, 502},
		{"Hugging Face's credits", 402, `{"error":"You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO."}`, ClassKeyRefused, 502},
		{"a team at xAI that never paid", 403, `{"code":"The caller does not have permission to execute the specified operation","error":"Your newly created team doesn't have any credits or licenses yet."}`, ClassKeyRefused, 502},
		{"Anthropic's revoked OAuth", 403, `{"type":"error","error":{"type":"permission_error","message":"OAuth token has been revoked. Please obtain a new token."}}`, ClassKeyRefused, 502},
		{"Cohere's token", 401, `{"id":"x","message":"invalid api token"}`, ClassKeyRefused, 502},
		{"Zhipu's arrears", 429, `{"error":{"code":"1113","message":"x"}}`, ClassKeyRefused, 502},

		// Perhaps.
		{"a bare 401", 401, "", ClassUnauthorized, 502},
		{"a gateway's 401", 401, `{"message":"Unauthorized"}`, ClassUnauthorized, 502},
		{"vLLM's 401", 401, `{"error":"Unauthorized"}`, ClassUnauthorized, 502},
		{"a bare 402", 402, "", ClassForbidden, 502},
		{"a bare 403", 403, "", ClassForbidden, 502},
		{"a 403 that says nothing", 403, saying("", "", "Request not allowed"), ClassForbidden, 502},

		// The upstream's own.
		{"a redirect", 302, "", ClassMisplaced, 502},
		{"no POST", 405, `{"detail":"Method Not Allowed"}`, ClassMisplaced, 502},
		{"a proxy's credentials", 407, "", ClassMisplaced, 502},
		{"no such path, on a page", 404, "<html><h1>404 Not Found</h1></html>", ClassMisplaced, 502},
		{"no such path, in JSON", 404, `{"detail":"Not Found"}`, ClassMisplaced, 502},
		{"no such path, of Go's server", 404, "404 page not found\n", ClassMisplaced, 502},
		{"no such path, at OpenAI", 404, saying("invalid_request_error", "", "Invalid URL (POST /chat/completions)"), ClassMisplaced, 502},
		{"a country", 403, saying("request_forbidden", "unsupported_country_region_territory", "Country, region, or territory not supported"), ClassMisplaced, 502},
		{"a country, at Google", 400, `{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}`, ClassMisplaced, 502},
		{"timeout there", 408, "", ClassServer, 504},
		{"gateway timeout", 504, "", ClassServer, 504},
		{"server error", 500, "", ClassServer, 502},
		{"overloaded", 529, "", ClassServer, 502},
		{"a gateway's 400", 400, `{"success":false,"result":[],"messages":[],"error":[{"code":2005,"message":"Failed to get response from provider"}]}`, ClassServer, 502},
		{"limited", 429, "", ClassKeyLimited, 429},

		// A gateway's 400, for what is another's fault than the request's.
		{"LiteLLM has no connection", 400, saying("None", "400", "litellm.APIConnectionError: OllamaException - [Errno 111] Connection refused"), ClassServer, 502},
		{"LiteLLM waits in vain", 400, saying("None", "400", "litellm.Timeout: APITimeoutError - Request timed out."), ClassServer, 502},
		{"what LiteLLM has behind it fails", 400, saying("", "", "litellm.InternalServerError: AnthropicError - Overloaded"), ClassServer, 502},
		{"what LiteLLM has behind it limits", 400, saying("", "", "litellm.RateLimitError: OpenAIException - x"), ClassModelLimited, 429},
		{"LiteLLM itself limits", 400, saying("", "", "litellm.RateLimitError: x"), ClassKeyLimited, 429},
		{"LiteLLM's key is refused", 400, saying("", "", "litellm.AuthenticationError: x"), ClassElsewhere, 502},
		{"LiteLLM's name for a refused request", 400, saying("", "", "litellm.APIConnectionError: Client error '400 Bad Request' for url 'https://api.example.com/v1/messages'"), ClassElsewhere, 502},
		{"LiteLLM's word on the request", 400, saying("", "400", "litellm.BadRequestError: OpenAIException - Invalid 'temperature'"), ClassRequest, 400},
		{"LiteLLM's word on the context", 400, saying("", "400", "litellm.APIConnectionError: This model's maximum context length is 4096 tokens"), ClassRequest, 400},
		{"a parameter called timeout", 400, saying("invalid_request_error", "", "Timeout must be positive"), ClassRequest, 400},
		{"a code of the server's", 400, saying("", "internal_server_error", "x"), ClassServer, 502},
		{"a status of the server's", 400, `{"error":{"message":"x","code":502}}`, ClassServer, 502},
		{"a vague type", 400, saying("api_error", "", "x"), ClassRequest, 400},
		{"new-api's", 400, saying("new_api_error", "do_request_failed", "upstream error: do request failed"), ClassServer, 502},
		{"Node's", 400, saying("", "ECONNREFUSED", "connect ECONNREFUSED 10.0.0.1:80"), ClassServer, 502},
		{"Envoy's", 400, "upstream connect error or disconnect/reset before headers", ClassServer, 502},
		{"Bifrost's", 400, `{"is_bifrost_error":true,"error":{"message":"failed to execute HTTP request to provider API"},"status_code":400}`, ClassServer, 502},
		{"a connection to whatever it may be", 400, saying("", "", "Connection error."), ClassElsewhere, 502},
		{"Go's", 400, saying("", "", `Post "https://x.example/v1/chat/completions": dial tcp: i/o timeout`), ClassElsewhere, 502},
		{"OpenRouter's, of whom nobody knows what", 400, `{"error":{"code":400,"message":"Provider returned error","metadata":{"raw":"ERROR","provider_name":"P"}}}`, ClassElsewhere, 502},
		{"OpenRouter's, without a word", 400, `{"error":{"code":400,"message":"Provider returned error"}}`, ClassElsewhere, 502},
		{"OpenRouter's, whose provider fails", 400, `{"error":{"code":400,"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"message\":\"m\",\"code\":503}}","provider_name":"P"}}}`, ClassElsewhere, 502},
		{"OpenRouter's, whose provider limits it", 400, `{"error":{"code":400,"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"type\":\"rate_limit_error\",\"message\":\"m\"}}","provider_name":"P"}}}`, ClassModelLimited, 429},
		{"OpenRouter's, whose provider refuses its key", 403, `{"error":{"code":403,"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"code\":401,\"message\":\"m\"}}","provider_name":"P"}}}`, ClassBehind, 502},
		{"OpenRouter's, whose provider will not have the request", 400, `{"error":{"code":400,"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"at most 1 image\"}}","provider_name":"P"}}}`, ClassRequest, 400},
		{"OpenRouter's, whose provider's context is too small", 400, `{"error":{"code":400,"message":"Provider returned error","metadata":{"raw":{"error":{"code":"context_length_exceeded","message":"m"}},"provider_name":"P"}}}`, ClassRequest, 400},
		{"a limit with a 400", 400, saying("rate_limit_error", "", "slow down"), ClassKeyLimited, 429},
		{"a limit with a 403, at Google", 403, `{"error":{"code":403,"message":"x","details":[{"reason":"RATE_LIMIT_EXCEEDED"}]}}`, ClassKeyLimited, 429},

		// Somebody behind a gateway, who is no reason to leave the gateway's key or its other models alone.
		{"OpenRouter's provider is over its limit", 429, openRouterLimited, ClassModelLimited, 429},
		{"the same in the provider's words", 429, `{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"{\"error\":{\"message\":\"You exceeded your current quota\",\"code\":\"insufficient_quota\"}}","provider_name":"OpenAI"}}}`, ClassModelLimited, 429},
		{"OpenRouter's own limit", 429, `{"error":{"message":"Rate limit exceeded: free-models-per-min. ","code":429,"metadata":{"headers":{"X-RateLimit-Limit":"20","X-RateLimit-Remaining":"0"}}}}`, ClassKeyLimited, 429},
		{"OpenRouter's provider refuses its key", 401, `{"error":{"message":"Provider returned error","code":401,"metadata":{"raw":"Incorrect API key provided: sk-theirs","provider_name":"P"}}}`, ClassBehind, 502},
		{"OpenRouter's provider wants to be paid", 402, `{"error":{"message":"Provider returned error","code":402,"metadata":{"raw":"{\"error\":{\"message\":\"Insufficient balance\"}}","provider_name":"P"}}}`, ClassBehind, 502},
		{"OpenRouter's provider is down", 502, `{"error":{"message":"Provider returned error","code":502,"metadata":{"provider_name":"P"}}}`, ClassServer, 502},
		{"OpenRouter's own word on the key", 401, `{"error":{"message":"User not found.","code":401}}`, ClassKeyRefused, 502},
		{"LiteLLM's provider is over its limit", 429, saying("throttling_error", "429", "litellm.RateLimitError: RateLimitError: OpenAIException - Rate limit reached for gpt-4o-mini in organization org-abc on requests per min (RPM): Limit 3, Used 3."), ClassModelLimited, 429},
		{"LiteLLM has nobody left for a model", 429, saying("None", "429", "No deployments available for selected model, Try again in 5 seconds. Passed model=m."), ClassModelLimited, 429},
		{"LiteLLM's own limit", 429, saying("None", "429", "Rate limit exceeded for api_key: x. Limit type: requests. Current limit: 1"), ClassKeyLimited, 429},
		{"LiteLLM's provider refuses its key", 401, saying("invalid_request_error", "invalid_api_key", "litellm.AuthenticationError: OpenAIException - Incorrect API key provided: sk-theirs."), ClassBehind, 502},
		{"LiteLLM's own word on the key", 401, saying("auth_error", "401", "Authentication Error, Invalid proxy server token passed."), ClassKeyRefused, 502},
		{"LiteLLM's provider will not have the request", 400, saying("invalid_request_error", "400", "litellm.BadRequestError: OpenAIException - Invalid 'temperature'"), ClassRequest, 400},
		{"Portkey's provider is over its limit", 429, `{"error":{"message":"openai error: Rate limit reached","type":"requests","param":null,"code":"rate_limit_exceeded"},"provider":"openai"}`, ClassModelLimited, 429},
		{"Portkey's provider refuses its key", 401, `{"error":{"message":"openai error: Incorrect API key provided: sk-theirs","type":"invalid_request_error","param":null,"code":"invalid_api_key"},"provider":"openai"}`, ClassBehind, 502},
		{"Portkey's provider will not have the request", 400, `{"error":{"message":"openai error: Invalid temperature","type":"invalid_request_error","param":"temperature","code":null},"provider":"openai"}`, ClassRequest, 400},
		{"Bifrost's provider is over its limit", 429, `{"is_bifrost_error":false,"status_code":429,"error":{"type":"requests","code":"rate_limit_exceeded","message":"m"},"extra_fields":{"provider":"openai","model_requested":"m"}}`, ClassModelLimited, 429},
		{"Bifrost's own limit", 429, `{"is_bifrost_error":true,"status_code":429,"error":{"type":"rate_limited","message":"m"},"extra_fields":{"provider":"openai"}}`, ClassKeyLimited, 429},
		{"one-api's channels are over their limits", 429, saying("invalid_request_error", "rate_limit_exceeded", "当前分组上游负载已饱和，请稍后再试 (request id: x)"), ClassModelLimited, 429},
		{"new-api's upstream is over its limit", 429, saying("upstream_error", "bad_response_status_code", "m"), ClassModelLimited, 429},
		{"one-api's upstream refuses its key", 401, saying("upstream_error", "bad_response_status_code", "bad response status code 401"), ClassBehind, 502},
		{"a provider's error in no words that are known", 429, saying("", "", "Error from provider (Console Go): Upstream request failed: [rate_limit_exceeded] Rate limit exceeded."), ClassModelLimited, 429},
		{"what a provider behind a gateway finds too large", 429, saying("tokens", "rate_limit_exceeded", "litellm.RateLimitError: OpenAIException - Request too large: Limit 30000, Requested 50000."), ClassElsewhere, 413},

		// A CDN's.
		{"a challenge", 403, page, ClassPage, 502},
		{"a page with a 401", 401, page, ClassPage, 502},
		{"a page with a 400", 400, page, ClassPage, 502},
		{"a page with a 429", 429, page, ClassServer, 502},
		{"a page with a 503", 503, page, ClassServer, 502},
		{"a page about size", 413, page, ClassElsewhere, 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := StatusFailure(c.status, http.Header{}, []byte(c.body))
			require.Equal(t, c.class, f.Class)
			require.Equal(t, c.client, f.Err.Status)
			require.NotEmpty(t, f.Err.Message)
			switch c.class {
			case ClassKeyRefused:
				require.Equal(t, "upstream_refused_credentials", f.Err.Code)
			case ClassBehind:
				require.Equal(t, "upstream_refused", f.Err.Code)
				require.NotContains(t, f.Err.Message, "theirs", "another's key, or what the operator's account there is worth")
			default: // the provider's own words are passed on
			}
		})
	}
}

func TestAPageIsKnownByItsHeaderToo(t *testing.T) {
	for name, header := range map[string]http.Header{
		"a challenge":  {"Cf-Mitigated": {"challenge"}},
		"a label":      {"Content-Type": {"text/html; charset=utf-8"}},
		"Cloudflare's": {"Server": {"cloudflare"}},
	} {
		body := ""
		if name == "Cloudflare's" {
			body = "error code: 1020"
		}
		require.Equal(t, ClassPage, StatusFailure(403, header, []byte(body)).Class, name)
	}
	f := StatusFailure(401, http.Header{"Server": {"cloudflare"}}, []byte(saying("", "invalid_api_key", "x")))
	require.Equal(t, ClassKeyRefused, f.Class, "OpenAI itself is behind Cloudflare")
}

func TestAnErrorInsideA200IsClassifiedByTheStatusThatItStandsFor(t *testing.T) {
	for _, c := range []struct {
		name, body string
		status     int
		class      Class
	}{
		{"a code as text", `{"error":{"message":"x.BadRequestError: bad","type":"None","param":"None","code":"400"}}`, 400, ClassRequest},
		{"a limit as text", `{"error":{"message":"x.RateLimitError: slow down","type":"None","param":"None","code":"429"}}`, 429, ClassKeyLimited},
		{"vLLM's object", `{"object":"error","message":"This model's maximum context length is 4096 tokens","type":"BadRequestError","param":null,"code":400}`, 400, ClassRequest},
		{"FastAPI's detail", `{"detail":"queue full, try later"}`, 0, ClassServer},
		{"Google's status", `{"error":{"message":"x","status":"RESOURCE_EXHAUSTED"}}`, 429, ClassKeyLimited},
		{"Anthropic's type", `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, 529, ClassServer},
		{"an exception's name", `{"error":{"message":"litellm.RateLimitError: AzureException - x"}}`, 429, ClassModelLimited},
		{"OpenRouter's limit of a provider", openRouterLimited, 429, ClassModelLimited},
		{"MiniMax's balance", `{"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}`, 0, ClassKeyRefused},
		{"MiniMax's limit", `{"base_resp":{"status_code":1002,"status_msg":"rate limit"}}`, 0, ClassKeyLimited},
		{"Baidu's cluster is over its limit", `{"error_code":4,"error_msg":"Open api request limit reached"}`, 0, ClassKeyLimited},
		{"Baidu's app has not the interface", `{"error_code":6,"error_msg":"No permission to access data"}`, 0, ClassUnauthorized},
		{"Baidu's limit of a day", `{"error_code":17,"error_msg":"Open api daily request limit reached"}`, 0, ClassKeyLimited},
		{"Baidu's limit of a second", `{"error_code":18,"error_msg":"Open api qps request limit reached"}`, 0, ClassKeyLimited},
		{"Baidu's limit of all", `{"error_code":19,"error_msg":"Open api total request limit reached"}`, 0, ClassKeyLimited},
		{"Baidu's bad token", `{"error_code":110,"error_msg":"Access token invalid or no longer valid"}`, 0, ClassKeyRefused},
		{"Baidu's old token", `{"error_code":111,"error_msg":"Access token expired"}`, 0, ClassKeyRefused},
		{"Baidu's old token, as text", `{"error_code":"111","error_msg":"Access token expired","id":"as-x"}`, 0, ClassKeyRefused},
		{"Baidu's signature", `{"error_code":14,"error_msg":"IAM Certification failed"}`, 0, ClassKeyRefused},
		{"Baidu's trouble", `{"error_code":2,"error_msg":"Service temporarily unavailable"}`, 0, ClassServer},
		{"Qianfan's trouble", `{"error_code":336100,"error_msg":"try again"}`, 0, ClassServer},
		{"Qianfan's requests a minute", `{"code":336501,"msg":"Rate limit reached for RPM"}`, 0, ClassKeyLimited},
		{"Qianfan's tokens a minute", `{"error_code":336502,"error_msg":"Rate limit reached for TPM"}`, 0, ClassKeyLimited},
		{"Qianfan's limit as a code", `{"error":{"code":"rpm_rate_limit_exceeded","message":"Rate limit reached for RPM","type":"rate_limit_exceeded"}}`, 429, ClassKeyLimited},
		{"somebody else's 17", `{"code":17,"message":"x"}`, 0, ClassServer},
		{"MiniMax's filter", `{"base_resp":{"status_code":1026,"status_msg":"sensitive"}}`, 0, ClassRequest},
		{"xAI's limit", `{"code":"Some resource has been exhausted","error":"Too many requests for team and model grok-4."}`, 429, ClassKeyLimited},
		{"xAI's limit, in other words", `{"code":"x","error":"Too many requests for team and model grok-4."}`, 0, ClassKeyLimited},
		{"xAI's credit", `{"code":"Some resource has been exhausted","error":"Your team has either used all available credits or reached its monthly spending limit."}`, 429, ClassKeyRefused},
		{"xAI's bad request", `{"code":"Client specified an invalid argument","error":"Invalid temperature."}`, 400, ClassRequest},
		{"xAI's trouble", `{"code":"The service is currently unavailable","error":"x"}`, 503, ClassServer},
		{"a limit as a code", `{"error":{"message":"x","code":"rate_limit_exceeded"}}`, 429, ClassKeyLimited},
		{"a limit as another code", `{"error":{"message":"x","type":"rate_limit_reached_error"}}`, 429, ClassKeyLimited},
		{"a limit as a code without an underscore", `{"code":"RateLimitReached","message":"x"}`, 429, ClassKeyLimited},
		{"a limit on one request", `{"error":{"message":"Request too large for gpt-4o: Limit 30000, Requested 50000.","code":"rate_limit_exceeded"}}`, 429, ClassElsewhere},
		{"AWS's limit", `{"__type":"com.amazon#ThrottlingException","message":"x"}`, 429, ClassKeyLimited},
		{"a limit in words", `{"error":"Rate limit exceeded. Please try again in 20s."}`, 0, ClassKeyLimited},
		{"a limit in other words", `{"error":"You have exceeded your requests per minute limit"}`, 0, ClassKeyLimited},
		{"a limit and its status in words", `{"error":{"message":"429 Too Many Requests"}}`, 0, ClassKeyLimited},
		{"a gateway without a connection", `{"error":{"message":"litellm.APIConnectionError: x","code":"400"}}`, 400, ClassServer},
		{"a status beside the error", `{"status":503,"error":"no GPU"}`, 503, ClassServer},
		{"nothing that is known", `{"error":"boom"}`, 0, ClassServer},
		{"a prompt", `{"error":{"message":"Content violates usage guidelines."}}`, 0, ClassRequest},
		{"permission, which may be for a resource", `{"type":"error","error":{"type":"permission_error","message":"no"}}`, 403, ClassForbidden},
	} {
		f := EventFailure([]byte(c.body))
		require.Equal(t, c.class, f.Class, c.name)
		require.Equal(t, c.status, f.Status, c.name)
	}
}

func TestALimitInsideA200AsksToBeLeftAloneAsOneWithItsStatusDoes(t *testing.T) {
	for body, want := range map[string]time.Duration{
		`{"code":"x","error":"Too many requests for team x. Please try again in 20s."}`:     20 * time.Second,
		`{"error":{"message":"Rate limit exceeded","retry_after":7}}`:                       7 * time.Second,
		`{"error":{"code":"rate_limit_exceeded","message":"Please retry after 3 seconds"}}`: 3 * time.Second,
		`{"error":{"message":"boom. Please try again in 20s."}}`:                            0,
	} {
		require.Equal(t, want, EventFailure([]byte(body)).RetryAfter, body)
	}
	f := EventFailure([]byte(`{"error":"Too many requests. Please try again in 20s."}`))
	f.Unquoted(func(string) bool { return true })
	require.Equal(t, ClassServer, f.Class)
	require.Zero(t, f.RetryAfter, "the client may have written all of it")
}

func TestWhatAProviderSaysAboutTheRelaysKeyDoesNotReachTheClient(t *testing.T) {
	f := StatusFailure(401, http.Header{}, []byte(saying("", "invalid_api_key", "Incorrect API key provided: sk-pr***yz")))
	require.NotContains(t, f.Err.Message, "sk-pr")
	require.NotEqual(t, "invalid_api_key", f.Err.Code)
	require.Contains(t, f.Detail, "Incorrect API key", "the operator reads it in the log")
}

func TestTheBalanceOfTheOperatorsAccountIsNotTold(t *testing.T) {
	f := StatusFailure(402, http.Header{}, []byte(`{"error":{"code":402,"message":"This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only afford 30104."}}`))
	require.NotContains(t, f.Err.Message, "30104")
	require.Contains(t, f.Err.Message, "max_tokens")
}

// TestAnAccountsTroubleIsNoMistakeOfTheClientsWhateverItsStatus has what Baidu (https://cloud.baidu.com/doc/WENXINWORKSHOP) and DashScope
// (https://help.aliyun.com/zh/model-studio/error-code) say of an operator's account or limit, with the statuses that it comes with.
func TestAnAccountsTroubleIsNoMistakeOfTheClientsWhateverItsStatus(t *testing.T) {
	for _, c := range []struct {
		body     string
		statuses []int
		class    Class
	}{
		{`{"error_code":17,"error_msg":"Open api daily request limit reached"}`, []int{400, 403, 429}, ClassKeyLimited},
		{`{"error_code":18,"error_msg":"Open api qps request limit reached"}`, []int{400, 403, 429}, ClassKeyLimited},
		{`{"error_code":4,"error_msg":"Open api request limit reached"}`, []int{400, 403, 429}, ClassKeyLimited},
		{`{"error_code":6,"error_msg":"No permission to access data"}`, []int{400, 401, 403}, ClassUnauthorized},
		{`{"error_code":110,"error_msg":"Access token invalid or no longer valid"}`, []int{400, 401, 403}, ClassKeyRefused},
		{`{"error_code":111,"error_msg":"Access token expired"}`, []int{400, 401, 403}, ClassKeyRefused},
		{`{"error":{"code":"AllocationQuota.FreeTierOnly","message":"The free tier of the model has been exhausted. If you wish to continue access the model on a paid basis, please disable the \"use free tier only\" mode in the management console.","type":"AllocationQuota.FreeTierOnly"}}`, []int{400, 403, 429}, ClassKeyLimited},
		{`{"code":"AllocationQuota.FreeTierOnly","message":"The free tier of the model has been exhausted.","request_id":"x"}`, []int{403}, ClassKeyLimited},
		{`{"error_code":336003,"error_msg":"the first role of messages must be user"}`, []int{400}, ClassRequest},
	} {
		for _, status := range c.statuses {
			f := StatusFailure(status, http.Header{}, []byte(c.body))
			require.Equal(t, c.class, f.Class, "%d %s", status, c.body)
		}
	}
}

// TestALimitThatIsOfTheOperatorsAccountIsToldWithoutIt has words that say what the operator has bought, and should change.
func TestALimitThatIsOfTheOperatorsAccountIsToldWithoutIt(t *testing.T) {
	for _, body := range []string{
		`{"error":{"code":"AllocationQuota.FreeTierOnly","message":"The free tier of the model has been exhausted. Please disable the mode in the management console.","type":"AllocationQuota.FreeTierOnly"}}`,
		`{"code":"AllocationQuota.FreeTierOnly","message":"The free tier of the model has been exhausted.","request_id":"x"}`,
	} {
		for _, f := range []*Failure{StatusFailure(403, http.Header{}, []byte(body)), EventFailure([]byte(body))} {
			require.Equal(t, ClassKeyLimited, f.Class)
			require.Equal(t, http.StatusTooManyRequests, f.Err.Status)
			require.Equal(t, "rate_limit_error", f.Err.Type)
			require.Empty(t, f.Err.Code)
			require.NotContains(t, f.Err.Message, "free tier")
			require.Contains(t, f.Detail, "free tier", "the operator is told")
		}
	}
}
