package suite

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
)

// What a provider may answer instead of an answer, and what becomes of the call.

var (
	isLimited    = refusal{status: 429, kind: "rate_limit_error", code: "rate_limit_exceeded", message: "Rate limit reached."}
	isBroken     = refusal{status: 500, kind: "api_error", message: "The server had an error while processing your request."}
	isOverloaded = refusal{status: 503, kind: "overloaded_error", code: "overloaded", message: "The engine is currently overloaded."}
)

func TestAClientIsRescuedFromWhatHappensBeforeTheFirstToken(t *testing.T) {
	for _, c := range []struct {
		name string
		meet func(d dialect) func(int, http.ResponseWriter, *http.Request) bool
	}{
		{"429 with Retry-After", func(d dialect) func(int, http.ResponseWriter, *http.Request) bool {
			return meetsWith(d, 1, isLimited, "Retry-After", strconv.Itoa(2*int(unhurried.Seconds())))
		}},
		{"429 for ever", func(d dialect) func(int, http.ResponseWriter, *http.Request) bool { return meetsWith(d, 0, isLimited) }},
		{"500 once", func(d dialect) func(int, http.ResponseWriter, *http.Request) bool { return meetsWith(d, 1, isBroken) }},
		{"503 for ever", func(d dialect) func(int, http.ResponseWriter, *http.Request) bool {
			return meetsWith(d, 0, isOverloaded)
		}},
		{"a reset", func(dialect) func(int, http.ResponseWriter, *http.Request) bool { return resets(1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			everyWay(t, func(t *testing.T, s sdk, d dialect) {
				t.Parallel()
				bothForms(t, s, func(t *testing.T, ask func(question) (string, error)) {
					p := newPair(t, d, newFlaky(t, d, c.meet(d), turn{text: sixtyWords()}), "")
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
		meet       func(d dialect) func(int, http.ResponseWriter, *http.Request) bool
		status     int // 0: it passes
		retryAfter string
		tries      int
	}{
		{"429 with Retry-After", func(d dialect) func(int, http.ResponseWriter, *http.Request) bool {
			return meetsWith(d, 1, isLimited, "Retry-After-Ms", "20")
		}, 0, "", 2},
		{"429 with a long Retry-After", func(d dialect) func(int, http.ResponseWriter, *http.Request) bool {
			return meetsWith(d, 1, isLimited, "Retry-After", "20")
		}, 429, "20", 1},
		{"429 for ever", func(d dialect) func(int, http.ResponseWriter, *http.Request) bool { return meetsWith(d, 0, isLimited) }, 429, "1", 2},
		{"500 once", func(d dialect) func(int, http.ResponseWriter, *http.Request) bool { return meetsWith(d, 1, isBroken) }, 0, "", 2},
		{"503 for ever", func(d dialect) func(int, http.ResponseWriter, *http.Request) bool {
			return meetsWith(d, 0, isOverloaded)
		}, 502, "", 2},
		{"a reset", func(dialect) func(int, http.ResponseWriter, *http.Request) bool { return resets(1) }, 0, "", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			everyWay(t, func(t *testing.T, s sdk, d dialect) {
				t.Parallel()
				bothForms(t, s, func(t *testing.T, ask func(question) (string, error)) {
					p := alone(t, newFlaky(t, d, c.meet(d), turn{text: sixtyWords()}), "")
					text, err := ask(question{relay: p.testRelay})
					p.requireAsked(t, c.tries, 0)
					if c.status == 0 {
						require.NoError(t, err)
						assert.Equal(t, theWholeAnswer(), text)
						return
					}
					require.Error(t, err)
					failure := s.failure(t, err)
					assert.Equal(t, c.status, failure.status)
					assert.Equal(t, c.retryAfter, failure.header.Get("Retry-After"))
					p.requireAlive(t, s)
				})
			})
		})
	}
}

// TestAnSDKThatRetriesIsRescuedWhereThereIsOnlyOneChannel is how the two of them go together: the relay says how long to wait,
// and the official SDKs wait that long and ask again.
func TestAnSDKThatRetriesIsRescuedWhereThereIsOnlyOneChannel(t *testing.T) {
	long(t)
	everyWay(t, func(t *testing.T, s sdk, d dialect) {
		t.Parallel()
		for name, meet := range map[string]func(int, http.ResponseWriter, *http.Request) bool{
			"429": meetsWith(d, 1, isLimited, "Retry-After", "1"), "500": meetsWith(d, 1, isBroken), "reset": resets(1),
		} {
			p := alone(t, newFlaky(t, d, meet, turn{text: sixtyWords()}), "", withEnv("RETRY_TIMES", "0"))
			text, err := s.ask(question{relay: p.testRelay, retries: 2})
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
		refused refusal
	}{
		{"context length", "openai", refusal{status: 400, kind: "invalid_request_error", code: "context_length_exceeded", param: "messages",
			message: "This model's maximum context length is 8192 tokens. However, your messages resulted in 9631 tokens. Please reduce the length of the messages."}},
		{"context length", "anthropic", refusal{status: 400, kind: "invalid_request_error", message: "prompt is too long: 209311 tokens > 200000 maximum"}},
		{"context length", "xai", refusal{status: 400, code: "Client specified an invalid argument",
			message: "This model's maximum prompt length is 131072 but the request contains 140000 tokens."}},
		{"too many bytes", "anthropic", refusal{status: 413, kind: "request_too_large", message: "Request exceeds the maximum size"}},
		{"content filter", "openai", refusal{status: 400, kind: "invalid_request_error", code: "content_policy_violation",
			message: "Your request was rejected as a result of our safety system."}},
		{"content filter of Azure", "openai", refusal{status: 400, code: "content_filter",
			message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."}},
		{"content filter", "anthropic", refusal{status: 400, kind: "invalid_request_error", message: "Output blocked by content filtering policy"}},
		{"content filter", "xai", refusal{status: 403, code: "The caller does not have permission to execute the specified operation",
			message: "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"}},
	}
	everyWay(t, func(t *testing.T, s sdk, d dialect) {
		t.Parallel()
		for _, c := range words {
			if c.of != d.name() {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				bothForms(t, s, func(t *testing.T, ask func(question) (string, error)) {
					p := newPair(t, d, newFlaky(t, d, meetsWith(d, 1, c.refused), turn{text: sixtyWords()}), "")
					_, err := ask(question{relay: p.testRelay})
					require.Error(t, err)
					failure := s.failure(t, err)
					assert.Equal(t, c.refused.status, failure.status)
					assert.Contains(t, failure.message, c.refused.message)
					p.requireAsked(t, 1, 0)
					text, err := ask(question{relay: p.testRelay})
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
			primary := newFlaky(t, xaiDialect, meetsWith(xaiDialect, 0, isOverloaded), turn{})
			fallback := newFlaky(t, openAIDialect, nil, turn{text: sixtyWords()})
			r := startRelay(t, "channels:\n"+primary.channel("primary", 10, "")+fallback.channel("fallback", 0, ""))
			client := openAIClient(r)
			if stream {
				params := openAIChat()
				params.StreamOptions.IncludeUsage = openaisdk.Bool(true)
				s := client.Chat.Completions.NewStreaming(context.Background(), params)
				model, tokens := "", int64(0)
				for s.Next() {
					model, tokens = s.Current().Model, max(tokens, s.Current().Usage.TotalTokens)
				}
				require.NoError(t, s.Err())
				require.NoError(t, s.Close())
				assert.Equal(t, openAIAnswering, model)
				assert.EqualValues(t, costInput+costOutput, tokens)
			} else {
				answer, err := client.Chat.Completions.New(context.Background(), openAIChat())
				require.NoError(t, err)
				assert.Equal(t, openAIAnswering, answer.Model)
				assert.EqualValues(t, costInput+costOutput, answer.Usage.TotalTokens)
			}
			require.Equal(t, []string{"upstream_status", "completed"}, r.outcomes(2))
			attempts := r.recorded()
			assert.Equal(t, "primary", attempts[0].Channel.Name)
			assert.Zero(t, attempts[0].Usage.Output(), "an attempt that failed cost no completion")
			assert.Equal(t, "fallback", attempts[1].Channel.Name)
			assert.EqualValues(t, costOutput, attempts[1].Usage.Output())
			var asked struct{ Model string }
			require.NoError(t, json.Unmarshal([]byte(fallback.lastText()), &asked))
			assert.Equal(t, "gpt-4o", asked.Model)
		})
	}
}
