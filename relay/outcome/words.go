package outcome

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"one-api/relay/complaint"
)

// The words that providers have for what is wrong, as data. Codes are compared whole, without their case and underscores: they
// are a provider's own, and nothing that a client sends gets there.

// requestCodes are about what is in the request.
var requestCodes = words(
	"context_length_exceeded", "string_above_max_length", "content_filter", "content_policy_violation", "moderation_blocked",
	"image_content_policy_violation", "responsible_ai_policy_violation", "ResponsibleAIPolicyViolation", "content_policy_error",
	"data_inspection_failed", "DataInspectionFailed", // DashScope
	"context_window_exceeded", "ContextWindowExceededError", "ContentPolicyViolationError", // LiteLLM
	"sensitive_words_detected", "prompt_blocked", // new-api
	"SensitiveContentDetected", "InputTextSensitiveContentDetected", "OutputTextSensitiveContentDetected", // Volcengine
	"base_resp.1026", "base_resp.1027", "base_resp.2013", // MiniMax: input, output, parameters
)

// keyCodes are unmistakably about a key or the account that it belongs to. They come with any status: OpenAI
// (https://platform.openai.com/docs/guides/error-codes), Anthropic (https://docs.claude.com/en/api/errors), Google
// (google/api/error_reason.proto), Groq (https://console.groq.com/docs/errors), DashScope
// (https://help.aliyun.com/zh/model-studio/error-code), Moonshot, Volcengine, Azure, AWS, LiteLLM, MiniMax.
var keyCodes = words(
	"invalid_api_key", "incorrect_api_key", "invalid_key", "expired_api_key", "api_key_expired", "api_key_revoked", "revoked_api_key",
	"account_deactivated", "account_suspended", "account_disabled", "account_not_active", "user_suspended", "access_terminated",
	"organization_restricted", "organization_disabled", "organization_suspended", "organization_deactivated",
	"project_suspended", "project_archived", "invalid_organization", "mismatched_organization", "mismatched_project",
	"insufficient_quota", "insufficient_balance", "insufficient_credits", "insufficient_funds", "not_enough_balance", "billing_hard_limit_reached", "billing_not_active", "billing_error",
	"API_KEY_INVALID", "CREDENTIALS_MISSING", "ACCESS_TOKEN_EXPIRED", "ACCOUNT_STATE_INVALID",
	"CONSUMER_SUSPENDED", "CONSUMER_INVALID", "BILLING_DISABLED", "SERVICE_DISABLED", "API_KEY_SERVICE_BLOCKED", "API_KEY_IP_ADDRESS_BLOCKED",
	"API_KEY_HTTP_REFERRER_BLOCKED", "USER_PROJECT_DENIED",
	"Arrearage", "InvalidApiKey", "AccessDenied.Unpaid", "PrepaidBillOverdue", "PostpaidBillOverdue",
	"invalid_authentication_error", "incorrect_api_key_error", "exceeded_current_quota_error",
	"AccountOverdueError", "ApiKeyExpired", "InvalidSubscription",
	"UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch", "ExpiredTokenException", "ExpiredToken",
	"MissingAuthenticationTokenException", "IncompleteSignatureException",
	"budget_exceeded", "token_not_found_in_db", "expired_key",
	"base_resp.1004", "base_resp.1008", "base_resp.2049",
	// Baidu's (https://cloud.baidu.com/doc/WENXINWORKSHOP): a token or a signature that it does not take, an app that there is not.
	"error_code.13", "error_code.14", "error_code.15", "error_code.110", "error_code.111",
)

// doubtfulCodes are about what a key may do, and may be about all that it may do: Baidu's for an app that has not been given the
// interface in question.
var doubtfulCodes = words("error_code.6")

// elsewhereCodes are about what this account may be asked for: a model, an endpoint, a size. Another channel may have it.
var elsewhereCodes = words(
	"model_not_found", "model_not_available", "model_not_supported", "model_not_allowed", "unsupported_model", "model_access_denied",
	"model_decommissioned", "model_deprecated", "model_terms_required", "model_permission_blocked_org", "model_permission_blocked_project",
	"missing_scope", "insufficient_permissions", "DeploymentNotFound", "OperationNotSupported", "ModelNotOpen",
	"AccessDenied.Unpurchased", "Model.AccessDenied", "ModelNotFound", "InvalidEndpointOrModel.NotFound", "InvalidEndpointOrModel.ModelIDAccessDisabled",
	"key_model_access_denied", "team_model_access_denied", "org_model_access_denied", "user_model_access_denied", "project_model_access_denied",
	"insufficient_user_quota", "pre_consume_token_quota_failed", // one-api and new-api: depends on what the request may cost
	"base_resp.1039", // MiniMax: tokens a minute
)

