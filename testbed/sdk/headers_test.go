package sdk

import (
	"net/http"
	"strings"
	"testing"

	anthropicsdk "github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
)

// passedOn are the headers of a request that may reach an upstream, whatever its client sends.
var passedOn = map[string]bool{
	"Accept": true, "Accept-Encoding": true, "Anthropic-Beta": true, "Anthropic-Version": true, "Authorization": true, "Content-Length": true,
	"Content-Type": true, "Openai-Beta": true, "User-Agent": true, "X-Api-Key": true,
}

func TestNothingOfAClientsOwnReachesAnUpstream(t *testing.T) {
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		p := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Hello."}})
		r := sdktest.RelayTo(t, p)
		sdktest.BothForms(t, s, func(t *testing.T, ask func(sdktest.Question) (string, error)) {
			_, err := ask(sdktest.Question{Relay: r, Header: map[string]string{
				"Cookie": "session=secret", "X-Forwarded-For": "203.0.113.9", "X-Real-Ip": "203.0.113.9", "Origin": "https://app.example.com",
				"Referer": "https://app.example.com/secret", "OpenAI-Organization": "org-client", "OpenAI-Project": "proj-client", "X-Tenant": "acme",
				"Traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "Idempotency-Key": "once", "X-Request-Id": "my-id-42",
			}})
			require.NoError(t, err)
			sent := p.LastHeader()
			for name, values := range sent {
				assert.True(t, passedOn[name], "%s: %s", name, values)
				assert.NotContains(t, strings.Join(values, " "), harness.Key, name)
			}
			assert.NotContains(t, p.LastPath(), harness.Key)
			if d.Name() == "anthropic" {
				assert.Equal(t, sdktest.UpstreamKey, sent.Get("X-Api-Key"))
				assert.Empty(t, sent.Values("Authorization"))
				assert.Equal(t, "2023-06-01", sent.Get("Anthropic-Version"))
			} else {
				assert.Equal(t, "Bearer "+sdktest.UpstreamKey, sent.Get("Authorization"))
				assert.Empty(t, sent.Values("X-Api-Key"))
				assert.Empty(t, sent.Values("Anthropic-Version"))
			}
			assert.Equal(t, "one-api", sent.Get("User-Agent"))
		})
	})
}

// answered are the headers of a response that a client may see.
var answered = map[string]bool{
	"Request-Id": true, "X-Request-Id": true,
	"Content-Type": true, "Content-Length": true, "Date": true, "X-Oneapi-Request-Id": true, "Cache-Control": true, "X-Accel-Buffering": true, "Retry-After": true,
}

func TestNothingOfAnUpstreamsOwnReachesAClient(t *testing.T) {
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		for _, answer := range []sdktest.Turn{
			{Text: []string{"Hello."}},
			{Refused: &sdktest.Refusal{Status: 500, Kind: "api_error", Message: "Internal server error"}},
		} {
			r := sdktest.RelayTo(t, sdktest.NewProvider(t, d, answer))
			sdktest.BothForms(t, s, func(t *testing.T, ask func(sdktest.Question) (string, error)) {
				var response *http.Response
				_, _ = ask(sdktest.Question{Relay: r, Answer: &response})
				require.NotNil(t, response)
				for name, values := range response.Header {
					limits := name == "Anthropic-Ratelimit-Requests-Remaining" || name == "X-Ratelimit-Remaining-Requests"
					assert.True(t, answered[name] || limits, "%s: %s", name, values)
				}
				for _, name := range []string{"Request-Id", "X-Request-Id"} { // under which the SDKs look for it
					for _, id := range response.Header.Values(name) {
						assert.Equal(t, response.Header.Get("X-Oneapi-Request-Id"), id, "the relay's, not its upstream's")
					}
				}
			})
		}
	})
}

