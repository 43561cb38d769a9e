package sdk

import (
	"context"
	"strings"
	"testing"

	anthropicsdk "github.com/anthropics/anthropic-sdk-go"
	openaisdk "github.com/openai/openai-go/v3"
	openaioption "github.com/openai/openai-go/v3/option"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
)

// providerErrors are errors of providers, and what becomes of them. The kinds are the type for OpenAI's SDK and for Anthropic's.
var providerErrors = []struct {
	name           string
	dialect        sdktest.Dialect
	refused        sdktest.Refusal
	header         map[string]string
	status         int
	kinds          [2]string
	code           string // for OpenAI's SDK
	says, conceals string
	retryAfter     string
}{
	{
		name: "400 of OpenAI", dialect: sdktest.OpenAIDialect,
		refused: sdktest.Refusal{Status: 400, Kind: "invalid_request_error", Param: "messages", Code: "context_length_exceeded", Message: "This model's maximum context length is 128000 tokens."},
		status:  400, kinds: [2]string{"invalid_request_error", "invalid_request_error"}, code: "context_length_exceeded", says: "This model's maximum context length is 128000 tokens.",
	},
	{
		name: "401 of OpenAI", dialect: sdktest.OpenAIDialect,
		refused: sdktest.Refusal{Status: 401, Kind: "invalid_request_error", Code: "invalid_api_key", Message: "Incorrect API key provided: sk-up-a."},
		status:  502, kinds: [2]string{"api_error", "api_error"}, code: "upstream_refused_credentials", says: "the upstream refused the relay's credentials", conceals: "sk-up",
	},
	{
		name: "429 of OpenAI", dialect: sdktest.OpenAIDialect, header: map[string]string{"Retry-After": "7"},
		refused: sdktest.Refusal{Status: 429, Kind: "tokens", Code: "rate_limit_exceeded", Message: "Rate limit reached for gpt-4o in organization org-AbCdEfGhIjKlMnOpQrStUvWx on tokens per min (TPM)."},
		status:  429, kinds: [2]string{"tokens", "rate_limit_error"}, code: "rate_limit_exceeded", says: "Rate limit reached for gpt-4o", conceals: "org-AbC", retryAfter: "7",
	},
	{
		name: "500 of OpenAI", dialect: sdktest.OpenAIDialect,
		refused: sdktest.Refusal{Status: 500, Kind: "server_error", Message: "The server had an error while processing your request. Sorry about that!"},
		status:  502, kinds: [2]string{"server_error", "api_error"}, says: "Sorry about that!",
	},
	{
		name: "404 of OpenAI", dialect: sdktest.OpenAIDialect,
		refused: sdktest.Refusal{Status: 404, Kind: "invalid_request_error", Code: "model_not_found", Message: "The model `gpt-4o` does not exist or you do not have access to it."},
		status:  404, kinds: [2]string{"invalid_request_error", "not_found_error"}, code: "model_not_found", says: "does not exist",
	},
	{
		name: "400 of Anthropic", dialect: sdktest.AnthropicDialect,
		refused: sdktest.Refusal{Status: 400, Kind: "invalid_request_error", Message: "prompt is too long: 208310 tokens > 200000 maximum"},
		status:  400, kinds: [2]string{"invalid_request_error", "invalid_request_error"}, code: "context_length_exceeded", says: "prompt is too long: 208310 tokens > 200000 maximum",
	},
	{
		name: "400 of Anthropic about the operator's account", dialect: sdktest.AnthropicDialect,
		refused: sdktest.Refusal{Status: 400, Kind: "invalid_request_error", Message: "Your credit balance is too low to access the Anthropic API."},
		status:  502, kinds: [2]string{"api_error", "api_error"}, code: "upstream_refused_credentials", says: "credentials", conceals: "credit balance",
	},
	{
		name: "401 of Anthropic", dialect: sdktest.AnthropicDialect,
		refused: sdktest.Refusal{Status: 401, Kind: "authentication_error", Message: "invalid x-api-key"},
		status:  502, kinds: [2]string{"api_error", "api_error"}, code: "upstream_refused_credentials", says: "credentials", conceals: "x-api-key",
	},
	{
		name: "413 of Anthropic", dialect: sdktest.AnthropicDialect,
		refused: sdktest.Refusal{Status: 413, Kind: "request_too_large", Message: "Request exceeds the maximum size"},
		status:  413, kinds: [2]string{"request_too_large", "request_too_large"}, says: "Request exceeds the maximum size",
	},
	{
		name: "429 of Anthropic", dialect: sdktest.AnthropicDialect, header: map[string]string{"Retry-After": "9"},
		refused: sdktest.Refusal{Status: 429, Kind: "rate_limit_error", Message: "This request would exceed your organization's rate limit of 50 requests per minute."},
		status:  429, kinds: [2]string{"rate_limit_error", "rate_limit_error"}, code: "rate_limit_exceeded", says: "rate limit", retryAfter: "9",
	},
	{
		name: "500 of Anthropic", dialect: sdktest.AnthropicDialect,
		refused: sdktest.Refusal{Status: 500, Kind: "api_error", Message: "Internal server error"},
		status:  502, kinds: [2]string{"api_error", "api_error"}, says: "Internal server error",
	},
	{
		name: "529 of Anthropic", dialect: sdktest.AnthropicDialect,
		refused: sdktest.Refusal{Status: 529, Kind: "overloaded_error", Message: "Overloaded"},
		status:  502, kinds: [2]string{"overloaded_error", "overloaded_error"}, says: "Overloaded",
	},
	{
		name: "400 of xAI about the key", dialect: sdktest.XaiDialect,
		refused: sdktest.Refusal{Status: 400, Code: "Client specified an invalid argument", Message: "Incorrect API key provided: sk***-a. You can obtain an API key from https://console.x.ai."},
		status:  502, kinds: [2]string{"api_error", "api_error"}, code: "upstream_refused_credentials", says: "credentials", conceals: "console.x.ai",
	},
	{
		name: "403 of xAI about the prompt", dialect: sdktest.XaiDialect,
		refused: sdktest.Refusal{
			Status: 403, Code: "The caller does not have permission to execute the specified operation",
			Message: "Content violates usage guidelines. Team: 0f8fad5b-d9cb-469f-a165-70867728950e, API key ID: 7c9e6679-7425-40de-944b-e07fc1f90ae7, Model: grok-4, Failed check: SAFETY_CHECK_TYPE_BIO",
		},
		status: 403, kinds: [2]string{"invalid_request_error", "invalid_request_error"}, code: "content_policy_violation", says: "Content violates usage guidelines", conceals: "0f8fad5b",
	},
}

