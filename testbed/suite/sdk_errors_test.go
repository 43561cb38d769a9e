package suite

import (
	"context"
	"strings"
	"testing"

	anthropicsdk "github.com/anthropics/anthropic-sdk-go"
	openaisdk "github.com/openai/openai-go/v3"
	openaioption "github.com/openai/openai-go/v3/option"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// providerErrors are errors of providers, and what becomes of them. The kinds are the type for OpenAI's SDK and for Anthropic's.
var providerErrors = []struct {
	name           string
	dialect        dialect
	refused        refusal
	header         map[string]string
	status         int
	kinds          [2]string
	code           string // for OpenAI's SDK
	says, conceals string
	retryAfter     string
}{
	{
		name: "400 of OpenAI", dialect: openAIDialect,
		refused: refusal{status: 400, kind: "invalid_request_error", param: "messages", code: "context_length_exceeded", message: "This model's maximum context length is 128000 tokens."},
		status:  400, kinds: [2]string{"invalid_request_error", "invalid_request_error"}, code: "context_length_exceeded", says: "This model's maximum context length is 128000 tokens.",
	},
	{
		name: "401 of OpenAI", dialect: openAIDialect,
		refused: refusal{status: 401, kind: "invalid_request_error", code: "invalid_api_key", message: "Incorrect API key provided: sk-up-a."},
		status:  502, kinds: [2]string{"api_error", "api_error"}, code: "upstream_refused_credentials", says: "the upstream refused the relay's credentials", conceals: "sk-up",
	},
	{
		name: "429 of OpenAI", dialect: openAIDialect, header: map[string]string{"Retry-After": "7"},
		refused: refusal{status: 429, kind: "tokens", code: "rate_limit_exceeded", message: "Rate limit reached for gpt-4o in organization org-AbCdEfGhIjKlMnOpQrStUvWx on tokens per min (TPM)."},
		status:  429, kinds: [2]string{"tokens", "rate_limit_error"}, code: "rate_limit_exceeded", says: "Rate limit reached for gpt-4o", conceals: "org-AbC", retryAfter: "7",
	},
	{
		name: "500 of OpenAI", dialect: openAIDialect,
		refused: refusal{status: 500, kind: "server_error", message: "The server had an error while processing your request. Sorry about that!"},
		status:  502, kinds: [2]string{"server_error", "api_error"}, says: "Sorry about that!",
	},
	{
		name: "404 of OpenAI", dialect: openAIDialect,
		refused: refusal{status: 404, kind: "invalid_request_error", code: "model_not_found", message: "The model `gpt-4o` does not exist or you do not have access to it."},
		status:  404, kinds: [2]string{"invalid_request_error", "not_found_error"}, code: "model_not_found", says: "does not exist",
	},
	{
		name: "400 of Anthropic", dialect: anthropicDialect,
		refused: refusal{status: 400, kind: "invalid_request_error", message: "prompt is too long: 208310 tokens > 200000 maximum"},
		status:  400, kinds: [2]string{"invalid_request_error", "invalid_request_error"}, says: "prompt is too long: 208310 tokens > 200000 maximum",
	},
	{
		name: "400 of Anthropic about the operator's account", dialect: anthropicDialect,
		refused: refusal{status: 400, kind: "invalid_request_error", message: "Your credit balance is too low to access the Anthropic API."},
		status:  502, kinds: [2]string{"api_error", "api_error"}, code: "upstream_refused_credentials", says: "credentials", conceals: "credit balance",
	},
	{
		name: "401 of Anthropic", dialect: anthropicDialect,
		refused: refusal{status: 401, kind: "authentication_error", message: "invalid x-api-key"},
		status:  502, kinds: [2]string{"api_error", "api_error"}, code: "upstream_refused_credentials", says: "credentials", conceals: "x-api-key",
	},
	{
		name: "413 of Anthropic", dialect: anthropicDialect,
		refused: refusal{status: 413, kind: "request_too_large", message: "Request exceeds the maximum size"},
		status:  413, kinds: [2]string{"request_too_large", "request_too_large"}, says: "Request exceeds the maximum size",
	},
	{
		name: "429 of Anthropic", dialect: anthropicDialect, header: map[string]string{"Retry-After": "9"},
		refused: refusal{status: 429, kind: "rate_limit_error", message: "This request would exceed your organization's rate limit of 50 requests per minute."},
		status:  429, kinds: [2]string{"rate_limit_error", "rate_limit_error"}, says: "rate limit", retryAfter: "9",
	},
	{
		name: "500 of Anthropic", dialect: anthropicDialect,
		refused: refusal{status: 500, kind: "api_error", message: "Internal server error"},
		status:  502, kinds: [2]string{"api_error", "api_error"}, says: "Internal server error",
	},
	{
		name: "529 of Anthropic", dialect: anthropicDialect,
		refused: refusal{status: 529, kind: "overloaded_error", message: "Overloaded"},
		status:  502, kinds: [2]string{"overloaded_error", "overloaded_error"}, says: "Overloaded",
	},
	{
		name: "400 of xAI about the key", dialect: xaiDialect,
		refused: refusal{status: 400, code: "Client specified an invalid argument", message: "Incorrect API key provided: sk***-a. You can obtain an API key from https://console.x.ai."},
		status:  502, kinds: [2]string{"api_error", "api_error"}, code: "upstream_refused_credentials", says: "credentials", conceals: "console.x.ai",
	},
	{
		name: "403 of xAI about the prompt", dialect: xaiDialect,
		refused: refusal{
			status: 403, code: "The caller does not have permission to execute the specified operation",
			message: "Content violates usage guidelines. Team: 0f8fad5b-d9cb-469f-a165-70867728950e, API key ID: 7c9e6679-7425-40de-944b-e07fc1f90ae7, Model: grok-4, Failed check: SAFETY_CHECK_TYPE_BIO",
		},
		status: 403, kinds: [2]string{"invalid_request_error", "invalid_request_error"}, code: "content_policy_violation", says: "Content violates usage guidelines", conceals: "0f8fad5b",
	},
}

func TestAProvidersErrorReachesEachSDKAsItsOwnTypedError(t *testing.T) {
	for i, s := range sdks {
		for _, c := range providerErrors {
			t.Run(s.name+" "+c.name, func(t *testing.T) {
				t.Parallel()
				bothForms(t, s, func(t *testing.T, ask func(question) (string, error)) {
					r := relayTo(t, newProvider(t, c.dialect, turn{refused: &c.refused, header: c.header}), withEnv("RETRY_TIMES", "0"))
					text, err := ask(question{relay: r, header: map[string]string{"X-Request-Id": "my-id-42"}})
					require.Error(t, err)
					assert.Empty(t, text)
					failure := s.failure(t, err)
					assert.Equal(t, c.status, failure.status)
					assert.Equal(t, c.kinds[i], failure.kind)
					if i == 0 {
						assert.Equal(t, c.code, failure.code)
						assert.Equal(t, c.refused.param, failure.param)
					}
					assert.Contains(t, failure.message, c.says)
					assert.True(t, strings.HasSuffix(failure.message, "(request id: "+failure.header.Get("X-Oneapi-Request-Id")+")"), failure.message)
					assert.Equal(t, "my-id-42", failure.header.Get("X-Request-Id"))
					if c.conceals != "" {
						assert.NotContains(t, failure.message, c.conceals)
					}
					assert.Equal(t, c.retryAfter, failure.header.Get("Retry-After"))
					assert.Equal(t, []string{"upstream_status"}, r.outcomes(1))
				})
			})
		}
	}
}

const tokensYAML = `tokens:
  - {name: test, key: ` + testKey + `}
  - {name: narrow, key: sk-test-narrow-0123456789, models: [gpt-4o]}
`

func TestWhatTheRelayRefusesItselfIsATypedErrorToo(t *testing.T) {
	large := strings.Repeat("x", 1<<20+1)
	for i, s := range sdks {
		for _, c := range []struct {
			name     string
			question question
			status   int
			kinds    [2]string
			code     string
			says     string
		}{
			{"a wrong key", question{key: "sk-wrong"}, 401, [2]string{"authentication_error", "authentication_error"}, "invalid_api_key", "No valid API key"},
			{"an unknown model", question{model: "nobody"}, 404, [2]string{"invalid_request_error", "not_found_error"}, "model_not_found", "`nobody` does not exist"},
			{"a model that is not this key's", question{key: "sk-test-narrow-0123456789"}, 403, [2]string{"permission_error", "permission_error"}, "model_not_allowed", "may not use the model `m`"},
			{"a body that is too large", question{text: large}, 413, [2]string{"invalid_request_error", "request_too_large"}, "", "1 MiB"},
		} {
			t.Run(s.name+" "+c.name, func(t *testing.T) {
				t.Parallel()
				p := newProvider(t, openAIDialect, turn{text: []string{"never said"}})
				r := startRelay(t, "channels:\n"+p.channel("a", 0, "")+tokensYAML, withEnv("MAX_REQUEST_BODY_MB", "1"))
				c.question.relay = r
				bothForms(t, s, func(t *testing.T, ask func(question) (string, error)) {
					_, err := ask(c.question)
					require.Error(t, err)
					failure := s.failure(t, err)
					assert.Equal(t, c.status, failure.status)
					assert.Equal(t, c.kinds[i], failure.kind)
					if i == 0 {
						assert.Equal(t, c.code, failure.code)
					}
					assert.Contains(t, failure.message, c.says)
					assert.Contains(t, failure.message, "(request id: "+failure.header.Get("X-Oneapi-Request-Id")+")")
				})
				assert.Zero(t, p.requests.Load())
			})
		}
	}
}

// TestACallThatNoChannelTakesIsTypedToo is about the calls that follow a provider's refusal: nobody is asked for them.
func TestACallThatNoChannelTakesIsTypedToo(t *testing.T) {
	for _, c := range []struct {
		name    string
		refused refusal
		header  map[string]string
		status  int
		kinds   [2]string
		code    string
		wait    bool // the client is told when to come back
	}{
		{"while the only key cools", refusal{status: 429, kind: "rate_limit_error", message: "Slow down."}, map[string]string{"Retry-After": "120"},
			429, [2]string{"rate_limit_error", "rate_limit_error"}, "channels_busy", true},
		{"while the only key rests", refusal{status: 401, kind: "authentication_error", message: "No."}, nil,
			503, [2]string{"api_error", "api_error"}, "no_usable_channel", false},
	} {
		for i, s := range sdks {
			t.Run(s.name+" "+c.name, func(t *testing.T) {
				t.Parallel()
				p := newProvider(t, openAIDialect, turn{refused: &c.refused, header: c.header})
				r := relayTo(t, p)
				_, err := s.ask(question{relay: r})
				require.Error(t, err)
				bothForms(t, s, func(t *testing.T, ask func(question) (string, error)) {
					_, err := ask(question{relay: r})
					require.Error(t, err)
					failure := s.failure(t, err)
					assert.Equal(t, c.status, failure.status)
					assert.Equal(t, c.kinds[i], failure.kind)
					if i == 0 {
						assert.Equal(t, c.code, failure.code)
					}
					assert.Equal(t, c.wait, failure.header.Get("Retry-After") != "")
				})
				assert.EqualValues(t, 1, p.requests.Load())
			})
		}
	}
}

func TestAKeyThatIsNotOneIsRefusedWhenModelsAreListed(t *testing.T) {
	t.Parallel()
	r := relayTo(t, newProvider(t, openAIDialect, turn{text: []string{"Hello."}}))
	client := openAIClient(r, openaioption.WithAPIKey("sk-wrong"))
	_, err := client.Models.List(context.Background())
	require.Error(t, err)
	failure := openAIFailure(t, err)
	assert.Equal(t, 401, failure.status)
	assert.Equal(t, "authentication_error", failure.kind)
	assert.Equal(t, "invalid_api_key", failure.code)
}

func TestEndpointsThatTheRelayLacksAreTypedErrors(t *testing.T) {
	t.Parallel()
	r := relayTo(t, newProvider(t, openAIDialect, turn{text: []string{"Hello."}}))
	client := openAIClient(r)
	_, err := client.Moderations.New(context.Background(), openaisdk.ModerationNewParams{Input: openaisdk.ModerationNewParamsInputUnion{OfString: openaisdk.String("x")}})
	require.Error(t, err)
	failure := openAIFailure(t, err)
	assert.Equal(t, 404, failure.status)
	assert.Equal(t, "unknown_url", failure.code)
	assert.Contains(t, failure.message, "POST /v1/moderations")
	assert.Empty(t, failure.header.Get("Allow"))

	theirs := anthropicClient(r)
	_, err = theirs.Messages.CountTokens(context.Background(), anthropicsdk.MessageCountTokensParams{
		Model: "m", Messages: []anthropicsdk.MessageParam{anthropicsdk.NewUserMessage(anthropicsdk.NewTextBlock("Hi!"))},
	})
	require.Error(t, err)
	failure = anthropicFailure(t, err)
	assert.Equal(t, 404, failure.status)
	assert.Equal(t, "not_found_error", failure.kind)
	assert.Contains(t, failure.message, "POST /v1/messages/count_tokens")
}

func TestAnSDKThatRetriesGetsItsAnswerAfterALimit(t *testing.T) {
	for i, s := range sdks {
		d := []dialect{anthropicDialect, openAIDialect}[i]
		t.Run(s.name+" and a channel of type "+d.name(), func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, d,
				turn{refused: &refusal{status: 429, kind: "rate_limit_error", message: "Slow down."}, header: map[string]string{"Retry-After": "1"}},
				turn{text: []string{"Here ", "you are."}})
			r := relayTo(t, p)
			text, err := s.ask(question{relay: r, retries: 1})
			require.NoError(t, err, "the SDK waits as long as Retry-After says, and so does the key")
			assert.Equal(t, "Here you are.", text)
		})
	}
}