// placeCodes are about where the relay or its key is, which no request changes.
var placeCodes = words("unsupported_country_region_territory", "unsupported_country", "region_not_supported", "invalid_project_region")

// limitCodes are limits that no status stands for.
var limitCodes = words(
	"base_resp.1002", "Throttling.RateQuota", "Throttling.AllocationQuota",
	"AllocationQuota.FreeTierOnly",                                                        // DashScope's 403: nothing is left of what is free, and the account has forbidden itself to pay
	"error_code.4", "error_code.17", "error_code.18", "error_code.19", "336501", "336502", // Baidu: of its cluster, a day, a second, in all; a minute
)

// accountCodes are those of the limits whose words say what the operator has bought, which is none of the client's business.
var accountCodes = words("AllocationQuota.FreeTierOnly")

// serverCodes are a gateway's words for what failed behind it, or within, which it sends with a 400 as if the request had: of one-api's
// family, of LiteLLM and of Node's errors.
var serverCodes = words(
	"do_request_failed", "read_response_body_failed", "empty_response", "connection_error", "api_connection_error", "APIConnectionError",
	"ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_SOCKET", "UND_ERR_CONNECT_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT",
	"server_error", "internal_server_error", "InternalServerError", "bad_gateway", "service_unavailable", "ServiceUnavailableError", "gateway_timeout",
	"ModelErrorException", "ModelStreamErrorException", "ModelTimeoutException", "InternalServerException", "InternalFailure", "ServiceUnavailableException", // AWS
	"overloaded_error", "engine_overloaded_error", "upstream_unavailable", "provider_unavailable",
	"error_code.1", "error_code.2", "336000", "336100", // Baidu
)

// vagueCodes stand for a 500 if there is no other status, and for nothing beside a 400.
var vagueCodes = words("api_error", "unknown", "internal")

func words(all ...string) map[string]bool {
	m := make(map[string]bool, len(all))
	for _, word := range all {
		m[bare(word)] = true
	}
	return m
}

var separators = strings.NewReplacer("_", "", "-", "")

// bare is a word without its case and what separates its parts.
func bare(word string) string { return strings.ToLower(separators.Replace(word)) }

func isOneOf(words map[string]bool, word string) bool { return word != "" && words[bare(word)] }

// codeClasses are tried in this order: an error may have a code of several.
var codeClasses = []struct {
	words map[string]bool
	class Class
}{
	{elsewhereCodes, ClassElsewhere}, {placeCodes, ClassMisplaced}, {keyCodes, ClassKeyRefused}, {doubtfulCodes, ClassUnauthorized},
}

func isAnyOf(words map[string]bool, said *complaint.Complaint) bool {
	return isOneOf(words, said.Code) || isOneOf(words, said.Type) ||
		slices.ContainsFunc(said.Words, func(word string) bool { return isOneOf(words, word) })
}

// classOfCode is the class that an error's code, type or further words stand for.
func classOfCode(status int, said *complaint.Complaint) (Class, bool) {
	for _, of := range codeClasses {
		if isAnyOf(of.words, said) {
			return of.class, true
		}
	}
	switch {
	case said.Gateway && said.Code == "2005": // Cloudflare's gateway had no answer from the provider
		return ClassServer, true
	case status == http.StatusTooManyRequests && said.Code == "1113": // Zhipu's account in arrears
		return ClassKeyRefused, true
	case status == 0 && isAnyOf(limitCodes, said):
		return ClassKeyLimited, true
	}
	return classOfAnother(status, said)
}

// classOfAnother is for errors whose words stand for another status than the 400 that they came with, and that some gateways give to
// everything, or for another than a 403. What the words in question stand in, no client writes.
func classOfAnother(status int, said *complaint.Complaint) (Class, bool) {
	mistaken := status == http.StatusBadRequest || status == http.StatusUnprocessableEntity
	switch {
	case !mistaken && status != http.StatusForbidden && status != http.StatusUnauthorized:
		return 0, false
	case said.Status == http.StatusTooManyRequests, said.Limited(), isAnyOf(limitCodes, said):
		return classOfStatus(http.StatusTooManyRequests, said), true
	case said.Relayed && (said.InnerStatus == 0 || classOfStatus(said.InnerStatus, said) != ClassRequest):
		return classOfRelayed(status, said.InnerStatus), true // a provider behind the gateway has refused the gateway, in words that may quote the client
	case mistaken && (isAnyOf(serverCodes, said) || said.Status >= 500 && !isAnyOf(vagueCodes, said)):
		return ClassServer, true
	}
	return 0, false
}