func TestAProvidersErrorReachesEachSDKAsItsOwnTypedError(t *testing.T) {
	for i, s := range sdktest.Sdks {
		for _, c := range providerErrors {
			t.Run(s.Name+" "+c.name, func(t *testing.T) {
				t.Parallel()
				sdktest.BothForms(t, s, func(t *testing.T, ask func(sdktest.Question) (string, error)) {
					r := sdktest.RelayTo(t, sdktest.NewProvider(t, c.dialect, sdktest.Turn{Refused: &c.refused, Header: c.header}), harness.WithEnv("RETRY_TIMES", "0"))
					text, err := ask(sdktest.Question{Relay: r, Header: map[string]string{"X-Request-Id": "my-id-42"}})
					require.Error(t, err)
					assert.Empty(t, text)
					failure := s.Failure(t, err)
					assert.Equal(t, c.status, failure.Status)
					assert.Equal(t, c.kinds[i], failure.Kind)
					if i == 0 {
						assert.Equal(t, c.code, failure.Code)
						assert.Equal(t, c.refused.Param, failure.Param)
					}
					assert.Contains(t, failure.Message, c.says)
					assert.True(t, strings.HasSuffix(failure.Message, "(request id: "+failure.Header.Get("X-Oneapi-Request-Id")+")"), failure.Message)
					assert.Equal(t, "my-id-42", failure.Header.Get("X-Request-Id"))
					if c.conceals != "" {
						assert.NotContains(t, failure.Message, c.conceals)
					}
					assert.Equal(t, c.retryAfter, failure.Header.Get("Retry-After"))
					assert.Equal(t, []string{"upstream_status"}, r.Outcomes(1))
				})
			})
		}
	}
}

const tokensYAML = `tokens:
  - {name: test, key: ` + harness.Key + `}
  - {name: narrow, key: sk-test-narrow-0123456789, models: [gpt-4o]}
`

func TestWhatTheRelayRefusesItselfIsATypedErrorToo(t *testing.T) {
	large := strings.Repeat("x", 1<<20+1)
	for i, s := range sdktest.Sdks {
		for _, c := range []struct {
			name     string
			question sdktest.Question
			status   int
			kinds    [2]string
			code     string
			says     string
		}{
			{"a wrong key", sdktest.Question{Key: "sk-wrong"}, 401, [2]string{"authentication_error", "authentication_error"}, "invalid_api_key", "No valid API key"},
			{"an unknown model", sdktest.Question{Model: "nobody"}, 404, [2]string{"invalid_request_error", "not_found_error"}, "model_not_found", "`nobody` does not exist"},
			{"a model that is not this key's", sdktest.Question{Key: "sk-test-narrow-0123456789"}, 403, [2]string{"permission_error", "permission_error"}, "model_not_allowed", "may not use the model `m`"},
			{"a body that is too large", sdktest.Question{Text: large}, 413, [2]string{"invalid_request_error", "request_too_large"}, "", "1 MiB"},
		} {
			t.Run(s.Name+" "+c.name, func(t *testing.T) {
				t.Parallel()
				p := sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Text: []string{"never said"}})
				r := harness.StartRelay(t, "channels:\n"+p.Channel("a", 0, "")+tokensYAML, harness.WithEnv("MAX_REQUEST_BODY_MB", "1"))
				c.question.Relay = r
				sdktest.BothForms(t, s, func(t *testing.T, ask func(sdktest.Question) (string, error)) {
					_, err := ask(c.question)
					require.Error(t, err)
					failure := s.Failure(t, err)
					assert.Equal(t, c.status, failure.Status)
					assert.Equal(t, c.kinds[i], failure.Kind)
					if i == 0 {
						assert.Equal(t, c.code, failure.Code)
					}
					assert.Contains(t, failure.Message, c.says)
					assert.Contains(t, failure.Message, "(request id: "+failure.Header.Get("X-Oneapi-Request-Id")+")")
				})
				assert.Zero(t, p.Requests.Load())
			})
		}
	}
}

