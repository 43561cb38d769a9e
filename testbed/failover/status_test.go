package failover

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	openaisdk "github.com/openai/openai-go/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
)

// What a provider may answer instead of an answer, and what becomes of the call.

var (
	isLimited    = sdktest.Refusal{Status: 429, Kind: "rate_limit_error", Code: "rate_limit_exceeded", Message: "Rate limit reached."}
	isBroken     = sdktest.Refusal{Status: 500, Kind: "api_error", Message: "The server had an error while processing your request."}
	isOverloaded = sdktest.Refusal{Status: 503, Kind: "overloaded_error", Code: "overloaded", Message: "The engine is currently overloaded."}
)

func TestAClientIsRescuedFromWhatHappensBeforeTheFirstToken(t *testing.T) {
	for _, c := range []struct {
		name string
		meet func(d sdktest.Dialect) func(int, http.ResponseWriter, *http.Request) bool
	}{
		{"429 with Retry-After", func(d sdktest.Dialect) func(int, http.ResponseWriter, *http.Request) bool {
			return meetsWith(d, 1, isLimited, "Retry-After", strconv.Itoa(2*int(unhurried.Seconds())))
		}},
		{"429 for ever", func(d sdktest.Dialect) func(int, http.ResponseWriter, *http.Request) bool {
			return meetsWith(d, 0, isLimited)
		}},
		{"500 once", func(d sdktest.Dialect) func(int, http.ResponseWriter, *http.Request) bool {
			return meetsWith(d, 1, isBroken)
		}},
		{"503 for ever", func(d sdktest.Dialect) func(int, http.ResponseWriter, *http.Request) bool {
			return meetsWith(d, 0, isOverloaded)
		}},
		{"a reset", func(sdktest.Dialect) func(int, http.ResponseWriter, *http.Request) bool { return resets(1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
				t.Parallel()
				sdktest.BothForms(t, s, func(t *testing.T, ask func(sdktest.Question) (string, error)) {
					p := newPair(t, d, newFlaky(t, d, c.meet(d), sdktest.Turn{Text: sixtyWords()}), "")
					began := time.Now()
					p.requireRescued(t, ask)
					assert.Less(t, time.Since(began), unhurried, "nobody waits while another channel is well")
					p.requireAsked(t, 1, 1)
					p.requireAlive(t, s)
				})
			})
		})
	}
}

// TestTheOnlyChannelIsAskedOnceMoreBeforeItsFaultIsTold: a fault that passes costs its client a moment, and one that does not is
// told with how long to wait.
func TestTheOnlyChannelIsAskedOnceMoreBeforeItsFaultIsTold(t *testing.T) {
	for _, c := range []struct {
		name       string
		meet       func(d sdktest.Dialect) func(int, http.ResponseWriter, *http.Request) bool
		status     int // 0: it passes
		retryAfter string
		tries      int
	}{
		{"429 with Retry-After", func(d sdktest.Dialect) func(int, http.ResponseWriter, *http.Request) bool {
			return meetsWith(d, 1, isLimited, "Retry-After-Ms", "20")
		}, 0, "", 2},
		{"429 with a long Retry-After", func(d sdktest.Dialect) func(int, http.ResponseWriter, *http.Request) bool {
			return meetsWith(d, 1, isLimited, "Retry-After", "20")
		}, 429, "20", 1},
		{"429 for ever", func(d sdktest.Dialect) func(int, http.ResponseWriter, *http.Request) bool {
			return meetsWith(d, 0, isLimited)
		}, 429, "1", 2},
		{"500 once", func(d sdktest.Dialect) func(int, http.ResponseWriter, *http.Request) bool {
			return meetsWith(d, 1, isBroken)
		}, 0, "", 2},
		{"503 for ever", func(d sdktest.Dialect) func(int, http.ResponseWriter, *http.Request) bool {
			return meetsWith(d, 0, isOverloaded)
		}, 502, "", 2},
		{"a reset", func(sdktest.Dialect) func(int, http.ResponseWriter, *http.Request) bool { return resets(1) }, 0, "", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
				t.Parallel()
				sdktest.BothForms(t, s, func(t *testing.T, ask func(sdktest.Question) (string, error)) {
					p := alone(t, newFlaky(t, d, c.meet(d), sdktest.Turn{Text: sixtyWords()}), "")
					text, err := ask(sdktest.Question{Relay: p.Relay})
					p.requireAsked(t, c.tries, 0)
					if c.status == 0 {
						require.NoError(t, err)
						assert.Equal(t, theWholeAnswer(), text)
						return
					}
					require.Error(t, err)
					failure := s.Failure(t, err)
					assert.Equal(t, c.status, failure.Status)
					assert.Equal(t, c.retryAfter, failure.Header.Get("Retry-After"))
					p.requireAlive(t, s)
				})
			})
		})
	}
}

// TestAnSDKThatRetriesIsRescuedWhereThereIsOnlyOneChannel is how the two of them go together: the relay says how long to wait,
// and the official SDKs wait that long and ask again.
func TestAnSDKThatRetriesIsRescuedWhereThereIsOnlyOneChannel(t *testing.T) {
	harness.Long(t)
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		for name, meet := range map[string]func(int, http.ResponseWriter, *http.Request) bool{
			"429": meetsWith(d, 1, isLimited, "Retry-After", "1"), "500": meetsWith(d, 1, isBroken), "reset": resets(1),
		} {
			p := alone(t, newFlaky(t, d, meet, sdktest.Turn{Text: sixtyWords()}), "", harness.WithEnv("RETRY_TIMES", "0"))
			text, err := s.Ask(sdktest.Question{Relay: p.Relay, Retries: 2})
			require.NoError(t, err, name)
			assert.Equal(t, theWholeAnswer(), text)
			asked := p.primary.asked()
			require.Len(t, asked, 2)
			if name == "429" {
				assert.GreaterOrEqual(t, asked[1].Sub(asked[0]), time.Second-50*time.Millisecond)
			}
		}
	})
}