// classOfRelayed is for a status that is not about the request, by the one that a gateway quotes; 0 means it quotes none.
func classOfRelayed(status, inner int) Class {
	if inner == 0 {
		inner = status
	}
	switch inner {
	case http.StatusTooManyRequests:
		return ClassModelLimited
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden:
		return ClassBehind
	}
	return ClassElsewhere
}

// sentence is how messages begin that mean something else than their status says. A message further on may quote the client.
type sentence struct {
	from, to int // statuses; an error event without one has 0
	begins   *regexp.Regexp
	class    Class
}

// sentences are known of: Anthropic, OpenAI, xAI and Google (a bad key as a 400), OpenRouter, DeepSeek, Together and Hugging Face (402),
// SiliconFlow and Novita (403), Fireworks (412), Cohere, Azure, Moonshot, one-api's family, and gateways whose 400 is the failure of what
// is behind them.
var sentences = []sentence{
	{0, 429, sentenceOf(`Your credit balance is too low`), ClassKeyRefused},
	{0, 429, sentenceOf(`You have reached your specified API usage limits`), ClassKeyRefused},
	{0, 429, sentenceOf(`(?:This|Your) organization has been (?:disabled|suspended|restricted|deactivated)`), ClassKeyRefused},
	{0, 429, sentenceOf(`Organization has been (?:disabled|suspended|restricted|deactivated)`), ClassKeyRefused},
	{0, 429, sentenceOf(`(?:Your|This|The|User) account (?:associated with this API key )?(?:has been|is|was) (?:\w+ )?(?:disabled|suspended|restricted|deactivated|not active|inactive|in arrears|locked|terminated)`), ClassKeyRefused},
	{0, 429, sentenceOf(`(?:Access denied, please make sure|Please make sure) your account is in good standing`), ClassKeyRefused},
	{0, 429, sentenceOf(`Access denied due to invalid subscription key`), ClassKeyRefused},
	{0, 429, sentenceOf(`(?:Incorrect|Invalid) (?:API[ -]?key|x-api-key)(?: provided)?\b`), ClassKeyRefused},
	{401, 403, sentenceOf(`(?:Incorrect|Invalid) (?:access token|API[ -]?token|authentication credentials|credentials)\b`), ClassKeyRefused}, // with a 400 it may be a tool's
	{401, 403, sentenceOf(`OAuth (?:access )?token has (?:been revoked|expired)`), ClassKeyRefused},
	{0, 429, sentenceOf(`(?:The |Your |This )?(?:provided )?API[ -]?key (?:provided )?(?:is |has been |was |has )?(?:not valid|not found|invalid|expired|revoked|disabled|deactivated|blocked|suspended|inactive|deleted|reported as leaked)\b`), ClassKeyRefused},
	{0, 429, sentenceOf(`Your API key was reported as leaked`), ClassKeyRefused},
	{0, 429, sentenceOf(`(?:Insufficient|Not enough) (?:account )?(?:balance|credits?|funds)\b`), ClassKeyRefused},
	{0, 429, sentenceOf(`(?:Sorry, )?your (?:account )?balance is (?:insufficient|not enough|too low)`), ClassKeyRefused},
	{0, 429, sentenceOf(`Your (?:prepayment|prepaid) credits are (?:depleted|used up)`), ClassKeyRefused},
	{401, 403, sentenceOf(`(?:\[sk-[^\]]{1,60}\] )?(?:该令牌(?:额度已用尽|已过期|状态不可用)|用户已被封禁)`), ClassKeyRefused},
	{401, 429, sentenceOf(`(?:Key|Credit) limit exceeded\b`), ClassKeyRefused},
	{0, 429, sentenceOf(`You have exceeded your monthly included credits`), ClassKeyRefused},
	{0, 429, sentenceOf(`Your newly created teams? doesn't have any credits`), ClassKeyRefused},
	{401, 429, sentenceOf(`Account [^ ]{1,100} is (?:suspended|disabled|not active)`), ClassKeyRefused},
	{0, 429, sentenceOf(`Your team(?: [^ ]+)? has (?:either )?(?:used all available credits|run out of credits)`), ClassKeyRefused},
	{0, 429, sentenceOf(`No auth credentials found|No cookie auth credentials found|User not found\.?$`), ClassKeyRefused},
	{0, 429, sentenceOf(`You must be a member of an organization to use the API`), ClassKeyRefused},
	{400, 403, sentenceOf(`User location is not supported for the API use`), ClassMisplaced},
	{400, 403, sentenceOf(`Country, region, or territory not supported`), ClassMisplaced},
	{400, 403, sentenceOf(`Your request was blocked\.?$`), ClassPage},
	{400, 422, sentenceOf(`Failed to get response from provider`), ClassServer},
	{400, 422, sentenceOf(`(?:upstream|provider|server|service|gateway) (?:request failed|connect error|connection error|error: do request failed|(?:is )?(?:currently |temporarily )?unavailable|time-?out|timed out)`), ClassServer},
	{400, 422, sentenceOf(`(?:do request failed|failed to execute HTTP request to|no healthy upstream|bad gateway|internal server error)\b`), ClassServer},
	// The connection may have been to what the request names: an image, a tool's server.
	{400, 422, sentenceOf(`(?:connection (?:error|failed|refused|reset|timed out|closed)|fetch failed|failed to (?:connect to|reach)|(?:could not|cannot|unable to) (?:connect to|reach)|error connecting to|socket hang up|network error|(?:connect|read) E[A-Z]{4,}|(?:the )?request timed out)\b`), ClassElsewhere},
	{400, 422, sentenceOf(`(?:Post|Get) "?https?://[^ ]{1,300}: `), ClassElsewhere}, // Go's
	{400, 403, sentenceOf(`Provider returned error\.?$`), ClassElsewhere},
	{0, 0, sentenceOf(`(?:HTTP )?429\b`), ClassKeyLimited},
	{0, 0, sentenceOf(`(?:Error: )?Too many (?:requests|tokens|concurrent requests)\b`), ClassKeyLimited},
	{0, 0, sentenceOf(`(?:You(?:'ve| have)? )?(?:(?:been|are being|were) )?rate[- ]?limit(?:ed|s? (?:reached|exceeded|hit|error))?\b`), ClassKeyLimited},
	{0, 0, sentenceOf(`(?:You(?:'ve| have)? |Your )?(?:exceeded|hit|reached) (?:your|the|a|its) .{0,40}?(?:rate|requests?|tokens?|concurrency)[- ](?:per[- ]\w+ )?(?:limit|quota)`), ClassKeyLimited},
	{0, 0, sentenceOf(`(?:Some )?resources? (?:has|have) been exhausted`), ClassKeyLimited},
	{0, 0, sentenceOf(`(?:The |Your )?requests? (?:was|were|has been|have been|is|are) (?:throttled|rate[- ]limited)`), ClassKeyLimited},
	{400, 400, sentenceOf(`(?:The )?model .{1,200}? (?:has been|is) (?:decommissioned|no longer (?:available|supported))`), ClassElsewhere},
}