// TestACallThatNoChannelTakesIsTypedToo is about the calls that follow a provider's refusal: nobody is asked for them.
func TestACallThatNoChannelTakesIsTypedToo(t *testing.T) {
	for _, c := range []struct {
		name    string
		refused sdktest.Refusal
		header  map[string]string
		status  int
		kinds   [2]string
		code    string
		wait    bool // the client is told when to come back
	}{
		{"while the only key cools", sdktest.Refusal{Status: 429, Kind: "rate_limit_error", Message: "Slow down."}, map[string]string{"Retry-After": "120"},
			429, [2]string{"rate_limit_error", "rate_limit_error"}, "channels_busy", true},
		{"while the only key rests", sdktest.Refusal{Status: 401, Kind: "authentication_error", Message: "No."}, nil,
			503, [2]string{"api_error", "api_error"}, "no_usable_channel", false},
	} {
		for i, s := range sdktest.Sdks {
			t.Run(s.Name+" "+c.name, func(t *testing.T) {
				t.Parallel()
				p := sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Refused: &c.refused, Header: c.header})
				r := sdktest.RelayTo(t, p)
				_, err := s.Ask(sdktest.Question{Relay: r})
				require.Error(t, err)
				sdktest.BothForms(t, s, func(t *testing.T, ask func(sdktest.Question) (string, error)) {
					_, err := ask(sdktest.Question{Relay: r})
					require.Error(t, err)
					failure := s.Failure(t, err)
					assert.Equal(t, c.status, failure.Status)
					assert.Equal(t, c.kinds[i], failure.Kind)
					if i == 0 {
						assert.Equal(t, c.code, failure.Code)
					}
					assert.Equal(t, c.wait, failure.Header.Get("Retry-After") != "")
				})
				assert.EqualValues(t, 1, p.Requests.Load())
			})
		}
	}
}

func TestAKeyThatIsNotOneIsRefusedWhenModelsAreListed(t *testing.T) {
	t.Parallel()
	r := sdktest.RelayTo(t, sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Text: []string{"Hello."}}))
	client := sdktest.OpenAIClient(r, openaioption.WithAPIKey("sk-wrong"))
	_, err := client.Models.List(context.Background())
	require.Error(t, err)
	failure := sdktest.OpenAIFailure(t, err)
	assert.Equal(t, 401, failure.Status)
	assert.Equal(t, "authentication_error", failure.Kind)
	assert.Equal(t, "invalid_api_key", failure.Code)
}

func TestEndpointsThatTheRelayLacksAreTypedErrors(t *testing.T) {
	t.Parallel()
	r := sdktest.RelayTo(t, sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Text: []string{"Hello."}}))
	client := sdktest.OpenAIClient(r)
	_, err := client.Batches.New(context.Background(), openaisdk.BatchNewParams{
		Endpoint: openaisdk.BatchNewParamsEndpointV1ChatCompletions, InputFileID: "file-1", CompletionWindow: openaisdk.BatchNewParamsCompletionWindow24h,
	})
	require.Error(t, err)
	failure := sdktest.OpenAIFailure(t, err)
	assert.Equal(t, 404, failure.Status)
	assert.Equal(t, "unknown_url", failure.Code)
	assert.Contains(t, failure.Message, "POST /v1/batches")
	assert.Empty(t, failure.Header.Get("Allow"))

	theirs := sdktest.AnthropicClient(r)
	_, err = theirs.Messages.Batches.List(context.Background(), anthropicsdk.MessageBatchListParams{})
	require.Error(t, err)
	failure = sdktest.AnthropicFailure(t, err)
	assert.Equal(t, 404, failure.Status)
	assert.Equal(t, "not_found_error", failure.Kind)
	assert.Contains(t, failure.Message, "GET /v1/messages/batches")
}

func TestAnSDKThatRetriesGetsItsAnswerAfterALimit(t *testing.T) {
	for i, s := range sdktest.Sdks {
		d := []sdktest.Dialect{sdktest.AnthropicDialect, sdktest.OpenAIDialect}[i]
		t.Run(s.Name+" and a channel of type "+d.Name(), func(t *testing.T) {
			t.Parallel()
			p := sdktest.NewProvider(t, d,
				sdktest.Turn{Refused: &sdktest.Refusal{Status: 429, Kind: "rate_limit_error", Message: "Slow down."}, Header: map[string]string{"Retry-After": "1"}},
				sdktest.Turn{Text: []string{"Here ", "you are."}})
			r := sdktest.RelayTo(t, p)
			text, err := s.Ask(sdktest.Question{Relay: r, Retries: 1})
			require.NoError(t, err, "the SDK waits as long as Retry-After says, and so does the key")
			assert.Equal(t, "Here you are.", text)
		})
	}
}