// TestWhatIsWrongWithTheRequestIsToldAfterOneAttempt in the words of each provider.
func TestWhatIsWrongWithTheRequestIsToldAfterOneAttempt(t *testing.T) {
	words := []struct {
		name    string
		of      string
		refused sdktest.Refusal
	}{
		{"context length", "openai", sdktest.Refusal{Status: 400, Kind: "invalid_request_error", Code: "context_length_exceeded", Param: "messages",
			Message: "This model's maximum context length is 8192 tokens. However, your messages resulted in 9631 tokens. Please reduce the length of the messages."}},
		{"context length", "anthropic", sdktest.Refusal{Status: 400, Kind: "invalid_request_error", Message: "prompt is too long: 209311 tokens > 200000 maximum"}},
		{"context length", "xai", sdktest.Refusal{Status: 400, Code: "Client specified an invalid argument",
			Message: "This model's maximum prompt length is 131072 but the request contains 140000 tokens."}},
		{"too many bytes", "anthropic", sdktest.Refusal{Status: 413, Kind: "request_too_large", Message: "Request exceeds the maximum size"}},
		{"content filter", "openai", sdktest.Refusal{Status: 400, Kind: "invalid_request_error", Code: "content_policy_violation",
			Message: "Your request was rejected as a result of our safety system."}},
		{"content filter of Azure", "openai", sdktest.Refusal{Status: 400, Code: "content_filter",
			Message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."}},
		{"content filter", "anthropic", sdktest.Refusal{Status: 400, Kind: "invalid_request_error", Message: "Output blocked by content filtering policy"}},
		{"content filter", "xai", sdktest.Refusal{Status: 403, Code: "The caller does not have permission to execute the specified operation",
			Message: "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"}},
	}
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		for _, c := range words {
			if c.of != d.Name() {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				sdktest.BothForms(t, s, func(t *testing.T, ask func(sdktest.Question) (string, error)) {
					p := newPair(t, d, newFlaky(t, d, meetsWith(d, 1, c.refused), sdktest.Turn{Text: sixtyWords()}), "")
					_, err := ask(sdktest.Question{Relay: p.Relay})
					require.Error(t, err)
					failure := s.Failure(t, err)
					assert.Equal(t, c.refused.Status, failure.Status)
					assert.Contains(t, failure.Message, c.refused.Message)
					p.requireAsked(t, 1, 0)
					text, err := ask(sdktest.Question{Relay: p.Relay})
					require.NoError(t, err, "the channel was not held responsible")
					assert.Equal(t, theWholeAnswer(), text)
					p.requireAsked(t, 2, 0)
				})
			})
		}
	})
}

// TestTheAnswerOfAFallbackNamesTheFallbacksModelAndCountsItsTokens: whoever pays can see who answered.
func TestTheAnswerOfAFallbackNamesTheFallbacksModelAndCountsItsTokens(t *testing.T) {
	for _, stream := range []bool{false, true} {
		t.Run("stream "+strconv.FormatBool(stream), func(t *testing.T) {
			primary := newFlaky(t, sdktest.XaiDialect, meetsWith(sdktest.XaiDialect, 0, isOverloaded), sdktest.Turn{})
			fallback := newFlaky(t, sdktest.OpenAIDialect, nil, sdktest.Turn{Text: sixtyWords()})
			r := harness.StartRelay(t, "channels:\n"+primary.Channel("primary", 10, "")+fallback.Channel("fallback", 0, ""))
			client := sdktest.OpenAIClient(r)
			if stream {
				params := sdktest.OpenAIChat()
				params.StreamOptions.IncludeUsage = openaisdk.Bool(true)
				s := client.Chat.Completions.NewStreaming(context.Background(), params)
				model, tokens := "", int64(0)
				for s.Next() {
					model, tokens = s.Current().Model, max(tokens, s.Current().Usage.TotalTokens)
				}
				require.NoError(t, s.Err())
				require.NoError(t, s.Close())
				assert.Equal(t, sdktest.OpenAIAnswering, model)
				assert.EqualValues(t, sdktest.CostInput+sdktest.CostOutput, tokens)
			} else {
				answer, err := client.Chat.Completions.New(context.Background(), sdktest.OpenAIChat())
				require.NoError(t, err)
				assert.Equal(t, sdktest.OpenAIAnswering, answer.Model)
				assert.EqualValues(t, sdktest.CostInput+sdktest.CostOutput, answer.Usage.TotalTokens)
			}
			require.Equal(t, []string{"upstream_status", "completed"}, r.Outcomes(2))
			attempts := r.Recorded()
			assert.Equal(t, "primary", attempts[0].Channel.Name)
			assert.Zero(t, attempts[0].Usage.Output(), "an attempt that failed cost no completion")
			assert.Equal(t, "fallback", attempts[1].Channel.Name)
			assert.EqualValues(t, sdktest.CostOutput, attempts[1].Usage.Output())
			var asked struct{ Model string }
			require.NoError(t, json.Unmarshal([]byte(fallback.LastText()), &asked))
			assert.Equal(t, "gpt-4o", asked.Model)
		})
	}
}