// nothingLeft is what new-api says of a user who has no credit at all, under the code that it also gives to one who has too little for
// what the request may cost.
var nothingLeft = sentenceOf(`用户额度不足, 剩余额度: [＄$¥￥]?(?:-|0+(?:\.0+)?(?:[^0-9.]|$))`)

func sentenceOf(pattern string) *regexp.Regexp { return regexp.MustCompile(`^(?i:` + pattern + `)`) }

// classOfMessage is the class that the beginning of the message stands for; "" if it is none that is known.
func classOfMessage(status int, said *complaint.Complaint) (class Class, beginning string) {
	message := said.Message[:min(len(said.Message), 512)]
	for _, s := range sentences {
		if status != 0 && (status < s.from || status > s.to) || status == 0 && s.from != 0 {
			continue
		}
		if found := s.begins.FindString(message); found != "" {
			return s.class, found
		}
	}
	return classOfException(status, said)
}

// itsClients finds, behind the name of an exception, the status with which what is behind a gateway has refused the request: LiteLLM
// calls that a connection error too.
var itsClients = regexp.MustCompile(`(?i)\bclient error\b|\b4[0-9][0-9]\b`)

// classOfException is for the 400 of a gateway whose message begins with the name of an exception of another kind, such as
// "litellm.APIConnectionError: …"; "" if it has none.
func classOfException(status int, said *complaint.Complaint) (class Class, name string) {
	name, stands := complaint.Exception(said.Message)
	switch {
	case status != http.StatusBadRequest && status != http.StatusUnprocessableEntity, stands == 0, stands == http.StatusBadRequest, stands == http.StatusUnprocessableEntity:
		return 0, ""
	case stands == http.StatusTooManyRequests:
		return ClassKeyLimited, name
	case stands < 500 && stands != http.StatusRequestTimeout, itsClients.MatchString(said.Message):
		return ClassElsewhere, name
	}
	return ClassServer, name
}