func TestEveryAnswerHasTheIdOfItsRequest(t *testing.T) {
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		r := sdktest.RelayTo(t, sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Hello."}}))
		sdktest.BothForms(t, s, func(t *testing.T, ask func(sdktest.Question) (string, error)) {
			ids := map[string]bool{}
			got := func(sent string) string {
				var response *http.Response
				header := map[string]string{}
				if sent != "" {
					header["X-Request-Id"] = sent
				}
				_, err := ask(sdktest.Question{Relay: r, Answer: &response, Header: header})
				require.NoError(t, err)
				id := response.Header.Get("X-Oneapi-Request-Id")
				assert.Len(t, id, 32)
				assert.False(t, ids[id], "the relay's own, and of this request alone")
				ids[id] = true
				if d.Name() == "anthropic" || response.Header.Get("Request-Id") != "" {
					assert.Contains(t, []string{id, ""}, response.Header.Get("Request-Id"), "under its provider's name too")
				}
				echoed := response.Header.Get("X-Request-Id")
				if echoed == id {
					return ""
				}
				return echoed
			}
			assert.Empty(t, got(""))
			assert.Empty(t, got(""))
			assert.Equal(t, "trace-7f3e:42/b", got("trace-7f3e:42/b"), "a sane one is echoed beside it")
			assert.Equal(t, "trace-7f3e:42/b", got("trace-7f3e:42/b"), "as often as it comes")
			for _, odd := range []string{strings.Repeat("x", 129), "two words", `quo"te`, "naïve"} {
				assert.Empty(t, got(odd))
			}
		})
	})
}

func TestBetasOfAnthropicsSDKReachAnthropic(t *testing.T) {
	t.Parallel()
	p := sdktest.NewProvider(t, sdktest.AnthropicDialect, sdktest.Turn{Text: []string{"Hello."}})
	client := sdktest.AnthropicClient(sdktest.RelayTo(t, p), anthropicoption.WithHeader("anthropic-version", "2023-01-01"))
	params := anthropicsdk.BetaMessageNewParams{
		Model: "m", MaxTokens: 9, Betas: []anthropicsdk.AnthropicBeta{"context-1m-2025-08-07", "files-api-2025-04-14"},
		Messages: []anthropicsdk.BetaMessageParam{anthropicsdk.NewBetaUserMessage(anthropicsdk.NewBetaTextBlock("Hi!"))},
	}
	message, err := client.Beta.Messages.New(t.Context(), params)
	require.NoError(t, err)
	assert.Equal(t, "Hello.", message.Content[0].Text)
	assert.Equal(t, "/v1/messages?beta=true", p.LastPath())
	assert.Contains(t, strings.Join(p.LastHeader().Values("Anthropic-Beta"), ","), "context-1m-2025-08-07")
	assert.Contains(t, strings.Join(p.LastHeader().Values("Anthropic-Beta"), ","), "files-api-2025-04-14")
	assert.Equal(t, "2023-01-01", p.LastHeader().Get("Anthropic-Version"))

	stream := client.Beta.Messages.NewStreaming(t.Context(), params)
	defer func() { _ = stream.Close() }()
	var streamed anthropicsdk.BetaMessage
	for stream.Next() {
		require.NoError(t, streamed.Accumulate(stream.Current()))
	}
	require.NoError(t, stream.Err())
	assert.Equal(t, "Hello.", streamed.Content[0].Text)
}

// TestAnthropicsSDKMayShowItsKeyAsABearerToken is how tools do it that are given ANTHROPIC_AUTH_TOKEN.
func TestAnthropicsSDKMayShowItsKeyAsABearerToken(t *testing.T) {
	t.Parallel()
	p := sdktest.NewProvider(t, sdktest.AnthropicDialect, sdktest.Turn{Text: []string{"Hello."}})
	r := sdktest.RelayTo(t, p)
	client := anthropicsdk.NewClient(anthropicoption.WithoutEnvironmentDefaults(), anthropicoption.WithBaseURL(r.URL),
		anthropicoption.WithAuthToken(harness.Key), anthropicoption.WithHTTPClient(r.Client), anthropicoption.WithMaxRetries(0))
	message, err := client.Messages.New(t.Context(), anthropicChat())
	require.NoError(t, err)
	assert.Equal(t, "Hello.", sdktest.AnthropicText(*message))
	assert.Empty(t, p.LastHeader().Values("Authorization"))
	assert.Equal(t, sdktest.UpstreamKey, p.LastHeader().Get("X-Api-Key"))
}
